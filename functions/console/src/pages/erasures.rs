//! Erasures and removals: what is to go, what would go and what stays, and the confirmation. Legal holds beside them.

use askama::Template;
use axum::{
    extract::{Path, Query, RawQuery},
    http::Method,
    response::Response,
};
use jiff::Timestamp;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::json;
use shared::base::id::{ErasureId, FirmId};

use super::view::{self, Listed, MailboxChoice, MessageView, Standing};
use crate::{
    api_client::{PageError, Refusal, and, encoded},
    form::Fields,
    said::Said,
    shell::{FirmPage, Shell, page_saying},
    text::Texts,
};

/// Erasures on a page of the list.
const LIST_PAGE: usize = 50;
/// Mails of a selection that are named; the others are counted.
const NAMED_MAX: usize = 20;

/// What is to go.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum ErasureTargetView {
    Message { message: String },
    Mailbox { mailbox: String },
    Member { member: String },
    Firm,
    Messages { messages: Vec<String> },
    Sender { from: String, mailbox: Option<String> },
    Rules { mailbox: String },
    Retention,
}

impl ErasureTargetView {
    fn words(&self, t: &Texts) -> String {
        match self {
            Self::Message { .. } => t.say("erase-one"),
            Self::Mailbox { .. } => t.say("erase-mailbox"),
            Self::Member { .. } => t.say("erase-member"),
            Self::Firm => t.say("erase-firm"),
            Self::Messages { messages } => t.say_n("erase-chosen", messages.len()),
            Self::Sender { from, .. } => t.say_name("erase-sender-of", from),
            Self::Rules { .. } => t.say("erase-rules"),
            Self::Retention => t.say("erase-retention"),
        }
    }

    /// Which mail, mailbox or member it is; empty where that is gone, and where the words say it.
    async fn name(&self, firm_page: &FirmPage) -> String {
        let path = match self {
            Self::Message { message } => format!("/messages/{message}"),
            Self::Mailbox { mailbox } | Self::Rules { mailbox } => format!("/mailboxes/{mailbox}"),
            Self::Sender { mailbox: Some(mailbox), .. } => format!("/mailboxes/{mailbox}"),
            Self::Member { member } => format!("/members/{member}"),
            Self::Firm | Self::Retention | Self::Messages { .. } | Self::Sender { mailbox: None, .. } => {
                return String::new();
            }
        };
        let found = firm_page.api().get::<AnyName>(&firm_page.v1(&path)).await.unwrap_or_default();
        found.subject.or(found.name).or(found.address).unwrap_or_default()
    }

    /// The form by which the same is asked for again, below the firm's address.
    fn form(&self) -> String {
        let of = |kind: &str, name: &str, value: &str| format!("/erasures/new?kind={kind}{}", and(name, value));
        match self {
            Self::Message { message } => of("messages", "message", message),
            Self::Mailbox { mailbox } => of("mailbox", "mailbox", mailbox),
            Self::Member { member } => of("member", "member", member),
            Self::Firm => "/erasures/new".to_owned(),
            Self::Retention => "/erasures/new?kind=retention".to_owned(),
            Self::Messages { messages } => {
                let messages: String = messages.iter().map(|message| and("message", message)).collect();
                format!("/erasures/new?kind=messages{messages}")
            }
            Self::Sender { from, mailbox } => {
                format!("{}{}", of("sender", "from", from), and("mailbox", mailbox.as_deref().unwrap_or_default()))
            }
            Self::Rules { mailbox } => of("rules", "mailbox", mailbox),
        }
    }
}

/// What a mail, a mailbox or a member is called.
#[derive(Default, Deserialize)]
struct AnyName {
    subject: Option<String>,
    name: Option<String>,
    address: Option<String>,
}

/// How far it is.
#[derive(Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
enum ErasureProgressView {
    Requested,
    Previewed { originals: u64, shortened: u64, has_more: bool },
    Confirmed {},
    Refused { reason: String, detail: String, until: Option<Timestamp> },
    Erased { originals: u64, shortened: u64, at: Timestamp },
}

/// An erasure or a removal.
#[derive(Deserialize)]
struct ErasureView {
    id: String,
    target: ErasureTargetView,
    asked_by: String,
    reason: String,
    created_at: Timestamp,
    progress: ErasureProgressView,
}

impl ErasureView {
    fn standing(&self) -> Standing {
        match self.progress {
            ErasureProgressView::Requested | ErasureProgressView::Confirmed {} => Standing::Busy,
            ErasureProgressView::Previewed { .. } => Standing::Needed,
            ErasureProgressView::Refused { .. } => Standing::Resting,
            ErasureProgressView::Erased { .. } => Standing::Good,
        }
    }

    fn words(&self, t: &Texts) -> String {
        match &self.progress {
            ErasureProgressView::Requested => t.say("erasure-requested"),
            ErasureProgressView::Previewed { .. } => t.say("erasure-previewed"),
            ErasureProgressView::Confirmed {} => t.say("erasure-confirmed"),
            ErasureProgressView::Refused { reason, until, .. } => match (reason.as_str(), until) {
                ("locked", Some(until)) => t.say_name("erasure-locked", &t.time(until)),
                ("held", _) => t.say("erasure-held"),
                ("active", _) => t.say("erasure-active"),
                ("pushed", _) => t.say("erasure-pushed"),
                ("firm_goes_on", _) => t.say("erasure-firm-goes-on"),
                ("unknown", _) => t.say("erasure-unknown"),
                ("as_asked", _) => t.say("erasure-as-asked"),
                _ => t.say("erasure-refused"),
            },
            ErasureProgressView::Erased { originals, shortened, at } => {
                let gone = (*originals > 0).then(|| t.say_n("erasure-done-mails", *originals));
                let shortened = (*shortened > 0).then(|| t.say_n("fate-shortened", *shortened));
                let parts = [Some(t.say_name("erasure-done", &t.time(at))), gone, shortened];
                parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
            }
        }
    }

    /// Whether it changes by itself, so that a page looks again.
    fn moves(&self) -> bool {
        self.standing() == Standing::Busy
    }
}

/// A dossier under a legal hold.
#[derive(Deserialize)]
struct HoldView {
    dossier: String,
    reason: String,
    since: Timestamp,
}

#[derive(Deserialize)]
struct Holds {
    items: Vec<HoldView>,
}

#[derive(Template)]
#[template(path = "erasures.html")]
struct ErasuresPage {
    s: Shell,
    erasures: Vec<ErasureView>,
    /// The query of the next page.
    next: Option<String>,
    holds: Vec<HoldView>,
    typed: Fields,
    refusal: Option<Refusal>,
}

impl ErasuresPage {
    /// The reason that was typed to lift a hold, where that was refused.
    fn lifting(&self, hold: &HoldView) -> Option<&str> {
        let is_meant = self.typed.get("do") == "lift" && self.typed.get("dossier") == hold.dossier;
        is_meant.then(|| self.typed.get("reason"))
    }
}

/// Which page.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct ErasuresQuery {
    after: String,
}

async fn all_shown(
    firm_page: &FirmPage,
    which: &ErasuresQuery,
    typed: Fields,
    refusal: Option<Refusal>,
) -> Result<Response, PageError> {
    firm_page.manager()?;
    let erasures = firm_page.v1(&format!("/erasures?limit={LIST_PAGE}{}", and("after", &which.after)));
    let holds = firm_page.v1("/holds");
    let (erasures, holds) =
        tokio::try_join!(firm_page.api().get::<Listed<ErasureView>>(&erasures), firm_page.api().get::<Holds>(&holds))?;
    let next = erasures.next.map(|next| format!("?after={}", encoded(&next)));
    let mut erasures = erasures.items;
    erasures.sort_by_key(|erasure| std::cmp::Reverse(erasure.created_at));
    let s = firm_page.shell("erasures");
    Ok(page_saying(refusal, |refusal| ErasuresPage { s, erasures, next, holds: holds.items, typed, refusal }))
}

/// The erasures that were asked for, and the legal holds.
pub(crate) async fn list(firm_page: FirmPage, Query(which): Query<ErasuresQuery>) -> Result<Response, PageError> {
    all_shown(&firm_page, &which, Fields::default(), None).await
}

/// Sets or lifts a legal hold.
pub(crate) async fn hold(firm_page: FirmPage, typed: Fields) -> Result<Response, PageError> {
    let held = typed.get("do") == "hold";
    let body = json!({ "dossier": typed.get("dossier"), "held": held, "reason": typed.get("reason") });
    match firm_page.api().tried::<IgnoredAny>(Method::PUT, &firm_page.v1("/holds"), Some(body)).await? {
        Ok(_) => Ok(firm_page.done("/erasures#holds", Said::Saved)),
        Err(refusal) => all_shown(&firm_page, &ErasuresQuery::default(), typed, Some(refusal)).await,
    }
}

#[derive(Deserialize)]
struct Named {
    id: String,
    name: String,
}

#[derive(Template)]
#[template(path = "erasure_new.html")]
struct NewErasurePage {
    s: Shell,
    typed: Fields,
    /// The first of the chosen mails.
    mails: Vec<MessageView>,
    mailboxes: MailboxChoice,
    members: Vec<Named>,
    refusal: Option<Refusal>,
}

impl NewErasurePage {
    /// Whether its address says what is to go.
    fn is_known(&self) -> bool {
        match self.kind() {
            "messages" => !self.chosen().is_empty(),
            kind => ["sender", "rules", "mailbox", "member", "retention"].contains(&kind),
        }
    }

    fn kind(&self) -> &str {
        self.typed.get("kind")
    }

    fn chosen(&self) -> Vec<&str> {
        self.typed.all("message").collect()
    }

    /// How many of the chosen mails are not named.
    fn unnamed(&self) -> usize {
        self.chosen().len() - self.mails.len()
    }
}

async fn new_shown(firm_page: &FirmPage, typed: Fields, refusal: Option<Refusal>) -> Result<Response, PageError> {
    firm_page.manager()?;
    let (mut mails, mut members) = (Vec::new(), Vec::new());
    for message in typed.all("message").take(NAMED_MAX) {
        mails.push(firm_page.api().get(&firm_page.v1(&format!("/messages/{}", encoded(message)))).await?);
    }
    let mailboxes = match typed.get("kind") {
        "mailbox" | "rules" | "sender" => MailboxChoice::of(firm_page, typed.get("mailbox")).await?.0,
        _ => MailboxChoice::Typed(String::new()),
    };
    if typed.get("kind") == "member" {
        members = view::all(firm_page.api(), &firm_page.v1("/members")).await?;
    }
    let s = firm_page.shell("erasures");
    Ok(page_saying(refusal, |refusal| NewErasurePage { s, typed, mails, mailboxes, members, refusal }))
}

/// The form, for what its address names.
pub(crate) async fn new(firm_page: FirmPage, RawQuery(query): RawQuery) -> Result<Response, PageError> {
    new_shown(&firm_page, Fields::of(query.unwrap_or_default().as_bytes()), None).await
}

/// The id of the mailbox that was chosen; what was typed, where there is none.
async fn mailbox(firm_page: &FirmPage, typed: &Fields) -> Result<String, PageError> {
    let chosen = typed.get("mailbox");
    Ok(MailboxChoice::of(firm_page, chosen).await?.1.unwrap_or_else(|| chosen.to_owned()))
}

#[derive(Deserialize)]
struct CreatedErasure {
    id: String,
}

/// Asks for it. What was typed is shown again where it is refused.
pub(crate) async fn create(firm_page: FirmPage, typed: Fields) -> Result<Response, PageError> {
    let target = match typed.get("kind") {
        "messages" => match typed.all("message").collect::<Vec<_>>()[..] {
            [message] => json!({ "kind": "message", "message": message }),
            ref messages => json!({ "kind": "messages", "messages": messages }),
        },
        "sender" => {
            let mailbox = Some(mailbox(&firm_page, &typed).await?).filter(|mailbox| !mailbox.is_empty());
            json!({ "kind": "sender", "from": typed.get("from"), "mailbox": mailbox })
        }
        kind @ ("mailbox" | "rules") => json!({ "kind": kind, "mailbox": mailbox(&firm_page, &typed).await? }),
        "member" => json!({ "kind": "member", "member": typed.get("member") }),
        "retention" => json!({ "kind": "retention" }),
        _ => return Err(PageError::NotFound),
    };
    let asked_by = Some(typed.get("asked_by")).filter(|name| !name.is_empty()).unwrap_or(&firm_page.shell.address);
    let body = json!({ "target": target, "asked_by": asked_by, "reason": typed.get("reason") });
    match firm_page.api().made_once::<CreatedErasure>(&typed, &firm_page.v1("/erasures"), body).await? {
        Ok(made) => Ok(firm_page.to(&format!("/erasures/{}", made.id))),
        Err(refusal) => new_shown(&firm_page, typed, Some(refusal)).await,
    }
}

#[derive(Template)]
#[template(path = "erasure.html")]
struct ErasurePage {
    s: Shell,
    e: ErasureView,
    /// Which mail, mailbox or member; empty once it is gone.
    name: String,
    /// What was typed is not the number of mails.
    is_wrong: bool,
    refusal: Option<Refusal>,
}

async fn shown(
    firm_page: &FirmPage,
    erasure: ErasureId,
    is_wrong: bool,
    refusal: Option<Refusal>,
) -> Result<Response, PageError> {
    firm_page.manager()?;
    let e: ErasureView = firm_page.api().get(&firm_page.v1(&format!("/erasures/{erasure}"))).await?;
    let name = e.target.name(firm_page).await;
    let s = firm_page.shell("erasures");
    Ok(page_saying(refusal, |refusal| ErasurePage { s, e, name, is_wrong, refusal }))
}

/// One of them: its preview, its state, and what came of it.
pub(crate) async fn read(
    firm_page: FirmPage,
    Path((_, erasure)): Path<(FirmId, ErasureId)>,
) -> Result<Response, PageError> {
    shown(&firm_page, erasure, false, None).await
}

/// Confirms it, if the number of mails was typed.
pub(crate) async fn confirm(
    firm_page: FirmPage,
    Path((_, erasure)): Path<(FirmId, ErasureId)>,
    typed: Fields,
) -> Result<Response, PageError> {
    let path = firm_page.v1(&format!("/erasures/{erasure}"));
    let e: ErasureView = firm_page.api().get(&path).await?;
    if let ErasureProgressView::Previewed { originals, shortened, .. } = e.progress
        && digits(typed.get("mails")) != (originals + shortened).to_string()
    {
        return shown(&firm_page, erasure, true, None).await;
    }
    let confirmed = firm_page.api().tried::<IgnoredAny>(Method::POST, &format!("{path}/confirm"), None).await?;
    match confirmed {
        Ok(_) => Ok(firm_page.to(&format!("/erasures/{erasure}"))),
        Err(refusal) => shown(&firm_page, erasure, false, Some(refusal)).await,
    }
}

/// A number without what stands between its thousands.
fn digits(typed: &str) -> String {
    typed.chars().filter(|c| !matches!(c, '.' | ',' | ' ' | '\u{a0}' | '\u{202f}')).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_number_is_confirmed_however_its_thousands_are_written() {
        for typed in ["1234", "1.234", "1,234", "1\u{202f}234", "1 234"] {
            assert_eq!(digits(typed), "1234");
        }
        assert_eq!(digits("yes"), "yes");
    }

    #[test]
    fn what_was_refused_is_asked_for_again_by_the_same_form() {
        let form = |target: Value| serde_json::from_value::<ErasureTargetView>(target).unwrap().form();
        let messages = json!({ "kind": "messages", "messages": ["a.1", "b.2"] });
        assert_eq!(form(messages), "/erasures/new?kind=messages&message=a.1&message=b.2");
        let sender = json!({ "kind": "sender", "from": "@a.example", "mailbox": null });
        assert_eq!(form(sender), "/erasures/new?kind=sender&from=%40a.example");
    }
}
