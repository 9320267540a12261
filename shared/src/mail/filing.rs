//! Filing: the dossier of the business application that a mail belongs to, with the history of changes.
//!
//! One transaction changes the message, appends to the history, moves the mail between the lists of dossiers, records
//! the fact, and stores the work that changes the mark. So the mark follows, even if the function stops right after it.
//!
//! What is filed may have others follow: later mails of a conversation ([`FollowedConversation`]), and what a person
//! moves to a folder that stands for a dossier ([`by_folder`]).

use std::{collections::BTreeMap, fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    aws::table::{Key, Row, Table, TableError, Write},
    base::id::{ConversationId, FirmId, FolderId, MessageId},
    firm::{
        fact::{Fact, FactEvent, FiledThrough},
        feed::{Feed, FeedError},
    },
    mail::{
        folder::FolderState,
        mailbox::{FolderDossier, Mailbox},
        message::{FilingRecord, Message, MessageState, Original},
        work::Work,
    },
};

/// That a message is filed to a dossier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DossierMessage {
    /// The message.
    pub message: MessageId,
}

/// Which change of where a message is filed: its fact has `{message}-filing-{count}` as its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FilingId {
    /// The message.
    pub message: MessageId,
    /// See [`FilingRecord::count`].
    pub count: u32,
}

impl fmt::Display for FilingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-filing-{}", self.message, self.count)
    }
}

/// What is not the id of a filing.
#[derive(Debug, thiserror::Error)]
#[error("it is not the id of a filing")]
pub struct FilingIdError;

impl FromStr for FilingId {
    type Err = FilingIdError;

    fn from_str(text: &str) -> Result<Self, FilingIdError> {
        let (message, count) = text.rsplit_once("-filing-").ok_or(FilingIdError)?;
        let (message, count) = (message.parse().ok(), count.parse().ok());
        message.zip(count).map(|(message, count)| Self { message, count }).ok_or(FilingIdError)
    }
}

/// A message that could not be filed.
#[derive(Debug, thiserror::Error)]
pub enum FilingError {
    /// The firm has no such message.
    #[error("there is no such message")]
    Unknown,
    /// Its original is not in the archive.
    #[error("the state of the message is {0}")]
    NotArchived(&'static str),
    /// It was filed since it was proposed.
    #[error("the mail was filed since it was proposed")]
    FiledSince,
    /// The table or the feed.
    #[error(transparent)]
    Feed(#[from] FeedError),
}

impl From<TableError> for FilingError {
    fn from(error: TableError) -> Self {
        Self::Feed(error.into())
    }
}

/// The dossier that later mails of a conversation are filed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowedConversation {
    /// The dossier.
    pub dossier: String,
    /// Who filed the conversation: see [`FilingRecord::by`].
    pub by: String,
    /// The time.
    pub at: Timestamp,
}

impl FollowedConversation {
    /// Has later mails of these conversations filed to the dossier; `None` ends that.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn set(
        table: &Table,
        firm: FirmId,
        conversations: impl IntoIterator<Item = ConversationId>,
        followed: Option<&Self>,
    ) -> Result<(), TableError> {
        for conversation in conversations {
            let key = Key::conversation(firm, conversation);
            table.update(&key, |_: Option<Self>| followed.cloned()).await?;
        }
        Ok(())
    }
}

/// What is to change about the filing of a message.
#[derive(Debug, Clone, Copy)]
pub struct FilingChange<'a> {
    /// The dossier; none to take it out of the one that it is in.
    pub dossier: Option<&'a str>,
    /// See [`FilingRecord::by`].
    pub by: &'a str,
    /// By what.
    pub through: FiledThrough,
    /// The folder that it was moved to.
    pub lies_in: Option<&'a FolderId>,
    /// The time.
    pub at: Timestamp,
}

impl<'a> FilingChange<'a> {
    /// As a call of the API asks for.
    pub fn requested(dossier: Option<&'a str>, by: &'a str, at: Timestamp) -> Self {
        Self { dossier, by, through: FiledThrough::Request, lies_in: None, at }
    }

    /// Makes the change to `row`. The writes that belong to it, without the row, and its fact.
    fn made_to(&self, firm: FirmId, row: &mut Message, original: &Original) -> (Vec<Write>, Fact) {
        let (id, number) = (row.id, original.number);
        let count = row.filing.as_ref().map_or(0, |last| last.count) + 1;
        let (dossier, by, through) = (self.dossier.map(str::to_owned), self.by.to_owned(), self.through);
        let filing = FilingRecord { count, number, dossier, at: self.at, by, through };
        let before = row.filing.replace(filing.clone());
        let before = before.and_then(|last| Some((last.dossier?, last.number)));
        row.lies_in = self.lies_in.cloned().or(row.lies_in.take());
        let mut writes = vec![Write::insert(Key::filing(firm, id, count), &filing)];
        if let Some((dossier, number)) = &before {
            writes.push(Write::discard(Key::filed(firm, dossier, *number)));
        }
        if let Some(dossier) = self.dossier {
            writes.push(Write::overwrite(Key::filed(firm, dossier, number), &DossierMessage { message: id }));
        }
        let (mailbox, message, by) = (id.mailbox, id, filing.by);
        let what = match (filing.dossier, before.map(|(dossier, _)| dossier)) {
            (Some(dossier), before) => FactEvent::MessageFiled { mailbox, message, dossier, before, by, through },
            (None, before) => {
                FactEvent::MessageUnfiled { mailbox, message, before: before.unwrap_or_default(), by, through }
            }
        };
        (writes, Fact { id: FilingId { message: id, count }.to_string(), at: self.at, what })
    }
}

/// Changes where a message is filed. Idempotent. Returns the message as it is then.
///
/// Errors: `Unknown` if there is no such message, `NotArchived` if it has no original, `FiledSince` if it was filed
/// after the change was proposed, `Conflict` if others were faster each time; the table refuses or does not answer.
pub async fn file(
    (table, feed): (&Table, &Feed),
    (firm, id): (FirmId, MessageId),
    change: FilingChange<'_>,
) -> Result<Message, FilingError> {
    let mut tries = table.tries();
    loop {
        let Some(mut row) = table.get::<Message>(&Key::message(firm, id)).await? else {
            return Err(FilingError::Unknown);
        };
        let now = row.value.clone().as_of(change.at);
        let Some(original) = now.original().cloned() else {
            return Err(FilingError::NotArchived(now.state.name()));
        };
        if row.value.dossier() == change.dossier {
            return Ok(row.value);
        }
        // A proposal is for mail that nobody filed.
        if change.through == FiledThrough::Contact && row.value.filing.is_some() {
            return Err(FilingError::FiledSince);
        }
        let (mut writes, fact) = change.made_to(firm, &mut row.value, &original);
        // What has not come so far is still in its page's work.
        if !matches!(row.value.state, MessageState::Archived(_)) {
            row.value.state = MessageState::Announced(original);
            let count = row.value.filing.as_ref().map_or(0, |filing| filing.count);
            let (key, work) = Work::of_mark(firm, id, count);
            writes.push(Write::insert(key, &work));
        }
        writes.push(Write::replace(&row));
        match feed.tell_with(firm, writes, fact).await {
            Ok(()) => return Ok(row.value),
            Err(FeedError::Table(error)) if tries.again(&error).await => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The same to a message that a round is at, whose work sets the mark.
///
/// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
pub async fn file_in_round(
    feed: &Feed,
    firm: FirmId,
    row: &mut Row<Message>,
    change: FilingChange<'_>,
) -> Result<(), FeedError> {
    let Some(original) = row.value.original().cloned() else { return Ok(()) };
    let (mut writes, fact) = change.made_to(firm, &mut row.value, &original);
    writes.push(Write::replace(row));
    feed.tell_with(firm, writes, fact).await?;
    row.written();
    Ok(())
}

/// Has a folder of a mailbox stand for a dossier from now on, or for none. What lies in the folder is read once more.
///
/// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
pub async fn stand_for(
    mut row: Row<Mailbox>,
    table: &Table,
    folder: FolderId,
    dossier: Option<FolderDossier>,
) -> Result<Mailbox, TableError> {
    let (key, is_new) = (Key::folder(row.value.firm, row.value.id, &folder), dossier.is_some());
    match dossier {
        Some(dossier) => row.value.dossiers.insert(folder, dossier),
        None => row.value.dossiers.remove(&folder),
    };
    table.write(Write::replace(&row)).await?;
    if is_new {
        table.update(&key, |state: Option<FolderState>| state.map(|state| state.read_anew())).await?;
    }
    Ok(row.value)
}

/// What it means for a mail that it lies in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByFolder<'a> {
    /// Nothing, or nothing new.
    Nothing,
    /// It stays where it is filed; that it lies here is noted, so that its next move is known as one.
    Stays,
    /// It is filed.
    File(&'a FolderDossier),
    /// A person took it out of the folder that it was filed by.
    Unfile,
}

/// Decides how an archived mail is filed that delta reports in `folder`. `dossiers`: what folders of its mailbox stand
/// for. Pure.
///
/// A filing by hand holds until the mail is moved again; one by a folder that stands for nothing any more, too.
/// `tells_moves`: the round follows the folder's changes. Where the whole folder is read, what was moved can't be told
/// apart from what lay there.
pub fn by_folder<'a>(
    message: &Message,
    folder: &FolderId,
    dossiers: &'a BTreeMap<FolderId, FolderDossier>,
    tells_moves: bool,
) -> ByFolder<'a> {
    let dossier = dossiers.get(folder);
    let (moved, last) = (message.place() != folder, message.filing.as_ref());
    let is_by_folder = last.is_some_and(|last| last.through == FiledThrough::Folder);
    if message.lies_in.as_ref() == Some(folder) {
        // The folder stands for another dossier than when it filed the mail.
        let other = dossier.filter(|dossier| is_by_folder && message.dossier() != Some(&dossier.dossier));
        return other.map_or(ByFolder::Nothing, ByFolder::File);
    }
    match dossier {
        Some(_) if last.is_some() && !is_by_folder && !(moved && tells_moves) => ByFolder::Stays,
        Some(dossier) if message.dossier() == Some(&dossier.dossier) => ByFolder::Stays,
        Some(dossier) => ByFolder::File(dossier),
        None if moved && is_by_folder && message.dossier().is_some() && dossiers.contains_key(message.place()) => {
            ByFolder::Unfile
        }
        None if moved && message.lies_in.is_some() => ByFolder::Stays,
        None => ByFolder::Nothing,
    }
}

/// All that was ever done about the filing of a message, oldest first.
///
/// Errors: the table refuses or does not answer.
pub async fn history(table: &Table, firm: FirmId, message: MessageId) -> Result<Vec<FilingRecord>, TableError> {
    let rows = table.query_all::<FilingRecord>(&Key::filing_prefix(firm, message)).await?;
    Ok(rows.into_iter().map(|row| row.value).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::message::tests::message;

    #[test]
    fn the_fact_of_a_filing_says_which_change_it_was() {
        let message = "6f9619ff-8b86-4011-b42d-00c04fc964ff.000102030405060708090a0b0c0d0e0f".parse().unwrap();
        let of = FilingId { message, count: 3 };
        assert_eq!(of.to_string().parse::<FilingId>().unwrap(), of);
        assert!(format!("{message}-archived").parse::<FilingId>().is_err());
    }

    fn filed(through: FiledThrough, dossier: Option<&str>, lies_in: Option<&str>) -> Message {
        let mut message = message(Some("X"));
        let filing = message.filing.as_mut().unwrap();
        (filing.through, filing.dossier) = (through, dossier.map(str::to_owned));
        message.lies_in = lies_in.map(|id| id.parse().unwrap());
        message
    }

    #[test]
    fn a_folder_files_what_is_moved_there_and_yields_to_a_hand_until_the_next_move() {
        use FiledThrough::{Conversation, Folder, Request};
        let of = |dossier: &str| FolderDossier {
            dossier: dossier.to_owned(),
            by: "operator".to_owned(),
            at: Timestamp::UNIX_EPOCH,
        };
        let (d, e) = (of("D"), of("E"));
        let found_in = "AQMk";
        for (mail, folder, dossier, moves, means) in [
            // It was never filed.
            (message(None), "F", Some(&d), true, ByFolder::File(&d)),
            (message(None), found_in, Some(&d), true, ByFolder::File(&d)),
            (message(None), "F", Some(&d), false, ByFolder::File(&d)),
            (message(None), "F", None, true, ByFolder::Nothing),
            // It was filed by this folder, and changes there; then the folder stands for another dossier, or for none.
            (filed(Folder, Some("D"), Some("F")), "F", Some(&d), true, ByFolder::Nothing),
            (filed(Folder, Some("D"), Some("F")), "F", Some(&e), false, ByFolder::File(&e)),
            (filed(Folder, Some("D"), Some("F")), "F", None, true, ByFolder::Nothing),
            (filed(Request, Some("D"), Some("F")), "F", Some(&e), false, ByFolder::Nothing),
            // It is moved on.
            (filed(Folder, Some("D"), Some("F")), "G", Some(&e), true, ByFolder::File(&e)),
            (filed(Folder, Some("D"), Some("F")), "G", None, true, ByFolder::Unfile),
            (filed(Folder, Some("D"), Some("F")), "G", Some(&d), true, ByFolder::Stays),
            // A hand filed it, or took it out, where it lies; then it is moved.
            (filed(Request, Some("X"), None), found_in, Some(&d), true, ByFolder::Stays),
            (filed(Request, None, Some("F")), "F", Some(&d), true, ByFolder::Nothing),
            (filed(Request, Some("X"), Some("F")), "G", Some(&d), true, ByFolder::File(&d)),
            (filed(Conversation, Some("X"), None), "F", Some(&d), true, ByFolder::File(&d)),
            (filed(Request, Some("X"), Some("F")), "G", None, true, ByFolder::Stays),
            (filed(Request, Some("X"), None), "G", None, true, ByFolder::Nothing),
            // The whole folder is read: nobody can tell whether it was moved.
            (filed(Request, Some("X"), None), "F", Some(&d), false, ByFolder::Stays),
            (filed(Folder, Some("X"), None), "F", Some(&d), false, ByFolder::File(&d)),
        ] {
            let (folder, before): (FolderId, FolderId) = (folder.parse().unwrap(), "F".parse().unwrap());
            let before = (before != folder).then(|| (before, d.clone()));
            let dossiers = dossier.map(|dossier| (folder.clone(), dossier.clone())).into_iter().chain(before).collect();
            assert_eq!(by_folder(&mail, &folder, &dossiers, moves), means, "{folder} {dossier:?} {:?}", mail.filing);
        }
        // The folder that filed it stands for nothing any more when it is moved on.
        let mail = filed(Folder, Some("D"), Some("F"));
        assert_eq!(by_folder(&mail, &"G".parse().unwrap(), &BTreeMap::new(), true), ByFolder::Stays);
    }
}
