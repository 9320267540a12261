#!/usr/bin/env python3
# Checks the proofs of mails, in the folder of their files. It needs Python 3 and OpenSSL 3, and nothing of greffe.
import base64, glob, hashlib, json, os, subprocess, sys, tempfile
def sha256(*parts): return hashlib.sha256(b"".join(parts)).digest()
def demand(holds, what): holds or sys.exit("NOT PROVED: " + what)
def read(*name): return open(os.path.join(*name), "rb").read()
signed, _, signatures = read("checkpoint.txt").partition(b"\n\n")  # c2sp.org/tlog-checkpoint
origin, size, root = signed.split(b"\n")[:3]
keys = read("key.txt").split()
demand(keys, "key.txt names no key")
for key in keys:  # c2sp.org/signed-note
    (name, number, public), folder = key.split(b"+", 2), tempfile.mkdtemp()
    lines = [line.split()[1:] for line in signatures.splitlines()]
    own = [base64.b64decode(line) for signer, line in lines if signer == name == origin]
    own = b"".join(signature[4:] for signature in own if signature[:4].hex().encode() == number)
    public = bytes.fromhex("302a300506032b6570032100") + base64.b64decode(public)[1:]
    for file, content in (("key", public), ("text", signed + b"\n"), ("signature", own)):
        with open(os.path.join(folder, file), "wb") as written: written.write(content)
    verify = "openssl pkeyutl -verify -pubin -keyform DER -inkey key -rawin -in text -sigfile signature"
    checked = subprocess.run(verify.split(), cwd=folder, capture_output=True)
    demand(checked.returncode == 0, "the log is not signed by the key " + key.decode())
    print("signed by the key", key.decode())
for place in sorted(glob.glob("mails/*")) or [""]:
    file, entry = os.path.join(place, "original.eml"), read(place, "entry.json")
    mail, said = read(file), json.loads(entry)
    demand(said["sha256"] == sha256(mail).hex(), file + " is not the mail that entry.json names")
    fact = sha256(read(place, "fact.json")).hex() if "fact.json" in os.listdir(place or ".") else None
    demand(fact in (None, said.get("fact")), "fact.json is not the fact that entry.json names: " + place)
    way, _, checkpoint = read(place, "proof.txt").partition(b"\n\n")  # c2sp.org/tlog-proof
    demand(checkpoint == read("checkpoint.txt"), "checkpoint.txt is not that of proof.txt")
    title, index, *hashes = way.split(b"\n")
    number, last, node = int(index.split()[1]), int(size) - 1, sha256(b"\0", entry)
    demand(title == b"c2sp.org/tlog-proof@v1" and said["number"] == number + 1 <= int(size), "proof.txt is of another")
    for other in map(base64.b64decode, hashes):  # RFC 9162, 2.1.3.2
        demand(last > 0, "proof.txt has too many hashes")
        is_right = number & 1 or number == last
        node = sha256(b"\1", other, node) if is_right else sha256(b"\1", node, other)
        while is_right and number and not number & 1: number, last = number >> 1, last >> 1
        number, last = number >> 1, last >> 1
    demand(last == 0 and node == base64.b64decode(root), entry.decode() + " is not in the log that was signed")
    told = f"entry {said['number']} of {size.decode()}, {len(mail)} bytes, archived"
    print("PROVED:", file, "is", told, said.get("archived_at", said["at"]))
