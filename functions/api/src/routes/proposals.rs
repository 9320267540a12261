//! Proposals: mails that may belong to a dossier, because of who wrote them and to whom.

use std::{collections::BTreeSet, sync::Arc};

use axum::extract::State;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};
use shared::{
    app::App,
    aws::table::Key,
    base::id::{FirmId, MailboxId, MessageId},
    firm::{Firm, fact::FiledThrough},
    mail::{
        filing::FilingChange,
        list::{ArchiveFilter, InDossier, MessageFilter, MessageSource},
        message::Message,
        opened::with_own_subject,
    },
    push::proposal::Proposer,
};
use utoipa::{IntoParams, ToSchema};

use super::{
    messages::filing::{FiledMany, NamedMail, file_each, not_proposed},
    paging::in_feed,
    views::MessageView,
};
use crate::{
    auth::FirmScope,
    error::{Answer, invalid, not_found},
    extract::{Json, Query, SoughtParty, given, given_word},
    field::{Limit, Moment, Name},
};

/// Originals whose heads are read side by side.
const READ_AT_ONCE: usize = 16;
/// Most proposals that are accepted by one request.
const ACCEPTED_MAX: usize = 100;

/// Which proposals.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ProposalsQuery {
    /// `next` of the previous page. Omit it for the first page.
    #[serde(default, deserialize_with = "given")]
    after: Option<u64>,
    /// How many mails are looked at: 1 to 100, default 50.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<Limit>,
    /// Only mail of this mailbox.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, format = "uuid")]
    mailbox: Option<MailboxId>,
    /// Only mail from this address, or from this domain: `@acme.example`.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, max_length = 320, pattern = r"^[^\s@]*@[^\s@]+$")]
    from: Option<SoughtParty>,
    /// Only mail that arrived at this time or later.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, format = "date-time")]
    since: Option<Moment>,
    /// Only mail that arrived before this time.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, format = "date-time")]
    until: Option<Moment>,
    /// Only mail that is proposed for this dossier.
    #[serde(default, deserialize_with = "given_word")]
    #[param(value_type = Option<Name>, inline)]
    dossier: Option<Name>,
}

/// A mail that may belong to a dossier.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProposalView {
    /// The mail.
    #[serde(flatten)]
    message: MessageView,
    /// The dossier to which all contacts belong who wrote the mail or received it.
    proposed_dossier: String,
}

/// A page of proposals.
#[derive(Serialize, ToSchema)]
pub(crate) struct Proposals {
    items: Vec<ProposalView>,
    /// Pass this as `after` to read the next page; null on the last page.
    next: Option<String>,
}

/// Proposes a dossier for each mail whose external senders and recipients are all contacts of that dossier.
///
/// A mail has no proposal if these people have another dossier in common, too, or if the mail was filed before. Nothing
/// is filed until a proposal is accepted. A page may be empty and still have a `next`.
#[utoipa::path(
    get, path = "/v1/firms/{firm}/proposals", tag = "messages", operation_id = "list_proposals",
    params(ProposalsQuery), responses((status = 200, body = Proposals))
)]
pub(super) async fn list(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Query(which): Query<ProposalsQuery>,
) -> Answer<Json<Proposals>> {
    let (firm, limit) = (firm.id(), which.limit.unwrap_or_default().get());
    let found = Firm::find(&app.table, firm).await?.ok_or_else(|| not_found("firm"))?;
    in_feed(&app, firm, which.after).await?;
    let proposer = Proposer::of(&app.table, &found).await?;
    let filter = MessageFilter {
        mailbox: which.mailbox,
        from: which.from.map(|SoughtParty(from)| from),
        since: which.since.map(Moment::into_inner),
        until: which.until.map(Moment::into_inner),
        keeping: Some(ArchiveFilter::Archived),
        dossier: Some(InDossier::None),
        ..MessageFilter::default()
    };
    let mut registry = MessageSource { table: &app.table, feed: &app.feed, firm, filter: &filter };
    let show = |_, message| Some(message);
    let listed = filter.list((&app.table, firm), &mut registry, (which.after, limit), show).await?;
    let wanted = which.dossier.map(Name::into_inner);
    let proposals = listed.items.into_iter().map(|message: Message| async {
        let dossier = proposer.propose(&app.archive, &message).await?;
        let dossier = dossier.filter(|dossier| wanted.as_ref().is_none_or(|wanted| wanted == dossier));
        let Some(proposed_dossier) = dossier else { return Answer::Ok(None) };
        let message = with_own_subject(&app.archive, firm, message).await;
        Ok(Some(ProposalView { message: message.into(), proposed_dossier }))
    });
    let proposals: Vec<_> = proposals.collect();
    let items: Vec<Option<ProposalView>> = stream::iter(proposals).buffered(READ_AT_ONCE).try_collect().await?;
    Ok(Json(Proposals { items: items.into_iter().flatten().collect(), next: listed.next.map(|next| next.to_string()) }))
}

/// A proposal that is accepted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcceptedProposal {
    /// The id of the mail.
    #[schema(value_type = String)]
    message: NamedMail,
    /// The dossier that it was proposed for.
    dossier: Name,
}

/// Proposals that are accepted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcceptedProposals {
    #[schema(min_items = 1, max_items = 100)]
    proposals: Vec<AcceptedProposal>,
}

/// Files up to 100 mails to the dossiers that are proposed for them.
///
/// The response has a result for each mail: `not_proposed` if it is proposed for another dossier or for none, for
/// example because it was filed meanwhile. A mail that can't be filed does not stop the others. A repeated request has
/// no further effect.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/proposals/accept", tag = "messages", operation_id = "accept_proposals",
    responses((status = 200, body = FiledMany))
)]
pub(super) async fn accept(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Json(new): Json<AcceptedProposals>,
) -> Answer<Json<FiledMany>> {
    if !(1..=ACCEPTED_MAX).contains(&new.proposals.len()) {
        return Err(invalid(format!("proposals: 1 to {ACCEPTED_MAX}")));
    }
    let (by, at, through) = (firm.by(), app.clock.now(), FiledThrough::Contact);
    let accepted: Vec<(NamedMail, String)> =
        new.proposals.into_iter().map(|accepted| (accepted.message, accepted.dossier.into_inner())).collect();
    let known = accepted.iter().filter_map(|(named, dossier)| Some((*named.id()?, dossier.as_str())));
    let mut are_proposed = are_proposed(&app, firm.id(), known.collect()).await?.into_iter();
    let changes = accepted.iter().map(|(named, dossier)| {
        let change = FilingChange { through, ..FilingChange::requested(Some(dossier), &by, at) };
        let is_proposed = named.id().is_none() || are_proposed.next().unwrap_or_default();
        (named.clone(), if is_proposed { Ok(change) } else { Err(not_proposed()) })
    });
    Ok(Json(FiledMany { items: file_each(&app, firm.id(), changes).await? }))
}

/// Whether each mail is proposed for that dossier. Of one that is not known, filing says so.
async fn are_proposed(app: &App, firm: FirmId, accepted: Vec<(MessageId, &str)>) -> Answer<Vec<bool>> {
    let found = Firm::find(&app.table, firm).await?.ok_or_else(|| not_found("firm"))?;
    let proposer = Proposer::of(&app.table, &found).await?;
    let ids: BTreeSet<MessageId> = accepted.iter().map(|(id, _)| *id).collect();
    let keys: Vec<Key> = ids.into_iter().map(|id| Key::message(firm, id)).collect();
    let messages = app.table.get_all::<Message>(&keys).await?;
    let proposed = accepted.iter().map(|(id, dossier)| {
        let message = messages.iter().find(|row| row.value.id == *id).map(|row| &row.value);
        let proposer = &proposer;
        async move {
            let Some(message) = message else { return Answer::Ok(true) };
            // What is filed there already stays so.
            let is_there = message.dossier() == Some(*dossier);
            Ok(is_there || proposer.propose(&app.archive, message).await?.as_deref() == Some(*dossier))
        }
    });
    let proposed: Vec<_> = proposed.collect();
    stream::iter(proposed).buffered(READ_AT_ONCE).try_collect().await
}
