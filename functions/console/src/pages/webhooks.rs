//! Webhooks: where the business application hears of what happens, and what came of each delivery.

use askama::Template;
use axum::{extract::Path, http::Method, response::Response};
use jiff::Timestamp;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::json;
use shared::base::id::{FirmId, WebhookId};

use super::view::{Listed, ProblemView, Standing};
use crate::{
    api_client::{PageError, Refusal},
    form::Fields,
    said::Said,
    shell::{FirmPage, Shell, page_saying},
    text::Texts,
};

/// That the address does not take the next event.
#[derive(Deserialize)]
pub(super) struct FailingView {
    pub since: Timestamp,
    pub next_try: Timestamp,
}

/// A webhook.
#[derive(Deserialize)]
pub(super) struct WebhookView {
    pub id: String,
    pub url: String,
    state: String,
    types: Vec<String>,
    problem: Option<WebhookProblemView>,
    pub failing: Option<FailingView>,
    /// Only when it is new, or its secret is.
    #[serde(default)]
    secret: Option<String>,
}

/// Why it is paused.
#[derive(Deserialize)]
struct WebhookProblemView {
    meaning: String,
    next_action: String,
    who: String,
    since: Timestamp,
}

impl WebhookView {
    pub(super) fn standing(&self) -> Standing {
        match (&self.problem, &self.failing, self.state.as_str()) {
            (Some(_), ..) => Standing::Needed,
            (None, Some(_), _) => Standing::Busy,
            (None, None, "paused") => Standing::Resting,
            _ => Standing::Good,
        }
    }

    pub(super) fn words(&self, t: &Texts) -> String {
        match self.standing() {
            Standing::Needed => t.say("webhook-stopped"),
            Standing::Busy => t.say("webhook-failing"),
            Standing::Resting => t.say("webhook-paused"),
            Standing::Good => t.say("webhook-works"),
        }
    }

    /// Why it is paused, with whose turn it is.
    pub(super) fn problem(&self) -> Option<ProblemView> {
        let WebhookProblemView { meaning, next_action, who, since } = self.problem.as_ref()?;
        let (meaning, next_action, who) = (meaning.clone(), next_action.clone(), who.clone());
        Some(ProblemView { meaning, next_action, who, microsoft_code: None, since: *since })
    }

    pub(super) fn is_paused(&self) -> bool {
        self.state == "paused"
    }
}

#[derive(Template)]
#[template(path = "webhooks.html")]
struct WebhooksPage {
    s: Shell,
    webhooks: Vec<WebhookView>,
    typed: Fields,
    refusal: Option<Refusal>,
}

async fn all_shown(firm_page: &FirmPage, typed: Fields, refusal: Option<Refusal>) -> Result<Response, PageError> {
    let webhooks = firm_page.api().get::<Listed<WebhookView>>(&firm_page.v1("/webhooks")).await?.items;
    let s = firm_page.shell("webhooks");
    Ok(page_saying(refusal, |refusal| WebhooksPage { s, webhooks, typed, refusal }))
}

/// The list, with the form of a new one.
pub(crate) async fn list(firm_page: FirmPage) -> Result<Response, PageError> {
    all_shown(&firm_page, Fields::default(), None).await
}

/// Adds one, and shows its secret this once.
pub(crate) async fn create(firm_page: FirmPage, typed: Fields) -> Result<Response, PageError> {
    let body = json!({ "url": typed.get("url") });
    match firm_page.api().made_once::<WebhookView>(&typed, &firm_page.v1("/webhooks"), body).await? {
        Ok(webhook) => one_shown(&firm_page, webhook, None).await,
        Err(refusal) => all_shown(&firm_page, typed, Some(refusal)).await,
    }
}

#[derive(Deserialize)]
struct DeliveryView {
    at: Timestamp,
    #[serde(rename = "type")]
    kind: Option<String>,
    number: Option<u64>,
    status: Option<u16>,
    failure: Option<String>,
    duration_ms: u64,
    answer: String,
}

impl DeliveryView {
    fn class(&self) -> &'static str {
        if self.status.is_some_and(|status| (200..300).contains(&status)) { "dot good" } else { "dot needed" }
    }

    /// The status, or why there is none.
    fn came(&self, t: &Texts) -> String {
        match (self.status, self.failure.as_deref()) {
            (Some(status), _) => status.to_string(),
            (None, Some("timed_out")) => t.say("delivery-timed-out"),
            (None, Some("address_not_public")) => t.say("delivery-not-public"),
            _ => t.say("delivery-unreachable"),
        }
    }
}

#[derive(Template)]
#[template(path = "webhook.html")]
struct WebhookPage {
    s: Shell,
    w: WebhookView,
    deliveries: Vec<DeliveryView>,
    refusal: Option<Refusal>,
}

async fn one_shown(firm_page: &FirmPage, w: WebhookView, refusal: Option<Refusal>) -> Result<Response, PageError> {
    let path = firm_page.v1(&format!("/webhooks/{}/deliveries?limit=50", w.id));
    let deliveries = firm_page.api().get::<Listed<DeliveryView>>(&path).await?.items;
    let s = firm_page.shell("webhooks");
    Ok(page_saying(refusal, |refusal| WebhookPage { s, w, deliveries, refusal }))
}

/// One, with its last deliveries.
pub(crate) async fn read(
    firm_page: FirmPage,
    Path((_, webhook)): Path<(FirmId, WebhookId)>,
) -> Result<Response, PageError> {
    let w = firm_page.api().get(&firm_page.v1(&format!("/webhooks/{webhook}"))).await?;
    one_shown(&firm_page, w, None).await
}

/// Sends a test or an event again, pauses it, lets it go on, gives it a new secret, or removes it.
pub(crate) async fn change(
    firm_page: FirmPage,
    Path((_, webhook)): Path<(FirmId, WebhookId)>,
    typed: Fields,
) -> Result<Response, PageError> {
    let own = firm_page.v1(&format!("/webhooks/{webhook}"));
    let (method, path, body) = match typed.get("do") {
        "test" => (Method::POST, format!("{own}/send"), Some(json!({ "kind": "test" }))),
        "again" => {
            let number: u64 = typed.get("number").parse().map_err(|_| PageError::NotFound)?;
            (Method::POST, format!("{own}/send"), Some(json!({ "kind": "again", "number": number })))
        }
        "pause" => (Method::PATCH, own.clone(), Some(json!({ "state": "paused" }))),
        "go-on" => (Method::PATCH, own.clone(), Some(json!({ "state": "active" }))),
        "secret" => {
            let w = firm_page.api().send::<WebhookView>(Method::POST, &format!("{own}/rotate"), None).await?;
            return one_shown(&firm_page, w, None).await;
        }
        "remove" => {
            firm_page.api().send::<IgnoredAny>(Method::DELETE, &own, None).await?;
            return Ok(firm_page.done("/webhooks", Said::Removed));
        }
        _ => return Err(PageError::NotFound),
    };
    let said = match typed.get("do") {
        "pause" => Said::Paused,
        "go-on" => Said::Saved,
        _ => Said::Sent,
    };
    match firm_page.api().tried::<IgnoredAny>(method, &path, body).await? {
        Ok(_) => Ok(firm_page.done(&format!("/webhooks/{webhook}"), said)),
        Err(refusal) => {
            let w = firm_page.api().get(&own).await?;
            one_shown(&firm_page, w, Some(refusal)).await
        }
    }
}
