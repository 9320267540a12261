//! The rules of a mailbox: which mail of the chosen folders is not kept.

use std::{collections::BTreeSet, sync::Arc};

use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::{
    app::App,
    base::id::MailboxId,
    mail::{
        list::{MessageFilter, MessageSource},
        mailbox::Mailbox,
        message::Message,
        rules::{EXCLUDED_MAX, People, Rules, SkipReason},
    },
    problem::Problem,
};
use utoipa::ToSchema;

use super::{MailboxView, find, shown, tag};
use crate::{
    auth::FirmScope,
    error::{Answer, invalid},
    extract::{Id, Json, Query},
    field::{Address, Domain},
    precondition::{IfMatch, Tagged},
    routes::{
        paging::{NumberedPageQuery, Page, in_feed},
        views::MessageView,
    },
};

/// Which mail of the chosen folders is skipped. Omitted fields are false or empty.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRules {
    /// Skip the firm's internal mail: the sender is a registered member, and every recipient is in the sender's domain.
    #[serde(default)]
    ignore_internal: bool,
    /// Skip mail from these addresses, at most 500.
    #[serde(default)]
    #[schema(max_items = 500)]
    excluded_senders: Vec<Address>,
    /// Skip mail from these domains, at most 500. A subdomain counts as a different domain.
    #[serde(default)]
    #[schema(max_items = 500)]
    excluded_domains: Vec<Domain>,
    /// Set a category on archived mail in Outlook, if the connector has the right. Defaults to true.
    #[serde(default = "marked")]
    mark: bool,
}

fn marked() -> bool {
    Rules::default().mark
}

impl NewRules {
    fn read(self) -> Answer<Rules> {
        for (field, count) in
            [("excluded_senders", self.excluded_senders.len()), ("excluded_domains", self.excluded_domains.len())]
        {
            if count > EXCLUDED_MAX {
                return Err(invalid(format!("{field}: at most {EXCLUDED_MAX}")));
            }
        }
        Ok(Rules {
            ignore_internal: self.ignore_internal,
            excluded_senders: sorted(self.excluded_senders.into_iter().map(Address::into_inner)),
            excluded_domains: sorted(self.excluded_domains.into_iter().map(Domain::into_inner)),
            mark: self.mark,
        })
    }
}

/// In order, each once.
fn sorted(texts: impl Iterator<Item = String>) -> Vec<String> {
    texts.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Sets the rules that decide which mail is archived and which is skipped.
///
/// The rules apply to mail that greffe finds from now on. Earlier decisions stay.
#[utoipa::path(
    put, path = "/v1/firms/{firm}/mailboxes/{mailbox}/rules", tag = "mailboxes", operation_id = "set_rules",
    params(IfMatch), responses((status = 200, body = MailboxView))
)]
pub(crate) async fn set(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(mailbox): Id<MailboxId>,
    condition: IfMatch,
    Json(new): Json<NewRules>,
) -> Answer<Tagged<MailboxView>> {
    let row = find(&app, firm.id(), mailbox).await?;
    condition.check(&tag(&row.value))?;
    let mailbox = Mailbox::rule(row, &app.table, new.read()?).await?;
    tracing::info!(firm.id = %mailbox.firm, mailbox.id = %mailbox.id, "rules set");
    shown(&app, mailbox).await
}

/// A mail that the rules would skip.
#[derive(Serialize, ToSchema)]
pub(crate) struct WouldSkip {
    reason: SkipReason,
    message: MessageView,
}

/// Shows which archived mails of a mailbox the given rules would skip, newest first. Changes nothing.
///
/// A page may be empty and still have a `next`, because a request examines at most 2,000 entries.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/mailboxes/{mailbox}/rules/preview", tag = "mailboxes",
    operation_id = "preview_rules", params(NumberedPageQuery),
    responses(
        (status = 200, body = Page<WouldSkip>),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`position_unknown`"),
    )
)]
pub(crate) async fn preview(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Id(mailbox): Id<MailboxId>,
    Query(part): Query<NumberedPageQuery>,
    Json(new): Json<NewRules>,
) -> Answer<Json<Page<WouldSkip>>> {
    let rules = new.read()?;
    in_feed(&app, firm.id(), part.after).await?;
    let mailbox = find(&app, firm.id(), mailbox).await?.value.id;
    let people = People::of(&app.table, firm.id(), &rules).await?;
    let filter = MessageFilter { mailbox: Some(mailbox), ..MessageFilter::default() };
    let show = |_, message: Message| {
        message.original()?;
        let reason = rules.skips(&people, message.from.as_deref(), message.recipient_domain.as_deref())?;
        Some(WouldSkip { reason, message: message.into() })
    };
    let mut registry = MessageSource { table: &app.table, feed: &app.feed, firm: firm.id(), filter: &filter };
    let page = (part.after, part.limit.unwrap_or_default().get());
    let listed = filter.list((&app.table, firm.id()), &mut registry, page, show).await?;
    Ok(Json(Page { items: listed.items, next: listed.next.map(|number| number.to_string()) }))
}
