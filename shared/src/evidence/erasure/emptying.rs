//! Leaves nothing of a mailbox or a member, and of a firm what outlives it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    aws::table::{Key, Row, TableError, Write},
    base::id::{EntryKind, FirmId, MailboxId, MemberId},
    evidence::erasure::eraser::{Eraser, PAGE, side_by_side},
    firm::{Firm, external_id::ExternalIdOwner, feed::FeedError, member::Member},
    mail::mailbox::Mailbox,
};

/// What a firm is called that was erased.
const NO_NAME: &str = "(erased)";

impl Eraser<'_> {
    /// Leaves nothing of a mailbox.
    pub(super) async fn empty_mailbox(&self, firm: FirmId, mailbox: MailboxId) -> Result<(), TableError> {
        let filed = |row: &Row<Value>| {
            let filing = &row.value["filing"];
            let listed = filing["dossier"].as_str().zip(filing["number"].as_u64());
            listed.map(|(dossier, number)| Key::filed(firm, dossier, number))
        };
        self.clear(&Key::sync(firm, mailbox).partition(), filed).await?;
        let mut tries = self.table.tries();
        loop {
            let Some(row) = self.table.get::<Mailbox>(&Key::mailbox(firm, mailbox)).await? else { return Ok(()) };
            let Mailbox { address, root, external_id, .. } = &row.value;
            let claims = [Some(Key::address(firm, address)), root.as_ref().map(|root| Key::root_folder(firm, root))];
            let claims = claims.into_iter().flatten().map(Write::discard);
            let claims = claims.chain(ExternalIdOwner::Mailbox.release(Some(firm), external_id.as_ref()));
            // What it says is there goes with it.
            match self.table.transact(claims.chain([Write::remove(&row)]).collect()).await {
                Err(error) if tries.again(&error).await => {}
                emptied => return emptied,
            }
        }
    }

    /// Leaves nothing of a member.
    pub(super) async fn forget(&self, firm: FirmId, id: MemberId) -> Result<(), FeedError> {
        self.clear(&Key::outbox(firm, id).partition(), |_| None).await?;
        if let Some(row) = Member::find(self.table, firm, id).await? {
            Member::delete(row, (self.table, self.appender.feed), self.clock.now()).await?;
            self.clear(&Key::outbox(firm, id).partition(), |_| None).await?;
        }
        Ok(())
    }

    /// Leaves of a firm its log, the numbers of its feed, its audit trail, and that there was one.
    pub(super) async fn vacate_firm(&self, firm: FirmId, mailboxes: &BTreeSet<MailboxId>) -> Result<(), TableError> {
        let known = self.table.query_all::<Mailbox>(&Key::mailbox_prefix(firm)).await?;
        let known: BTreeSet<MailboxId> = known.into_iter().map(|row| row.value.id).chain(mailboxes.clone()).collect();
        for mailbox in known {
            self.empty_mailbox(firm, mailbox).await?;
        }
        for member in self.table.query_all::<Member>(&Key::member_prefix(firm)).await? {
            self.clear(&Key::outbox(firm, member.value.id).partition(), |_| None).await?;
        }
        for kind in EntryKind::ALL {
            self.clear(&Key::entry_prefix(firm, kind), |_| None).await?;
        }
        for row in self.table.query_all::<Value>(&Key::firm(firm).partition()).await? {
            if !row.key.outlives(firm) {
                self.table.write(Write::discard(row.key)).await?;
            }
        }
        if let Some(mut row) = Firm::row(self.table, firm).await? {
            let Firm { name, domains, marks, external_id, retention, .. } = &mut row.value;
            (*name, *domains, *marks, *external_id) = (NO_NAME.to_owned(), Vec::new(), None, None);
            // Its classes have names.
            *retention = None;
            self.table.write(Write::replace(&row)).await?;
        }
        Ok(())
    }

    /// Discards all items that begin so, each after what `with` says that goes with it.
    async fn clear(&self, prefix: &Key, with: impl Fn(&Row<Value>) -> Option<Key>) -> Result<(), TableError> {
        loop {
            let page = self.table.query::<Value>(prefix, None, PAGE).await?;
            let items: Vec<_> = page.rows.into_iter().map(|row| (with(&row), row.key)).collect();
            let discards = items.into_iter().map(|(with, key)| async move {
                for key in with.into_iter().chain([key]) {
                    self.table.write(Write::discard(key)).await?;
                }
                Ok::<_, TableError>(())
            });
            side_by_side(discards).await?;
            if page.next.is_none() {
                return Ok(());
            }
        }
    }
}
