//! Checks of a connection, as pages show them: by shape, and by words beside it.

use serde::Deserialize;

use crate::{api_client::Refusal, text::Texts};

/// One check.
#[derive(Deserialize)]
pub(super) struct CheckView {
    resource: String,
    ok: bool,
    skipped: Option<String>,
    pub meaning: Option<String>,
    pub next_action: Option<String>,
    pub microsoft_code: Option<String>,
    pub message: Option<String>,
}

impl CheckView {
    /// A check that the API refuses to make.
    pub(super) fn refused(resource: &str, refusal: Refusal) -> Self {
        let Refusal { title, next_action, microsoft_code, microsoft_message, .. } = refusal;
        let (meaning, next_action) = (Some(title), Some(next_action));
        let resource = resource.to_owned();
        Self { resource, ok: false, skipped: None, meaning, next_action, microsoft_code, message: microsoft_message }
    }

    /// What was tried, as the API calls it.
    pub(super) fn resource(&self) -> &str {
        &self.resource
    }

    /// The class of its dot.
    pub(super) fn class(&self) -> &'static str {
        match (self.ok, &self.skipped) {
            (_, Some(_)) => "dot resting",
            (true, None) => "dot good",
            (false, None) => "dot needed",
        }
    }

    /// What came of it.
    pub(super) fn words(&self, t: &Texts) -> String {
        match (self.ok, &self.skipped) {
            (_, Some(_)) => t.say("check-not-needed"),
            (true, None) => t.say("check-works"),
            (false, None) => t.say("check-fails"),
        }
    }

    /// What was tried.
    pub(super) fn name(&self, t: &Texts) -> String {
        check_name(&self.resource, t)
    }
}

/// What is tried, in words.
pub(super) fn check_name(resource: &str, t: &Texts) -> String {
    match resource {
        "token" => t.say("check-token"),
        "profile" => t.say("check-profile"),
        "folders" => t.say("check-folders"),
        "mail" => t.say("check-mail"),
        "marking" => t.say("check-mark"),
        "notifications" => t.say("check-notifications"),
        "calendar" => t.say("check-calendar"),
        "tasks" => t.say("check-tasks"),
        "contacts" => t.say("check-contacts"),
        "secret" => t.say("check-secret"),
        other => other.to_owned(),
    }
}
