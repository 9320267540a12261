//! Takes the indentation out of `docs/openapi.json`, which the function carries: JSON has no line ends within strings.

#[path = "link.rs"]
mod link;

use std::{env, fs, path::Path};

fn main() {
    link::without_unwind_tables();
    let source = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../../docs/openapi.json");
    println!("cargo::rerun-if-changed={}", source.display());
    let text = fs::read_to_string(&source).expect("docs/openapi.json can be read");
    let plain: String = text.lines().map(str::trim_start).collect();
    let target = Path::new(&env::var("OUT_DIR").expect("cargo sets it")).join("openapi.json");
    fs::write(target, plain).expect("OUT_DIR can be written");
}
