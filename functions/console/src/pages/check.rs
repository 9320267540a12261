//! Checks of a connection, as pages show them: by shape, and by words beside it.

use serde::Deserialize;

use crate::text::Texts;

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
        match self.resource.as_str() {
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
}
