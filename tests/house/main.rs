//! Rules of this repository that no compiler knows.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod dependencies;
mod rooms;
mod text;
mod wire;

use std::path::{Path, PathBuf};

/// The repository's first folder.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
