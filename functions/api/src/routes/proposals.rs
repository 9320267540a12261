//! Proposals: mails that may belong to a dossier, because of who wrote them and to whom.

use std::{collections::BTreeSet, sync::Arc};

use axum::extract::State;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};
use shared::{
    app::App,
    aws::table::Key,
    base::id::{FirmId, MessageId},
    firm::{Firm, fact::FiledThrough},
    mail::{
        filing::FilingChange,
        list::{ArchiveFilter, InDossier, MessageFilter, MessageSource},
        message::Message,
    },
    push::proposal::Proposer,
};
use utoipa::{IntoParams, ToSchema};

use super::{
    messages::filing::{FiledMany, file_each, not_proposed},
    views::MessageView,
};
use crate::{
    auth::FirmScope,
    error::{Answer, invalid, not_found},
    extract::{Json, Query, given},
    field::{Limit, Name},
};

/// Originals whose heads are read side by side.
const READ_AT_ONCE: usize = 16;
/// Most proposals that are accepted by one request.
const ACCEPTED_MAX: usize = 100;

/// Which proposals.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ProposalsPage {
    /// `next` of the previous page. Omit it for the first page.
    #[serde(default, deserialize_with = "given")]
    after: Option<u64>,
    /// How many mails are looked at: 1 to 100, default 50.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<Limit>,
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
    params(ProposalsPage), responses((status = 200, body = Proposals))
)]
pub(super) async fn list(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Query(which): Query<ProposalsPage>,
) -> Answer<Json<Proposals>> {
    let (firm, limit) = (firm.id(), which.limit.unwrap_or_default().get());
    let found = Firm::find(&app.table, firm).await?.ok_or_else(|| not_found("firm"))?;
    let proposer = Proposer::of(&app.table, &found).await?;
    let (keeping, dossier) = (Some(ArchiveFilter::Archived), Some(InDossier::None));
    let filter = MessageFilter { keeping, dossier, ..MessageFilter::default() };
    let mut registry = MessageSource { table: &app.table, feed: &app.feed, firm, filter: &filter };
    let show = |_, message| Some(message);
    let listed = filter.list((&app.table, firm), &mut registry, (which.after, limit), show).await?;
    let proposals = listed.items.into_iter().map(|message: Message| async {
        let dossier = proposer.propose(&app.archive, &message).await?;
        Answer::Ok(dossier.map(|proposed_dossier| ProposalView { message: message.into(), proposed_dossier }))
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
    #[schema(value_type = String, pattern = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[0-9a-f]{32}$")]
    message: MessageId,
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
    let accepted: Vec<(MessageId, String)> =
        new.proposals.into_iter().map(|accepted| (accepted.message, accepted.dossier.into_inner())).collect();
    let are_proposed = are_proposed(&app, firm.id(), &accepted).await?;
    let changes = accepted.iter().zip(are_proposed).map(|((id, dossier), is_proposed)| {
        let change = FilingChange { through, ..FilingChange::requested(Some(dossier), &by, at) };
        (*id, if is_proposed { Ok(change) } else { Err(not_proposed()) })
    });
    Ok(Json(FiledMany { items: file_each(&app, firm.id(), changes).await? }))
}

/// Whether each mail is proposed for that dossier. Of one that is not known, filing says so.
async fn are_proposed(app: &App, firm: FirmId, accepted: &[(MessageId, String)]) -> Answer<Vec<bool>> {
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
            let is_there = message.dossier() == Some(dossier.as_str());
            Ok(is_there || proposer.propose(&app.archive, message).await?.as_ref() == Some(dossier))
        }
    });
    let proposed: Vec<_> = proposed.collect();
    stream::iter(proposed).buffered(READ_AT_ONCE).try_collect().await
}
