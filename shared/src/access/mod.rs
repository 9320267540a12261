//! How greffe may open a mailbox: connectors, sign-in, tokens, and the credentials of app registrations.

pub mod connector;
pub mod credential;
pub mod entra;
pub mod id_token;
pub mod ownership;
pub mod registration;
pub mod rotation;
pub mod sign_in;
pub mod token;
