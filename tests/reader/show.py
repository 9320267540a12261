"""Shows every mail of a firm in Chromium, two dozen on a sheet, and fails if one of them takes long, runs a script, or
asks for anything of elsewhere. Its console and a proxy that lets nothing through are what tells.

show.py GREFFE_URL KEY FIRM FOLDER_OF_PICTURES
"""

import html
import http.server
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

url, key, firm, pictures = sys.argv[1:5]
ON_A_SHEET = 24
# Of an unoptimised program on a busy machine; docs/benchmarks.md has the figures.
SECONDS_MAX = 10.0
# What Chromium asks its maker for, whatever page it shows.
CHROMIUMS_OWN = re.compile(r"(^|\.)(google|googleapis|gstatic|gvt1|chromium)\.(com|org)$")
# What shows that a script is seen that runs, and a request that is made.
CONTROL = "<script>console.log('RAN')</script><img src='http://control.hostile.example/x'>"
away, asked = [], []


def greffe(path):
    request = urllib.request.Request(f"{url}/v1/firms/{firm}/{path}", headers={"Authorization": f"Bearer {key}"})
    began = time.monotonic()
    with urllib.request.urlopen(request) as answer:
        body = answer.read()
    return answer.headers, body, time.monotonic() - began


def messages():
    after = ""
    while True:
        page = json.loads(greffe(f"messages?limit=100{after}")[1])
        yield from page["items"]
        if page["next"] is None:
            return
        after = f"&after={page['next']}"


class Quiet(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class Sheets(Quiet):
    """The pages of mails as greffe gives them, and sheets that show them as an application has to."""

    def do_GET(self):
        kind, _, rest = self.path.lstrip("/").partition("/")
        if self.path == "/control":
            self.answer(200, [("Content-Type", "text/html")], CONTROL.encode())
        elif kind == "sheet":
            start = int(rest) * ON_A_SHEET
            frames = "".join(
                f'<figure><figcaption>{html.escape(mail["subject"][:60])}</figcaption>'
                f'<iframe sandbox="allow-popups" referrerpolicy="no-referrer" src="/mail/{mail["id"]}"></iframe></figure>'
                for mail in shown[start : start + ON_A_SHEET]
            )
            style = "body{display:grid;grid-template-columns:repeat(4,1fr);gap:8px;font:12px sans-serif}figure{margin:0}iframe{width:100%;height:230px;border:1px solid #999}"
            page = f"<!doctype html><meta charset=utf-8><style>{style}</style>{frames}"
            self.answer(200, [("Content-Type", "text/html; charset=utf-8")], page.encode())
        elif kind == "mail" and rest in pages:
            headers, body = pages[rest]
            self.answer(200, [(name, value) for name, value in headers.items() if name.lower() not in ("connection", "transfer-encoding", "content-length")], body)
        else:
            if self.path != "/favicon.ico":
                asked.append(self.path)
            self.answer(404, [], b"")

    do_POST = do_HEAD = do_GET


class Proxy(Quiet):
    """Where each request of elsewhere ends."""

    def do_GET(self):
        host = re.sub(r"^\w+://", "", self.path).split("/")[0].split(":")[0]
        if not CHROMIUMS_OWN.search(host):
            away.append(self.path)
        self.answer(502, [], b"")

    do_POST = do_HEAD = do_CONNECT = do_GET


def serving(handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def chromium(path, picture):
    """What Chromium's console says of a page."""
    with tempfile.TemporaryDirectory() as profile:
        arguments = [
            "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
            f"--user-data-dir={profile}", f"--proxy-server=127.0.0.1:{proxy}",
            f"--proxy-bypass-list=<-loopback>;127.0.0.1:{sheets}", "--enable-logging=stderr", "--window-size=1400,1640",
            "--virtual-time-budget=4000", f"--screenshot={picture}", f"http://127.0.0.1:{sheets}{path}",
        ]
        done = subprocess.run(arguments, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, timeout=120)
    if done.returncode or not pathlib.Path(picture).exists():
        sys.exit(done.stderr.decode(errors="replace"))
    return [line for line in done.stderr.decode(errors="replace").splitlines() if "CONSOLE" in line]


shown, pages, slow = list(messages()), {}, []
for mail in shown:
    for what in ("text", "attachments", "html"):
        headers, body, took = greffe(f"messages/{mail['id']}/{what}")
        if took > SECONDS_MAX:
            slow.append(f"{mail['subject']}: {what} took {took:.1f} s")
    pages[mail["id"]] = (headers, body)
sheets, proxy = serving(Sheets), serving(Proxy)
folder = pathlib.Path(pictures)
folder.mkdir(parents=True, exist_ok=True)

control = chromium("/control", folder / "control.png")
if not any("RAN" in line for line in control) or not any("control.hostile.example" in path for path in away):
    sys.exit(f"a script that runs, or a request that leaves, would not be seen: {control} {away}")
away.clear()

said = []
for sheet in range((len(shown) + ON_A_SHEET - 1) // ON_A_SHEET):
    said += chromium(f"/sheet/{sheet}", folder / f"sheet-{sheet + 1}.png")
faults = slow + [line for line in said if "RAN" in line] + [f"asked for {path}" for path in asked + away]
print(f"{len(shown)} mails on {sheet + 1} sheets in {folder}; the console has {len(said)} lines")
if faults:
    sys.exit("\n".join(faults))
