"""Shows every mail of a firm in Chromium, two dozen on a sheet, and fails if one of them takes long, runs a script, or
asks for anything of elsewhere. Its console and a proxy that lets nothing through are what tells.

show.py PROGRAM WORK: the mails are in WORK/mails, the pictures come to WORK/pictures.
"""

import html
import http.server
import pathlib
import re
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "browser"))
from chromium import Browser  # noqa: E402
from greffe import Demo  # noqa: E402

program, work = sys.argv[1:3]
ON_A_SHEET = 24
# Of an unoptimised program on a busy machine; docs/benchmarks.md has the figures.
SECONDS_MAX = 10.0
# How long a sheet may go on changing.
SETTLED_SECONDS = 4
# What Chromium asks its maker for, whatever page it shows.
CHROMIUMS_OWN = re.compile(r"(^|\.)(google|googleapis|gstatic|gvt1|chromium)\.(com|org)$")
# What shows that a script is seen that runs, in a frame as well, and a request that is made.
CONTROL = """<script>console.log('RAN')</script><img src='http://control.hostile.example/x'>
<iframe sandbox="allow-scripts" srcdoc="<script>console.log('RAN in a frame')</script>"></iframe>"""
away, asked = [], []


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
    # A page that is closed before it was read breaks a pipe; that is no fault.
    server.handle_error = lambda *_: None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def read(demo):
    """Every mail with its page as greffe gives it, and what took too long."""
    for mail in list(demo.all_of_firm("/messages")):
        for what in ("text", "attachments", "html"):
            began = time.monotonic()
            headers, body = demo.api("GET", f"/firms/{demo.firm}/messages/{mail['id']}/{what}")
            took = time.monotonic() - began
            if took > SECONDS_MAX:
                slow.append(f"{mail['subject']}: {what} took {took:.1f} s")
        pages[mail["id"]] = (headers, body)
        shown.append(mail)


def show(path, picture):
    """What Chromium's console says of a page."""
    page = browser.page(width=1400, height=1640)
    page.open(f"http://127.0.0.1:{sheets}{path}")
    # Two dozen frames are laid out after they are loaded, and what would run late has its time.
    time.sleep(SETTLED_SECONDS)
    page.call("Runtime.evaluate", expression="0")
    page.picture(folder / picture, whole=False)
    return page.said


shown, pages, slow = [], {}, []
folder = pathlib.Path(work) / "pictures"
folder.mkdir(parents=True)
with Demo(program, work, "--mail", f"{work}/mails") as demo:
    read(demo)
    memory = demo.peak_memory()
sheets, proxy = serving(Sheets), serving(Proxy)
where = [f"--proxy-server=127.0.0.1:{proxy}", f"--proxy-bypass-list=<-loopback>;127.0.0.1:{sheets}"]
with Browser(*where) as browser:
    control = show("/control", "control.png")
    seen = "RAN" in control and "RAN in a frame" in control
    if not seen or not any("control.hostile.example" in path for path in away):
        sys.exit(f"a script that runs, or a request that leaves, would not be seen: {control} {away}")
    away.clear()
    said = []
    for sheet in range((len(shown) + ON_A_SHEET - 1) // ON_A_SHEET):
        said += show(f"/sheet/{sheet}", f"sheet-{sheet + 1}.png")
faults = slow + [line for line in said if "RAN" in line] + [f"asked for {path}" for path in asked + away]
print(f"{len(shown)} mails on {sheet + 1} sheets in {folder}; the console has {len(said)} lines; {memory}")
if faults:
    sys.exit("\n".join(faults))
