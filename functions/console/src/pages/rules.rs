//! The rules of a mailbox: what is skipped, and which kept mails they would have skipped.

use askama::Template;
use axum::{extract::Path, http::Method, response::Response};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::base::id::{FirmId, MailboxId};

use super::view::{Listed, MailboxView, MessageView};
use crate::{
    api_client::{PageError, Refusal},
    form::{Fields, TAG_FIELD},
    said::Said,
    shell::{FirmPage, Shell, page, page_with},
};

/// A kept mail that the rules would have skipped.
#[derive(Deserialize)]
struct WouldSkip {
    message: MessageView,
}

/// What the rules would have done.
struct Preview {
    skipped: Vec<WouldSkip>,
    /// Older mails were not looked at.
    goes_on: bool,
}

#[derive(Template)]
#[template(path = "rules.html")]
struct RulesPage {
    s: Shell,
    m: MailboxView,
    /// The tag of what is shown.
    tag: String,
    internal: bool,
    senders: String,
    domains: String,
    mark: bool,
    preview: Option<Preview>,
    refusal: Option<Refusal>,
}

impl RulesPage {
    async fn of(firm_page: &FirmPage, mailbox: MailboxId) -> Result<Self, PageError> {
        firm_page.manager()?;
        let (m, tag) =
            firm_page.api().get_tagged::<MailboxView>(&firm_page.v1(&format!("/mailboxes/{mailbox}"))).await?;
        let (internal, mark) = (m.rules.ignore_internal, m.rules.mark);
        let (senders, domains) = (m.rules.excluded_senders.join("\n"), m.rules.excluded_domains.join("\n"));
        let s = firm_page.shell("mailboxes");
        Ok(Self { s, m, tag, internal, senders, domains, mark, preview: None, refusal: None })
    }

    fn is_overtaken(&self) -> bool {
        self.refusal.as_ref().is_some_and(Refusal::is_overtaken)
    }

    /// With what was typed in place of what is stored.
    fn typed(self, typed: &Fields) -> Self {
        let text = |name: &str| typed.get(name).to_owned();
        let (internal, mark) = (typed.is_on("internal"), typed.is_on("mark"));
        // After a refusal because somebody else was quicker, the newer state was seen.
        let tag = if self.is_overtaken() { self.tag } else { text(TAG_FIELD) };
        Self { tag, internal, mark, senders: text("senders"), domains: text("domains"), ..self }
    }
}

/// The rules as the API takes them.
fn body(typed: &Fields) -> Value {
    let lines = |name: &str| {
        let text = typed.get(name).to_owned();
        let parts = text.split(|c: char| c.is_whitespace() || c == ',' || c == ';').filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect::<Vec<_>>()
    };
    json!({
        "ignore_internal": typed.is_on("internal"), "mark": typed.is_on("mark"),
        "excluded_senders": lines("senders"), "excluded_domains": lines("domains"),
    })
}

/// The rules.
pub(crate) async fn read(
    firm_page: FirmPage,
    Path((_, mailbox)): Path<(FirmId, MailboxId)>,
) -> Result<Response, PageError> {
    Ok(page(&RulesPage::of(&firm_page, mailbox).await?))
}

/// Shows what rules would have skipped, or stores them.
pub(crate) async fn change(
    firm_page: FirmPage,
    Path((_, mailbox)): Path<(FirmId, MailboxId)>,
    typed: Fields,
) -> Result<Response, PageError> {
    let path = firm_page.v1(&format!("/mailboxes/{mailbox}/rules"));
    let stored = typed.get("do") == "store";
    let answer = if stored {
        firm_page.api().replaced(&typed, Method::PUT, &path, body(&typed)).await?.map(|()| None)
    } else {
        let answer =
            firm_page.api().tried(Method::POST, &format!("{path}/preview?limit=20"), Some(body(&typed))).await?;
        answer.map(|Listed { items, next }| Some(Preview { skipped: items, goes_on: next.is_some() }))
    };
    let (preview, refusal) = match answer {
        Ok(None) => return Ok(firm_page.done(&format!("/mailboxes/{mailbox}"), Said::Saved)),
        Ok(preview) => (preview, None),
        Err(refusal) => (None, Some(refusal)),
    };
    let shown = RulesPage { refusal, ..RulesPage::of(&firm_page, mailbox).await? }.typed(&typed);
    let status = shown.refusal.as_ref().map(Refusal::status);
    Ok(page_with(&RulesPage { preview, ..shown }, status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart_however_they_were_typed() {
        let typed = Fields(vec![("senders".to_owned(), " a@a.example,\nb@a.example; c@a.example ".to_owned())]);
        assert_eq!(body(&typed)["excluded_senders"], json!(["a@a.example", "b@a.example", "c@a.example"]));
        assert_eq!(body(&typed)["mark"], false);
    }
}
