//! Search: an index of each firm's mails by their words, and answers from it; uses `base`, `aws`, `firm`, `reading` and
//! `mail`.
//!
//! The index follows the firm's feed. It proposes numbers of the feed, and the table decides: only what never changes
//! is in the index, and each message is read from the table before it is shown. So the index may be deleted at any
//! time, and is made again from feed and originals ([`indexer`]). What the feed has above the index is searched in
//! memory ([`find`]).
//!
//! ```text
//! firms/{firm}/index/head                                  up to which number, and which segments: If-Match
//! firms/{firm}/index/{generation}/{first}-{last}-{random}  a segment: the mails of these numbers, written once
//! ```
//!
//! A segment is a tantivy index in one object (`pack.rs`). Its mails are in the order of their numbers, and segments
//! don't overlap, so a search goes from the newest segment to the oldest and ends when a page is full.

pub mod conversation;
pub mod find;
mod forget;
pub mod highlight;
pub mod index_error;
pub mod index_head;
pub mod indexer;
mod mail;
mod pack;
mod segment;
pub mod store;
pub mod words;

#[cfg(test)]
mod million;
