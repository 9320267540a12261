//! Time stamps: `openssl` plays the authority, and what it stamps is verified by us and by `openssl`.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, http::StatusCode, routing::post};
use local::provision::BUCKET;
use shared::{
    aws::secrets::EVIDENCE_KEY,
    base::id::FirmId,
    evidence::{
        log_store::{kept_checkpoint, kept_stamp, key},
        report::{FindingKind, FirmReport},
        stamp::{Stamp, StampError, StampRoots, request},
        verify::Verifier,
    },
};
use tempfile::TempDir;
use tests::{Registry, World, message_id};

/// How an authority answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Stamps,
    Fails,
    SpeaksOtherwise,
    /// It gives the answer of before once more.
    Repeats,
}

struct Authority {
    folder: TempDir,
    url: String,
    manner: Arc<Mutex<Manner>>,
}

/// Two certificates of a root of its own, one by RSA and one by an elliptic curve.
const SETUP: &str = "
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=Root \
        -days 3650 -addext keyUsage=critical,keyCertSign
    echo 'extendedKeyUsage=critical,timeStamping' > purpose
    echo 'extendedKeyUsage=serverAuth' > other-purpose
    openssl req -newkey rsa:2048 -nodes -keyout tsa.key -out tsa.csr -subj /CN=Stamps
    openssl x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -extfile purpose -out tsa.pem
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout ec.key -out ec.csr -subj /CN=Curves
    openssl x509 -req -in ec.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -extfile purpose -out ec.pem
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout x.key -out other.pem -subj /CN=Other \
        -days 3650
    printf '[tsa]\\ndefault_tsa=t\\n[t]\\nserial=serial\\nsigner_digest=sha256\\ndefault_policy=1.2.3.4\\n\
digests=sha256\\ness_cert_id_alg=sha256\\naccuracy=secs:1\\nclock_precision_digits=3\\n' > tsa.cnf
    echo 01 > serial
";

fn sh(folder: &Path, script: &str) -> Result<String, String> {
    let output = Command::new("sh").args(["-ec", script]).current_dir(folder).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(text) } else { Err(text) }
}

/// What `openssl` answers a query, signed by that key.
fn reply(folder: &Path, query: &[u8], signer: &str) -> Vec<u8> {
    fs::write(folder.join("query"), query).unwrap();
    let script = format!(
        "openssl ts -reply -config tsa.cnf -queryfile query -signer {signer}.pem -inkey {signer}.key -out reply"
    );
    sh(folder, &script).unwrap();
    fs::read(folder.join("reply")).unwrap()
}

impl Authority {
    /// None where there is no `openssl`.
    async fn open() -> Option<Self> {
        Command::new("openssl").arg("version").output().ok()?;
        let folder = tempfile::tempdir().unwrap();
        sh(folder.path(), SETUP).unwrap();
        let manner = Arc::new(Mutex::new(Manner::Stamps));
        let (at, how) = (folder.path().to_owned(), manner.clone());
        let answer = async move |query: Bytes| match *how.lock().unwrap() {
            Manner::Stamps => (StatusCode::OK, reply(&at, &query, "tsa")),
            Manner::Fails => (StatusCode::SERVICE_UNAVAILABLE, Vec::new()),
            Manner::SpeaksOtherwise => (StatusCode::OK, b"<html>".to_vec()),
            Manner::Repeats => (StatusCode::OK, fs::read(at.join("reply")).unwrap()),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/tsa", listener.local_addr().unwrap());
        let router = Router::new().route("/tsa", post(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Some(Self { folder, url, manner })
    }

    fn is(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    fn roots(&self, name: &str) -> StampRoots {
        StampRoots::from_pem(&fs::read(self.folder.path().join(name)).unwrap()).unwrap()
    }
}

struct Stamped {
    world: World,
    registry: Registry,
    firm: FirmId,
}

impl Stamped {
    async fn by(authority: &Authority) -> Self {
        let world = World::with(&[("GREFFE_TIMESTAMP_URL", &authority.url)]).await;
        let registry = world.registry().await;
        let firm = registry.firm.parse().unwrap();
        Self { world, registry, firm }
    }

    /// A mail comes, and the log is brought up to it.
    async fn mail(&self) -> String {
        let mail = self.world.deliver("inbox", "Facture");
        self.world.run_until_idle().await;
        self.world.host.append_logs().await;
        format!("/v1/firms/{}/messages/{}", self.firm, message_id(&self.registry, &mail))
    }

    async fn stamps(&self) -> BTreeSet<String> {
        self.world.host.app.logs.names(self.firm, "stamps/").await.unwrap().into_iter().collect()
    }

    async fn read(&self, name: &str) -> Vec<u8> {
        self.world.host.app.logs.find(self.firm, name).await.unwrap().expect(name).bytes
    }

    async fn put(&self, name: &str, bytes: &[u8]) {
        let s3 = aws_sdk_s3::Client::new(&self.world.host.machine.aws);
        let put = s3.put_object().bucket(BUCKET).key(key(self.firm, name)).body(bytes.to_vec().into());
        put.send().await.unwrap();
    }

    async fn remove(&self, name: &str) {
        let s3 = aws_sdk_s3::Client::new(&self.world.host.machine.aws);
        s3.delete_object().bucket(BUCKET).key(key(self.firm, name)).send().await.unwrap();
    }

    async fn verify(&self, roots: &StampRoots) -> FirmReport {
        let app = &self.world.host.app;
        let secret = app.secrets.read(EVIDENCE_KEY).await.unwrap();
        let verifier = Verifier {
            table: &app.table,
            store: &app.logs,
            key: &secret,
            share: None,
            reads: false,
            roots,
            lock_days: None,
            now: app.clock.now(),
            tell: &|_| {},
        };
        verifier.verify().await.unwrap().firms.remove(0)
    }

    async fn findings(&self, roots: &StampRoots) -> Vec<(FindingKind, String)> {
        self.verify(roots).await.findings.into_iter().map(|finding| (finding.kind, finding.what)).collect()
    }
}

#[test]
fn a_stamp_of_openssl_holds_for_what_it_stamped_and_for_nothing_else() {
    if Command::new("openssl").arg("version").output().is_err() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    sh(at, SETUP).unwrap();
    let roots = |name: &str| StampRoots::from_pem(&fs::read(at.join(name)).unwrap()).unwrap();
    for (signer, nonce) in [("tsa", [0xff; 8]), ("ec", [0, 0, 1, 2, 3, 4, 5, 6])] {
        let answer = reply(at, &request(b"checkpoint", nonce).unwrap(), signer);
        let stamp = Stamp::open(&answer, b"checkpoint").unwrap();
        stamp.answers(nonce).unwrap();
        assert!(matches!(stamp.answers([1; 8]), Err(StampError::OtherNonce)));
        let age = jiff::Timestamp::now().duration_since(stamp.at);
        assert!(age.as_secs().abs() < 60, "{}", stamp.at);
        stamp.is_rooted_in(&roots("ca.pem")).unwrap();
        assert!(matches!(stamp.is_rooted_in(&roots("other.pem")), Err(StampError::Chain(_))));
        assert!(matches!(stamp.is_rooted_in(&StampRoots::default()), Err(StampError::Chain(_))));
        assert!(matches!(Stamp::open(&answer, b"another"), Err(StampError::OtherImprint)));
        let (mut kept, length) = (0, answer.len());
        for place in 0..length {
            let mut changed = answer.clone();
            changed[place] ^= 1;
            let opened = Stamp::open(&changed, b"checkpoint").and_then(|stamp| stamp.is_rooted_in(&roots("ca.pem")));
            kept += usize::from(opened.is_ok());
        }
        // Such as the version of the signed data, and who is named as the signer: nothing that is signed.
        assert!(kept < length / 10, "{kept} of {length} bytes could be changed");
    }
    // A certificate for another purpose stamps nothing.
    sh(at, "openssl x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -days 9 -extfile purpose -out good.pem").unwrap();
    assert!(StampRoots::from_pem(b"no certificate").is_err());
}

#[tokio::test]
async fn a_checkpoint_a_day_is_stamped_and_a_proof_carries_the_first_stamp_of_its_mail() {
    let Some(authority) = Authority::open().await else { return };
    let stamped = Stamped::by(&authority).await;
    let first = stamped.mail().await;
    let after_one = stamped.stamps().await;
    assert_eq!(after_one.len(), 1);
    // The log grows, and the day is not over.
    let second = stamped.mail().await;
    assert_eq!(stamped.stamps().await, after_one);
    stamped.world.clock.advance(Duration::from_secs(25 * 3_600));
    // A day without news needs no stamp; what came since the last one does.
    stamped.world.host.append_logs().await;
    assert_eq!(stamped.stamps().await.len(), 2);
    stamped.world.clock.advance(Duration::from_secs(25 * 3_600));
    stamped.world.host.append_logs().await;
    assert_eq!(stamped.stamps().await.len(), 2);

    let report = stamped.verify(&authority.roots("ca.pem")).await;
    assert_eq!((report.stamps, report.findings.as_slice()), (2, &[][..]));
    for mail in [first, second] {
        let url = format!("http://{}{mail}/proof", stamped.world.host.address);
        let zip = stamped.world.http.get(url).bearer_auth(tests::OPERATOR_KEY).send().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("proof.zip"), zip.bytes().await.unwrap()).unwrap();
        let unpacked = sh(folder.path(), "python3 -m zipfile -e proof.zip . && python3 check.py");
        let Ok(said) = unpacked else { panic!("{unpacked:?}") };
        assert!(said.contains("PROVED"), "{said}");
        let without_key = sh(folder.path(), "cp key.txt kept && : > key.txt && python3 check.py");
        assert!(without_key.is_err_and(|said| said.contains("NOT PROVED: key.txt names no key")));
        sh(folder.path(), "mv kept key.txt").unwrap();
        // A proof may be asked for without its original, which whoever has the mail puts beside it.
        let without_mail = sh(folder.path(), "mv original.eml mail && python3 check.py");
        let Err(said) = without_mail else { panic!("{without_mail:?}") };
        assert!(
            said.contains("NOT PROVED: ") && said.contains("original.eml") && !said.contains("Traceback"),
            "{said}"
        );
        sh(folder.path(), "mv mail original.eml").unwrap();
        fs::copy(authority.folder.path().join("ca.pem"), folder.path().join("authority.pem")).unwrap();
        let verify = "openssl ts -verify -data checkpoint.txt -in stamp.tsr -CAfile authority.pem";
        assert!(sh(folder.path(), verify).unwrap().contains("Verification: OK"));
        assert!(fs::read_to_string(folder.path().join("README.html")).unwrap().contains("openssl ts -verify"));
    }
}

#[tokio::test]
async fn a_stamp_that_fails_holds_nothing_up_and_is_tried_again() {
    let Some(authority) = Authority::open().await else { return };
    let stamped = Stamped::by(&authority).await;
    stamped.mail().await;
    assert_eq!(stamped.stamps().await.len(), 1);
    for manner in [Manner::Fails, Manner::SpeaksOtherwise, Manner::Repeats] {
        authority.is(manner);
        stamped.world.clock.advance(Duration::from_secs(25 * 3_600));
        let mail = stamped.mail().await;
        assert_eq!(stamped.stamps().await.len(), 1, "{manner:?}");
        // The log has it all the same.
        let url = format!("http://{}{mail}/proof", stamped.world.host.address);
        let proof = stamped.world.http.get(url).bearer_auth(tests::OPERATOR_KEY).send().await.unwrap();
        assert_eq!(proof.status().as_u16(), 200);
    }
    authority.is(Manner::Stamps);
    stamped.world.host.append_logs().await;
    assert_eq!(stamped.stamps().await.len(), 2);
}

#[tokio::test]
async fn every_change_of_a_stamp_is_found() {
    let Some(authority) = Authority::open().await else { return };
    let stamped = Stamped::by(&authority).await;
    for _ in 0..2 {
        stamped.mail().await;
        stamped.world.clock.advance(Duration::from_secs(25 * 3_600));
    }
    let roots = authority.roots("ca.pem");
    let names: Vec<String> = stamped.stamps().await.into_iter().collect();
    let [one, other] = names.as_slice() else { panic!("{names:?}") };
    let (bytes, others) = (stamped.read(one).await, stamped.read(other).await);
    let whole = |name: &str| key(stamped.firm, name);
    let mut altered = bytes.clone();
    *altered.last_mut().unwrap() ^= 1;
    stamped.put(one, &altered).await;
    assert_eq!(stamped.findings(&roots).await, [(FindingKind::Altered, whole(one))]);
    stamped.put(one, &bytes[..bytes.len() - 1]).await;
    assert_eq!(stamped.findings(&roots).await, [(FindingKind::Altered, whole(one))]);
    stamped.remove(one).await;
    assert_eq!(stamped.findings(&roots).await, [(FindingKind::Missing, whole(one))]);
    stamped.put(one, &others).await;
    assert_eq!(stamped.findings(&roots).await, [(FindingKind::Swapped, whole(one))]);
    stamped.put(one, &bytes).await;
    // Of no checkpoint.
    let nowhere = kept_stamp(9_999);
    stamped.put(&nowhere, &bytes).await;
    assert_eq!(stamped.findings(&roots).await, [(FindingKind::Extra, whole(&nowhere))]);
    stamped.remove(&nowhere).await;
    assert_eq!(stamped.findings(&roots).await, []);
    // By an authority that the operator does not know.
    let found = stamped.findings(&authority.roots("other.pem")).await;
    assert_eq!(found, [(FindingKind::Altered, whole(one)), (FindingKind::Altered, whole(other))]);
    // Without a root that is named, all but the chain is checked.
    assert_eq!(stamped.verify(&StampRoots::default()).await.stamps, 2);
    let size = one.trim_start_matches("stamps/").trim_end_matches(".tsr").parse().unwrap();
    assert!(stamped.read(&kept_checkpoint(size)).await.starts_with(b"greffe/firms/"));
}
