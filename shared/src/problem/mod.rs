//! The catalogue of problems, which says what each means, whose turn it is and what to do next; uses `base`, `aws` and
//! `graph`. The same entry stands in the API's answers, on a connector, in an alarm, and in `docs/problems/`.
//!
//! `catalogue.rs` holds the entries, `microsoft.rs` finds the entry for what Microsoft answered, `document.rs` is what
//! the API answers, `noted.rs` what a connector or a mailbox keeps.

mod advice;
mod catalogue;
#[cfg(test)]
mod catalogue_pages;
mod code;
mod document;
mod microsoft;
mod noted;
mod shared_texts;
#[cfg(test)]
mod tests;

pub use advice::{Reconnect, ResponsibleParty, Text};
pub use catalogue::{CatalogueEntry, Code};
pub use document::Problem;
pub use microsoft::{of_app_not_allowed, of_graph_error, of_refused_item, of_refused_service, of_token_refusal};
pub use noted::NotedProblem;
