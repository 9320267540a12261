#!/usr/bin/env python3
# Checks the proofs of mails, in the folder of their files. It needs Python 3 and OpenSSL 3, and nothing of greffe.
import base64, hashlib, json, subprocess, sys, tempfile
from pathlib import Path
def sha256(*parts): return hashlib.sha256(b"".join(parts)).digest()
def demand(holds, what): holds or sys.exit("NOT PROVED: " + what)
sys.excepthook = lambda kind, error, trace: print("NOT PROVED:", error, file=sys.stderr)
signed, _, signers = Path("checkpoint.txt").read_bytes().partition(b"\n\n")  # c2sp.org/tlog-checkpoint
origin, size, root = signed.split(b"\n")[:3]
demand(keys := Path("key.txt").read_bytes().split(), "key.txt names no key")
for key in keys:  # c2sp.org/signed-note
    (name, number, public), folder = key.split(b"+", 2), tempfile.mkdtemp()
    own = [base64.b64decode(line[2]) for line in map(bytes.split, signers.splitlines()) if line[1] == name == origin]
    own = b"".join(signature[4:] for signature in own if signature[:4].hex().encode() == number)
    public = bytes.fromhex("302a300506032b6570032100") + base64.b64decode(public)[1:]
    for file, data in ("key", public), ("text", signed + b"\n"), ("sig", own): Path(folder, file).write_bytes(data)
    verify = "openssl pkeyutl -verify -pubin -keyform DER -inkey key -rawin -in text -sigfile sig"
    checked = subprocess.run(verify.split(), cwd=folder, capture_output=True)
    demand(checked.returncode == 0, f"the log is not signed by the key {key.decode()}")
    print("signed by the key", key.decode())
demand(Path("key.pem").read_bytes().split(b"\n")[1] == base64.b64encode(public), "key.pem is not the last of the keys")
for place in sorted(Path("mails").glob("*")) or [Path()]:
    file, fact, entry = place / "original.eml", place / "fact.json", (place / "entry.json").read_bytes()
    mail, said = file.read_bytes(), json.loads(entry)
    demand(said["sha256"] == sha256(mail).hex(), f"{file} is not the mail that entry.json names")
    demand(not fact.exists() or sha256(fact.read_bytes()).hex() == said.get("fact"), f"{fact} is another fact")
    way, _, checkpoint = (place / "proof.txt").read_bytes().partition(b"\n\n")  # c2sp.org/tlog-proof
    demand(checkpoint == Path("checkpoint.txt").read_bytes(), "checkpoint.txt is not that of proof.txt")
    title, index, *hashes = way.split(b"\n")
    number, last, node = int(index.split()[1]), int(size) - 1, sha256(b"\0", entry)
    demand(title == b"c2sp.org/tlog-proof@v1" and said["number"] == number + 1 <= int(size), "proof.txt is of another")
    for other in map(base64.b64decode, hashes):  # RFC 9162, 2.1.3.2
        demand(last > 0, "proof.txt has too many hashes")
        is_right = number & 1 or number == last
        node = sha256(b"\1", *((other, node) if is_right else (node, other)))
        while is_right and number and not number & 1: number, last = number >> 1, last >> 1
        number, last = number >> 1, last >> 1
    demand(last == 0 and node == base64.b64decode(root), entry.decode() + " is not in the log that was signed")
    told = f"entry {said['number']} of {size.decode()}, {len(mail)} bytes, archived"
    print("PROVED:", file, "is", told, said.get("archived_at", said["at"]))
