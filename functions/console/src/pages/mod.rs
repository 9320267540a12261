//! The pages, by noun.

pub(crate) mod documents;
pub(crate) mod entry;
pub(crate) mod home;
pub(crate) mod mailboxes;
mod view;
