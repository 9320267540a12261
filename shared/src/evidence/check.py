#!/usr/bin/env python3
# Checks the proof of one mail, in the folder of its files. It needs Python 3 and OpenSSL 3, and nothing of greffe.
import base64, hashlib, json, os, subprocess, sys, tempfile
def sha256(*parts): return hashlib.sha256(b"".join(parts)).digest()
def demand(holds, what): holds or sys.exit("NOT PROVED: " + what)
def read(name): return open(name, "rb").read()
entry, mail = read("entry.json"), read("original.eml")
said = json.loads(entry)
demand(said["sha256"] == sha256(mail).hex(), "original.eml is not the mail that entry.json names")
fact = sha256(read("fact.json")).hex() if os.path.exists("fact.json") else None
demand(fact in (None, said.get("fact")), "fact.json is not the fact that entry.json names")
way, _, checkpoint = read("proof.txt").partition(b"\n\n")  # c2sp.org/tlog-proof
text, _, signatures = checkpoint.partition(b"\n\n")  # c2sp.org/tlog-checkpoint
demand(checkpoint == read("checkpoint.txt"), "checkpoint.txt is not that of proof.txt")
(origin, size, root), (title, index, *hashes) = text.split(b"\n")[:3], way.split(b"\n")
place, last, node = int(index.split()[1]), int(size) - 1, sha256(b"\0", entry)
demand(title == b"c2sp.org/tlog-proof@v1", "proof.txt is no proof")
demand(said["number"] == place + 1 <= int(size), "proof.txt is of another entry")
for other in map(base64.b64decode, hashes):  # RFC 9162, 2.1.3.2
    demand(last > 0, "proof.txt has too many hashes")
    is_right = place & 1 or place == last
    node = sha256(b"\1", other, node) if is_right else sha256(b"\1", node, other)
    while is_right and place and not place & 1: place, last = place >> 1, last >> 1
    place, last = place >> 1, last >> 1
demand(last == 0 and node == base64.b64decode(root), "entry.json is not in the log that was signed")
for key in read("key.txt").split():  # c2sp.org/signed-note
    (name, number, public), folder = key.split(b"+", 2), tempfile.mkdtemp()
    lines = [line.split()[1:] for line in signatures.splitlines()]
    signed = [base64.b64decode(line) for signer, line in lines if signer == name == origin]
    signed = b"".join(signature[4:] for signature in signed if signature[:4].hex().encode() == number)
    public = bytes.fromhex("302a300506032b6570032100") + base64.b64decode(public)[1:]
    for file, content in (("key", public), ("text", text + b"\n"), ("signature", signed)):
        with open(os.path.join(folder, file), "wb") as written: written.write(content)
    verify = "openssl pkeyutl -verify -pubin -keyform DER -inkey key -rawin -in text -sigfile signature"
    checked = subprocess.run(verify.split(), cwd=folder, capture_output=True)
    demand(checked.returncode == 0, "the log is not signed by the key " + key.decode())
    print("signed by the key", key.decode())
archived = said.get("archived_at", said["at"])
print(f"PROVED: original.eml is entry {said['number']} of {size.decode()}, {len(mail)} bytes, archived {archived}")
