"""The console in Chromium: journeys of people, and every page as it looks.

console.py [--short | --guide] PROGRAM WORK: `--short` makes one journey and no more; `--guide` makes the pictures of
docs/administrator.md anew. What is seen lies in WORK/pictures.
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
# From the demo's link to a mail that is found and filed, without the two sides' waiting.
STEPS_MAX = 9
ADA = "ada.lambert@lumen.example"
# What a browser may say: a page that is not there answers 404, a search that is refused 400.
MAY_SAY = re.compile(r"/nothing: .*404|=nothing: .*400|/connectors/\S+: .*400")
# Green is greener than red or blue: the mark of a filed mail.
COLORS = """
subject => [...document.querySelectorAll('tr')].filter(row => row.innerText.includes(subject))
  .flatMap(row => [...row.querySelectorAll('.category')])
  .map(mark => getComputedStyle(mark).backgroundColor.match(/\\d+/g).map(Number))
"""


# What the simulated sign-in says on the button that consents.
ACCEPT = {"en": "Accept", "fr": "Accepter", "nl": "Accepteren", "de": "Akzeptieren"}
CANCEL = {"en": "Cancel", "fr": "Annuler", "nl": "Annuleren", "de": "Abbrechen"}


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
    page.go(ACCEPT[page.language])
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
        # Where scripts run, the list follows what is typed; a person looks at it before they type again.
        if not page.scripts:
            page.go(t["search"])
        end = time.monotonic() + (2 if page.scripts else 0)
        while subject not in page.text() and time.monotonic() < end:
            time.sleep(0.1)
        return subject in page.text()

    before = page.steps
    until(f"a mail with {word}", found)
    # Who waits a moment types once.
    page.steps = before + (1 if page.scripts else 2)
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
    began = time.monotonic()
    enter(demo, page, link, ADA)
    find_and_file(demo, page, browser.page(), ADA, number)
    if page.steps > STEPS_MAX:
        raise Failed(f"{page.steps} steps")
    return f"{page.steps} steps, {time.monotonic() - began:.0f} s"


def first_run(browser, demo, language, scripts, number):
    """A new firm, from an invitation to the first kept mail, by the pages alone."""
    t = texts(language)
    # Microsoft keeps one subscription of an app for a mailbox: two firms that watch one would not hear at once.
    person = f"{language}@lumen.example"
    demo.in_tenant(do="add_user", address=person)
    body = {"name": f"Kantoor {number}", "domains": [], "language": language, "time_zone": "Europe/Brussels"}
    firm = demo.ask("POST", "/firms", body)["id"]
    page = browser.page(language=language, scripts=scripts, width=1280)
    enter(demo, page, invitation(demo, firm), person)
    page.shows(t["first-title"])
    page.go(t["first-do"])
    page.go(t["connector-create"])
    page.go(t["connect-microsoft"])
    page.tick(person)
    page.go(ACCEPT[page.language])
    page.open(f"{demo.url}/console/firms/{firm}")
    page.go(t["first-do"])
    page.fill(t["mailbox-address"], person)
    page.go(t["mailbox-add"])
    page.go(t["folders-choose"])
    page.tick("Inbox")
    page.go(t["folders-see"])
    page.go(t["folders-store"])
    page.go(t["rules-change"])
    page.go(t["store"])
    page.go(t["mailbox-activate"])
    until("the mailbox is complete", lambda: page.open(page.address()) or t["mailbox-complete"] in page.text())
    find_and_file(demo, page, browser.page(), person, number)


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
    link = ask("POST", "/connectors", {"name": "Accueil", "access": "delegated", "app": None})["connect_url"]
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
    for number, (name, email) in enumerate([
        ("Greffe du tribunal", "greffe@court.example"), ("מרים כהן", "m@cohen.example"),
        ("Serrurerie Delvaux", "client@acme.example"),
    ]):
        contact = {"name": name, "emails": [email], "members": [member["id"]], "version": 1, "dossier": "2026/14"}
        ask("PUT", f"/contacts/C-{number}", contact)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Application)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    webhook = ask("POST", "/webhooks", {"url": f"http://127.0.0.1:{server.server_port}/greffe"})["id"]
    for _ in range(2):
        ask("POST", f"/webhooks/{webhook}/send", {"kind": "test"})
    ask("PUT", f"/mailboxes/{mailbox}/dossiers", {"folder": "sentitems", "dossier": "2026/21"})
    ask("PUT", f"/mailboxes/{mailbox}/grant", {"since": "2025-01-01", "until": None})
    ask("POST", f"/mailboxes/{mailbox}/reconcile", {"dry_run": True})
    invitation(demo, demo.firm, "reader")
    periods = {"default_years": 7, "classes": [{"name": "Fiscalité", "years": 10}], "reason": "Déontologie"}
    ask("PUT", "/retention", periods)
    ask("PUT", "/retention/dossiers", {"dossier": "2026/14", "class": "Fiscalité", "reason": "Affaire fiscale"})
    ask("PUT", "/holds", {"dossier": "2026/7", "held": True, "reason": "L’affaire est pendante"})

    def erasure(target):
        body = {"target": target, "asked_by": "Ada Lambert", "reason": "Publicités gardées par erreur"}
        return ask("POST", "/erasures", body)["id"]

    sender = next(mail["from"] for mail in ask("GET", "/messages?limit=50")["items"] if mail["from"] and not mail["dossier"])
    erasable = erasure({"kind": "sender", "from": sender, "mailbox": None})
    refused = erasure({"kind": "mailbox", "mailbox": mailbox})
    for order in (erasable, refused):
        until("a preview", lambda: ask("GET", f"/erasures/{order}")["progress"]["state"] != "requested")
    message = ask("GET", "/messages?limit=1&q=contract")["items"] or ask("GET", "/messages?limit=1")["items"]
    return {
        "connector": connector, "own": own, "mailbox": mailbox, "member": member["id"], "webhook": webhook,
        "message": message[0]["id"], "link": link, "erasable": erasable, "refused": refused,
    }


def pages_of(demo, ids):
    """Every page of a firm: what it is called in pictures, and its address."""
    below = {
        "home": "", "documents": "/documents", "documents-none-found": "/documents?q=nothingofthekind",
        "documents-found": "/documents?q=facture", "document-found": f"/documents/{ids['message']}?q=contract",
        "documents-refused": "/documents?mailbox=nothing", "proposals": "/proposals", "failed": "/failed",
        "document": f"/documents/{ids['message']}", "mailboxes": "/mailboxes", "mailbox": f"/mailboxes/{ids['mailbox']}",
        "mailbox-new": "/mailboxes/new", "folders": f"/mailboxes/{ids['mailbox']}/folders",
        "rules": f"/mailboxes/{ids['mailbox']}/rules", "folder-dossiers": f"/mailboxes/{ids['mailbox']}/dossiers", "connectors": "/connectors",
        "connector": f"/connectors/{ids['connector']}", "connector-own": f"/connectors/{ids['own']}",
        "connector-new": "/connectors/new", "members": "/members", "member": f"/members/{ids['member']}",
        "member-new": "/members/new", "dates": "/entries/dates", "contacts": "/entries/contacts",
        "webhooks": "/webhooks", "webhook": f"/webhooks/{ids['webhook']}", "people": "/people", "settings": "/settings", "keys": "/keys", "audit": "/audit",
        "retention": "/retention", "erasures": "/erasures", "erasure-new": "/erasures/new", "erasure-sender": "/erasures/new?kind=sender",
        "erasure-mails": f"/erasures/new?kind=messages&message={ids['message']}",
        "erasure": f"/erasures/{ids['erasable']}", "erasure-refused": f"/erasures/{ids['refused']}",
        "no-page": "/nothing",
    }
    return {name: f"{demo.url}/console/firms/{demo.firm}{path}" for name, path in below.items()}


def tree_by_keys(browser, demo, ids):
    """Folders are found, folded and ticked by keys alone, and what is ticked says so above it."""
    outlook = browser.page()
    for below, name in (("inbox", "Clients Nord"), ("inbox", "Assurances")):
        outlook.open(f"{demo.outlook}/{ADA}?folder={below}")
        outlook.fill("New folder below this one", name)
        outlook.go("Make")
    receive(demo, outlook, ADA, "Serrure à refaire", "Pouvez-vous passer jeudi ?")
    receive(demo, outlook, ADA, "Devis pour la porte", "Voici notre devis.")
    until("a mail is proposed", lambda: len(demo.of_firm("GET", "/proposals")["items"]) > 1)
    page = browser.page(language="en")
    enter(demo, page, invitation(demo, demo.firm), ADA)
    page.open(f"{demo.url}/console/firms/{demo.firm}/mailboxes/{ids['mailbox']}/folders")
    at = "document.activeElement.innerText.trim()"
    state = "document.activeElement.getAttribute('aria-checked')"

    def after(key, text=""):
        page.key(key, text)
        return page.run(at).split()[0], page.run(state)

    page.run("document.querySelector('[role=treeitem]').focus()")
    seen = [after(key) for key in ("Home", "ArrowDown", "End")]
    seen += [after("i", "i"), after("ArrowRight"), after(" ", " "), after("ArrowLeft"), after(" ", " ")]
    seen += [after("ArrowLeft"), after("ArrowDown")]
    expected = [
        ("Archive", "false"), ("Clients", "false"), ("Sent", "true"), ("Inbox", "true"), ("Assurances", "false"),
        ("Assurances", "true"), ("Inbox", "true"), ("Inbox", "mixed"), ("Inbox", "mixed"), ("Junk", "false"),
    ]
    if seen != expected:
        raise Failed(f"the tree by keys: {seen}, not {expected}")


# Counts the parts of the page that were replaced.
SWAPS = "document.body.addEventListener('htmx:after:swap', () => window.swaps = (window.swaps || 0) + 1)"
FOCUSED = "document.activeElement === document.body ? '' : document.activeElement.innerText || document.activeElement.name"


def focus_stays(browser, demo, ids):
    """Whatever a script replaces, the focus stays where the person is."""
    page = browser.page(language="en")
    t = texts("en")

    def after_swap(swap=lambda: None):
        page.run("window.swaps = 0")
        swap()
        page.wait("window.swaps > 0", "a new part of the page")
        return page.run(FOCUSED)

    new = demo.ask("POST", "/firms", {"name": "Focus", "domains": [], "language": "en", "time_zone": "Europe/Paris"})
    enter(demo, page, invitation(demo, new["id"]), ADA)
    page.run(SWAPS)
    page.run("document.querySelector('#live .button').focus()")
    if after_swap() != t["first-do"]:
        raise Failed(f"the focus left the steps for “{page.run(FOCUSED)}”")
    # The page looks again while the session is over: it stays, with what is focused.
    page.call("Network.enable")
    page.call("Network.clearBrowserCookies")
    page.wait("performance.getEntriesByType('resource').length > 4", "another look")
    if page.run(FOCUSED) != t["first-do"]:
        raise Failed("the steps are gone with the session")
    page = browser.page(language="en")
    enter(demo, page, invitation(demo, demo.firm), ADA)
    page.open(f"{demo.url}/console/firms/{demo.firm}/documents")
    page.run(SWAPS)
    # A tick stays with its mail, wherever that stands after a search.
    ticked = "[...document.querySelectorAll('#list input:checked')].map(box => box.value).join()"
    page.run("[...document.querySelectorAll('#list li')].filter((_, at) => at % 2).forEach(row => row.querySelector('input').click())")
    before = page.run(ticked).split(",")
    page.point("field", t["search-text"])
    if after_swap(lambda: page.call("Input.insertText", text="contract")) != "q":
        raise Failed("the focus left the search")
    if moved := set(page.run(ticked).split(",")) - {*before, ""}:
        raise Failed(f"ticks went over to {moved}")
    # A slow answer shows that it is awaited, and an older one never comes over a newer one.
    page.slow(3)
    page.call("Input.insertText", text="x")
    page.wait("getComputedStyle(document.querySelector('#list')).opacity < 1", "that the list is awaited")
    page.run("document.activeElement.select()")
    page.call("Input.insertText", text="nothingofthekind")
    page.shows(t["list-none-found"])
    page.slow(0)
    # A search after the end of the session leads to the sign-in.
    page.call("Network.clearBrowserCookies")
    page.call("Input.insertText", text="lease")
    page.shows(t["sign-in-text"])


def nothing_is_lost(browser, demo, ids):
    """Two clicks make one thing; and a session that ends in the middle of a form loses nothing, in two tabs."""
    t = texts("nl")
    page = browser.page(language="nl", width=1280)
    enter(demo, page, invitation(demo, demo.firm), ADA)
    firm = f"{demo.url}/console/firms/{demo.firm}"
    page.open(f"{firm}/connectors/new")
    page.fill(t["connector-name"], "Dubbel")
    before = page.loaded
    page.point("press", t["connector-create"], clicks=2)
    page.wait("location.pathname.split('/').length > 5 && !location.pathname.endsWith('new')", "the connection")
    made = [connector for connector in demo.of_firm("GET", "/connectors")["items"] if connector["name"] == "Dubbel"]
    if len(made) != 1 or made[0]["id"] not in page.address():
        raise Failed(f"two clicks made {len(made)} connections")
    demo.of_firm("DELETE", f"/connectors/{made[0]['id']}")
    page.open(f"{firm}/mailboxes/{ids['mailbox']}/rules")
    page.fill(t["rule-senders"], "nieuws@winkel.example")
    tab = browser.page(beside=page, language="nl")
    tab.open(firm)
    tab.press("ada.lambert@lumen.example")
    tab.go(t["sign-out"])
    page.go(t["store"])
    page.shows(t["once-more-kept"])
    tab.go(t["sign-in-button"])
    tab.tick(ADA)
    tab.go(ACCEPT[tab.language])
    page.go(t["once-more-button"])
    page.go(t["once-more-button"])
    page.shows(t["mailbox-what"])
    rules = demo.of_firm("GET", f"/mailboxes/{ids['mailbox']}")["rules"]
    if rules["excluded_senders"] != ["nieuws@winkel.example"]:
        raise Failed(f"the rules are {rules}")
    demo.of_firm("PUT", f"/mailboxes/{ids['mailbox']}/rules", rules | {"excluded_senders": []})


def many_folders(browser, demo):
    """A tree of 2,500 folders opens in parts, is gone through by keys, and is stored whole."""
    person, t = "vol@lumen.example", texts("en")
    demo.in_tenant(do="add_user", address=person)
    for number in range(2_500):
        demo.in_tenant(do="create_folder", address=person, parent="inbox", name=f"Client {number}")
    page = browser.page(language="en")
    body = {"name": "Vol", "domains": [], "language": "en", "time_zone": "Europe/Paris"}
    firm = demo.ask("POST", "/firms", body)["id"]
    enter(demo, page, invitation(demo, firm), person)
    page.go(t["first-do"])
    page.go(t["connector-create"])
    page.go(t["connect-microsoft"])
    page.tick(person)
    page.go(ACCEPT[page.language])
    page.open(f"{demo.url}/console/firms/{firm}")
    page.go(t["first-do"])
    page.fill(t["mailbox-address"], person)
    page.go(t["mailbox-add"])
    began = time.monotonic()
    page.go(t["folders-choose"])
    opened = time.monotonic() - began
    size = page.run("new Blob([document.documentElement.outerHTML]).size")
    if size > 60_000:
        raise Failed(f"a page of folders has {size} bytes")
    page.run("document.querySelector('[role=treeitem]').focus()")
    began = time.monotonic()
    page.key("End")
    page.key("Home")
    by_keys = time.monotonic() - began
    parts = 1
    while page.run("document.querySelector('button[value=next]') !== null"):
        page.run("document.querySelectorAll('.tree ul input').forEach(box => box.checked = true)")
        page.go(t["folders-next"])
        parts += 1
    page.run("document.querySelectorAll('.tree ul input').forEach(box => box.checked = true)")
    page.go(t["folders-see"])
    page.go(t["folders-store"])
    page.shows(t["mailbox-what"])
    mailbox = demo.ask("GET", f"/firms/{firm}/mailboxes")["items"][0]
    if len(mailbox["selection"]["folders"]) < 2_500:
        raise Failed(f"{len(mailbox['selection']['folders'])} folders are chosen")
    print(f"2,500 folders in {parts} parts of {size} bytes: opened in {opened:.1f} s, two keys in {by_keys:.2f} s, stored")


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


def validate(page, connector):
    """Tests a connection, which says so until the answer is there."""
    page.open(connector)
    page.press(texts(page.language)["validate-do"])
    filled = "document.querySelectorAll('#checks .checks .dot:not(.busy)').length === 10"
    page.wait(filled, "ten dots that are filled in")


def dots_fill_in(page, t):
    """Each service of a member is tested by itself, and the focus stays where the person is."""
    page.slow(0.5)
    page.press(t["member-test-all"])
    page.wait("document.querySelectorAll('#tests .dot.busy').length === 4", "four dots that wait")
    page.wait("document.querySelectorAll('#tests .checks .dot:not(.busy)').length === 4", "four dots that are filled in")
    page.slow(0)
    if page.run(FOCUSED) != t["member-test-all"]:
        raise Failed(f"the focus left the button for “{page.run(FOCUSED)}”")


def walk(browser, demo, ids, walked):
    """Every page of the firm, of who comes and goes, of the operator, and of the simulated tenant."""
    page = browser.page(language="fr")
    link = invitation(demo, demo.firm)
    walked.see(page, "invitation", link)
    enter(demo, page, link, ADA)
    for name, address in pages_of(demo, ids).items():
        walked.see(page, name, address)
    t, firm = texts("fr"), f"{demo.url}/console/firms/{demo.firm}"
    page.open(f"{firm}/mailboxes/{ids['mailbox']}/folders")
    page.go(t["folders-see"])
    walked.see(page, "folders-outcome")
    page.open(f"{firm}/connectors/{ids['own']}")
    for fold, button in (("certificate", "certificate-make"), ("federation", "federation-show")):
        page.press(t[fold])
        page.go(t[button])
        walked.see(page, f"connector-{fold}")
    validate(page, f"{firm}/connectors/{ids['connector']}")
    walked.see(page, "connector-tested")
    page.open(f"{firm}/members/{ids['member']}")
    dots_fill_in(page, t)
    walked.see(page, "member-tested")
    page.open(f"{firm}/erasures/{ids['erasable']}")
    page.run("document.querySelector('[name=mails]').value = '999999'")
    page.go(t["erasure-confirm"])
    walked.see(page, "erasure-wrong")
    page.open(f"{firm}/connectors/{ids['own']}")
    page.press(t["connector-change"])
    page.run("const name = document.querySelector('[name=name]'); name.removeAttribute('maxlength'); name.value = 'x'.repeat(300)")
    page.go(t["store"])
    walked.see(page, "connector-refused")
    guest = browser.page(language="nl")
    guest.open(ids["link"])
    walked.see(guest, "microsoft")
    guest.go(CANCEL[guest.language])
    walked.see(guest, "not-connected")
    guest.open(ids["link"])
    guest.go(ACCEPT[guest.language])
    walked.see(guest, "connected")
    guest = browser.page(language="de")
    walked.see(guest, "sign-in", f"{demo.url}/console/sign-in")
    walked.see(guest, "guide", f"{demo.url}/console/guide")
    operator = browser.page(language="nl")
    link = demo.ask("POST", "/operator-links", {})["url"]
    walked.see(operator, "operator-enter", link)
    operator.go(texts("nl")["operator-button"])
    walked.see(operator, "operator", f"{demo.url}/console/operator")
    walked.see(operator, "operators-mailbox", f"{demo.url}/console/firms/{demo.firm}/mailboxes/{ids['mailbox']}")
    tenant = browser.page(language="en")
    walked.see(tenant, "outlook", f"{demo.outlook}/{ADA}")
    walked.see(tenant, "mishaps", demo.outlook.replace("/outlook", "/admin"))
    walked.see(browser.page(language="nl"), "welcome", demo.url)


def draw(browser, demo):
    """The pictures of the administrator's guide."""
    folder = ROOT / "docs/pictures"
    folder.mkdir(exist_ok=True)
    how = {"language": "en", "width": 1000, "height": 640}
    # Before the firm is furnished, everything is as it is on a good day.
    page = browser.page(**how)
    enter(demo, page, invitation(demo, demo.firm), ADA)
    page.picture(folder / "home.png", whole=False)
    ids = furnish(demo)
    tree_by_keys(browser, demo, ids)
    page = browser.page(**how)
    new = demo.ask("POST", "/firms", {"name": "Lumen Avocats", "domains": [], "language": "en", "time_zone": "Europe/Paris"})
    enter(demo, page, invitation(demo, new["id"]), ADA)
    page.picture(folder / "first-run.png", whole=False)
    page = browser.page(**how)
    enter(demo, page, invitation(demo, demo.firm), ADA)
    for connector in demo.of_firm("GET", "/connectors")["items"]:
        if connector["state"] != "connected":
            demo.of_firm("DELETE", f"/connectors/{connector['id']}")
        else:
            page.open(demo.of_firm("GET", f"/connectors/{connector['id']}")["connect_url"])
            page.go(ACCEPT[page.language])
    member = f"/members/{ids['member']}/push"
    until("all is in Outlook", lambda: demo.of_firm("GET", member)["contacts"]["copies"]["placed"] > 2)
    for name in ("documents", "document", "mailbox", "folders", "proposals", "member", "erasure"):
        page.open(pages_of(demo, ids)[name])
        page.picture(folder / f"{name}.png", whole=False)
    validate(page, pages_of(demo, ids)["connector"])
    page.run("document.querySelector('#checks').scrollIntoView()")
    page.picture(folder / "connector.png", whole=False)
    outlook = browser.page(**how | {"height": 400})
    outlook.open(f"{demo.outlook}/{ADA}")
    outlook.picture(folder / "outlook.png", whole=False)


def main():
    short, guide = "--short" in sys.argv, "--guide" in sys.argv
    program, work = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    work = pathlib.Path(work)
    pictures = work / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    with Demo(program, work) as demo:
        with Browser() as browser:
            took = journey(browser, demo, "nl", True, 1)
        print(f"a mail was found, filed and seen green in Outlook: {took}")
        if short:
            return
        if guide:
            with Browser() as browser:
                draw(browser, demo)
            return
        axe = (work / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")
        with concurrent.futures.ThreadPoolExecutor() as side_by_side:
            journeys, looked = side_by_side.submit(travel, demo), side_by_side.submit(look, demo, axe, pictures)
            faults = "\n".join(looked.result())
            print(faults, end="\n" if faults else "")
            journeys.result()
    sys.exit(1 if faults else 0)


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
        ids = furnish(demo)
        tree_by_keys(browser, demo, ids)
        focus_stays(browser, demo, ids)
        nothing_is_lost(browser, demo, ids)
        many_folders(browser, demo)
        walk(browser, demo, ids, walked)
    print(f"{walked.seen} pictures of pages in {pictures}")
    return walked.faults


if __name__ == "__main__":
    main()
