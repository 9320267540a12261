//! The mail path under faults: people work in their mailbox, Graph fails in every way it knows, functions are killed between
//! any two calls, notices get lost, doubled and late. Whatever happened, once it is quiet again the archive holds what it
//! ought to, once and byte for byte, and nothing else.
//!
//! A seed decides every choice. `GREFFE_SEEDS=100..400 cargo test -p tests --test simulation` runs those seeds; a failure
//! names its seed, and `GREFFE_SEEDS=123..124` replays it.

#![allow(clippy::unwrap_used, reason = "a story ends where something is not as told")]

mod kill;
mod rotation;
mod story;

use std::ops::Range;

/// The seeds of every test run.
const SEEDS: Range<u64> = 0..16;

fn seeds() -> Range<u64> {
    let Ok(told) = std::env::var("GREFFE_SEEDS") else { return SEEDS };
    let (from, to) = told.split_once("..").expect("GREFFE_SEEDS is from..to");
    from.parse().expect("a seed")..to.parse().expect("a seed")
}

#[test]
fn whatever_happens_each_mail_that_ought_to_be_kept_is_kept_once_and_no_other() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for seed in seeds() {
        let told = std::panic::catch_unwind(|| runtime.block_on(story::run(seed)));
        assert!(told.is_ok(), "seed {seed} failed: GREFFE_SEEDS={seed}..{} replays it", seed + 1);
    }
}
