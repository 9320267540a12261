//! Requests that may be sent again: a POST with an `Idempotency-Key` is carried out once, and its answer told again.
//!
//! The first request with a key leaves its mark before anything is done. The same request finds the answer; another request
//! under the same key is refused; one that comes while the first is at work, or after it was interrupted, is told so and does
//! nothing: whether the first took effect is for a person to see, never for a second try to double.
//! A request that was refused or failed leaves no mark, so it may be corrected and sent again.

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
/// The longest answer that is kept: an item holds 400 KB.
const ANSWER_BYTES_MAX: usize = 200 << 10;

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The HTTP status: of success.
    pub status: u16,
    /// The header `Location`.
    pub location: Option<String>,
    /// The header `Content-Type`.
    pub content_type: Option<String>,
    /// The body.
    pub body: String,
}

/// The mark that a request leaves. Its answer is sealed: it may hold a key that is told once.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Mark {
    request: String,
    answer: Option<Sealed>,
    expires_at: i64,
}

/// What is to be done with a request.
pub enum Turn {
    /// It is the first: carry it out, then [end](First::end) it.
    First(First),
    /// It was carried out: tell this again.
    Told(Box<Answer>),
    /// Another request used the key.
    Reused,
    /// It is being carried out, or was interrupted.
    Unfinished,
}

/// The right to carry out a request.
pub struct First {
    row: Row<Mark>,
    owner: String,
}

/// A mark that could not be read, left or sealed.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyError {
    /// The table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The key ring.
    #[error(transparent)]
    Secret(#[from] SecretError),
}

/// Whose turn it is: `firm` is none for what the operator does for no firm; `request` holds all that makes two requests the same.
pub async fn begin(
    (table, secrets): (&Table, &Secrets),
    now: Timestamp,
    firm: Option<FirmId>,
    key: &str,
    request: &[&[u8]],
) -> Result<Turn, IdempotencyError> {
    let digest = |parts: &[&[u8]]| {
        let lengths = parts.iter().fold(Sha256::new(), |sha, part| sha.chain_update(part.len().to_be_bytes()));
        hex::encode(parts.iter().fold(lengths, |sha, part| sha.chain_update(part)).finalize())
    };
    let place = Key::idempotency(firm, &digest(&[key.as_bytes()]));
    let owner = format!("idempotency {place}");
    let mark = Mark { request: digest(request), answer: None, expires_at: (now + KEPT_FOR).as_second() };
    match table.write(Write::insert(place.clone(), &mark)).await {
        Ok(()) => return Ok(Turn::First(First { row: Row::inserted(place, mark), owner })),
        Err(TableError::Conflict { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let Some(there) = table.get::<Mark>(&place).await? else { return Ok(Turn::Unfinished) };
    if there.value.expires_at <= now.as_second() {
        // DynamoDB forgets it some time; until then it counts for nothing.
        let mut row = there.with(mark);
        return match table.write(Write::replace(&row)).await {
            Ok(()) => {
                row.written();
                Ok(Turn::First(First { row, owner }))
            }
            Err(TableError::Conflict { .. }) => Ok(Turn::Unfinished),
            Err(error) => Err(error.into()),
        };
    }
    if there.value.request != mark.request {
        return Ok(Turn::Reused);
    }
    let Some(sealed) = &there.value.answer else { return Ok(Turn::Unfinished) };
    let opened = secrets.open(&owner, sealed).await?;
    Ok(serde_json::from_str(opened.expose_secret()).map_or(Turn::Unfinished, |answer| Turn::Told(Box::new(answer))))
}

impl First {
    /// Keeps the answer of success; with none, forgets that the request was ever sent.
    pub async fn end(
        self,
        (table, secrets): (&Table, &Secrets),
        answer: Option<&Answer>,
    ) -> Result<(), IdempotencyError> {
        let Some(answer) = answer else {
            return Ok(table.write(Write::remove(&self.row)).await?);
        };
        if answer.body.len() > ANSWER_BYTES_MAX {
            return Ok(());
        }
        let json = serde_json::to_string(answer).expect("an answer is texts and a number");
        let sealed = secrets.seal(&self.owner, &json).await?;
        let mark = Mark { answer: Some(sealed), ..self.row.value.clone() };
        Ok(table.write(Write::replace(&self.row.with(mark))).await?)
    }
}
