//! What stands in the way of an erasure: a legal hold, Object Lock, a mailbox that still receives mail.

use std::collections::BTreeSet;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;

use crate::{
    aws::table::{Key, TableError},
    base::id::{ErasureId, FirmId, MailboxId, MessageId},
    evidence::{
        bucket::BucketError,
        erasure::{
            eraser::{AT_ONCE, Eraser, PAGE},
            refusal::EraseError,
            scope::ErasedScope,
        },
        versions::ObjectLock,
    },
    firm::{Firm, member::Member},
    mail::{
        archive::OriginalKey,
        legal_hold::HeldDossiers,
        mailbox::{Mailbox, MailboxState},
        message::Message,
    },
};

impl Eraser<'_> {
    /// Nothing stands in the way of these. Whether one is a member that there is.
    pub(super) async fn may_go(&self, firm: FirmId, scopes: &[ErasedScope]) -> Result<bool, EraseError> {
        let (mut is_known, held) = (false, HeldDossiers::of(self.table, firm).await?);
        for scope in scopes {
            self.refuse_held(&held, firm, scope).await?;
            is_known |= self.is_at_rest(firm, scope).await?;
        }
        Ok(is_known)
    }

    pub(super) async fn refuse_held(
        &self,
        held: &HeldDossiers,
        firm: FirmId,
        scope: &ErasedScope,
    ) -> Result<(), EraseError> {
        let holding = match scope {
            ErasedScope::Message(message) => held.holding_any(self.table, firm, [*message]).await?,
            ErasedScope::Messages(_, messages) | ErasedScope::Expired(_, messages) => {
                held.holding_any(self.table, firm, messages.iter().copied()).await?
            }
            ErasedScope::Mailbox(mailbox) => self.holding_in(held, firm, *mailbox).await?,
            ErasedScope::Member(_) => None,
            ErasedScope::Firm(_) => held.any().map(str::to_owned),
        };
        EraseError::refuse_held(holding)
    }

    /// The dossier under a hold that a mail of the mailbox is, or was, filed to.
    async fn holding_in(
        &self,
        held: &HeldDossiers,
        firm: FirmId,
        mailbox: MailboxId,
    ) -> Result<Option<String>, TableError> {
        let mut after = None;
        while held.any().is_some() {
            let page = self.table.query::<Message>(&Key::message_prefix(firm, mailbox), after.as_ref(), PAGE).await?;
            for row in &page.rows {
                if let Some(dossier) = held.holding(self.table, firm, &row.value).await? {
                    return Ok(Some(dossier));
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        Ok(None)
    }

    /// Nothing comes any more, and nothing is left elsewhere. Whether it is a member that there is.
    async fn is_at_rest(&self, firm: FirmId, scope: &ErasedScope) -> Result<bool, EraseError> {
        match scope {
            ErasedScope::Mailbox(mailbox) => {
                let found = self.table.get::<Mailbox>(&Key::mailbox(firm, *mailbox)).await?;
                if found.is_some_and(|row| row.value.state == MailboxState::Active) {
                    return Err(EraseError::Active(*mailbox));
                }
            }
            ErasedScope::Member(member) => {
                let found = Member::find(self.table, firm, *member).await?;
                let copies = self.table.query::<Value>(&Key::copy_prefix(firm, *member), None, 1).await?;
                if found.as_ref().is_some_and(|row| row.value.push.is_some()) || !copies.rows.is_empty() {
                    return Err(EraseError::Pushed(*member));
                }
                return Ok(found.is_some());
            }
            ErasedScope::Firm(_) => {
                let found = Firm::find(self.table, firm).await?.ok_or(EraseError::Unknown)?;
                if found.ended_at.is_none() {
                    return Err(EraseError::FirmGoesOn);
                }
            }
            ErasedScope::Message(_) | ErasedScope::Messages(..) | ErasedScope::Expired(..) => {}
        }
        Ok(false)
    }

    /// Those of these messages that may go now, and what keeps one of the others.
    ///
    /// Errors: S3 or the table refuses or does not answer.
    pub async fn free_of(
        &self,
        firm: FirmId,
        messages: BTreeSet<MessageId>,
    ) -> Result<(BTreeSet<MessageId>, Option<EraseError>), EraseError> {
        let (held, mut free, mut kept) = (HeldDossiers::of(self.table, firm).await?, messages, None);
        let keys: Vec<Key> = free.iter().map(|id| Key::message(firm, *id)).collect();
        for row in self.table.get_all::<Message>(&keys).await? {
            if let Some(dossier) = held.holding(self.table, firm, &row.value).await? {
                free.remove(&row.value.id);
                kept = Some(EraseError::Held(dossier));
            }
        }
        let scope = ErasedScope::Expired(ErasureId::draw(self.indexer.random), free.clone());
        for (key, lock) in self.locked(&self.list_originals(firm, &scope).await?).await? {
            if let Some(own) = OriginalKey::parse(&key) {
                free.remove(&own.message);
            }
            kept = Some(EraseError::locked(key, lock));
        }
        Ok((free, kept))
    }

    /// Those of these originals that Object Lock keeps, each with how.
    pub(super) async fn locked(&self, originals: &[String]) -> Result<Vec<(String, ObjectLock)>, BucketError> {
        let now = self.clock.now();
        let looks = originals.iter().map(|key| async move {
            Ok(self.appender.store.bucket.lock_of(key, now).await?.map(|lock| (key.clone(), lock)))
        });
        let looks: Vec<_> = looks.collect();
        let found: Vec<Option<_>> = stream::iter(looks).buffered(AT_ONCE).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }
}
