//! See `functions/link.rs`.

#[path = "../link.rs"]
mod link;

fn main() {
    link::without_unwind_tables();
}
