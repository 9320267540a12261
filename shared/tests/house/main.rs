//! How the common crate is built: its rooms, and what it stores.

#![allow(clippy::unwrap_used, reason = "a rule of the house fails where it can't be read")]

mod rooms;
mod stored;
