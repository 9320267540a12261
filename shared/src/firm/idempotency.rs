//! Requests that may be sent again: a POST with an `Idempotency-Key` is carried out once, and its answer told again.
//!
//! The first request with a key leaves its record before anything is done. The same request finds the answer; another
//! request under the same key is refused; one that comes while the first is at work is told so and does nothing. A
//! request that was refused or failed leaves no record, so it may be corrected and sent again.
//!
//! After [`UNFINISHED_FOR`] without an answer the first was interrupted. A request that does no harm twice is then
//! carried out again. One that would make a second thing is not: whether the first took effect is for a person to see.
//! The same holds if the answer could not be kept.
//!
//! An answer may have several megabytes, an item 400 KB. What is longer than a part lies in parts.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    aws::{
        secrets::{Sealed, SecretError, Secrets},
        table::{Key, Row, Table, TableError, Write},
    },
    base::id::FirmId,
};

/// How long an answer is told again.
pub const KEPT_FOR: Duration = Duration::from_secs(24 * 3600);
/// The longest key.
pub const KEY_CHARS_MAX: usize = 255;
/// When a request without an answer counts as interrupted. API Gateway and the function end it before, after 30
/// seconds.
pub const UNFINISHED_FOR: Duration = Duration::from_secs(60);
/// The longest part of a sealed answer: an item holds 400 KB, its names included.
/// Source: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
const PART_BYTES_MAX: usize = 300 << 10;
/// How much longer than its record a part is kept.
const PARTS_KEPT_LONGER: Duration = Duration::from_secs(3600);

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAnswer {
    /// The HTTP status: of success.
    pub status: u16,
    /// The header `Location`.
    pub location: Option<String>,
    /// The header `ETag`; none where an older version kept the answer.
    #[serde(default)]
    pub etag: Option<String>,
    /// The header `Content-Type`.
    pub content_type: Option<String>,
    /// The body.
    pub body: String,
}

/// The record that a request leaves. Its answer is sealed: it may hold a key that is told once.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct StoredRequest {
    request: String,
    /// The name of the caller; none where an older version left the record.
    #[serde(default)]
    caller: Option<String>,
    /// The answer, or with `parts` the first part of it.
    answer: Option<Sealed>,
    /// How many parts of the answer lie elsewhere.
    #[serde(default)]
    parts: u32,
    /// The status of a success whose answer could not be kept.
    #[serde(default)]
    lost: Option<u16>,
    expires_at: i64,
}

impl StoredRequest {
    fn is_interrupted(&self, now: Timestamp) -> bool {
        let began = self.expires_at - i64::try_from(KEPT_FOR.as_secs()).unwrap_or(i64::MAX);
        self.answer.is_none() && now.as_second() - began >= i64::try_from(UNFINISHED_FOR.as_secs()).unwrap_or(i64::MAX)
    }
}

/// A part of a sealed answer.
#[derive(Debug, Serialize, Deserialize)]
struct AnswerPart {
    number: u32,
    sealed: String,
    expires_at: i64,
}

/// What is to be done with a request.
pub enum RequestClaim {
    /// It is the first: carry it out, then [end](FirstRequest::end) it.
    First(FirstRequest),
    /// It was carried out: tell this again.
    Told(Box<KeptAnswer>),
    /// Another request of the same caller used the key.
    Reused,
    /// Another caller used the key.
    OfAnother,
    /// It is being carried out.
    Unfinished,
    /// It was interrupted, or it succeeded with this status and its answer could not be kept.
    Lost(Option<u16>),
}

/// The right to carry out a request.
pub struct FirstRequest {
    row: Row<StoredRequest>,
    place: AnswerKey,
    is_repeatable: bool,
}

/// Where a record lies, and the parts of its answer.
struct AnswerKey {
    firm: Option<FirmId>,
    digest: String,
}

impl AnswerKey {
    fn record(&self) -> Key {
        Key::idempotency(self.firm, &self.digest)
    }

    /// Whom an answer is sealed for.
    fn owner(&self) -> String {
        format!("idempotency {}", self.record())
    }

    fn part(&self, number: u32) -> Key {
        Key::answer_part(self.firm, &self.digest, number)
    }

    /// The sealed answer of a record; none if parts of it are missing.
    async fn sealed(&self, table: &Table, record: &StoredRequest) -> Result<Option<Sealed>, TableError> {
        let (Some(first), 1..) = (&record.answer, record.parts) else { return Ok(record.answer.clone()) };
        let keys: Vec<Key> = (1..=record.parts).map(|number| self.part(number)).collect();
        let mut parts: Vec<AnswerPart> = table.get_all(&keys).await?.into_iter().map(|row| row.value).collect();
        if parts.len() != keys.len() {
            return Ok(None);
        }
        parts.sort_by_key(|part| part.number);
        let rest = parts.into_iter().map(|part| part.sealed);
        Ok(Some(Sealed::from_text(&[first.as_str().to_owned()].into_iter().chain(rest).collect::<String>())))
    }
}

/// A record that could not be read, left or sealed.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyError {
    /// The table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The key ring.
    #[error(transparent)]
    Secret(#[from] SecretError),
}

/// Claims the request for this call. `firm`: None for what the operator does for no firm. `request`: all that makes two
/// requests of one caller the same. `is_repeatable`: twice has the same effect as once.
///
/// Errors: the table refuses or does not answer, or the answer is not sealed.
pub async fn begin(
    (table, secrets): (&Table, &Secrets),
    now: Timestamp,
    firm: Option<FirmId>,
    (key, caller): (&str, &str),
    request: [&[u8]; 3],
    is_repeatable: bool,
) -> Result<RequestClaim, IdempotencyError> {
    let digest = |parts: &[&[u8]]| {
        let lengths = parts.iter().fold(Sha256::new(), |sha, part| sha.chain_update(part.len().to_be_bytes()));
        hex::encode(parts.iter().fold(lengths, |sha, part| sha.chain_update(part)).finalize())
    };
    // Without it no answer can be kept: then nothing is done.
    secrets.keyring().await?;
    let place = AnswerKey { firm, digest: digest(&[key.as_bytes()]) };
    let expires_at = (now + KEPT_FOR).as_second();
    let [method, target, body] = request;
    // What one caller was answered may hold more than another may do: a key with its rights.
    let request = digest(&[method, target, body, caller.as_bytes()]);
    let caller = Some(caller.to_owned());
    let record = StoredRequest { request, caller, answer: None, parts: 0, lost: None, expires_at };
    match table.write(Write::insert(place.record(), &record)).await {
        Ok(()) => {
            return Ok(RequestClaim::First(FirstRequest {
                row: Row::inserted(place.record(), record),
                place,
                is_repeatable,
            }));
        }
        Err(TableError::Conflict { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let Some(there) = table.get::<StoredRequest>(&place.record()).await? else { return Ok(RequestClaim::Unfinished) };
    // DynamoDB forgets it some time; until then it counts for nothing.
    let is_over = there.value.expires_at <= now.as_second();
    if !is_over && there.value.request != record.request {
        let is_anothers = there.value.caller.is_some() && there.value.caller != record.caller;
        return Ok(if is_anothers { RequestClaim::OfAnother } else { RequestClaim::Reused });
    }
    if is_over || (is_repeatable && there.value.is_interrupted(now)) {
        let mut row = there.with(record);
        return match table.write(Write::replace(&row)).await {
            Ok(()) => {
                row.written();
                Ok(RequestClaim::First(FirstRequest { row, place, is_repeatable }))
            }
            Err(TableError::Conflict { .. }) => Ok(RequestClaim::Unfinished),
            Err(error) => Err(error.into()),
        };
    }
    if there.value.answer.is_none() {
        let is_lost = there.value.lost.is_some() || there.value.is_interrupted(now);
        return Ok(if is_lost { RequestClaim::Lost(there.value.lost) } else { RequestClaim::Unfinished });
    }
    let Some(sealed) = place.sealed(table, &there.value).await? else { return Ok(RequestClaim::Lost(None)) };
    let opened = secrets.open(&place.owner(), &sealed).await?;
    Ok(serde_json::from_str(opened.expose_secret())
        .map_or(RequestClaim::Lost(None), |answer| RequestClaim::Told(Box::new(answer))))
}

impl FirstRequest {
    /// Keeps the answer of success; with none, forgets that the request was ever sent.
    ///
    /// Errors: the answer could not be kept. Then a request that is repeatable is forgotten, and of another one only
    /// its success is kept, as far as the table takes that.
    pub async fn end(
        self,
        (table, secrets): (&Table, &Secrets),
        answer: Option<&KeptAnswer>,
    ) -> Result<(), IdempotencyError> {
        let Some(answer) = answer else {
            return Ok(table.write(Write::remove(&self.row)).await?);
        };
        let Err(error) = self.keep((table, secrets), answer).await else { return Ok(()) };
        let instead = match self.is_repeatable {
            true => Write::remove(&self.row),
            false => {
                let record = StoredRequest { lost: Some(answer.status), ..self.row.value.clone() };
                Write::replace(&self.row.with(record))
            }
        };
        table.write(instead).await?;
        Err(error)
    }

    /// The parts are written before the record that counts them.
    async fn keep(&self, (table, secrets): (&Table, &Secrets), answer: &KeptAnswer) -> Result<(), IdempotencyError> {
        let json = serde_json::to_string(answer).expect("an answer is texts and a number");
        let sealed = secrets.seal(&self.place.owner(), &json).await?;
        let mut parts = in_parts(sealed.as_str()).into_iter();
        let first = parts.next().map(Sealed::from_text);
        let record = &self.row.value;
        let expires_at = record.expires_at + i64::try_from(PARTS_KEPT_LONGER.as_secs()).unwrap_or_default();
        let mut count = 0;
        for sealed in parts {
            count += 1;
            let part = AnswerPart { number: count, sealed: sealed.to_owned(), expires_at };
            table.write(Write::overwrite(self.place.part(count), &part)).await?;
        }
        let record = StoredRequest { answer: first, parts: count, ..record.clone() };
        Ok(table.write(Write::replace(&self.row.clone().with(record))).await?)
    }
}

/// A text of ASCII, cut into parts that fit into an item.
fn in_parts(text: &str) -> Vec<&str> {
    let (mut rest, mut parts) = (text, Vec::new());
    while rest.len() > PART_BYTES_MAX {
        let (part, behind) = rest.split_at(PART_BYTES_MAX);
        parts.push(part);
        rest = behind;
    }
    parts.push(rest);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::table::frozen;

    #[test]
    fn marks_and_parts_that_an_older_version_wrote_are_read() {
        let record: StoredRequest = frozen("idempotency");
        assert!(record.answer.is_some() && record.parts == 0);
        let named: StoredRequest = frozen("idempotency-caller");
        assert!(record.caller.is_none() && named.caller.is_some());
        let long: StoredRequest = frozen("idempotency-parts");
        assert_eq!(long.parts, 2);
        let part: AnswerPart = frozen("answer-part");
        assert_eq!(part.number, 1);
    }

    #[test]
    fn a_long_answer_is_cut_into_parts_that_make_it_up_again() {
        let text = "0123456789".repeat(PART_BYTES_MAX / 4);
        let parts = in_parts(&text);
        assert!(parts.len() == 3 && parts.iter().all(|part| part.len() <= PART_BYTES_MAX));
        assert_eq!(parts.concat(), text);
        assert_eq!(in_parts("short"), ["short"]);
    }

    #[test]
    fn a_request_without_an_answer_counts_as_interrupted_only_once_no_function_can_still_carry_it_out() {
        let began: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let record = StoredRequest {
            request: String::new(),
            caller: None,
            answer: None,
            parts: 0,
            lost: None,
            expires_at: (began + KEPT_FOR).as_second(),
        };
        assert!(!record.is_interrupted(began));
        assert!(!record.is_interrupted(began + UNFINISHED_FOR - Duration::from_secs(1)));
        assert!(record.is_interrupted(began + UNFINISHED_FOR));
        let answered = StoredRequest { answer: Some(Sealed::from_text("x")), ..record };
        assert!(!answered.is_interrupted(began + UNFINISHED_FOR));
    }
}
