//! What the common crate stores.

#![allow(clippy::unwrap_used, reason = "a rule of the house fails where it can't be read")]

mod outside;
mod stored;
