//! The HTTP and JSON of Microsoft Graph, without their meaning; uses `base`, and `aws` for errors of tokens. Only this
//! room knows Graph's JSON. Where a token comes from, it does not know: it asks a [`TokenSource`].

mod applications;
mod batch;
mod budget;
mod calendar;
mod categories;
mod client;
mod contacts;
mod extended;
mod folders;
mod graph_error;
mod item_steps;
mod items;
mod json;
mod messages;
mod subscriptions;
mod todo;
mod token_source;
mod users;
mod wire_page;

pub use applications::{Application, KeyCredential};
#[cfg(any(test, fuzzing))]
pub use batch::check_batch;
pub use batch::{BatchOrder, CategoriesPatch};
pub use budget::Spent;
pub use calendar::{EventContent, LocalTime, NewEvent, RecurrenceUnit, Series, ShowAs};
pub use categories::{CategoryName, Color, Mark};
pub use client::{BulkKind, Graph, GraphUser, Link, MailboxGate, PARALLEL_REQUESTS_MAX, SILENCE_MAX, WAIT_MAX};
pub use contacts::{ContactContent, PhysicalAddress};
#[cfg(any(test, fuzzing))]
pub use folders::check_folders_page;
pub use folders::{
    FolderItem, FolderPage, MailFolder, WELL_KNOWN_NEVER_READ, WellKnown, WellKnownAnswers, WellKnownFolders,
};
pub use graph_error::{Disposition, GraphCode, GraphError, UNREACHABLE};
pub(crate) use json::read_json;
#[cfg(any(test, fuzzing))]
pub use messages::check_mails_page;
pub use messages::{
    DeltaItem, DeltaPage, MESSAGES_PAGE, Mail, MailPage, MimeStream, NewestFolders, ReceivedPeriod, SELECTION,
};
pub use subscriptions::{SUBSCRIPTION_LIFETIME, Subscription};
pub use todo::TaskContent;
pub use token_source::{
    AccessToken, EntraError, EntraRefusal, IdTokenError, KeyError, NotAllowed, TokenError, TokenSource,
};
pub use users::{Organization, User};
pub use wire_page::PageEnd;
pub(crate) use wire_page::WirePage;
pub use {
    item_steps::{ItemStep, PlaceItems, StepOutcome},
    items::{
        CATEGORY_PREFIX, Changes, ItemContainer, ItemContainers, ItemTag, OutlookItem, OutlookItemKind, ShownItem,
    },
};
