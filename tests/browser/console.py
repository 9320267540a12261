"""The console in Chromium: journeys of people, and every page as it looks.

console.py [--short] PROGRAM WORK: `--short` makes one journey and no more. What is seen lies in WORK/pictures.
"""

import concurrent.futures
import http.server
import pathlib
import re
import sys
import threading
import time

from chromium import Browser, Failed
from greffe import Demo

ROOT = pathlib.Path(__file__).resolve().parents[2]
WIDTHS = (1600, 360)
ADA = "ada.lambert@lumen.example"
BOB = "bob@lumen.example"
# What a browser may say: a page that is not there answers 404.
MAY_SAY = re.compile(r"/nothing: .*404")
# Green is greener than red or blue: the mark of a filed mail.
COLORS = """
subject => [...document.querySelectorAll('tr')].filter(row => row.innerText.includes(subject))
  .flatMap(row => [...row.querySelectorAll('.category')])
  .map(mark => getComputedStyle(mark).backgroundColor.match(/\\d+/g).map(Number))
"""


def texts(language):
    """The console's own words in a language, by key; those with numbers or names are left out."""
    file = ROOT / f"functions/console/texts/{language}.ftl"
    return dict(re.findall(r"^([a-z][a-z-]*) = ([^{}\n]+)$", file.read_text(encoding="utf-8"), re.M))


def enter(demo, page, link, account):
    """By a link of the firm, as a person who signs in at Microsoft."""
    t = texts(page.language)
    page.open(link)
    page.go(t["sign-in-button"])
    page.tick(account)
    page.go("Accept")
    page.shows(t["home-in"])


def invitation(demo, firm, role="administrator"):
    return demo.ask("POST", f"/firms/{firm}/invitations", {"role": role})["url"]


def mark(outlook, subject):
    """The colours of a mail's categories in Outlook."""
    return outlook.run(f"({COLORS})({subject!r})")


def is_green(color):
    red, green, blue = color[:3]
    return green > red + 20 and green > blue + 20


def receive(demo, outlook, account, subject, text):
    outlook.open(f"{demo.outlook}/{account}")
    outlook.fill("Subject", subject)
    outlook.fill("Text", text)
    outlook.go("Receive it")


def until(what, step):
    """Repeats a step until it comes to something: mail takes its seconds."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found = step()
        if found:
            return found
        time.sleep(0.3)
    raise Failed(f"never: {what}")


def find_and_file(demo, page, outlook, account, number):
    """A mail comes; a person finds it by a word of its text, files it, and sees it green in Outlook."""
    t = texts(page.language)
    subject, word = f"Rendez-vous {number}", f"Zwaluw{number}"
    receive(demo, outlook, account, subject, f"Notre référence est {word}.")
    page.go(t["documents"])

    def found():
        page.fill(t["search-text"], word)
        # Where scripts run, the list follows what is typed.
        if not page.scripts:
            page.go(t["search"])
        return subject in page.text()

    until(f"a mail with {word}", found)
    page.go(subject)
    page.fill(t["file-in"], f"2026/{number}", ".reader")
    page.go(t["file"], ".reader")
    page.shows(f"2026/{number}")

    def green():
        outlook.open(f"{demo.outlook}/{account}")
        return any(is_green(color) for color in mark(outlook, subject))

    until(f"“{subject}” is green", green)


def journey(browser, demo, language, scripts, number):
    """From the demo's link to a mail that is found, filed and green."""
    page = browser.page(language=language, scripts=scripts, width=1280)
    link = demo.entry if number == 1 else invitation(demo, demo.firm)
    enter(demo, page, link, ADA)
    find_and_file(demo, page, browser.page(), ADA, number)
    return page


def first_run(browser, demo, language, scripts, number):
    """A new firm, from an invitation to the first kept mail, by the pages alone."""
    t = texts(language)
    body = {"name": f"Kantoor {number}", "domains": [], "language": language, "time_zone": "Europe/Brussels"}
    firm = demo.ask("POST", "/firms", body)["id"]
    page = browser.page(language=language, scripts=scripts, width=1280)
    enter(demo, page, invitation(demo, firm), ADA)
    page.shows(t["first-title"])
    page.go(t["first-do"])
    page.go(t["connector-create"])
    page.go(t["connect-microsoft"])
    page.tick(ADA)
    page.go("Accept")
    page.open(f"{demo.url}/console/firms/{firm}")
    page.go(t["first-do"])
    page.fill(t["mailbox-address"], ADA)
    page.go(t["mailbox-add"])
    page.go(t["folders-choose"])
    page.tick("Inbox")
    page.go(t["folders-see"])
    page.go(t["folders-store"])
    page.go(t["rules-change"])
    page.go(t["store"])
    page.go(t["mailbox-activate"])
    until("the mailbox is complete", lambda: page.open(page.address()) or t["mailbox-complete"] in page.text())
    find_and_file(demo, page, browser.page(), ADA, number)


class Application(http.server.BaseHTTPRequestHandler):
    """A business application that takes every second event."""

    count = 0

    def do_POST(self):
        Application.count += 1
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(204 if Application.count % 2 else 500)
        self.end_headers()

    def log_message(self, *_):
        pass


def furnish(demo):
    """Puts into the demo's firm what its own story leaves out, so that every page has something to show. Returns ids."""
    ask = demo.of_firm
    connector = ask("GET", "/connectors")["items"][0]["id"]
    mailbox = ask("GET", "/mailboxes")["items"][0]["id"]
    ask("POST", "/connectors", {"name": "Toute la maison", "access": "organization", "app": None})
    app = {"tenant_id": "lumen.example", "client_id": "5f2c4c1e-7d0b-4b53-9d6e-2f6a3f0c9a12", "client_secret": "geheim"}
    own = ask("POST", "/connectors", {"name": "Notre propre application", "access": "delegated", "app": app})["id"]
    switches = {"dates": True, "contacts": True, "target": "calendar"}
    ask("PATCH", f"/connectors/{connector}", {"dates": True, "contacts": True})
    member = ask("POST", "/members", {"name": "Ada Lambert", "address": ADA, "connector": connector, "push": switches})
    for number, (kind, title, start) in enumerate([
        ("appointment", "Consultation Dubois", "2027-01-11T09:30:00"),
        ("deadline", "Conclusions en appel", "2027-01-15T17:00:00"),
        ("reminder", "Relancer l’expert " + "très " * 30 + "lentement", "2027-01-20T08:00:00"),
    ]):
        date = {"kind": kind, "title": title, "start": start, "members": [member["id"]], "version": 1, "dossier": "2026/7"}
        if kind == "appointment":
            date["end"] = "2027-01-11T10:30:00"
        ask("PUT", f"/dates/D-{number}", date)
    for number, (name, email) in enumerate([("Greffe du tribunal", "greffe@court.example"), ("מרים כהן", "m@cohen.example")]):
        ask("PUT", f"/contacts/C-{number}", {"name": name, "emails": [email], "members": [member["id"]], "version": 1})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Application)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    webhook = ask("POST", "/webhooks", {"url": f"http://127.0.0.1:{server.server_port}/greffe"})["id"]
    for _ in range(2):
        ask("POST", f"/webhooks/{webhook}/send", {"kind": "test"})
    ask("PUT", f"/mailboxes/{mailbox}/grant", {"since": "2025-01-01", "until": None})
    ask("POST", f"/mailboxes/{mailbox}/reconcile", {"dry_run": True})
    invitation(demo, demo.firm, "reader")
    message = ask("GET", "/messages?limit=1&q=contract")["items"] or ask("GET", "/messages?limit=1")["items"]
    return {
        "connector": connector, "own": own, "mailbox": mailbox, "member": member["id"], "webhook": webhook,
        "message": message[0]["id"],
    }


def pages_of(demo, ids):
    """Every page of a firm: what it is called in pictures, and its address."""
    below = {
        "home": "", "documents": "/documents", "documents-none-found": "/documents?q=nothingofthekind",
        "document": f"/documents/{ids['message']}", "mailboxes": "/mailboxes", "mailbox": f"/mailboxes/{ids['mailbox']}",
        "mailbox-new": "/mailboxes/new", "folders": f"/mailboxes/{ids['mailbox']}/folders",
        "rules": f"/mailboxes/{ids['mailbox']}/rules", "connectors": "/connectors",
        "connector": f"/connectors/{ids['connector']}", "connector-own": f"/connectors/{ids['own']}",
        "connector-new": "/connectors/new", "members": "/members", "member": f"/members/{ids['member']}",
        "member-new": "/members/new", "dates": "/entries/dates", "contacts": "/entries/contacts",
        "webhooks": "/webhooks", "webhook": f"/webhooks/{ids['webhook']}", "people": "/people", "activity": "/activity",
        "no-page": "/nothing",
    }
    return {name: f"{demo.url}/console/firms/{demo.firm}{path}" for name, path in below.items()}


class Walk:
    """Looks at pages in both themes and widths, and keeps what is wrong with them."""

    def __init__(self, axe, pictures):
        self.axe, self.pictures, self.faults, self.seen = axe, pictures, [], 0

    def see(self, page, name, address=None):
        """At `address`, or where the page is."""
        page.said.clear()
        if address:
            page.open(address)
        page.run(self.axe)
        for dark in (False, True):
            for width in WIDTHS:
                page.look(width, dark)
                self.judge(page, f"{name}-{width}-{'dark' if dark else 'light'}")
        self.faults += [f"{name}: {line}" for line in page.said if not MAY_SAY.search(line)]

    def judge(self, page, name):
        page.picture(self.pictures / f"{name}.png")
        self.seen += 1
        wide = page.run("[document.documentElement.scrollWidth, innerWidth]")
        if wide[0] > wide[1]:
            self.faults.append(f"{name}: {wide[0]} px wide in a window of {wide[1]}")
        found = page.run("axe.run(document, { iframes: false }).then(result => result.violations)")
        for violation in found:
            where = "; ".join(node["html"][:160] for node in violation["nodes"][:3])
            self.faults.append(f"{name}: {violation['id']}: {violation['help']}: {where}")


def walk(browser, demo, ids, walked):
    """Every page of the firm, of who comes and goes, of the operator, and of the simulated tenant."""
    page = browser.page(language="fr")
    link = invitation(demo, demo.firm)
    walked.see(page, "invitation", link)
    enter(demo, page, link, ADA)
    for name, address in pages_of(demo, ids).items():
        walked.see(page, name, address)
    page.open(f"{demo.url}/console/firms/{demo.firm}/mailboxes/{ids['mailbox']}/folders")
    page.go(texts("fr")["folders-see"])
    walked.see(page, "folders-outcome")
    guest = browser.page(language="de")
    walked.see(guest, "sign-in", f"{demo.url}/console/sign-in")
    operator = browser.page(language="nl")
    link = demo.ask("POST", "/operator-links", {})["url"]
    walked.see(operator, "operator-enter", link)
    operator.go(texts("nl")["operator-button"])
    walked.see(operator, "operator", f"{demo.url}/console/operator")
    walked.see(operator, "operators-mailbox", f"{demo.url}/console/firms/{demo.firm}/mailboxes/{ids['mailbox']}")
    tenant = browser.page(language="en")
    walked.see(tenant, "outlook", f"{demo.outlook}/{ADA}")
    walked.see(tenant, "mishaps", demo.outlook.replace("/outlook", "/admin"))
    walked.see(tenant, "welcome", demo.url)


def main():
    short = "--short" in sys.argv
    program, work = [argument for argument in sys.argv[1:] if argument != "--short"]
    work = pathlib.Path(work)
    pictures = work / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    with Demo(program, work) as demo:
        with Browser() as browser:
            journey(browser, demo, "nl", True, 1)
        print("a mail was found, filed and seen green in Outlook")
        if short:
            return
        axe = (work / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")
        with concurrent.futures.ThreadPoolExecutor() as side_by_side:
            journeys, looked = side_by_side.submit(travel, demo), side_by_side.submit(look, demo, axe, pictures)
            faults = looked.result()
            journeys.result()
    if faults:
        sys.exit("\n".join(faults))


def travel(demo):
    """The other journeys."""
    with Browser() as browser:
        journey(browser, demo, "fr", True, 2)
        journey(browser, demo, "nl", False, 3)
        journey(browser, demo, "fr", False, 4)
        for number, language in enumerate(["nl", "fr", "en", "de"], 5):
            first_run(browser, demo, language, language != "en", number)
    print("three more journeys, and the first run of four firms")


def look(demo, axe, pictures):
    """What is wrong with the pages."""
    walked = Walk(axe, pictures)
    with Browser() as browser:
        walk(browser, demo, furnish(demo), walked)
    print(f"{walked.seen} pictures of pages in {pictures}")
    return walked.faults


main()
