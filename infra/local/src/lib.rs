//! greffe on one machine. It calls the very handlers that Lambda calls, over the very SDK clients;
//! only who answers differs.

pub mod client;
pub mod demo;
mod door;
pub mod folder;
pub mod host;
pub mod loopback;
pub mod machine;
pub mod provision;
pub mod verify;
pub mod welcome;
