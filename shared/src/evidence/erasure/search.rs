//! Finds what there is to erase. Nothing is written.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::tz::TimeZone;

use crate::{
    aws::table::{Key, TableError},
    base::id::{FirmId, MessageId},
    evidence::{
        bucket::BucketError,
        erasure::{
            eraser::{AT_ONCE, Eraser, Erasure, PAGE},
            found::{ErasableItems, FoundFacts, FoundParts},
            refusal::EraseError,
            scope::ErasedScope,
        },
        versions::KeyVersions,
    },
    firm::{
        fact::StoredFact,
        member::Member,
        retention::{FIRST_EXPIRY_YEAR, KeptUntil},
    },
    mail::{legal_hold::HeldDossiers, mailbox::Mailbox},
};

impl Eraser<'_> {
    /// What there is to erase; each part may go.
    ///
    /// Cost: it reads the whole feed, and looks at each original once.
    ///
    /// Errors: it is refused; S3 or the table refuses or does not answer.
    pub async fn find(&self, erasure: &Erasure) -> Result<FoundParts, EraseError> {
        let scopes = self.parts(erasure).await?;
        let is_known = self.may_go(erasure.firm, &scopes).await?;
        let facts = self.find_facts(erasure.firm, &scopes).await?;
        self.find_originals_of(erasure, scopes.into_iter().zip(facts), is_known).await
    }

    /// The same of a page of expired messages whose facts were found before, with those of other pages: the feed is not
    /// read. A message that may not go any more may have left the page since.
    ///
    /// Errors: it is refused; S3 or the table refuses or does not answer.
    pub async fn find_page(&self, erasure: &Erasure, facts: FoundFacts) -> Result<FoundParts, EraseError> {
        let scopes = self.parts(erasure).await?;
        let is_known = self.may_go(erasure.firm, &scopes).await?;
        let facts = scopes.iter().map(|scope| facts.clone().within(scope)).collect::<Vec<_>>();
        self.find_originals_of(erasure, scopes.into_iter().zip(facts), is_known).await
    }

    async fn find_originals_of(
        &self,
        erasure: &Erasure,
        scopes: impl Iterator<Item = (ErasedScope, FoundFacts)>,
        is_known: bool,
    ) -> Result<FoundParts, EraseError> {
        let (mut parts, held) = (Vec::new(), HeldDossiers::of(self.table, erasure.firm).await?);
        for (scope, facts) in scopes {
            EraseError::refuse_held(held.among(&facts.dossiers))?;
            let originals = self.find_originals(erasure.firm, &scope).await?;
            parts.push(ErasableItems { scope, originals, found: facts });
        }
        let shortened = self.find_shortened(erasure).await?;
        let is_known = is_known || !erasure.shortened.is_empty();
        if !is_known && parts.iter().all(ErasableItems::is_nothing) {
            let is_retention = matches!(erasure.scope, ErasedScope::Expired(..));
            Err(if is_retention { EraseError::AsAsked } else { EraseError::Unknown })
        } else {
            Ok(FoundParts { parts, shortened })
        }
    }

    /// A member is erased with its mailboxes, each as a part with a record of its own.
    async fn parts(&self, erasure: &Erasure) -> Result<Vec<ErasedScope>, TableError> {
        let Erasure { firm, scope, mailboxes: known, .. } = erasure;
        let (firm, mut mailboxes) = (*firm, known.clone());
        if let ErasedScope::Member(member) = scope
            && let Some(member) = Member::find(self.table, firm, *member).await?
        {
            let addresses: BTreeSet<String> = member.value.addresses().map(str::to_lowercase).collect();
            let all = self.table.query_all::<Mailbox>(&Key::mailbox_prefix(firm)).await?;
            let own = all.into_iter().filter(|row| addresses.contains(&row.value.address.to_lowercase()));
            mailboxes.extend(own.map(|row| row.value.id));
        }
        // One that goes on knows its own mailbox, too.
        let mailboxes = mailboxes.into_iter().map(ErasedScope::Mailbox).filter(|part| part != scope);
        let own =
            Some(scope.clone()).filter(|scope| !matches!(scope, ErasedScope::Expired(_, none) if none.is_empty()));
        Ok(mailboxes.chain(own).collect())
    }

    /// The facts of each of these, by one reading of the whole feed.
    ///
    /// Errors: a fact is not as any version of greffe writes it; the table refuses or does not answer.
    pub async fn find_facts(&self, firm: FirmId, scopes: &[ErasedScope]) -> Result<Vec<FoundFacts>, EraseError> {
        let mut found: Vec<FoundFacts> = scopes.iter().map(|_| FoundFacts::default()).collect();
        let ids: HashMap<String, usize> = scopes.iter().map(ToString::to_string).zip(0..).collect();
        // What names its messages is found by them, whatever the number of pages.
        let places = scopes.iter().zip(0..);
        let by_message: HashMap<MessageId, usize> = places
            .filter_map(|(scope, place)| match scope {
                ErasedScope::Expired(_, messages) => Some(messages.iter().map(move |message| (*message, place))),
                _ => None,
            })
            .flatten()
            .collect();
        let others = (0..scopes.len()).filter(|place| !matches!(scopes[*place], ErasedScope::Expired(..)));
        let others: Vec<usize> = others.collect();
        let (mut voided, mut from) = (Vec::new(), 0);
        while !scopes.is_empty() {
            let page: Vec<(u64, StoredFact)> = self.table.numbered(&Key::fact(firm, from), true, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            from = *last;
            for (number, fact) in page {
                if let Some(place) = fact.text("id").and_then(|id| ids.get(id)) {
                    found[*place].record = Some(number);
                }
                voided.extend(fact.erased().map(|_| number));
                let message = fact.text("message").and_then(|id| id.parse::<MessageId>().ok());
                let own = message.and_then(|message| by_message.get(&message));
                for place in others.iter().chain(own) {
                    found[*place].note(firm, &scopes[*place], (number, &fact), message)?;
                }
            }
        }
        let voided = Arc::new(voided);
        found.iter_mut().for_each(|facts| facts.voided = voided.clone());
        Ok(found)
    }

    /// Until when originals are kept, as far as there are any, or versions of some that expired may be left.
    pub(super) async fn years_until(&self) -> Result<BTreeSet<KeptUntil>, BucketError> {
        let mut found = BTreeSet::from_iter(self.appender.store.bucket.kept_until().await?);
        let this_year = self.clock.now().to_zoned(TimeZone::UTC).year();
        let over = FIRST_EXPIRY_YEAR..u16::try_from(this_year).unwrap_or_default();
        found.extend(over.map(KeptUntil::of_year));
        Ok(found)
    }

    /// The keys of all originals, versions and what delete markers hide among them; each may go.
    async fn find_originals(&self, firm: FirmId, scope: &ErasedScope) -> Result<Vec<String>, EraseError> {
        let originals = self.list_originals(firm, scope).await?;
        match self.locked(&originals).await?.into_iter().next() {
            Some((key, lock)) => Err(EraseError::locked(key, lock)),
            None => Ok(originals),
        }
    }

    /// The keys of all originals, versions and what delete markers hide among them.
    pub(super) async fn list_originals(&self, firm: FirmId, scope: &ErasedScope) -> Result<Vec<String>, BucketError> {
        let mut prefixes = Vec::new();
        // Wherever it is kept, or was: copies are left where it was kept less long.
        for until in self.years_until().await? {
            prefixes.extend(scope.original_prefixes(firm, until));
        }
        let lists = prefixes.into_iter().map(|prefix| async move {
            let (mut own, mut next) = (Vec::new(), None);
            loop {
                let (keys, more): (Vec<KeyVersions>, _) = self.appender.store.bucket.versions(&prefix, next).await?;
                own.extend(keys.into_iter().map(|versions| versions.key));
                next = more;
                if next.is_none() {
                    return Ok::<_, BucketError>(own);
                }
            }
        });
        let lists: Vec<_> = lists.collect();
        let originals: Vec<Vec<String>> = stream::iter(lists).buffered(AT_ONCE).try_collect().await?;
        Ok(originals.concat())
    }
}
