//! How the common crate is built: its rooms, and what it stores.

mod rooms;
mod stored;
