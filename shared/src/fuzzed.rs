//! What reads bytes that others send, as a fuzzer calls it; an ordinary test calls it with mutated samples. None of it
//! may panic or hang, whatever the bytes, and what is checked here holds of all of them. True where they were read.

pub use crate::graph::{check_batch, check_folders_page, check_mails_page};
use crate::{
    aws::secrets::MacKey,
    base::id::{FirmId, MailboxId},
    mail::notification::{self, client_state},
    reading::{Outline, Pictures},
};

/// The key of [`check_notices`].
fn key() -> MacKey {
    MacKey::new(&"a fuzzer does not know it".to_owned().into())
}

/// The mailbox of [`check_notices`].
fn genuine() -> (FirmId, MailboxId) {
    (FirmId::from_bytes([1; 16]), MailboxId::from_bytes([2; 16]))
}

/// The `clientState` that [`check_notices`] takes for genuine.
pub fn genuine_state() -> String {
    let (firm, mailbox) = genuine();
    client_state(&key(), firm, mailbox)
}

/// Reads any bytes as notices of Graph: none is about another mailbox than the one whose state is known.
pub fn check_notices(bytes: &[u8]) -> bool {
    let Ok(notices) = notification::read(&key(), bytes) else { return false };
    assert!(notices.mailboxes.keys().all(|mailbox| *mailbox == genuine()));
    true
}

/// Reads any bytes as the original of a mail: its text, its page and each attachment lie within it.
pub fn check_mail(bytes: &[u8]) -> bool {
    let outline = Outline::of(bytes);
    let part = |range: std::ops::Range<u64>| {
        assert!(range.start <= range.end && range.end <= bytes.len() as u64);
        &bytes[range.start as usize..range.end as usize]
    };
    for range in outline.texts() {
        part(range);
    }
    outline.text(part);
    let page = outline.html(part, &Pictures::default(), usize::MAX);
    let lower = page.html.to_ascii_lowercase();
    assert!(!lower.contains("<script") && !lower.contains("<iframe"));
    for (part, lines) in outline.parts.iter().filter_map(|part| Some((part, part.lines?))) {
        let (start, before) = lines.at(part.bytes.saturating_sub(1));
        assert!(before <= part.bytes && start <= part.body.end - part.body.start);
    }
    let attachments: Vec<_> = outline.attachments().collect();
    assert!(attachments.iter().all(|attachment| outline.attachment(attachment.number).is_some()));
    true
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::base::random::Random;

    /// Cuts, doubles, removes or replaces some bytes.
    fn mutated(random: &Random, sample: &[u8]) -> Vec<u8> {
        let mut bytes = sample.to_vec();
        let below = |n: usize| (random.uuid().as_u128() % n as u128) as usize;
        for _ in 0..=below(3) {
            let at = below(bytes.len());
            match below(5) {
                0 => bytes.truncate(at.max(1)),
                1 => bytes[at] = b"{}[]\":,\\0nx\r\n-=<>"[below(17)],
                2 => bytes[at] = u8::try_from(below(256)).unwrap(),
                3 => {
                    let end = (at + below(40)).min(bytes.len());
                    let part = bytes[at..end].to_vec();
                    bytes.splice(at..at, part);
                }
                _ => drop(bytes.drain(at..(at + below(8)).min(bytes.len()))),
            }
            if bytes.is_empty() {
                bytes.push(b'{');
            }
        }
        bytes
    }

    /// Mutates `sample` so often; of the results at least one in a hundred is read.
    fn withstands(check: fn(&[u8]) -> bool, sample: &str, times: usize) {
        let random = Random::seeded(7);
        assert!(check(sample.as_bytes()));
        let read = (0..times).filter(|_| check(&mutated(&random, sample.as_bytes()))).count();
        assert!(read > times / 100, "{read} of {times} were read");
    }

    #[test]
    fn mutated_pages_and_batches_are_read_in_part_or_refused() {
        let recipient = json!([{ "emailAddress": { "name": "Ada", "address": "ada@lumen.example" } }]);
        let mail = json!({
            "@odata.etag": "W/\"CQ\"", "id": "AAk1", "receivedDateTime": "2026-03-02T08:00:00Z", "subject": "\u{1f44d}",
            "from": recipient[0], "toRecipients": recipient, "isDraft": false, "categories": ["Blue"],
        });
        let page = json!({ "value": [mail, { "id": "AAk2", "@removed": { "reason": "deleted" } }, mail],
            "@odata.nextLink": "https://graph.microsoft.com/v1.0/x", "@odata.count": 3 });
        withstands(check_mails_page, &page.to_string(), 5_000);
        let folder = json!({ "id": "AAk1", "displayName": "Inbox", "parentFolderId": "AAk0", "isHidden": false });
        let page = json!({ "value": [folder, { "id": "AAk2", "@removed": {} }], "@odata.deltaLink": "x" });
        withstands(check_folders_page, &page.to_string(), 3_000);
        let part = json!({ "id": "0", "status": 200, "headers": { "Retry-After": "1" }, "body": mail });
        withstands(check_batch, &json!({ "responses": [part, part] }).to_string(), 3_000);
    }

    #[test]
    fn mutated_notices_are_about_no_other_mailbox() {
        let notice = json!({ "clientState": genuine_state(), "changeType": "created", "lifecycleEvent": null });
        withstands(check_notices, &json!({ "value": [notice, notice] }).to_string(), 3_000);
    }

    #[test]
    fn mutated_mails_are_read() {
        let mail = "From: =?utf-8?Q?Ad=C3=A1?= <ada@lumen.example>\r\nSubject: a\r\nMIME-Version: 1.0\r\n\
            Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\
            Content-Transfer-Encoding: quoted-printable\r\n\r\n<p>=C3=A9<script>x</script></p>\r\n--b\r\n\
            Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0=\r\n\
            --b\r\nContent-Type: message/rfc822\r\n\r\nSubject: c\r\n\r\nd\r\n--b--\r\n";
        withstands(check_mail, mail, 3_000);
    }
}
