//! Conversations: which mails are filed together with one of them.

use std::collections::BTreeSet;

use crate::{
    base::id::ConversationId,
    firm::feed::FeedError,
    mail::{
        filing::{FilingChange, FollowedConversation},
        list::{ArchiveFilter, MessageFilter, MessageSource},
        message::Message,
    },
    search::find::{ConversationKeys, Search, SearchError, SearchWords},
};

/// Most mails of a conversation that are filed at once.
const FILED_MAX: usize = 200;
/// Mails on one page of a search.
const MAILS_PAGE: usize = 100;

/// Mails of a conversation.
#[derive(Debug)]
pub struct ConversationMails {
    /// The mails, the last registered first.
    pub mails: Vec<Message>,
    /// Whether that is the whole conversation.
    pub is_complete: bool,
}

/// Has later mails of the conversation that `first` is part of follow a filing, and finds the archived mails in all
/// mailboxes that are still to be filed: at most 200. `keys`: those of the conversation.
///
/// Errors: S3 or the table refuses or does not answer.
pub async fn follow_conversation(
    search: &Search<'_>,
    (first, keys): (&Message, ConversationKeys),
    change: FilingChange<'_>,
) -> Result<ConversationMails, SearchError> {
    let filter = MessageFilter { keeping: Some(ArchiveFilter::Archived), ..MessageFilter::default() };
    let search = Search { registry: MessageSource { filter: &filter, ..search.registry }, ..*search };
    // First, so that no mail comes between: what is archived from now on follows, what was before is found.
    follow(&search, [first], change).await?;
    let words = SearchWords { conversation: Some(keys), ..Default::default() };
    let (mut after, mut mails, mut is_complete) = (None, Vec::new(), true);
    while mails.len() < FILED_MAX {
        let page = Box::pin(search.find(&words, (after, MAILS_PAGE), change.at)).await?;
        is_complete &= page.complete_to.is_none();
        let found = page.items.into_iter().map(|found| found.message);
        mails.extend(found.filter(|mail| mail.dossier() != change.dossier));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    is_complete &= after.is_none() && mails.len() <= FILED_MAX;
    mails.truncate(FILED_MAX);
    follow(&search, &mails, change).await?;
    Ok(ConversationMails { mails, is_complete })
}

/// Has later mails of the conversations of these mails follow, each in its own mailbox; with no dossier no longer.
async fn follow(
    search: &Search<'_>,
    mails: impl IntoIterator<Item = &Message>,
    FilingChange { dossier, by, at, .. }: FilingChange<'_>,
) -> Result<(), SearchError> {
    let conversations: BTreeSet<ConversationId> = mails.into_iter().filter_map(|mail| mail.conversation).collect();
    let followed = dossier.map(|dossier| FollowedConversation { dossier: dossier.to_owned(), by: by.to_owned(), at });
    let MessageSource { table, firm, .. } = search.registry;
    Ok(FollowedConversation::set(table, firm, conversations, followed.as_ref()).await.map_err(FeedError::from)?)
}
