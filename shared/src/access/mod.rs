//! How greffe may open mailboxes and members' Outlooks (connectors, sign-in, tokens, credentials of app registrations);
//! uses all rooms before it. It lies above `mail` and `push`, because a connector that works again makes all that it
//! reaches due.

pub mod clients;
pub mod connector;
pub mod console_sign_in;
pub mod credential;
pub mod deletion;
pub mod entra;
pub mod id_token;
pub mod lease;
pub mod owner;
pub mod ownership;
pub mod registration;
pub mod reminder;
pub mod return_address;
pub mod rotation;
pub mod sign_in;
pub mod silence;
pub mod tenancy;
pub mod token;
mod unused_credentials;
pub mod watch;
