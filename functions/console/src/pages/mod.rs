//! The pages, by noun.

pub(crate) mod audit;
mod check;
pub(crate) mod connectors;
pub(crate) mod documents;
pub(crate) mod entries;
pub(crate) mod erasures;
pub(crate) mod failed;
pub(crate) mod folder_dossiers;
pub(crate) mod folders;
mod form_shown;
pub(crate) mod guide;
pub(crate) mod home;
pub(crate) mod keys;
pub(crate) mod mailboxes;
pub(crate) mod members;
mod needs;
pub(crate) mod operator;
pub(crate) mod people;
pub(crate) mod proposals;
pub(crate) mod retention;
pub(crate) mod rules;
pub(crate) mod settings;
pub(crate) mod sign_in;
mod view;
pub(crate) mod webhooks;
