//! Scenarios: what a user of greffe would notice, told one by one.

mod access;
mod isolation;
mod mail;
mod notices;
mod trouble;
