//! Scenarios: what a user of greffe would notice, told one by one.

#![allow(clippy::unwrap_used, reason = "a scenario ends where something is not as told")]

mod access;
mod attack;
mod attack_app;
mod changing;
mod connect;
mod console;
mod contacts;
mod dates;
mod deleting;
mod documents;
mod evidence;
mod examples;
mod export;
mod faults;
mod faults_access;
mod faults_bus;
mod faults_odd;
mod faults_push;
mod faults_token;
mod feed;
mod filing;
mod folders;
mod following;
mod history;
mod integrator;
mod isolation;
mod key_ring;
mod losing;
mod mail;
mod marks;
mod notices;
mod polling;
mod push;
mod push_faults;
mod reading;
mod reconcile;
mod restore;
mod rules;
mod search;
mod secrets;
mod tokens;
mod trouble;
mod validate;
mod webhooks;
