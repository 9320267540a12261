//! Filing by rule: what was just archived goes where its conversation, its folder or its contacts go, and what a person
//! moved goes where its new folder does.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use shared::{
    aws::table::{Key, Row, Write},
    base::{
        id::{ConversationId, FolderId, MessageId},
        telemetry::ErrorChain,
    },
    firm::fact::FiledThrough,
    graph::Mail,
    mail::{
        archive_decision::FolderPhase,
        filing::{self, ByFolder, FilingChange, FilingError, FollowedConversation, by_folder},
        folder::FolderState,
        message::{Message, MessageState},
        work::Work,
    },
    push::proposal::Proposer,
};

use crate::round::{Round, RoundError};

/// Whether a message that was just archived may be filed by its conversation, its folder or its contacts.
pub(crate) fn may_follow(round: &Round<'_>, message: &Message) -> bool {
    let follows = round.firm.replies_follow && message.conversation.is_some();
    let is_new = matches!(message.state, MessageState::Archived(_)) && message.filing.is_none();
    let is_asked = follows || round.firm.file_by_contact.is_some();
    is_new && (is_asked || round.mailbox.dossiers.contains_key(message.place()))
}

/// Files the messages at `indexes`, which were just archived and announced: each to the dossier of its conversation,
/// else to that of its folder, else to that of its contacts.
pub(crate) async fn file_archived(
    round: &Round<'_>,
    messages: &mut [Row<Message>],
    indexes: &BTreeSet<usize>,
) -> Result<(), RoundError> {
    let followed = followed(round, indexes.iter().filter_map(|i| messages[*i].value.conversation)).await?;
    for i in indexes {
        let row = &mut messages[*i];
        // It may be that no number was to be had for it.
        if !matches!(row.value.state, MessageState::Announced(_)) {
            continue;
        }
        let place = row.value.place().clone();
        let by_folder = round.mailbox.dossiers.get(&place);
        let by_conversation = row.value.conversation.and_then(|conversation| followed.get(&conversation));
        let by_contact;
        let (dossier, by, through) = match (by_conversation, by_folder, &round.firm.file_by_contact) {
            (Some(FollowedConversation { dossier, by, .. }), ..) => (dossier, by, FiledThrough::Conversation),
            (None, Some(folder), _) => (&folder.dossier, &folder.by, FiledThrough::Folder),
            (None, None, Some(by)) => {
                by_contact = proposed(round, &row.value).await?;
                let Some(dossier) = &by_contact else { continue };
                (dossier, by, FiledThrough::Contact)
            }
            (None, None, None) => continue,
        };
        let (lies_in, at) = (by_folder.map(|_| &place), round.app.clock.now());
        let change = FilingChange { dossier: Some(dossier), by, through, lies_in, at };
        filing::file_in_round(&round.app.feed, round.mailbox.firm, row, change).await?;
    }
    Ok(())
}

/// The dossier that a message is proposed for by its contacts. One whose original can't be read stays a proposal.
async fn proposed(round: &Round<'_>, message: &Message) -> Result<Option<String>, RoundError> {
    let (app, firm) = (round.app, round.firm);
    let proposer = app.proposers.of(firm.id, app.clock.now(), Proposer::of(&app.table, firm)).await?;
    Ok(proposer.propose(&app.archive, message).await.unwrap_or_else(|error| {
        tracing::warn!(message.id = %message.id, error = %ErrorChain(&error), "a mail could not be filed by its contacts");
        None
    }))
}

/// The conversations among these that others follow.
async fn followed(
    round: &Round<'_>,
    conversations: impl Iterator<Item = ConversationId>,
) -> Result<BTreeMap<ConversationId, FollowedConversation>, RoundError> {
    if !round.firm.replies_follow {
        return Ok(BTreeMap::new());
    }
    let keys: BTreeMap<ConversationId, Key> =
        conversations.map(|id| (id, Key::conversation(round.mailbox.firm, id))).collect();
    let all: Vec<Key> = keys.values().cloned().collect();
    let rows = round.app.table.get_all::<FollowedConversation>(&all).await?;
    let mut rows: HashMap<Key, FollowedConversation> = rows.into_iter().map(|row| (row.key, row.value)).collect();
    Ok(keys.into_iter().filter_map(|(id, key)| Some((id, rows.remove(&key)?))).collect())
}

/// Files what a page of a folder tells of mails that are known, where folders stand for dossiers; the work that sets
/// their marks. What it does may be done twice.
pub(crate) async fn file_moved(
    round: &Round<'_>,
    folder: &FolderState,
    present: &[Mail],
    there: &HashMap<MessageId, Row<Message>>,
) -> Result<Vec<Row<Work>>, RoundError> {
    let mut marks = Vec::new();
    if round.mailbox.dossiers.is_empty() {
        return Ok(marks);
    }
    let tells_moves = folder.phase == FolderPhase::Following && !folder.rereads;
    for mail in present {
        let Some(row) = there.get(&MessageId::of(round.mailbox.id, &mail.immutable_id)) else { continue };
        let means = match &row.value.state {
            MessageState::Skipped { .. } | MessageState::Gone { .. } => ByFolder::Nothing,
            // It is filed once it is archived.
            MessageState::Pending | MessageState::Failed(_) if row.value.place() != folder.id() => ByFolder::Stays,
            MessageState::Pending | MessageState::Failed(_) => ByFolder::Nothing,
            _ => by_folder(&row.value, folder.id(), &round.mailbox.dossiers, tells_moves),
        };
        if means == ByFolder::Nothing || !lies_in(round, mail, folder.id()).await? {
            continue;
        }
        let (dossier, by) = match means {
            ByFolder::File(to) => (Some(to.dossier.as_str()), to.by.as_str()),
            ByFolder::Unfile => (None, row.value.filing.as_ref().map_or("", |last| last.by.as_str())),
            ByFolder::Nothing | ByFolder::Stays => {
                let noted = Message { lies_in: Some(folder.id().clone()), ..row.value.clone() };
                round.app.table.write(Write::replace(&row.clone().with(noted))).await?;
                continue;
            }
        };
        let at = round.app.clock.now();
        let change = FilingChange { dossier, by, through: FiledThrough::Folder, lies_in: Some(folder.id()), at };
        let (firm, id) = (round.mailbox.firm, row.value.id);
        match filing::file((&round.app.table, &round.app.feed), (firm, id), change).await {
            Ok(filed) => {
                round.notes.known.remember(id, mail);
                let count = filed.filing.as_ref().map_or(0, |filing| filing.count);
                let (key, work) = Work::of_mark(firm, id, count);
                marks.extend(matches!(filed.state, MessageState::Announced(_)).then(|| Row::inserted(key, work)));
            }
            Err(FilingError::Unknown | FilingError::NotArchived(_) | FilingError::FiledSince) => {}
            Err(FilingError::Feed(error)) => return Err(error.into()),
        }
    }
    Ok(marks)
}

/// Whether a mail lies in a folder now: a page may tell what was so when its round began. If Graph doesn't say, the
/// page is believed.
async fn lies_in(round: &Round<'_>, mail: &Mail, folder: &FolderId) -> Result<bool, RoundError> {
    match round.graph_for(None).folder_of(&round.mailbox.user, &mail.immutable_id).await {
        Ok(place) => Ok(place.is_none_or(|place| place == *folder)),
        Err(error) if error.is_certainly_gone() => Ok(false),
        Err(error) if error.concerns_mailbox() => Err(error.into()),
        Err(error) => {
            tracing::warn!(mailbox.id = %round.mailbox.id, error = %ErrorChain(&error), "Graph does not say where a mail lies");
            Ok(true)
        }
    }
}
