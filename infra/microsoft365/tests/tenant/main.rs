//! The simulated tenant, driven over loopback HTTP as greffe drives it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod batch;
mod contract;
mod crash;
mod delta;
mod items;
mod mail;
mod office;
mod sign_in;
mod subscriptions;
mod throttle;
