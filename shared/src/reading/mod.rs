//! Reading an original: where its parts lie, what they say, and nothing that could do harm; uses no room.
//!
//! An original is what a stranger sent, so everything here takes any bytes, is linear in them, and stops at limits of
//! its own. [`Scanner`] finds the parts while the bytes pass, in constant memory; [`Outline`] says which of them are
//! the text and which are attachments; the rest turns the bytes of one part into what is shown.
//!
//! `mail-parser` reads headers and charsets, and not the whole mail: its parser goes down into messages within messages
//! without a limit, so 90 KB end the process, and it searches the end of the mail for each boundary that never comes,
//! so 1 MB takes ten seconds.

mod charset;
mod flow;
mod html;
mod kind;
mod mail_head;
mod name;
mod outline;
mod scan;
mod transfer;

#[cfg(test)]
mod tests;

pub use html::{Cleaned, Pictures, clean, escaped, plain};
pub use kind::{PartKind, is_shown_inline, served_type, served_types};
pub use mail_head::{MailHead, Person};
pub use name::safe_name;
pub use outline::{Attachment, Outline};
pub use scan::{Base64Lines, HEAD_BYTES_MAX, MailPart, PARTS_MAX, Scanned, Scanner};
pub use transfer::{Transfer, TransferDecoder};
