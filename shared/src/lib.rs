//! The common crate: everything of greffe that is worth testing, by domain noun
