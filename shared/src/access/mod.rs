//! How greffe may open mailboxes and members' Outlooks (connectors, sign-in, tokens, credentials of app registrations);
//! uses `base`, `aws`, `graph`, `problem`, `firm`, `webhook` and `mail`. It lies above `mail`, because a connector that
//! works again makes its mailboxes due.

pub mod app_claim;
pub mod app_owner;
pub mod clients;
pub mod connect_link;
pub mod connection;
pub mod connector;
pub mod connector_watch;
pub mod console_sign_in;
pub mod credential;
mod credential_look;
mod credential_proof;
pub mod credential_record;
pub mod deletion;
pub mod entra;
pub mod held_registration;
pub mod id_token;
pub mod mailbox_access;
pub mod own_app;
mod registration_release;
pub mod reminder;
pub mod replacement;
pub mod return_address;
pub mod rotation;
pub mod sign_in;
pub mod silent_tenant;
pub mod tenancy;
pub mod token;
mod unused_credentials;
