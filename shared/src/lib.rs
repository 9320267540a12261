//! The common crate: everything of greffe that is worth testing, by domain noun. Functions are thin wiring over it.
//!
//! A mail's path: [`mail::notification`] → [`aws::queue`] → [`mail::delta`] → [`mail::message`] → [`mail::archive`] → [`firm::feed`] → [`mail::mark`].

pub mod access;
pub mod app;
pub mod aws;
pub mod base;
pub mod firm;
pub mod graph;
pub mod health;
pub mod mail;
pub mod problem;
pub mod push;
