//! The common crate: what greffe's functions share, by domain noun. A function has its sequence of steps, and the API
//! its routes.
//!
//! A mail's path: [`mail::notification`] → [`aws::queue`] → [`mail::baseline`] → [`mail::message`] →
//! [`mail::archive`] → [`firm::feed`] → [`firm::marks`].
//!
//! Its rooms, from the ground up; each imports rooms before it only, and `tests/house` holds that:
//!
//! - [`base`]: what has no domain.
//! - [`aws`]: AWS as greffe needs it.
//! - [`graph`]: Graph's wire.
//! - [`problem`]: the catalogue of problems.
//! - [`firm`]: firms, their members, feed and audit trail.
//! - [`webhook`]: addresses that events are posted to.
//! - [`reading`]: what an original says, with nothing that could do harm.
//! - [`mail`]: mailboxes and what is archived of them.
//! - [`search`]: the index of mails by their words, and answers from it.
//! - [`evidence`]: the log that proves what was archived, and its verification.
//! - [`push`]: dates and contacts in members' Outlooks.
//! - [`access`]: how mailboxes may be opened.
//! - [`health`]: whether a connection works.
//! - [`app`]: the wired clients, for functions.
//! - `fuzzed`: what a fuzzer calls; in tests only.

pub mod access;
pub mod app;
pub mod aws;
pub mod base;
pub mod evidence;
pub mod firm;
#[cfg(any(test, fuzzing))]
pub mod fuzzed;
pub mod graph;
pub mod health;
pub mod mail;
pub mod problem;
pub mod push;
pub mod reading;
pub mod search;
pub mod webhook;
