//! Trying failed mails again.

use std::{collections::BTreeSet, sync::Arc};

use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::{
    app::App,
    mail::retry::{self, RetryError},
    problem::Problem,
};
use utoipa::ToSchema;

use super::filing::{MessageRef, NAMED_MAX, NamedMail, problem_of};
use crate::{
    auth::FirmScope,
    error::{Answer, Failure, invalid, not_found},
    extract::Json,
    routes::mailboxes,
};

/// Which mails to try again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRetries {
    /// The ids of the mails.
    #[schema(value_type = Vec<MessageRef>, min_items = 1, max_items = 100)]
    messages: Vec<NamedMail>,
}

/// The result of one of several mails.
#[derive(Serialize, ToSchema)]
pub(crate) struct RetriedView {
    /// The id, as the request has it.
    message: String,
    /// The state that the mail is in; null with a `problem`. `failed`: greffe tries it again at once.
    state: Option<&'static str>,
    /// Why it can't be tried again, as `not_found`, or `invalid_request` if this is not an id.
    problem: Option<Problem>,
}

/// One result for each mail.
#[derive(Serialize, ToSchema)]
pub(crate) struct RetriedMany {
    /// In the order of the request.
    items: Vec<RetriedView>,
}

impl From<RetryError> for Failure {
    fn from(error: RetryError) -> Self {
        match error {
            RetryError::NoMessage => not_found("message"),
            RetryError::NoMailbox => not_found("mailbox"),
            RetryError::Table(error) => error.into(),
        }
    }
}

/// Tries up to 100 failed mails again, at once.
///
/// greffe tries a failed mail again by itself, with growing pauses, for about ten days; then `next_try` of its
/// `failure` is null. This request ends the pause. If greffe had given the mail up, its tries begin anew. The response
/// has a result for each mail. A mail that is not `failed` stays as it is. While the mailbox is paused, the mail waits.
/// A repeated request has no further effect.
#[utoipa::path(
    post, path = "/v1/firms/{firm}/messages/retry", tag = "messages", operation_id = "retry_messages",
    responses((status = 200, body = RetriedMany))
)]
pub(crate) async fn retry(
    firm: FirmScope,
    State(app): State<Arc<App>>,
    Json(new): Json<NewRetries>,
) -> Answer<Json<RetriedMany>> {
    if !(1..=NAMED_MAX).contains(&new.messages.len()) {
        return Err(invalid(format!("messages: 1 to {NAMED_MAX} ids")));
    }
    let (mut items, mut due, mut failure, now) = (Vec::new(), BTreeSet::new(), None, app.clock.now());
    for named in new.messages {
        let tried = match named.id() {
            Some(id) => retry::retry(&app.table, (firm.id(), *id), now).await.map_err(Failure::from),
            None => Err(invalid("this is no message id")),
        };
        let (state, problem) = match tried {
            Ok(message) => {
                due.extend((!message.state.is_final()).then_some(message.id.mailbox));
                (Some(message.state.name()), None)
            }
            Err(failed) => match problem_of(failed) {
                Ok(problem) => (None, Some(problem)),
                Err(failed) => {
                    failure = Some(failed);
                    break;
                }
            },
        };
        items.push(RetriedView { message: named.into_text(), state, problem });
    }
    for mailbox in due {
        mailboxes::queue(&app, firm.id(), mailbox).await;
    }
    failure.map_or(Ok(Json(RetriedMany { items })), Err)
}
