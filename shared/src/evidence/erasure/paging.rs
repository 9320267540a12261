//! An erasure by the retention periods: any number of messages may have expired, so it goes page by page.

use std::collections::{BTreeSet, VecDeque};

use crate::{
    aws::table::{Key, Row, TableError, Write},
    base::id::ErasureId,
    evidence::erasure::{
        batch::{ErasureBatch, ErasurePaging},
        eraser::Eraser,
        found::{ErasedCount, FoundFacts},
        order::{ErasureOrder, ErasureState},
        refusal::EraseError,
    },
    mail::retention_keeper::KeepingRules,
};

/// Pages of an erasure whose facts are found by one reading of the feed.
const READING_PAGES_MAX: u64 = 64;

impl ErasureOrder {
    /// Finds what has expired and what is kept too long, page by page, and then counts what is on the pages.
    pub(super) async fn preview_pages(row: &mut Row<Self>, eraser: &Eraser<'_>) -> Result<ErasureState, EraseError> {
        let rules = KeepingRules::of(eraser.table, row.value.firm).await?.ok_or(EraseError::AsAsked)?;
        let (mut paging, mut kept, mut has_more) = (row.value.paging.unwrap_or_default(), None, true);
        while has_more {
            let id = if paging.pages == 0 { row.value.id } else { ErasureId::draw(eraser.indexer.random) };
            let mut page = ErasureBatch { id, messages: BTreeSet::new(), shortened: BTreeSet::new() };
            (paging.after, has_more) = page.fill(row.value.firm, &rules, eraser, paging.after).await?;
            kept = page.leave_kept(row.value.firm, eraser).await?.or(kept);
            if !page.is_empty() {
                let key = Key::erasure_page(row.value.firm, row.value.id, paging.pages);
                eraser.table.write(Write::overwrite(key, &page)).await?;
                paging.pages += 1;
            }
            Self::note(row, eraser, paging, None).await?;
        }
        if paging.pages == 0 {
            return Err(kept.unwrap_or(EraseError::AsAsked));
        }
        if paging.next == 0 {
            // An older version may have counted some pages as it found them.
            paging.count = ErasedCount::default();
        }
        let mut read = VecDeque::new();
        while paging.next < paging.pages {
            if let Some((page, facts)) = Self::next_page(row, eraser, paging, &mut read).await? {
                match eraser.find_page(&row.value.part(&page), facts).await {
                    Ok(found) => paging.count = paging.count + found.count(),
                    // A hold came meanwhile.
                    Err(EraseError::AsAsked) => {}
                    Err(error) => return Err(error),
                }
            }
            paging.next += 1;
            Self::note(row, eraser, paging, None).await?;
        }
        row.value.paging = Some(ErasurePaging { count: ErasedCount::default(), next: 0, ..paging });
        Ok(ErasureState::Previewed { count: paging.count, has_more: false })
    }

    /// The page whose turn it is, with its facts; none if it is done with. The feed is read once for many pages: those
    /// wait in `read`.
    async fn next_page(
        row: &Row<Self>,
        eraser: &Eraser<'_>,
        paging: ErasurePaging,
        read: &mut VecDeque<Option<(ErasureBatch, FoundFacts)>>,
    ) -> Result<Option<(ErasureBatch, FoundFacts)>, EraseError> {
        if read.is_empty() {
            let (firm, id, mut pages) = (row.value.firm, row.value.id, Vec::new());
            for number in paging.next..paging.pages.min(paging.next + READING_PAGES_MAX) {
                let page = eraser.table.get::<ErasureBatch>(&Key::erasure_page(firm, id, number)).await?;
                pages.push(page.map(|row| row.value));
            }
            let scopes: Vec<_> = pages.iter().flatten().map(|page| row.value.part(page).scope).collect();
            let mut facts = eraser.find_facts(firm, &scopes).await?.into_iter();
            read.extend(pages.into_iter().map(|page| page.and_then(|page| Some((page, facts.next()?)))));
        }
        Ok(read.pop_front().flatten())
    }

    /// Erases page by page, and all once more after the rounds that were under way have ended.
    pub(super) async fn carry_out_pages(row: &mut Row<Self>, eraser: &Eraser<'_>) -> Result<ErasureState, EraseError> {
        let (firm, id, mut paging) = (row.value.firm, row.value.id, row.value.paging.unwrap_or_default());
        let (is_last, mut read) = (row.value.erased.is_some(), VecDeque::new());
        while paging.next < paging.pages {
            let key = Key::erasure_page(firm, id, paging.next);
            if let Some((mut page, facts)) = Self::next_page(row, eraser, paging, &mut read).await? {
                // A hold may have come since the preview.
                (page.messages, _) = eraser.free_of(firm, page.messages).await?;
                let part = row.value.part(&page);
                match eraser.find_page(&part, facts).await {
                    Ok(found) => {
                        row.value.has_begun = true;
                        Self::note(row, eraser, paging, None).await?;
                        eraser.carry_out(&part, &found).await?;
                        paging.count = paging.count + found.count();
                    }
                    // A hold keeps all of it by now, or the periods ask for longer.
                    Err(EraseError::AsAsked) => {}
                    Err(error) => return Err(error),
                }
            }
            paging.next += 1;
            Self::note(row, eraser, paging, Some(key).filter(|_| is_last)).await?;
        }
        if !is_last {
            row.value.paging = Some(ErasurePaging { next: 0, ..paging });
        }
        Ok(row.value.pass(paging.count, eraser.clock.now()))
    }

    /// Notes how far it is, and has a page go that is done with.
    async fn note(
        row: &mut Row<Self>,
        eraser: &Eraser<'_>,
        paging: ErasurePaging,
        done: Option<Key>,
    ) -> Result<(), TableError> {
        row.value.paging = Some(paging);
        let writes = [Write::replace(row)].into_iter().chain(done.map(Write::discard));
        eraser.table.transact(writes.collect()).await?;
        row.written();
        Ok(())
    }
}
