//! Checkpoints: the size and root of a firm's log, signed (C2SP tlog-checkpoint on signed-note, Ed25519), over the
//! crate `signed_note`, which nothing else uses.
//!
//! Every firm has keys of its own, derived from the lines of one secret. Each line signs: a key is replaced by adding
//! a line, so that both sign, and removing the old one later.
//!
//! Sources: <https://c2sp.org/tlog-checkpoint>, <https://c2sp.org/signed-note>

use std::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ed25519_dalek::SigningKey;
use secrecy::{ExposeSecret as _, SecretString};
use signed_note::{Note, NoteError, Signature, Signer, StandardSigner, StandardVerifier, Verifier, VerifierList};

use crate::{
    aws::secrets::MacKey,
    base::{digest::Digest, id::FirmId},
};

/// The fewest characters of a line of the secret.
const KEY_CHARS_MIN: usize = 32;
/// How signed-note marks Ed25519.
const ED25519: u8 = 1;
/// What stands before the 32 bytes of a public key of Ed25519 in DER, in hex.
const ED25519_PUBLIC_KEY: &str = "302a300506032b6570032100";

/// The name of a firm's log, and of the keys that sign it.
pub fn origin(firm: FirmId) -> String {
    format!("greffe/firms/{firm}")
}

/// The head of a log at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// How many entries the log has.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Digest,
    /// The size that the log had in the checkpoint before, if there was one: so none can be left out. It is an
    /// extension line, `previous {size}`, which others' tools read past.
    pub previous: Option<u64>,
}

/// A checkpoint that is not to be believed.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// It is no checkpoint of this log.
    #[error("it is not a checkpoint of this log")]
    Malformed,
    /// A signature is wrong, or of a key that is not known, or there is none.
    #[error("its signature does not hold: {0}")]
    Signature(NoteError),
}

impl Checkpoint {
    /// The text that is signed.
    fn text(&self, firm: FirmId) -> String {
        let previous = self.previous.map(|size| format!("previous {size}\n")).unwrap_or_default();
        format!("{}\n{}\n{}\n{previous}", origin(firm), self.size, self.root.base64())
    }

    /// The checkpoint of the firm's log, signed with all of its keys: always the same bytes.
    pub fn sign(&self, firm: FirmId, keys: &LogKeys) -> Vec<u8> {
        let signers: Vec<&dyn Signer> = keys.0.iter().map(|key| &key.signer as &dyn Signer).collect();
        let mut note = Note::new(self.text(firm).as_bytes(), &[]).expect("a checkpoint is a note's text");
        // Ed25519 signs any text, and the names are ours.
        note.add_sigs(&signers).expect("a key signs");
        note.to_bytes()
    }

    /// The checkpoint of the firm's log that these bytes are, if every signature on it is by one of `keys`, and the
    /// ids of the keys that signed it.
    ///
    /// Errors: it is another log's or malformed; a signature is wrong, or of a key that is not among them.
    pub fn open(firm: FirmId, bytes: &[u8], keys: &VerifyingKeys) -> Result<(Self, Vec<String>), CheckpointError> {
        let note = Note::from_bytes(bytes).map_err(|_| CheckpointError::Malformed)?;
        let read = Self::read(firm, &note).ok_or(CheckpointError::Malformed)?;
        let (known, unknown) = note.verify(&keys.verifiers()).map_err(CheckpointError::Signature)?;
        match unknown.first() {
            // With the name or the id of its key changed, a signature would pass for one of an unknown witness.
            Some(_) => Err(CheckpointError::Signature(NoteError::UnverifiedNote)),
            None => Ok((read, known.iter().map(|signature| format!("{:08x}", signature.id())).collect())),
        }
    }

    /// The ids of the keys that are said to have signed these bytes; nothing is verified.
    pub fn signers(bytes: &[u8]) -> Vec<String> {
        let lines = bytes.split(|byte| *byte == b'\n').filter_map(|line| Signature::from_bytes(line).ok());
        lines.map(|signature| format!("{:08x}", signature.id())).collect()
    }

    /// What the note says, whoever signed it.
    fn read(firm: FirmId, note: &Note) -> Option<Self> {
        let text = std::str::from_utf8(note.text()).ok()?;
        let mut lines = text.lines().skip(1);
        let (size, root) = (lines.next()?.parse().ok()?, Digest::from_base64(lines.next()?)?);
        let previous = lines.next().and_then(|line| line.strip_prefix("previous ")?.parse().ok());
        let read = Self { size, root, previous };
        // There is one spelling of each, and nothing beside it.
        (read.text(firm) == text).then_some(read)
    }
}

/// A secret that gives no keys.
#[derive(Debug, thiserror::Error)]
#[error("the key of the evidence has not the expected form: lines of at least {KEY_CHARS_MIN} random characters")]
pub struct WeakKeyError;

/// The keys that sign a firm's checkpoints.
pub struct LogKeys(Vec<LogKey>);

struct LogKey {
    signer: StandardSigner,
    verifier: String,
}

impl LogKeys {
    /// Those of a firm, one for each line of `secret`.
    ///
    /// Errors: the secret is empty, or a line is too short.
    pub fn of(firm: FirmId, secret: &SecretString) -> Result<Self, WeakKeyError> {
        let lines: Vec<&str> = secret.expose_secret().lines().collect();
        if lines.is_empty() || lines.iter().any(|line| line.len() < KEY_CHARS_MIN) {
            return Err(WeakKeyError);
        }
        lines.into_iter().map(|line| LogKey::new(firm, line)).collect::<Result<_, _>>().map(Self)
    }

    /// The keys that verify what these sign.
    pub fn verifying(&self) -> VerifyingKeys {
        VerifyingKeys(self.0.iter().map(|key| key.verifier.clone()).collect())
    }
}

impl LogKey {
    fn new(firm: FirmId, line: &str) -> Result<Self, WeakKeyError> {
        let name = origin(firm);
        let seed = MacKey::new(&line.into()).sign(format!("log of {name}").as_bytes());
        let key = SigningKey::from_bytes(&seed);
        let verifier = signed_note::new_ed25519_verifier_key(&name, &key.verifying_key());
        // As signed-note writes a private key; only here, and never kept.
        let id = verifier.split('+').nth(1).unwrap_or_default();
        let private = SecretString::from(BASE64_STANDARD.encode([&[ED25519], seed.as_slice()].concat()));
        let signer = StandardSigner::new(&format!("PRIVATE+KEY+{name}+{id}+{}", private.expose_secret()));
        Ok(Self { signer: signer.map_err(|_| WeakKeyError)?, verifier })
    }
}

impl fmt::Debug for LogKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogKeys({})", self.0.len())
    }
}

/// The keys that verify a firm's checkpoints, as signed-note writes them: `{name}+{id}+{base64}`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VerifyingKeys(Vec<String>);

impl VerifyingKeys {
    /// Those of `texts` that are keys of the firm's log.
    pub fn of(firm: FirmId, texts: impl IntoIterator<Item = String>) -> Self {
        let name = origin(firm);
        let is_key = |text: &String| StandardVerifier::new(text).is_ok_and(|verifier| verifier.name() == name);
        Self(texts.into_iter().filter(is_key).collect())
    }

    /// As they are written.
    pub fn texts(&self) -> &[String] {
        &self.0
    }

    /// Each with its id, 8 hex digits.
    pub fn by_id(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|text| Some((text.split('+').nth(1)?, text.as_str())))
    }

    /// The last of them, which is the newest, as a PEM file.
    /// Source: RFC 8410, section 4
    pub fn pem(&self) -> Option<String> {
        let public = BASE64_STANDARD.decode(self.0.last()?.splitn(3, '+').nth(2)?).ok()?;
        let der = [&hex::decode(ED25519_PUBLIC_KEY).ok()?, public.get(1..)?].concat();
        Some(format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", BASE64_STANDARD.encode(der)))
    }

    /// These and others, each once.
    pub fn and(&self, others: &Self) -> Self {
        let new = others.0.iter().filter(|text| !self.0.contains(text));
        Self(self.0.iter().chain(new).cloned().collect())
    }

    fn verifiers(&self) -> VerifierList {
        let verifiers = self.0.iter().filter_map(|text| StandardVerifier::new(text).ok());
        VerifierList::new(verifiers.map(|verifier| Box::new(verifier) as Box<dyn Verifier>).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    fn firm() -> FirmId {
        "d0a0e2e3-d7aa-4873-a333-409ad942fa5e".parse().unwrap()
    }

    fn keys(lines: &[&str]) -> LogKeys {
        let text: Vec<String> = lines.iter().map(|line| line.repeat(KEY_CHARS_MIN)).collect();
        LogKeys::of(firm(), &text.join("\n").into()).unwrap()
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint { size: 17, root: Digest::of(b"root"), previous: None }
    }

    /// The note that the standard shows.
    /// Source: <https://github.com/golang/mod/blob/master/sumdb/note/note_test.go> (`PeterNeumann`)
    #[test]
    fn a_note_of_another_program_is_verified() {
        let key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let note = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\
                    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        let keys = VerifyingKeys(vec![key.to_owned()]);
        assert!(Note::from_bytes(note.as_bytes()).unwrap().verify(&keys.verifiers()).is_ok());
        assert!(Note::from_bytes(note.replace("don't", "do").as_bytes()).unwrap().verify(&keys.verifiers()).is_err());
    }

    #[test]
    fn a_checkpoint_is_the_same_bytes_in_every_version() {
        let keys = keys(&["a"]);
        assert_eq!(
            String::from_utf8(checkpoint().sign(firm(), &keys)).unwrap(),
            "greffe/firms/d0a0e2e3-d7aa-4873-a333-409ad942fa5e\n17\n\
             SBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7I=\n\n\
             — greffe/firms/d0a0e2e3-d7aa-4873-a333-409ad942fa5e HHUxYBqc8pK1vaUygaywbX0PXbGbKL1twdUypGAxukJb\
             d4wtPm79RYgg++PFKN79wUWOICA5bB7GdlM2q6eB6Ppa3g0=\n"
        );
        // The key that OpenSSL makes of HMAC-SHA-256(line, "log of greffe/firms/…").
        assert_eq!(
            keys.verifying().texts(),
            ["greffe/firms/d0a0e2e3-d7aa-4873-a333-409ad942fa5e+1c753160+\
              AZWKgMMo1CQUdpbk327uDe6c1o+NF06PGxZK6u90ADUU"]
        );
    }

    #[test]
    fn a_key_is_written_as_openssl_reads_it_and_a_checkpoint_names_its_signers() {
        let (keys, both) = (keys(&["a"]), keys(&["b", "a"]));
        let pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAlYqAwyjUJBR2luTfbu4N7pzWj40XTo8bFkrq73QANRQ=\n\
                   -----END PUBLIC KEY-----\n";
        assert_eq!(keys.verifying().pem().as_deref(), Some(pem));
        assert_eq!(keys.verifying().pem(), both.verifying().pem());
        assert_eq!(Checkpoint::signers(&checkpoint().sign(firm(), &keys)), ["1c753160"]);
        assert_eq!(Checkpoint::signers(&checkpoint().sign(firm(), &both)).len(), 2);
        assert!(Checkpoint::signers(b"greffe\n17\n").is_empty() && VerifyingKeys::default().pem().is_none());
    }

    #[test]
    fn a_checkpoint_is_opened_by_its_key_and_no_other() {
        let signing = keys(&["a"]);
        let signed = checkpoint().sign(firm(), &signing);
        let (opened, signers) = Checkpoint::open(firm(), &signed, &signing.verifying()).unwrap();
        assert_eq!((opened, signers), (checkpoint(), vec!["1c753160".to_owned()]));
        let other = keys(&["b"]).verifying();
        assert!(matches!(Checkpoint::open(firm(), &signed, &other), Err(CheckpointError::Signature(_))));
        let elsewhere = FirmId::draw(&Random::seeded(1));
        assert!(matches!(Checkpoint::open(elsewhere, &signed, &signing.verifying()), Err(CheckpointError::Malformed)));
    }

    #[test]
    fn no_byte_of_a_checkpoint_can_be_changed() {
        let signing = keys(&["a", "b"]);
        let followed = Checkpoint { previous: Some(9), ..checkpoint() };
        let signed = followed.sign(firm(), &signing);
        assert_eq!(Checkpoint::open(firm(), &signed, &signing.verifying()).unwrap().0, followed);
        for place in 0..signed.len() {
            let mut changed = signed.clone();
            changed[place] ^= 1;
            assert!(Checkpoint::open(firm(), &changed, &signing.verifying()).is_err(), "byte {place}");
        }
    }

    #[test]
    fn while_a_key_is_replaced_both_sign_and_each_verifies() {
        let (old, both, new) = (keys(&["a"]), keys(&["a", "b"]), keys(&["b"]));
        let signed = checkpoint().sign(firm(), &both);
        assert!(Checkpoint::open(firm(), &signed, &old.verifying().and(&new.verifying())).is_ok());
        assert_eq!(old.verifying().and(&new.verifying()), both.verifying());
        // Alone, one can't tell the other's signature from a changed one.
        assert!(Checkpoint::open(firm(), &signed, &old.verifying()).is_err());
        assert!(Checkpoint::open(firm(), &checkpoint().sign(firm(), &new), &both.verifying()).is_ok());
    }

    #[test]
    fn a_firm_has_keys_of_its_own_and_a_weak_secret_gives_none() {
        let secret = SecretString::from("a".repeat(KEY_CHARS_MIN));
        let other = FirmId::draw(&Random::seeded(1));
        let of = |firm| LogKeys::of(firm, &secret).unwrap().verifying();
        assert_ne!(of(firm()).texts()[0].split('+').nth(2), of(other).texts()[0].split('+').nth(2));
        for weak in ["", "short", &format!("{}\nshort", "a".repeat(KEY_CHARS_MIN))] {
            assert!(LogKeys::of(firm(), &weak.to_owned().into()).is_err(), "{weak}");
        }
        assert!(!format!("{:?}", LogKeys::of(firm(), &secret).unwrap()).contains("aaa"));
        let foreign = of(other).texts().to_vec();
        assert_eq!(VerifyingKeys::of(firm(), foreign), VerifyingKeys::default());
    }
}
