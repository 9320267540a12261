//! The common crate: everything of greffe that is worth testing, by domain noun. Functions are thin wiring over it.
//!
//! A mail's path: [`notification`] → [`job`] → [`delta`] → [`message`] → [`archive`] → [`feed`] → [`mark`].

pub mod address;
pub mod app;
pub mod archive;
pub mod audit;
pub mod aws_http;
pub mod clock;
pub mod config;
pub mod connector;
pub mod contact;
pub mod date;
pub mod delta;
pub mod entra;
pub mod entry;
pub mod feed;
pub mod filing;
pub mod firm;
pub mod folder;
pub mod graph;
pub mod id;
pub mod id_token;
pub mod idempotency;
pub mod job;
pub mod mailbox;
pub mod mark;
pub mod member;
pub mod message;
pub mod notification;
pub mod problem;
pub mod push;
pub mod random;
pub mod rules;
pub mod secret;
pub mod selection;
pub mod sign_in;
pub mod table;
pub mod telemetry;
pub mod token;
pub mod validation;
pub mod walk;
pub mod watch;
pub mod work;
pub mod worker;
