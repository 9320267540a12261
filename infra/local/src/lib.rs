//! greffe on one machine. It calls the same handlers as Lambda, over the same SDK clients; only the endpoints differ.

pub mod client;
pub mod demo;
pub mod export;
pub mod folder;
pub mod host;
pub mod index;
pub mod loopback;
pub mod machine;
pub mod place;
pub mod provision;
mod slow_connections;
pub mod verify;
pub mod welcome;
