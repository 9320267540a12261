//! D1: a mail is found by what it says, as soon as it is archived, and the answer says why.

use microsoft365::Mail;
use serde_json::{Value, json};
use tests::{ADA, Registry, World, message_id};

const MAILS: [(&str, &str, &str, &str, &str); 5] = [
    (
        "Délai de recours",
        "Maître Duval <duval@cabinet.example>",
        "text/plain",
        "",
        "Le délai expire à Liège, l'été prochain.",
    ),
    (
        "Huurcontract",
        "Jan Peeters <jan@notaris.example>",
        "text/plain",
        "",
        "De huurder betaalt de huurprijs per kwartaal.",
    ),
    (
        "Überweisung 2026/117",
        "k@bank.example",
        "text/html",
        "",
        "<p>Der <b>Mietvertrag</b> f&uuml;r die Stra&szlig;e</p>",
    ),
    (
        "Re: lease",
        "Ann <ann@cabinet.example>",
        "text/plain",
        "lease agreement.pdf",
        "The lease agreement ends in June.",
    ),
    ("請求書", "t@tokyo.example", "text/plain; charset=utf-8", "", "請求書を添付します。"),
];

fn mime((subject, from, kind, file, text): (&str, &str, &str, &str, &str), filler: &str) -> String {
    let head = format!("From: {from}\r\nTo: Ada <{ADA}>\r\nCc: copy@client.example\r\nSubject: {subject}\r\n");
    let body = format!("Content-Type: {kind}; charset=utf-8\r\n\r\n{filler}{text}\r\n");
    if file.is_empty() {
        return format!("{head}{body}");
    }
    format!(
        "{head}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n{body}--b\r\nContent-Type: application/pdf\r\n\
         Content-Disposition: attachment; filename=\"{file}\"\r\n\r\n%PDF\r\n--b--\r\n"
    )
}

struct Office {
    world: World,
    registry: Registry,
}

impl Office {
    async fn new() -> Self {
        let world = World::new().await;
        let registry = world.registry().await;
        let office = Self { world, registry };
        // One after the other: those of one round are registered in any order.
        for mail in MAILS {
            office.deliver(&mime(mail, ""));
            office.world.run_until_idle().await;
        }
        office
    }

    fn deliver(&self, mime: &str) -> String {
        let mail = Mail::new(mime.to_owned(), self.world.clock.now());
        let delivered = self.world.microsoft.deliver(ADA, "inbox", mail).unwrap();
        message_id(&self.registry, &delivered.immutable_id).to_string()
    }

    async fn page(&self, query: &[(&str, &str)]) -> Value {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        self.world.get(&format!("/v1/firms/{}/messages?{query}", self.registry.firm)).await.ok()
    }

    async fn found(&self, query: &[(&str, &str)]) -> Vec<String> {
        let page = self.page(query).await;
        assert_eq!(page["complete_to"], Value::Null, "{query:?}");
        let items = page["items"].as_array().unwrap().iter();
        items.map(|item| item["subject"].as_str().unwrap().to_owned()).collect()
    }
}

/// The runs of a match, with what is marked between brackets.
fn shown(found: &Value) -> String {
    let runs = found["runs"].as_array().unwrap().iter();
    let run = |run: &Value| {
        let text = run["text"].as_str().unwrap();
        if run["marked"].as_bool().unwrap() { format!("[{text}]") } else { text.to_owned() }
    };
    format!("{}: {}", found["part"].as_str().unwrap(), runs.map(run).collect::<String>())
}

#[tokio::test]
async fn a_mail_is_found_by_its_words_in_any_language_before_and_after_it_is_indexed() {
    let office = Office::new().await;
    let [delai, huur, ueberweisung, lease, japanese] = MAILS.map(|(subject, ..)| subject);
    for is_indexed in [false, true] {
        if is_indexed {
            office.world.host.index().await;
        }
        for (query, expected) in [
            (&[("q", "DELAI liege")][..], &[delai][..]),
            (&[("q", "huurprijs kwartaal ")], &[huur]),
            (&[("q", "mietvertrag strasse")], &[ueberweisung]),
            (&[("q", "lease")], &[lease]),
            (&[("q", "\"lease agreement ends\"")], &[lease]),
            (&[("q", "\"agreement lease\"")], &[]),
            (&[("q", "請求")], &[japanese]),
            (&[("q", "求請")], &[]),
            // The last word may go on, unless a space follows.
            (&[("q", "huurp")], &[huur]),
            (&[("q", "huurp ")], &[]),
            (&[("q", "huurp kwartaal")], &[]),
            // Numbers, people, addresses and names of files are words too.
            (&[("q", "2026/117")], &[ueberweisung]),
            (&[("q", "peeters")], &[huur]),
            (&[("q", "duval@cabinet.example")], &[delai]),
            (&[("q", "agreement.pdf")], &[lease]),
            (&[("q", "cabinet")], &[lease, delai]),
            (&[("q", "cabinet"), ("limit", "1")], &[lease]),
            (&[("from", "JAN@notaris.example")], &[huur]),
            (&[("from", "@cabinet.example")], &[lease, delai]),
            (&[("from", "@cabinet.example"), ("q", "recours")], &[delai]),
            (&[("to", ADA)], &[japanese, lease, ueberweisung, huur, delai]),
            (&[("to", "@client.example"), ("attachments", "true")], &[lease]),
            (&[("to", "ann@cabinet.example")], &[]),
            (&[("attachments", "false"), ("q", "cabinet")], &[delai]),
            (&[("direction", "sent")], &[]),
            (&[("direction", "received"), ("q", "huur")], &[huur]),
            (&[("filed", "false"), ("q", "lease")], &[lease]),
            (&[("filed", "true")], &[]),
            (&[("state", "failed")], &[]),
            (&[("state", "archived"), ("q", "lease")], &[lease]),
            (&[("mailbox", &office.registry.mailbox), ("q", "lease")], &[lease]),
            (&[("mailbox", "00000000-8b86-4011-b42d-00c04fc964ff"), ("q", "lease")], &[]),
            (&[("since", "2020-01-01T00:00:00Z"), ("q", "lease")], &[lease]),
            (&[("until", "2020-01-01T00:00:00Z"), ("q", "lease")], &[]),
            (&[("q", "\"")], &[]),
        ] {
            assert_eq!(office.found(query).await, expected, "{query:?}, indexed: {is_indexed}");
        }
    }
}

#[tokio::test]
async fn a_hit_shows_why_and_what_stands_far_down_is_shown_on_request() {
    let office = Office::new().await;
    let far = office
        .deliver(&mime(("Note", "n@x.example", "text/plain", "", "La servitude de passage."), &"mot ".repeat(100)));
    office.world.run_until_idle().await;
    for is_indexed in [false, true] {
        if is_indexed {
            office.world.host.index().await;
        }
        let why = async |q: &str| {
            let page = office.page(&[("q", q)]).await;
            page["items"][0]["matches"].as_array().unwrap().iter().map(shown).collect::<Vec<_>>()
        };
        assert_eq!(
            why("delai liege duval").await,
            [
                "subject: [Délai] de recours",
                &format!("people: Maître [Duval] <[duval]@cabinet.example>, Ada <{ADA}>, copy@client.example"),
                "beginning: Le [délai] expire à [Liège], l'été prochain."
            ]
        );
        assert_eq!(why("agreement.pdf").await, ["original: "]);
        assert_eq!(why("\"servitude de passage\"").await, ["original: "]);
    }
    let text = format!("/v1/firms/{}/messages/{far}/text", office.registry.firm);
    let passages = office.world.get(&format!("{text}?q=servitude")).await.ok()["passages"].clone();
    assert_eq!(passages.as_array().unwrap().len(), 1);
    let passage = shown(&json!({ "part": "text", "runs": passages[0] }));
    assert!(passage.contains("mot La [servitude] de passage."), "{passage}");
    assert_eq!(office.world.get(&text).await.ok()["passages"], json!([]));
    // A search gives out what mails say, so it is in the trail; a list is not.
    let trail = office.world.get(&format!("/v1/firms/{}/audit?limit=100", office.registry.firm)).await.ok();
    let searches = |trail: &Value| {
        let entries = trail["items"].as_array().unwrap().iter();
        entries.filter(|entry| entry["action"].as_str().unwrap().ends_with("/messages")).count()
    };
    assert_eq!(searches(&trail), 2 * 2 * 3);
    office.page(&[]).await;
    let trail = office.world.get(&format!("/v1/firms/{}/audit?limit=100", office.registry.firm)).await.ok();
    assert_eq!(searches(&trail), 2 * 2 * 3);
}

#[tokio::test]
async fn pages_neither_miss_nor_repeat_a_mail_while_mail_arrives_and_is_filed() {
    let office = Office::new().await;
    let mut expected = Vec::new();
    for number in 0..12 {
        expected
            .push(office.deliver(&mime((&format!("Bail {number}"), "b@x.example", "text/plain", "", "du bail"), "")));
        office.world.run_until_idle().await;
        if number == 6 {
            office.world.host.index().await;
        }
    }
    expected.reverse();
    let (mut found, mut after) = (Vec::new(), None::<String>);
    loop {
        let mut query = vec![("q", "bail"), ("limit", "5")];
        query.extend(after.as_deref().map(|after| ("after", after)));
        let page = office.page(&query).await;
        found.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        after = Some(next.to_owned());
        office.deliver(&mime(("Bail de plus", "b@x.example", "text/plain", "", "du bail"), ""));
        office.world.run_until_idle().await;
        let path = format!("/v1/firms/{}/messages/{}/file", office.registry.firm, found[0]);
        office.world.post(&path, json!({ "dossier": format!("D{}", found.len()) })).await.ok();
        office.world.host.index().await;
    }
    assert_eq!(found, expected);
    // A dossier's own list is searched, too.
    let dossier = office.page(&[("dossier", "D10"), ("q", "bail")]).await;
    assert_eq!(dossier["items"].as_array().unwrap().len(), 1);
    assert_eq!(office.found(&[("dossier", "D10"), ("q", "lease")]).await, [""; 0]);
    assert_eq!(office.found(&[("filed", "true"), ("q", "bail")]).await.len(), 1);
}

#[tokio::test]
async fn a_subject_that_microsoft_could_not_decode_is_shown_as_the_original_has_it_and_facts_keep_microsofts() {
    let office = Office::new().await;
    let mut mime = b"From: hof@obst.example\r\nSubject: Hagelschaden an den Kirschb".to_vec();
    mime.push(0xe4);
    mime.extend(b"umen\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\nSiehe Anlage.\r\n");
    office.world.microsoft.deliver(ADA, "inbox", Mail::new(mime, office.world.clock.now())).unwrap();
    office.world.run_until_idle().await;
    let own = "Hagelschaden an den Kirschb\u{e4}umen";
    for query in [&[][..], &[("q", "kirschbaumen")]] {
        let page = office.page(query).await;
        assert_eq!(page["items"][0]["subject"], own, "{page}");
    }
    let page = office.page(&[("q", "kirschbaumen")]).await;
    assert_eq!(page["items"][0]["matches"][0]["part"], "subject", "{page}");
    let firm = &office.registry.firm;
    let message = page["items"][0]["id"].as_str().unwrap();
    let read = office.world.get(&format!("/v1/firms/{firm}/messages/{message}")).await.ok();
    assert_eq!(read["subject"], own);
    let events = office.world.get(&format!("/v1/firms/{firm}/events")).await.ok();
    assert!(events.to_string().contains("Kirschb\u{fffd}umen"), "{events}");
}

#[tokio::test]
async fn nothing_fits_a_text_without_a_word() {
    let office = Office::new().await;
    assert_ne!(office.found(&[]).await.len(), 0);
    for sign in ["§", "-", "*", "...", "\"\"", "😀", "\u{fffd}"] {
        assert_eq!(office.found(&[("q", sign)]).await, [""; 0], "{sign}");
    }
}

#[tokio::test]
async fn what_a_search_can_not_be_is_refused() {
    let office = Office::new().await;
    let long = format!("q={}", "a".repeat(501));
    for wrong in [&long, "state=kept", "direction=in", "since=yesterday", "attachments=2", "dossier=D&filed=true"] {
        let answer = office.world.get(&format!("/v1/firms/{}/messages?{wrong}", office.registry.firm)).await;
        assert_eq!(answer.problem(), "invalid_request", "{wrong}");
    }
}

#[tokio::test]
async fn a_mail_whose_original_is_gone_is_found_by_its_subject_and_keeps_no_other_from_being_indexed() {
    let office = Office::new().await;
    let lost = office.deliver(&mime(("Perdu", "p@x.example", "text/plain", "", "Texte introuvable"), ""));
    let last = office.deliver(&mime(("Dernier", "d@x.example", "text/plain", "", "Texte trouvable"), ""));
    office.world.run_until_idle().await;
    let s3 = aws_sdk_s3::Client::new(&office.world.host.machine.aws);
    let (mailbox, local) = lost.split_once('.').unwrap();
    let key = format!("firms/{}/mailboxes/{mailbox}/messages/{local}.eml", office.registry.firm);
    s3.delete_object().bucket(local::provision::BUCKET).key(key).send().await.unwrap();
    for is_indexed in [false, true] {
        if is_indexed {
            office.world.host.index().await;
        }
        assert_eq!(office.found(&[("q", "perdu")]).await, ["Perdu"], "{last}, indexed: {is_indexed}");
        assert_eq!(office.found(&[("q", "texte")]).await, ["Dernier"]);
    }
}
