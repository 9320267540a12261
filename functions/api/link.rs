//! How the heaviest functions are linked where they are built to be deployed.

use std::{env, path::Path};

/// Leaves out the unwind tables in the profile `lambda`, the only one that optimises for size. There a panic aborts.
pub(crate) fn without_unwind_tables() {
    let script =
        Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../api/without-unwind-tables.ld");
    println!("cargo::rerun-if-changed={}", script.display());
    if env::var("OPT_LEVEL").is_ok_and(|level| level == "z") {
        println!("cargo::rustc-link-arg-bins=-Wl,-T,{}", script.display());
    }
}
