//! The firm's settings: its name, language, time zone and domains, and the names and colours of its marks.

use askama::Template;
use axum::{http::Method, response::Response};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::base::language::Language;

use super::form_shown::FormShown;
use crate::{
    api_client::{PageError, Refusal},
    form::Fields,
    said::Said,
    shell::{FirmPage, Shell, page_saying},
    text::Texts,
};

/// The firm's settings.
#[derive(Deserialize)]
struct FirmSettings {
    name: String,
    language: String,
    time_zone: String,
    domains: Vec<String>,
}

impl FirmSettings {
    /// All of them in a line.
    fn in_words(&self) -> String {
        let language = Language::of_tag(&self.language).map(Language::own_name).unwrap_or_default();
        [&self.name, language, &self.time_zone, &self.domains.join(", ")].join(" · ")
    }
}

/// One mark.
#[derive(Deserialize)]
struct MarkView {
    name: String,
    color: String,
}

/// Both marks.
#[derive(Deserialize)]
struct MarkViews {
    received: MarkView,
    filed: MarkView,
}

impl MarkViews {
    /// Both in a line.
    fn in_words(&self) -> String {
        format!("{} · {}", self.received.name, self.filed.name)
    }
}

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    s: Shell,
    firm: FirmSettings,
    marks: MarkViews,
    firm_form: FormShown,
    marks_form: FormShown,
}

impl SettingsPage {
    fn languages(&self) -> Vec<(&'static str, &'static str)> {
        Language::ALL.into_iter().map(|language| (language.tag(), language.own_name())).collect()
    }

    fn is_language(&self, tag: &str) -> bool {
        self.firm_form.typed.or("language", &self.firm.language) == tag
    }

    fn domains(&self) -> String {
        self.firm.domains.join("\n")
    }

    /// Both marks: what their fields begin with, what they are, name, colour.
    fn both(&self) -> [(&'static str, String, &str, &str); 2] {
        let (t, typed) = (&self.s.t, &self.marks_form.typed);
        let MarkViews { received, filed } = &self.marks;
        [
            (
                "received",
                t.say("settings-received"),
                typed.or("received_name", &received.name),
                typed.or("received_color", &received.color),
            ),
            (
                "filed",
                t.say("settings-filed"),
                typed.or("filed_name", &filed.name),
                typed.or("filed_color", &filed.color),
            ),
        ]
    }

    /// The colours to choose from, and which of them is the mark's; also one that the page has no word for, if it is.
    fn colors(&self, own: &str) -> Vec<(String, String, bool)> {
        let known = colors(&self.s.t).map(|(value, name)| (value.to_owned(), name, value == own));
        let other = (!known.iter().any(|(.., is_own)| *is_own)).then(|| (own.to_owned(), own.to_owned(), true));
        known.into_iter().chain(other).collect()
    }
}

/// Outlook's colours that have a word of their own.
/// Source: <https://learn.microsoft.com/graph/api/resources/outlookcategory>
fn colors(t: &Texts) -> [(&'static str, String); 11] {
    [
        ("preset12", t.say("color-grey")),
        ("preset13", t.say("color-dark-grey")),
        ("preset14", t.say("color-black")),
        ("preset4", t.say("color-green")),
        ("preset5", t.say("color-teal")),
        ("preset7", t.say("color-blue")),
        ("preset8", t.say("color-purple")),
        ("preset0", t.say("color-red")),
        ("preset1", t.say("color-orange")),
        ("preset2", t.say("color-brown")),
        ("preset3", t.say("color-yellow")),
    ]
}

async fn shown(firm_page: &FirmPage, sent: &Fields, refusal: Option<Refusal>) -> Result<Response, PageError> {
    firm_page.manager()?;
    let (own, marks) = (firm_page.v1(""), firm_page.v1("/marks"));
    let ((firm, tag), (marks, marks_tag)) = tokio::try_join!(
        firm_page.api().get_tagged::<FirmSettings>(&own),
        firm_page.api().get_tagged::<MarkViews>(&marks)
    )?;
    let firm_form = FormShown::of("firm", sent, refusal.as_ref(), (tag, firm.in_words()));
    let marks_form = FormShown::of("marks", sent, refusal.as_ref(), (marks_tag, marks.in_words()));
    let s = firm_page.shell("settings");
    Ok(page_saying(refusal, |_| SettingsPage { s, firm, marks, firm_form, marks_form }))
}

/// The settings.
pub(crate) async fn read(firm_page: FirmPage) -> Result<Response, PageError> {
    shown(&firm_page, &Fields::default(), None).await
}

/// Changes the firm, or its marks.
pub(crate) async fn change(firm_page: FirmPage, typed: Fields) -> Result<Response, PageError> {
    let (method, path, body): (_, _, Value) = match typed.get("do") {
        "firm" => {
            let domains = typed.get("domains").split(|c: char| c.is_whitespace() || c == ',' || c == ';');
            let domains: Vec<&str> = domains.filter(|domain| !domain.is_empty()).collect();
            let body = json!({
                "name": typed.get("name"), "language": typed.get("language"), "time_zone": typed.get("time_zone"),
                "domains": domains,
            });
            (Method::PATCH, firm_page.v1(""), body)
        }
        "marks" => {
            let mark = |name: &str, color: &str| json!({ "name": typed.get(name), "color": typed.get(color) });
            let body = json!({
                "received": mark("received_name", "received_color"), "filed": mark("filed_name", "filed_color"),
            });
            (Method::PUT, firm_page.v1("/marks"), body)
        }
        _ => return Err(PageError::NotFound),
    };
    match firm_page.api().replaced(&typed, method, &path, body).await? {
        Ok(()) => Ok(firm_page.done("/settings", Said::Saved)),
        Err(refusal) => shown(&firm_page, &typed, Some(refusal)).await,
    }
}
