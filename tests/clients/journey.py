"""The journey of an integrator with the client that openapi-python-client generates: see journey.ts."""

import hashlib
import os
import time
import uuid

from greffe_client import AuthenticatedClient
from greffe_client.api.events import list_events
from greffe_client.api.firms import create_key
from greffe_client.api.messages import file_message, list_messages, read_original
from greffe_client.models import EventMessageArchived, NewFiling, NewKey

url, key, firm, subject = (os.environ[f"GREFFE_{name}"] for name in ("URL", "KEY", "FIRM", "SUBJECT"))
firm = uuid.UUID(firm)
client = AuthenticatedClient(base_url=url, token=key, raise_on_unexpected_status=True)


def archived():
    after = 0
    for _ in range(300):
        page = list_events.sync(firm, client=client, after=after, limit=50)
        for event in page.items:
            if isinstance(event, EventMessageArchived) and event.subject == subject:
                return event
        after = page.next_
        if not page.items:
            time.sleep(0.2)
    raise SystemExit("the mail was not archived")


event = archived()
original = read_original.sync_detailed(firm, event.message, client=client).content
assert hashlib.sha256(original).hexdigest() == event.sha256
filed = file_message.sync(firm, event.message, client=client, body=NewFiling(dossier="2026/0042"))
assert filed.dossier == "2026/0042", filed

seen, after = set(), None
while True:
    page = list_messages.sync(firm, client=client, limit=7, **({} if after is None else {"after": int(after)}))
    ids = [item.id for item in page.items]
    assert not seen.intersection(ids), "a message twice"
    seen.update(ids)
    after = page.next_
    if after is None:
        break
assert event.message in seen

once = str(uuid.uuid4())
keys = [create_key.sync(firm, client=client, body=NewKey(name="journey"), idempotency_key=once) for _ in range(2)]
assert keys[0].id == keys[1].id
print(f"python: {len(seen)} messages, {event.message} archived, proven and filed")
