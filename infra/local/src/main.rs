//! The `greffe` program.
fn main() {}
