//! What an older version wrote outside the table stays readable: secrets, sealed values, links that people have, jobs
//! under way, and what Graph gives back with a notice. A text here is never changed; a new form gets one more.

use secrecy::ExposeSecret as _;
use shared::{
    access::{connect_link::ConnectLink, credential::Credential},
    aws::{
        queue::{DeliveryJob, DeliveryRequest, MailboxJob, PushJob},
        secrets::{Keyring, MacKey, Sealed},
    },
    base::random::Random,
    firm::{
        console_pass::{Invitation, Pass},
        user::UserRole,
    },
    mail::notification,
};

const FIRM: &str = "6c9b524f-2f0a-46d8-b747-996f2cf3873d";
const STATE: &str = "bJtSTy8KRti3R5lvLPOHPQsOPF5tW0xXjw4OHWoffCKUgbehnVqEmsTojYmr3mxNPGMekHI8X_rx5EgyjuStpg";
const INVITATION: &str = "invitation.eyJzYXlzIjp7ImZpcm0iOiI2YzliNTI0Zi0yZjBhLTQ2ZDgtYjc0Ny05OTZmMmNmMzg3M2QiLCJuYW1\
    lIjoiTHVtZW4iLCJyb2xlIjoiY2xlcmsiLCJzYWx0IjoiYzJGc2RBIn0sImVuZHNfYXQiOjE3NzMwNDMyMDB9.w8un\
    O3zTMAAGVaMbT9Fr-NluG5eAx7qBufSq294WMy0";
const MAILBOX: &str = "0b0e3c5e-6d5b-4c57-8f0e-0e1d6a1f7c22";

fn credential(text: &str) -> Credential {
    Credential::parse(&text.to_owned().into())
}

#[test]
fn a_value_that_was_sealed_once_opens() {
    let ring = format!(r#"{{"current":"k2","k1":"{}","k2":"{}"}}"#, "first ".repeat(8), "second ".repeat(8));
    let ring = Keyring::parse(&ring.into()).unwrap();
    let sealed = Sealed::from_text("k1.AAECAwQFBgcICQoL5nXekHY5kReqG2YuJDGLI5fRJdgQFg98hhZw_11Sjg");
    assert_eq!(ring.open("connector 1", &sealed).unwrap().expose_secret(), "a refresh token");
}

#[test]
fn each_form_of_a_credential_that_was_kept_once_is_read() {
    let Credential::Secret(plain) = credential("abc8Q~x\r\n") else {
        panic!("a client secret as an operator enters it")
    };
    assert_eq!((plain.value.expose_secret(), plain.key_id, plain.expires_at), ("abc8Q~x", None, None));

    let made = r#"{"credential":"secret","client_secret":"abc8Q~x","key_id":"k1","expires_at":"2027-03-02T00:00:00Z"}"#;
    let Credential::Secret(made) = credential(made) else { panic!("a client secret that greffe made") };
    assert_eq!((made.value.expose_secret(), made.key_id.as_deref()), ("abc8Q~x", Some("k1")));
    assert_eq!(made.expires_at, Some("2027-03-02T00:00:00Z".parse().unwrap()));

    let certificate = r#"{"credential":"certificate","private_key":"bm8ga2V5","certificate":"bm8gY2VydGlmaWNhdGU=",
        "expires_at":"2027-03-02T00:00:00Z"}"#;
    let Credential::Certificate(certificate) = credential(certificate) else { panic!("a certificate") };
    assert_eq!(certificate.der(), b"no certificate");
    assert_eq!(certificate.expires_at, "2027-03-02T00:00:00Z".parse().unwrap());

    assert!(credential(r#"{"credential":"federated"}"#).is_by_shared_audience());
    let Credential::Federated(own) = credential(r#"{"credential":"federated","audience":"greffe:firm:x"}"#) else {
        panic!("AWS's word for an audience of the firm's own");
    };
    assert_eq!(own.as_str(), "greffe:firm:x");
}

#[test]
fn a_job_that_was_queued_by_another_version_is_read() {
    let first = format!(r#"{{"firm":"{FIRM}","mailbox":"{MAILBOX}","sent_at":"2026-03-02T08:00:00Z"}}"#);
    let first: MailboxJob = serde_json::from_str(&first).unwrap();
    assert_eq!((first.subscription, first.notice), (false, false));

    let newer = format!(
        r#"{{"firm":"{FIRM}","mailbox":"{MAILBOX}","sent_at":"2026-03-02T08:00:00Z","subscription":true,"notice":true,
            "cause":"{FIRM}","field_of_a_newer_version":[1]}}"#
    );
    let newer: MailboxJob = serde_json::from_str(&newer).unwrap();
    assert_eq!((newer.subscription, newer.notice, newer.cause.to_string()), (true, true, FIRM.to_owned()));

    let push = format!(r#"{{"firm":"{FIRM}","member":"{MAILBOX}","sent_at":"2026-03-02T08:00:00Z"}}"#);
    serde_json::from_str::<PushJob>(&push).unwrap();

    let delivery = format!(
        r#"{{"firm":null,"webhook":"{MAILBOX}","sent_at":"2026-03-02T08:00:00Z",
            "requests":["test",{{"again":{{"firm":"{FIRM}","number":7}}}}]}}"#
    );
    let delivery: DeliveryJob = serde_json::from_str(&delivery).unwrap();
    assert!(matches!(&delivery.requests[..], [DeliveryRequest::Test, DeliveryRequest::Again { number: 7, .. }]));
}

#[test]
fn a_subscription_that_was_made_once_is_still_ours() {
    let key = MacKey::new(&"a long random text".to_owned().into());
    let body = serde_json::json!({ "value": [{ "clientState": STATE }] });
    let notices = notification::read(&key, body.to_string().as_bytes()).unwrap();
    assert_eq!(notices.refused, 0);
    let named: Vec<_> = notices.mailboxes.into_keys().collect();
    assert_eq!(named, [(FIRM.parse().unwrap(), MAILBOX.parse().unwrap())]);
}

#[test]
fn an_invitation_that_somebody_has_still_admits() {
    let key = MacKey::new(&"a long random text".to_owned().into());
    let pass = Pass::<Invitation>::verified(&key, INVITATION).unwrap();
    assert_eq!((pass.says.firm.to_string().as_str(), pass.says.role), (FIRM, UserRole::Clerk));
    assert_eq!((pass.says.name.as_str(), pass.says.salt.as_str(), pass.ends_at), ("Lumen", "c2FsdA", 1_773_043_200));
}

#[test]
fn a_link_to_connect_that_somebody_has_still_opens() {
    let ring = Keyring::parse(&format!(r#"{{"current":"k1","k1":"{}"}}"#, "first ".repeat(8)).into()).unwrap();
    let open = |json: &str| ConnectLink::open(&ring, ring.seal(&Random::seeded(1), "connect ticket", json).as_str());
    let first = format!(r#"{{"firm":"{FIRM}","connector":"{MAILBOX}","expires_at":"2026-03-03T08:00:00Z"}}"#);
    let first = open(&first).unwrap();
    assert_eq!((first.firm.to_string().as_str(), first.connector.to_string().as_str()), (FIRM, MAILBOX));
    assert!(first.back.is_none() && first.expires_at == "2026-03-03T08:00:00Z".parse().unwrap());

    let newer = format!(
        r#"{{"firm":"{FIRM}","connector":"{MAILBOX}","expires_at":"2026-03-03T08:00:00Z",
            "back":{{"url":"https://app.example/done","state":"s"}},"field_of_a_newer_version":[1]}}"#
    );
    assert!(open(&newer).unwrap().back.is_some());
}
