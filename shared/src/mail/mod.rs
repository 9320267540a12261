//! Mail (mailboxes, folders, delta rounds, rules, messages, the archive, filing); uses `base`, `aws`, `graph`,
//! `problem`, `firm` and `reading`. It is given a Graph, and never asks how a mailbox may be opened.

pub mod archive;
pub mod archive_decision;
pub mod baseline;
pub mod filing;
pub mod folder;
pub mod hint;
pub mod keeping_history;
pub mod kept_parts;
pub mod legal_hold;
pub mod list;
pub mod mailbox;
pub mod mailbox_progress;
pub mod mailbox_share;
pub mod mailbox_turn;
pub mod message;
pub mod notification;
pub mod opened;
pub mod retention_keeper;
pub mod retry;
pub mod rules;
pub mod selection;
pub mod small_page;
pub mod sync_state;
pub mod trouble;
pub mod walk;
pub mod work;
