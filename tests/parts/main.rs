//! Parts of the common crate that store something, each by itself over the embedded engines: what a scenario reaches
//! only by luck.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod checking;
mod damage;
mod dying;
mod erasing;
mod evidence;
mod feed;
mod filing;
mod frozen;
mod keeping;
mod planting;
mod schedule;
mod search;
mod stamps;
mod table;
