//! greffe on one machine. It calls the same handlers as Lambda, over the same SDK clients; only the endpoints differ.

pub mod client;
pub mod demo;
mod door;
pub mod export;
pub mod folder;
pub mod host;
pub mod loopback;
pub mod machine;
pub mod place;
pub mod provision;
pub mod verify;
pub mod welcome;
