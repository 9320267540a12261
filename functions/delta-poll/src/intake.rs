//! Intake: turns a page of mails, from delta or from a walk, into messages, work and counts.

use std::collections::HashMap;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use shared::{
    aws::table::{Key, Row, Write},
    base::id::{FolderId, ImmutableId, MessageId},
    graph::Mail,
    mail::{
        archive_decision::{ArchiveDecision, FolderPhase},
        folder::FolderState,
        mailbox_progress::Progress,
        message::{Message, MessageState},
        rules::SkipReason,
        walk::{KeptStatus, standing},
        work::Work,
    },
};

use crate::round::{Round, RoundError};

/// Messages written side by side.
const WRITES_AT_ONCE: usize = 16;

/// The page that is taken in.
pub(crate) struct FoundPage<'a> {
    /// Its name.
    pub name: &'a str,
    /// The folder.
    pub folder: &'a FolderId,
    /// Mail that arrived before is not kept, unless it was moved in.
    pub since: Timestamp,
    /// The round that the page belongs to.
    pub phase: FolderPhase,
    /// Whether what is missing is taken in, and not only counted.
    pub take: bool,
    /// Whether what the baseline remembers is let lie. Granted history takes it in.
    pub lets_lie: bool,
    /// Whether the whole folder is read once more, so that what it still holds is remembered anew.
    pub rereads: bool,
}

/// What a page came to. The messages are written as pending; the caller commits the rest in one transaction.
pub(crate) struct PageIntake {
    /// How each mail stands, in the order of the page.
    pub standings: Vec<KeptStatus>,
    /// Mails to be kept, as they are written.
    pub kept: Vec<Row<Message>>,
    /// Mails that lay there before, to be remembered.
    pub lay_there: Vec<ImmutableId>,
    /// What they change in the counts.
    pub counted: Progress,
}

impl PageIntake {
    /// The items of work that the mails to be kept make.
    pub fn work(&self, round: &Round<'_>, page: &str) -> Vec<Row<Work>> {
        let ids: Vec<MessageId> = self.kept.iter().map(|row| row.value.id).collect();
        Work::items(round.mailbox.firm, round.mailbox.id, page, &ids)
    }
}

/// The messages that are known among these.
pub(crate) async fn read_known<'i>(
    round: &Round<'_>,
    ids: impl Iterator<Item = &'i ImmutableId>,
) -> Result<HashMap<MessageId, Row<Message>>, RoundError> {
    let (firm, mailbox) = (round.mailbox.firm, round.mailbox.id);
    let keys: Vec<Key> = ids.map(|id| Key::message(firm, MessageId::of(mailbox, id))).collect();
    let rows = round.app.table.get_all::<Message>(&keys).await?;
    Ok(rows.into_iter().map(|row| (row.value.id, row)).collect())
}

/// Judges the mails of a page, each once, and writes those that were not known. `saw`: whether the baseline remembers a
/// mail.
pub(crate) async fn take_in(
    round: &Round<'_>,
    page: &FoundPage<'_>,
    mails: &[Mail],
    there: &HashMap<MessageId, Row<Message>>,
    saw: impl Fn(&ImmutableId) -> bool,
) -> Result<PageIntake, RoundError> {
    let (firm, mailbox, table) = (round.mailbox.firm, round.mailbox.id, &round.app.table);
    let (mut standings, mut to_write) = (Vec::with_capacity(mails.len()), Vec::new());
    let (mut kept, mut lay_there) = (Vec::new(), Vec::new());
    let mut progress = Progress::default();
    for mail in mails {
        let id = MessageId::of(mailbox, &mail.immutable_id);
        let before = there.get(&id);
        let taken = is_taken(round, before, mail, page.name).await?;
        if taken {
            standings.push(standing(before.map(|row| &row.value), ArchiveDecision::AlreadyThere));
            continue;
        }
        let whole = match (mail.received_at, mail.is_draft) {
            (Some(_), Some(_)) => None,
            _ => read_whole(round, mail).await?,
        };
        let mail = whole.as_ref().unwrap_or(mail);
        if mail.is_draft.is_none() && before.is_some_and(|row| is_draft(&row.value)) {
            // Perhaps it is still a draft. If it was sent, the next comparison of the mailbox finds it.
            standings.push(standing(before.map(|row| &row.value), ArchiveDecision::AlreadyThere));
            continue;
        }
        let received_at = mail.received_at.unwrap_or(round.activated_at);
        let seen = saw(&mail.immutable_id);
        let decision = round.decide(mail, mail.received_at, page.since, page.phase, seen && page.lets_lie);
        standings.push(standing(None, decision));
        let state = match decision {
            ArchiveDecision::AlreadyThere => {
                progress.skipped_already_there += i64::from(!seen);
                if !seen || page.rereads {
                    lay_there.push(mail.immutable_id.clone());
                }
                continue;
            }
            _ if !page.take => continue,
            ArchiveDecision::Archive => MessageState::Pending,
            ArchiveDecision::Skip(reason) => MessageState::Skipped { reason },
        };
        progress.discovered += 1;
        progress.skipped_already_there -= i64::from(seen);
        uncount(before, page.name, &mut progress);
        match state {
            MessageState::Skipped { reason } => *progress.skipped(reason) += 1,
            _ => {
                round.notes.known.remember(id, mail);
            }
        }
        let message = Message::found(id, mail, page.folder.clone(), received_at, page.name.to_owned(), state);
        let (write, row) = match before {
            Some(row) => {
                let mut row = row.clone().with(message);
                let write = Write::replace(&row);
                row.written();
                (write, row)
            }
            None => {
                let key = Key::message(firm, id);
                (Write::insert(key.clone(), &message), Row::inserted(key, message))
            }
        };
        to_write.push(write);
        kept.extend((row.value.state == MessageState::Pending).then_some(row));
    }
    let to_write: Vec<_> = to_write.into_iter().map(|write| table.write(write)).collect();
    stream::iter(to_write).buffer_unordered(WRITES_AT_ONCE).try_collect::<()>().await?;
    Ok(PageIntake { standings, kept, lay_there, counted: progress })
}

/// Takes back what was counted of a mail when it was a draft, or gone. `page` is the one that is being taken in.
fn uncount(before: Option<&Row<Message>>, page: &str, progress: &mut Progress) {
    match before.filter(|row| row.value.page != page).map(|row| &row.value.state) {
        Some(MessageState::Skipped { .. }) => progress.skipped_draft -= 1,
        Some(MessageState::Gone { .. }) => progress.gone -= 1,
        _ => return,
    }
    progress.discovered -= 1;
}

/// Whether a mail is known, so that nothing is to be done about it: told again, or changed, perhaps by our own mark.
/// `page` is the one that is being taken in.
async fn is_taken(
    round: &Round<'_>,
    before: Option<&Row<Message>>,
    mail: &Mail,
    page: &str,
) -> Result<bool, RoundError> {
    let Some(row) = before else { return Ok(false) };
    Ok(match &row.value.state {
        // A draft that was sent or filed is a mail now. If Graph leaves out which it is, it is asked.
        _ if is_draft(&row.value) && mail.is_draft != Some(true) => false,
        // It is listed again.
        MessageState::Gone { .. } => false,
        // An earlier try at this very page wrote it, and did not commit.
        MessageState::Skipped { .. } | MessageState::Pending if row.value.page == page => false,
        // A page that was never committed, because its link died in between, left it behind.
        MessageState::Pending => is_held(round, before).await?,
        _ => true,
    })
}

fn is_draft(message: &Message) -> bool {
    message.state == MessageState::Skipped { reason: SkipReason::Draft }
}

/// Whether a pending message waits in the work of the page that it names, or that page is its folder's fresh one.
async fn is_held(round: &Round<'_>, message: Option<&Row<Message>>) -> Result<bool, RoundError> {
    let Some(Row { value: message, .. }) = message else { return Ok(false) };
    let (table, firm) = (&round.app.table, round.mailbox.firm);
    Ok(FolderState::has_fresh(table, firm, &message.folder, message.id).await?
        || Work::holding(table, firm, &message.page, message.id).await?.is_some())
}

/// An update may leave out when the mail arrived, whether it is a draft, and the rest that does not change; then it is
/// asked for. None if Graph does not return it: such a mail holds up no other.
async fn read_whole(round: &Round<'_>, mail: &Mail) -> Result<Option<Mail>, RoundError> {
    match round.graph_for(None).mail(&round.mailbox.user, &mail.immutable_id).await {
        Ok(mail) => Ok(Some(mail)),
        Err(e) if e.concerns_mailbox() => Err(e.into()),
        Err(_) => Ok(None),
    }
}
