//! Verification of erasures. Of each mail that a record says was erased, the index has what is left of it, with who
//! asked for it and why as the record has it, and nothing was archived again. Mail that an
//! unfinished erasure has deleted is reported as such, and not as missing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    aws::table::Key,
    base::id::{ErasureId, FirmId, MessageId},
    evidence::{
        erasure::{ErasureOrder, ErasureState, ErasureTarget},
        recorded_erasures::order_differences,
        report::FindingKind,
        verify::{PAGE, Verifier, VerifyError},
        verify_state::VerifyState,
    },
};

/// Erasures that are read at a time: each may name a thousand messages.
const ORDERS: usize = 100;

impl Verifier<'_> {
    /// Compares what is left of erased mails, and the list of erasures, with their records.
    pub(super) async fn compare_erasures(&self, firm: FirmId, state: &mut VerifyState) -> Result<(), VerifyError> {
        let mut asked: BTreeSet<MessageId> = state.erasures.events.keys().copied().collect();
        let mut received = HashMap::new();
        for fact in &state.erased {
            let Some(message) = fact.message else { continue };
            asked.extend(state.erasures.named.contains_key(&message).then_some(message));
            received.extend(fact.received_at.map(|at| (message, at)));
        }
        let asked: Vec<MessageId> = asked.into_iter().collect();
        for ids in asked.chunks(PAGE) {
            let messages = self.read_messages(firm, ids.to_vec(), state).await?;
            for id in ids {
                let found = state.erasures.judge(*id, messages.get(id), received.get(id).copied(), self.now);
                if let Some((kind, detail)) = found
                    && state.told.insert(*id)
                {
                    state.note_finding(kind, Key::message(firm, *id), detail);
                }
            }
        }
        self.compare_orders(firm, state).await
    }

    async fn compare_orders(&self, firm: FirmId, state: &mut VerifyState) -> Result<(), VerifyError> {
        let mut recorded: BTreeMap<ErasureId, Vec<u64>> = BTreeMap::new();
        for (number, record) in &state.erasures.records {
            let order = record.note.as_ref().and_then(|note| note.erasure);
            order.into_iter().for_each(|order| recorded.entry(order).or_default().push(*number));
        }
        let mut after = None;
        loop {
            let page = self.table.query::<Value>(&Key::erasure_prefix(firm), after.as_ref(), ORDERS).await?;
            for row in page.rows {
                let Ok(order) = serde_json::from_value::<ErasureOrder>(row.value) else {
                    recorded.retain(|id, _| Key::erasure(firm, *id) != row.key);
                    state.note_finding(FindingKind::Altered, row.key, "it can't be understood");
                    continue;
                };
                state.shortenings.extend(shortening(&order));
                let numbers = recorded.extract_if(.., |id, _| Key::erasure(firm, *id) == row.key).next();
                let erasures = &state.erasures;
                let found = match numbers {
                    Some((_, numbers)) => numbers.into_iter().find_map(|number| {
                        let differences = order_differences(firm, &order, &erasures.records[&number]);
                        let detail = || format!("other than in its record (fact {number}): {}", differences.join(", "));
                        (!differences.is_empty()).then(|| (FindingKind::Altered, detail()))
                    }),
                    None => erasures
                        .is_unrecorded(&order)
                        .then(|| (FindingKind::Extra, "it is said to be done, and no record tells of it".to_owned())),
                };
                if let Some((kind, detail)) = found {
                    state.note_finding(kind, row.key, detail);
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        for (order, numbers) in recorded {
            let detail = format!("fact {} tells of it", numbers[0]);
            state.note_finding(FindingKind::Missing, Key::erasure(firm, order), detail);
        }
        Ok(())
    }
}

/// From when until when an erasure has originals kept less long; without an end while it is carried out.
fn shortening(order: &ErasureOrder) -> Option<(Timestamp, Option<Timestamp>)> {
    let end = match &order.progress {
        ErasureState::Erased { at, .. } => Some(*at),
        ErasureState::Confirmed { .. } => None,
        _ => return None,
    };
    let begun = order.confirmed.as_ref().map_or(order.created_at, |confirmed| confirmed.at);
    matches!(order.target, ErasureTarget::Retention).then_some((begun, end))
}
