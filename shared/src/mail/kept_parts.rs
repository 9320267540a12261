//! Where the parts of a large mail lie, kept in the table, so that a part is read without the rest of its original.
//! Whoever passes over an original writes it: the round that archives the mail, else the indexer or the first reader.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use crate::{
    aws::table::{Key, Table, Write},
    base::{
        id::{FirmId, MessageId},
        telemetry::ErrorChain,
    },
    reading::{Scanned, Scanner},
};

/// A mail up to this size is read at once; of a larger one the parts are kept, and read as needed.
pub const WHOLE_BYTES_MAX: u64 = 4 << 20;
/// The form in which the parts of a mail are kept. In another one, they are found again.
const FORM: u32 = 3;
/// The longest parts that are kept: an item of DynamoDB has 400 KB.
const BYTES_MAX: usize = 300 << 10;
/// Bytes that are read from the disk at a time.
const READ_BYTES: usize = 64 << 10;

/// Where the parts of a mail lie.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptParts {
    form: u32,
    is_cut: bool,
    /// The lines of its head, in Base64.
    head: String,
    /// The parts, as JSON.
    parts: String,
}

impl KeptParts {
    /// Of a mail that has passed; none where there is too much to be kept.
    pub(super) fn of(scanned: &Scanned) -> Option<Self> {
        let (head, parts) = (STANDARD.encode(&scanned.head), serde_json::to_string(&scanned.parts).ok()?);
        let fits = head.len() + parts.len() <= BYTES_MAX;
        fits.then_some(Self { form: FORM, is_cut: scanned.is_cut, head, parts })
    }

    /// Of a mail on the disk. It blocks, in constant memory.
    ///
    /// Errors: the file can't be read.
    pub(super) fn of_file(path: &Path) -> io::Result<Option<Self>> {
        let (mut file, mut scanner, mut buffer) = (File::open(path)?, Scanner::new(), vec![0; READ_BYTES]);
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(Self::of(&scanner.finish())),
                read => scanner.feed(&buffer[..read]),
            }
        }
    }

    /// The parts; none if another version kept them in another form, or if the mail was erased.
    fn scanned(&self) -> Option<Scanned> {
        let parts = serde_json::from_str(&self.parts).ok().filter(|_| self.form == FORM)?;
        Some(Scanned { parts, head: STANDARD.decode(&self.head).ok()?, is_cut: self.is_cut })
    }

    /// The parts that are kept of a mail. What can't be read is found again.
    pub(super) async fn find(table: &Table, firm: FirmId, message: MessageId) -> Option<Scanned> {
        table.get::<Self>(&Key::parts(firm, message)).await.ok()??.value.scanned()
    }

    /// Keeps them of a mail that is being archived. What is not kept is found by the next reader, so a failure is only
    /// logged.
    ///
    /// Cost: one write.
    pub async fn keep(&self, table: &Table, firm: FirmId, message: MessageId) {
        if let Err(error) = table.write(Write::overwrite(Key::parts(firm, message), self)).await {
            tracing::warn!(message.id = %message, error = %ErrorChain(&error), "the parts of a mail are not kept");
        }
    }
}
