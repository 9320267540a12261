//! What has no domain (ids, addresses, time, randomness, settings, logs, HTTP); uses no other room.

pub mod address;
pub mod clock;
pub mod config;
pub mod digest;
pub mod headers;
pub mod http;
pub mod id;
pub mod language;
pub mod metric;
pub mod name_order;
pub mod random;
pub mod recent;
pub mod telemetry;
pub mod time_zone;
