//! Erasure: of messages, or of all that a mailbox, a member or a firm had. It leaves the log entries, which have ids,
//! times and digests, a record of who asked and why, and of an erased message that there was one, so that it is not
//! archived again.
//!
//! The record is logged before anything goes. So whoever dies in between left the reason, and the same erasure goes on
//! when it is begun again. In the place of each fact stands one that says nothing (`erased-{hash of its entry}`); the
//! record is a fact of its own, whose id says what was erased ([`ErasedScope`]). Both are void: no reader of the feed
//! sees them. Readers get an event that has ids only. The event of a message is written in the transaction that erases
//! the message. The event of a mailbox or a firm is written before its facts are erased, and again if facts came later.
//!
//! An erasure that the API asks for is an [`ErasureOrder`] (`order`), at which the function `erasure` works (`work`,
//! `paging`). An [`Eraser`] finds what there is to erase (`search`), unless something stands in the way (`obstacles`),
//! and carries it out (`eraser`): of messages (`blanking`), of a mailbox, a member or a firm (`emptying`), or by
//! keeping originals less long (`shortening`).

mod batch;
mod blanking;
mod emptying;
mod eraser;
mod found;
mod obstacles;
mod order;
mod paging;
mod refusal;
mod scope;
mod search;
mod selection;
mod shortening;
mod work;

pub(super) use blanking::blanked;
pub use {
    batch::{ErasureBatch, ErasurePaging},
    eraser::{Eraser, Erasure},
    found::{ErasedCount, FoundFacts, FoundParts},
    order::{
        ErasureConfirmation, ErasureOrder, ErasureState, ErasureTarget, NewErasure, REMOVED_MAX, ROUND_TIME, WORK_TIME,
    },
    refusal::{EraseError, ErasureRefusal},
    scope::ErasedScope,
};
