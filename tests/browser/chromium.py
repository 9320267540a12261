"""Chromium, driven by its own protocol over two pipes: what a person sees, types and presses.

Source: https://chromedevtools.github.io/devtools-protocol/
"""

import base64
import fcntl
import itertools
import json
import os
import pathlib
import select
import subprocess
import tempfile
import time

# How long a page may take, on a busy machine, before something is wrong.
SECONDS_MAX = 30.0
# The element that a person means by what they read on it: a control by its words, its label or its name.
FIND = """
(kind, words, part) => {
  const plain = text => (text || '').replace(/\\s+/g, ' ').trim();
  const seen = element => element.checkVisibility({ visibilityProperty: true }) && !element.disabled;
  const all = selector => [...document.querySelectorAll(selector)]
    .flatMap(within => [...within.querySelectorAll(kind === 'field' ? 'label' : 'button, a[href], summary')]);
  const found = all(part)
    .map(element => (kind === 'field' ? [element.control, element.innerText] : [element, element.ariaLabel || element.innerText]))
    .filter(([element]) => element && seen(element)).map(([element, text]) => [element, plain(text)]);
  const hit = found.find(([, text]) => text === words) || found.find(([, text]) => text.includes(words));
  return hit ? hit[0] : null;
}
"""


class Failed(Exception):
    """Something is not as it has to be."""


class Browser:
    """A Chromium of its own, without a past."""

    def __init__(self, *arguments):
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        # The ends that Chromium takes are its descriptors 3 and 4, and may not lie there before.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (*os.pipe(), *os.pipe())]
        theirs_in, self.to, self.out, theirs_out = ends

        def place():
            os.dup2(theirs_in, 3)
            os.dup2(theirs_out, 4)

        command = [
            "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
            "--disable-dev-shm-usage", "--force-color-profile=srgb", "--font-render-hinting=none",
            f"--user-data-dir={self.profile.name}", "--remote-debugging-pipe", *arguments,
        ]
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen(
            command, preexec_fn=place, close_fds=False, stdin=quiet, stdout=quiet, stderr=quiet
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self.numbers, self.read, self.answers, self.pages = itertools.count(1), b"", {}, {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)
        self.profile.cleanup()

    def page(self, beside=None, **how):
        """A page of a person of their own: no cookie of another page is there. `beside`: another tab of that page."""
        context = beside.context if beside else self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session, **how)
        page.context = context
        return page

    def send(self, method, session=None, **params):
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        text = json.dumps(message).encode() + b"\0"
        while text:
            text = text[os.write(self.to, text):]
        return number

    def answered(self, numbers):
        """Waits until all of these are."""
        end = time.monotonic() + 2 * SECONDS_MAX
        while not self.answers.keys() >= set(numbers):
            self.pump(end - time.monotonic())

    def call(self, method, session=None, **params):
        number = self.send(method, session, **params)
        self.answered([number])
        answer = self.answers.pop(number)
        if "error" in answer:
            raise Failed(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def pump(self, seconds):
        """Reads what Chromium says, for `seconds` at most."""
        if seconds <= 0 or not select.select([self.out], [], [], seconds)[0]:
            raise Failed("Chromium does not answer")
        read = os.read(self.out, 1 << 20)
        if not read:
            raise Failed("Chromium ended")
        *messages, self.read = (self.read + read).split(b"\0")
        for message in map(json.loads, messages):
            if "id" in message:
                self.answers[message["id"]] = message
            elif message.get("sessionId") in self.pages:
                self.pages[message["sessionId"]].heard(message)


class Page:
    """A page. `steps`: how often a person pressed or typed. `language`: what the browser asks for; `scripts`: whether pages may run any; `dark`: the person's theme."""

    def __init__(self, browser, session, language="en", scripts=True, dark=False, width=1600, height=900):
        self.browser, self.session, self.said, self.loaded, self.steps = browser, session, [], 0, 0
        self.language, self.scripts, self.height = language, scripts, height
        browser.pages[session] = self
        self.listen(session)
        self.call("Page.enable")
        agent = browser.call("Browser.getVersion")["userAgent"]
        self.call("Emulation.setUserAgentOverride", userAgent=agent, acceptLanguage=language)
        if not scripts:
            self.call("Emulation.setScriptExecutionDisabled", value=True)
        self.look(width, dark)

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def listen(self, session):
        """Also to frames, from their first line on."""
        for method in ("Runtime.enable", "Log.enable"):
            self.browser.send(method, session)
        how = {"autoAttach": True, "waitForDebuggerOnStart": True, "flatten": True}
        self.browser.send("Target.setAutoAttach", session, **how)
        self.browser.send("Runtime.runIfWaitingForDebugger", session)

    def heard(self, message):
        method, params = message["method"], message["params"]
        if method == "Target.attachedToTarget":
            self.browser.pages[params["sessionId"]] = self
            self.listen(params["sessionId"])
        elif method == "Page.loadEventFired":
            self.loaded += 1
        elif method == "Log.entryAdded":
            self.said.append(f"{params['entry'].get('url', '')}: {params['entry']['text']}")
        elif method == "Runtime.consoleAPICalled":
            self.said.append(" ".join(str(argument.get("value", "")) for argument in params["args"]))
        elif method == "Runtime.exceptionThrown":
            self.said.append(params["exceptionDetails"]["text"])

    def slow(self, seconds):
        """Each answer takes so long."""
        self.call("Network.enable")
        how = {"offline": False, "latency": seconds * 1_000, "downloadThroughput": -1, "uploadThroughput": -1}
        self.call("Network.emulateNetworkConditions", **how)

    def look(self, width=None, dark=None):
        """Changes the width of the window, or the theme."""
        if width is not None:
            size = {"width": width, "height": self.height, "deviceScaleFactor": 1, "mobile": False}
            self.call("Emulation.setDeviceMetricsOverride", **size)
        if dark is not None:
            theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
            still = {"name": "prefers-reduced-motion", "value": "reduce"}
            self.call("Emulation.setEmulatedMedia", features=[theme, still])

    def open(self, address):
        """Goes there, and waits until all of it is there."""
        before = self.loaded
        failure = self.call("Page.navigate", url=address).get("errorText")
        if failure:
            raise Failed(f"{address}: {failure}")
        end = time.monotonic() + SECONDS_MAX
        while self.loaded == before:
            self.browser.pump(end - time.monotonic())

    def run(self, script):
        """What a script of the test comes to; pages may have theirs switched off."""
        how = {"returnByValue": True, "awaitPromise": True, "allowUnsafeEvalBlockedByCSP": False}
        done = self.call("Runtime.evaluate", expression=script, **how)
        if "exceptionDetails" in done:
            raise Failed(done["exceptionDetails"].get("exception", {}).get("description", "a script failed"))
        return done["result"].get("value")

    def wait(self, script, what):
        """Until `script` is true: a page may be on its way."""
        end = time.monotonic() + SECONDS_MAX
        while True:
            try:
                found = self.run(script)
                if found:
                    return found
            except Failed:
                # A page went away under it.
                pass
            if time.monotonic() > end:
                raise Failed(f"{what} is not at {self.address()}:\n{self.run('document.body.innerText')}")
            time.sleep(0.05)

    def address(self):
        return self.run("location.href")

    def text(self):
        """What a person reads there."""
        return self.run("document.body.innerText")

    def at(self, kind, words, part):
        """The middle of what a person means by `words`, within the part of the page that a selector names."""
        script = f"""(() => {{
            const element = ({FIND})({json.dumps(kind)}, {json.dumps(words)}, {json.dumps(part)});
            if (!element) return null;
            element.scrollIntoView({{ block: 'center' }});
            const box = element.getBoundingClientRect();
            return [box.x + Math.min(box.width / 2, 60), box.y + box.height / 2];
        }})()"""
        return self.wait(script, f"“{words}”")

    def point(self, kind, words, part="body", clicks=1):
        """Presses with the mouse: what can't be hit by it isn't pressed."""
        x, y = self.at(kind, words, part)
        self.steps += 1
        sent = [
            self.browser.send("Input.dispatchMouseEvent", self.session, type=what, x=x, y=y, button="left", clickCount=click)
            for click in range(1, clicks + 1) for what in ("mousePressed", "mouseReleased")
        ]
        self.browser.answered(sent)

    def press(self, words, part="body"):
        """The button or the link that says so."""
        self.point("press", words, part)

    def go(self, words, part="body"):
        """Presses what leads to another page, and waits for it."""
        before = self.loaded
        self.press(words, part)
        end = time.monotonic() + SECONDS_MAX
        while self.loaded == before:
            self.browser.pump(end - time.monotonic())

    def tick(self, label, part="body"):
        """The box or the choice with that label."""
        self.point("field", label, part)

    def fill(self, label, text, part="body"):
        """Types into the field with that label, in place of what was there."""
        self.point("field", label, part)
        self.run("document.activeElement.select && document.activeElement.select()")
        self.call("Input.insertText", text=text)

    def key(self, name, text=""):
        """Presses a key."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, text=text if kind == "keyDown" else "")

    def shows(self, words):
        """Waits for words on the page."""
        self.wait(f"document.body.innerText.includes({json.dumps(words)})", f"“{words}”")

    def picture(self, file, whole=True):
        """A PNG of the window, or of the whole page."""
        how = {"format": "png"}
        if whole:
            high = min(self.run("document.documentElement.scrollHeight"), 6_000)
            wide = self.run("innerWidth")
            how |= {"captureBeyondViewport": True, "clip": {"x": 0, "y": 0, "width": wide, "height": high, "scale": 1}}
        pathlib.Path(file).write_bytes(base64.b64decode(self.call("Page.captureScreenshot", **how)["data"]))
