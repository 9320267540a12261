//! See `functions/api/link.rs`.

#[path = "../api/link.rs"]
mod link;

fn main() {
    link::without_unwind_tables();
}
