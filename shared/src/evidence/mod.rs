//! Evidence: a transparency log for each firm that proves what came, when, and that nothing was changed; with
//! proofs and exports of mail, and erasure, which the log records; uses `base`, `aws`, `firm`, `mail` and `search`.
//!
//! Entry `n` of the log is fact `n + 1` of the firm's feed ([`log_entry`]), so the log is a function of the feed: all
//! appenders write the same bytes. Entries and the hashes over them lie in tiles that are written once ([`tlog`]); only
//! the signed checkpoint moves ([`checkpoint`]), and only forwards. docs/archive-format.md describes every object.
//!
//! ```text
//! firms/{firm}/log/checkpoint                      origin, size, root, signature: the head
//! firms/{firm}/log/checkpoints/{size}              each checkpoint there has been
//! firms/{firm}/log/stamps/{size}.tsr               time stamps of some of them
//! firms/{firm}/log/keys/{key id}                   the keys that verify them
//! firms/{firm}/log/tile/{level}/{n}[.p/{width}]    hashes
//! firms/{firm}/log/tile/entries/{n}[.p/{width}]    entries
//! ```

pub mod appender;
pub mod authority;
pub mod bucket;
pub mod check;
pub mod checkpoint;
pub mod erasure;
pub mod export;
pub mod import;
pub mod inclusion_proof;
pub mod inspect;
pub mod lifecycle;
pub mod log_entry;
pub mod log_store;
pub mod originals;
pub mod proof_package;
pub mod proof_page;
mod recorded_erasures;
mod recorded_filings;
pub mod report;
pub mod resume;
pub mod stamp;
pub mod tlog;
pub mod verify;
mod verify_entries;
mod verify_erasure;
mod verify_filing;
mod verify_index;
mod verify_keeping;
mod verify_originals;
mod verify_state;
mod verify_table;
pub mod versions;
pub mod zip;
