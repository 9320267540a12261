"""A greffe that runs for a test: the demo, as the built program starts it, and its API."""

import json
import pathlib
import re
import subprocess
import time
import urllib.error
import urllib.request

# How long the demo may take to begin, on a busy machine.
SECONDS_MAX = 120


class Demo:
    """A demo with a data directory of its own, until the end of a `with`."""

    def __init__(self, program, work, *arguments):
        work = pathlib.Path(work)
        self.log = work / "demo.log"
        with open(self.log, "wb") as log:
            command = [program, "demo", "--data", work / "data", *arguments]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + SECONDS_MAX
        while not self.said(r"\n(http\S*/console/enter/\S+)\n"):
            if self.process.poll() is not None or time.monotonic() > end:
                self.process.kill()
                raise SystemExit(f"no demo:\n{self.log.read_text()}")
            time.sleep(0.1)
        self.url = self.said(r"greffe answers on (http://\S+)")
        self.key = self.said(r"the operator's key is (\S+)")
        self.firm = self.said(r"firm: .* \(([0-9a-f-]+)\)")
        self.outlook = self.said(r"(http://\S+/outlook)/")
        self.entry = self.said(r"\n(http\S*/console/enter/\S+)\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)

    def said(self, pattern):
        found = re.search(pattern, self.log.read_text())
        return found and found[1]

    def peak_memory(self):
        """What the process took at most, as Linux tells it."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return re.search(r"VmHWM.*", status)[0]

    def api(self, method, path, body=None):
        """The headers and the body of an answer."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/v1{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{method} {path}: {error.code} {error.read().decode(errors='replace')}") from None

    def ask(self, method, path, body=None):
        """What an operation of the API answers."""
        text = self.api(method, path, body)[1]
        return json.loads(text) if text else None

    def of_firm(self, method, path, body=None):
        return self.ask(method, f"/firms/{self.firm}{path}", body)

    def all_of_firm(self, path):
        """The items of a list, page by page."""
        after = ""
        while True:
            page = self.of_firm("GET", f"{path}?limit=100{after}")
            yield from page["items"]
            if page["next"] is None:
                return
            after = f"&after={page['next']}"
