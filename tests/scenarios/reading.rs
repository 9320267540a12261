//! D1: a mail is read: its text, its HTML without what could do harm, its attachments one by one.

use axum::http::HeaderMap;
use local::provision::BUCKET;
use microsoft365::Mail;
use reqwest::Method;
use serde_json::{Value, json};
use shared::{
    aws::table::{Key, Write},
    evidence::erasure::ROUND_TIME,
    mail::{archive::OriginalKey, opened::OpenedMail},
};
use tests::{ADA, OPERATOR_KEY, Registry, World, message_id};

/// A mail with all that mails have, and with what nobody ought to send.
fn mail(filler: usize) -> String {
    let filler = "Jk1O\r\n".repeat(filler / 6);
    format!(
        "From: =?utf-8?Q?Ma=C3=AEtre?= Duval <duval@cabinet.example>\r\nTo: {ADA}\r\nSubject: =?utf-8?Q?D=C3=A9lai?=\r\n\
         Message-ID: <read@cabinet.example>\r\nContent-Type: multipart/mixed; boundary=outer\r\n\r\n\
         --outer\r\nContent-Type: multipart/related; boundary=inner\r\n\r\n\
         --inner\r\nContent-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
         <p onclick=3D\"x()\">D=E9lai</p><script>x()</script><img src=3D\"cid:logo\">\
         <img src=3D\"https://tracker.example/p.gif\"><a href=3D\"https://a.example\">l</a>\r\n\
         --inner\r\nContent-Type: image/png; name=logo.png\r\nContent-ID: <logo>\r\n\
         Content-Transfer-Encoding: base64\r\n\r\niVBORw==\r\n--inner--\r\n\
         --outer\r\nContent-Type: text/html\r\nContent-Disposition: attachment;\r\n \
         filename*=utf-8''..%2Ffactur%C3%A9e%E2%80%AE.html\r\n\r\n<script>x()</script>\r\n\
         --outer\r\nContent-Type: application/pdf; name=piece.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n\
         {filler}SGVsbG8=\r\n\
         --outer\r\nContent-Type: message/rfc822\r\n\r\nSubject: Inner\r\n\
         Content-Type: multipart/mixed; boundary=within\r\n\r\n--within\r\n\r\nInner text\r\n\
         --within\r\nContent-Type: application/zip; name=a.zip\r\n\r\nPK\r\n--within--\r\n--outer--\r\n"
    )
}

struct Got {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

async fn ask(world: &World, method: Method, path: &str, headers: &[(&str, &str)]) -> Got {
    let request = world.http.request(method, format!("http://{}{path}", world.host.address)).bearer_auth(OPERATOR_KEY);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    Got { status, headers, body: answer.bytes().await.unwrap().to_vec() }
}

async fn read(filler: usize) -> (World, Registry, String) {
    read_in(World::with(&[("GREFFE_CONTENT_BYTES_MAX", "1000000")]).await, filler).await
}

async fn read_in(world: World, filler: usize) -> (World, Registry, String) {
    let registry = world.registry().await;
    let delivered = world.microsoft.deliver(ADA, "inbox", Mail::new(mail(filler), world.clock.now())).unwrap();
    world.run_until_idle().await;
    let id = message_id(&registry, &delivered.immutable_id);
    let path = format!("/v1/firms/{}/messages/{id}", registry.firm);
    (world, registry, path)
}

#[tokio::test]
async fn a_mail_is_read_whatever_is_in_it() {
    let (world, registry, path) = read(0).await;
    let get = async |below: &str| ask(&world, Method::GET, &format!("{path}{below}"), &[]).await;
    let text = get("/text").await.json();
    assert_eq!((&text["subject"], &text["text"]), (&json!("Délai"), &json!("Délai\n\nl")));
    assert_eq!(text["from"], json!([{ "name": "Maître Duval", "address": "duval@cabinet.example" }]));

    let page = get("/html").await;
    let html = String::from_utf8(page.body.clone()).unwrap();
    assert!(html.contains("<p>Délai</p><img src=\"data:image/png;base64,iVBORw==\"><a href=\"https://a.example/\""));
    for gone in ["script", "onclick", "tracker.example"] {
        assert!(!html.contains(gone), "{html}");
    }
    assert_eq!((page.header("content-type"), page.header("greffe-images-withheld")), ("text/html; charset=utf-8", "1"));
    let policy = page.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none';") && policy.contains("; sandbox ") && policy.ends_with("img-src data:")
    );
    assert!(!policy.contains("allow-scripts") && !policy.contains("allow-same-origin"), "{policy}");
    // Only who asks for it is shown images of the web.
    let remote = get("/html?images=remote").await;
    assert!(String::from_utf8_lossy(&remote.body).contains("https://tracker.example/p.gif"));
    assert!(remote.header("content-security-policy").ends_with("img-src data: https:"));

    let attachments = get("/attachments").await.json();
    let shown: Vec<_> = attachments["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["name"].as_str().unwrap(), item["kind"].as_str().unwrap(), item["inline"].as_bool().unwrap()))
        .collect();
    assert_eq!(
        shown,
        [
            ("logo.png", "image", true),
            ("facturée.html", "text", false),
            ("piece.pdf", "file", false),
            ("message-4.eml", "message", false),
        ]
    );
    for (number, kind, disposition, body) in [
        (1, "image/png", "inline; filename=\"logo.png\"", &b"\x89PNG"[..]),
        (
            2,
            "application/octet-stream",
            "attachment; filename=\"factur_e.html\"; filename*=UTF-8''factur%C3%A9e.html",
            b"<script>x()</script>",
        ),
        (3, "application/pdf", "attachment; filename=\"piece.pdf\"", b"Hello"),
    ] {
        let got = get(&format!("/attachments/{number}")).await;
        assert_eq!((got.header("content-type"), got.header("content-disposition")), (kind, disposition));
        assert_eq!((got.header("x-content-type-options"), got.body.as_slice()), ("nosniff", body));
    }
    // A message within it is a message.
    assert_eq!(get("/text?within=4").await.json()["text"], "Inner text");
    assert_eq!(get("/attachments/1?within=4").await.body, b"PK");
    for nothing in ["/text?within=1", "/text?within=9", "/attachments/5", "/attachments/0"] {
        assert_eq!(get(nothing).await.json()["code"], "not_found", "{nothing}");
    }
    for wrong in ["/text?within=x", "/attachments/x", "/html?images=all"] {
        assert_eq!(get(wrong).await.json()["code"], "invalid_request", "{wrong}");
    }

    // Each reading is in the trail, before anything is given out.
    let trail = world.get(&format!("/v1/firms/{}/audit?limit=100", registry.firm)).await.ok();
    let read = trail["items"].as_array().unwrap().iter().filter(|entry| {
        let action = entry["action"].as_str().unwrap();
        action.ends_with("/messages/{message}/text") || action.ends_with("/attachments/{attachment}")
    });
    assert_eq!(read.clone().count(), 2 * 12);
    assert!(read.clone().any(|entry| entry["path"] == format!("{path}/attachments/2")));
    // It says how far a mail was read: which message within it, and whether images of the web could be loaded.
    let paths: Vec<&str> =
        trail["items"].as_array().unwrap().iter().map(|entry| entry["path"].as_str().unwrap()).collect();
    for read in ["/html?images=remote", "/text?within=4", "/attachments/1?within=4", "/html"] {
        assert!(paths.contains(&&*format!("{path}{read}")), "{read}: {paths:?}");
    }
    assert!(!paths.iter().any(|path| path.contains("=x") || path.contains("all")), "{paths:?}");
}

#[tokio::test]
async fn where_answers_have_no_limit_a_range_is_what_was_asked_for() {
    for filler in [600, 6_000_000] {
        let (world, _, path) = read_in(World::new().await, filler).await;
        let path = format!("{path}/attachments/3");
        let get = async |range: &str| ask(&world, Method::GET, &path, &[("range", range)]).await;
        let part = get("bytes=1-4").await;
        assert_eq!((part.status, part.body.as_slice()), (206, &b"MN&M"[..]));
        assert_eq!(get("bytes=0-").await.body.len(), filler / 6 * 3 + 5);
        assert_eq!(get("bytes=-7").await.body, b"MNHello");
    }
}

#[tokio::test]
async fn a_part_of_an_attachment_is_given_by_its_range_also_of_a_mail_that_never_lies_in_memory() {
    for filler in [600, 6_000_000] {
        let (world, _, path) = read(filler).await;
        let path = format!("{path}/attachments/3");
        let get = async |headers: &[(&str, &str)]| ask(&world, Method::GET, &path, headers).await;
        let head = ask(&world, Method::HEAD, &path, &[]).await;
        let (length, etag) = (head.header("content-length").parse::<usize>().unwrap(), head.header("etag").to_owned());
        assert_eq!((head.status, length, head.body.len()), (200, filler / 6 * 3 + 5, 0));
        let whole = get(&[]).await;
        if filler < 1_000_000 {
            assert_eq!((whole.status, whole.body.len()), (200, length));
        } else {
            assert_eq!((whole.status, whole.json()["code"].as_str()), (413, Some("answer_too_large")));
        }
        let end = get(&[("range", "bytes=-7"), ("if-range", &etag)]).await;
        assert_eq!((end.status, end.body.as_slice()), (206, &b"MNHello"[..]));
        let part = get(&[("range", "bytes=1-4")]).await;
        assert_eq!(
            (part.body.as_slice(), part.header("content-range")),
            (&b"MN&M"[..], &*format!("bytes 1-4/{length}"))
        );
        // As much as an answer holds.
        let most = get(&[("range", "bytes=0-")]).await;
        assert_eq!((most.status, most.body.len()), (206, length.min(1_000_000)));
        assert_eq!(get(&[("range", &format!("bytes={length}-"))]).await.status, 416);
        assert_eq!(get(&[("if-none-match", &etag)]).await.status, 304);
        let text = ask(&world, Method::GET, &path.replace("/attachments/3", "/text"), &[]).await.json();
        assert_eq!(text["text"], "Délai\n\nl");
    }
}

/// Takes the originals away, so that whatever is still known of a mail was kept beside them.
async fn lose_originals(world: &World) {
    let s3 = aws_sdk_s3::Client::new(&world.host.machine.aws);
    for key in world.objects().await {
        s3.delete_object().bucket(BUCKET).key(key).send().await.unwrap();
    }
}

#[tokio::test]
async fn the_parts_of_a_large_mail_are_known_before_anybody_reads_it() {
    let (world, _, path) = read(6_000_000).await;
    lose_originals(&world).await;
    let listed = ask(&world, Method::GET, &format!("{path}/attachments"), &[]).await;
    assert_eq!((listed.status, listed.json()["items"].as_array().unwrap().len()), (200, 4));
}

#[tokio::test]
async fn parts_that_were_not_kept_when_a_large_mail_was_archived_are_kept_when_it_is_indexed() {
    let (world, registry, path) = read(6_000_000).await;
    let message = path.rsplit_once('/').unwrap().1.parse().unwrap();
    let key = Key::parts(registry.firm.parse().unwrap(), message);
    world.host.app.table.write(Write::discard(key)).await.unwrap();
    world.host.index().await;
    lose_originals(&world).await;
    assert_eq!(ask(&world, Method::GET, &format!("{path}/attachments"), &[]).await.status, 200);
}

#[tokio::test]
async fn the_parts_of_a_mail_that_is_erased_go_with_it_also_if_it_is_read_at_that_moment() {
    let (world, registry, path) = read(6_000_000).await;
    let message = path.rsplit_once('/').unwrap().1.parse().unwrap();
    let (firm, table) = (registry.firm.parse().unwrap(), &world.host.app.table);
    let erasures = format!("/v1/firms/{}/erasures", registry.firm);
    let target = json!({ "kind": "message", "message": message });
    let asked =
        world.post(&erasures, json!({ "target": target, "asked_by": "Ada", "reason": "Article 17" })).await.ok();
    let erasure = format!("{erasures}/{}", asked["id"].as_str().unwrap());
    Box::pin(world.host.erase()).await;
    world.post(&format!("{erasure}/confirm"), Value::Null).await.ok();
    let s3 = aws_sdk_s3::Client::new(&world.host.machine.aws);
    let original = world.objects().await.remove(0);
    let read = s3.get_object().bucket(BUCKET).key(&original).send().await.unwrap().body.collect().await.unwrap();
    let read = read.into_bytes();
    Box::pin(world.host.erase()).await;
    world.clock.advance(ROUND_TIME);
    Box::pin(world.host.erase()).await;
    assert_eq!(world.get(&erasure).await.ok()["progress"]["state"], "erased");
    assert!(table.get::<Value>(&Key::parts(firm, message)).await.unwrap().is_none());
    // Somebody began to read it before.
    let (bytes, key) = (read.len() as u64, OriginalKey::parse(&original).unwrap());
    s3.put_object().bucket(BUCKET).key(&original).body(read.into()).send().await.unwrap();
    OpenedMail::open((&world.host.app.archive, Some(table)), key, bytes, &[]).await.unwrap();
    let left = table.get::<Value>(&Key::parts(firm, message)).await.unwrap().unwrap().value;
    assert_eq!((&left["head"], &left["parts"]), (&json!(""), &json!("")));
}

#[tokio::test]
async fn a_mail_that_shows_more_than_an_answer_holds_is_shown_in_part_and_says_so() {
    let world = World::with(&[("GREFFE_CONTENT_BYTES_MAX", "1000000")]).await;
    let registry = world.registry().await;
    let image = "x".repeat(1_200_000);
    let mails = [
        ("\r\n", "Content-Type: text/plain".to_owned(), "\"a\" ".repeat(300_000), String::new()),
        (
            "",
            "Content-Type: multipart/related; boundary=b".to_owned(),
            "--b\r\nContent-Type: text/html\r\n\r\n<p>Plan</p><img src=cid:plan>\r\n".to_owned(),
            format!("--b\r\nContent-Type: image/png; name=plan.png\r\nContent-ID: <plan>\r\n\r\n{image}\r\n--b--"),
        ),
    ];
    let mut paths = Vec::new();
    for (gap, kind, text, rest) in mails {
        let mime = format!("From: a@x.example\r\nTo: {ADA}\r\nSubject: Large\r\n{kind}\r\n\r\n{gap}{text}{rest}\r\n");
        let delivered = world.microsoft.deliver(ADA, "inbox", Mail::new(mime, world.clock.now())).unwrap();
        let id = message_id(&registry, &delivered.immutable_id);
        paths.push(format!("/v1/firms/{}/messages/{id}", registry.firm));
    }
    world.run_until_idle().await;
    let get = async |path: &str, of: &str| ask(&world, Method::GET, &format!("{path}{of}"), &[]).await;
    let cut = get(&paths[0], "/html").await;
    assert_eq!((cut.status, cut.header("greffe-is-cut")), (200, "true"));
    assert!((100_000..1_333_333).contains(&cut.body.len()), "{}", cut.body.len());
    let text = get(&paths[0], "/text").await;
    assert_eq!((text.status, &text.json()["is_cut"]), (200, &json!(true)));
    assert!((400_000..1_333_333).contains(&text.body.len()), "{}", text.body.len());
    let page = get(&paths[1], "/html").await;
    assert_eq!((page.status, page.header("greffe-is-cut")), (200, "false"));
    assert!(String::from_utf8(page.body).unwrap().contains("<p>Plan</p>[plan.png]"));
}
