//! What the API answers, as far as pages show it.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, de::IgnoredAny};

use crate::{
    api_client::{Api, PageError, and, encoded},
    shell::{FirmPage, Shell},
    text::Texts,
};

/// Most pages of a list that one page of the console is made of.
const PAGES_MAX: usize = 5;
/// Most mailboxes that are listed to choose one of.
const MAILBOXES_LISTED_MAX: usize = 20;

/// One page of a list.
#[derive(Deserialize)]
pub(super) struct Listed<T> {
    pub items: Vec<T>,
    #[serde(default)]
    pub next: Option<String>,
}

/// A list to its end, or to 500 items.
pub(super) async fn all<T: for<'de> Deserialize<'de>>(api: &Api, path: &str) -> Result<Vec<T>, PageError> {
    Ok(first(api, path).await?.items)
}

/// The connectors through which something new can be opened.
pub(super) async fn connected(firm_page: &FirmPage) -> Result<Vec<ConnectorView>, PageError> {
    let mut connectors: Vec<ConnectorView> = all(firm_page.api(), &firm_page.v1("/connectors")).await?;
    connectors.retain(|connector| connector.state == "connected");
    Ok(connectors)
}

/// The first 500 items of a list, and where it goes on.
pub(super) async fn first<T: for<'de> Deserialize<'de>>(api: &Api, path: &str) -> Result<Listed<T>, PageError> {
    let mut list = Listed { items: Vec::new(), next: None };
    for _ in 0..PAGES_MAX {
        let after = and("after", list.next.as_deref().unwrap_or_default());
        let Listed { items, next } = api.get(&format!("{path}?limit=100{after}")).await?;
        list.items.extend(items);
        list.next = next;
        if list.next.is_none() {
            break;
        }
    }
    Ok(list)
}

/// A mailbox to choose.
#[derive(Deserialize)]
pub(super) struct MailboxName {
    pub id: String,
    pub address: String,
}

/// How one mailbox is chosen.
pub(super) enum MailboxChoice {
    /// From a list of all.
    Listed(Vec<MailboxName>),
    /// By its address, as it is typed: there are too many for a list.
    Typed(String),
}

impl MailboxChoice {
    /// How a mailbox is chosen, and what the API is asked for: the id of the chosen one. An address that no mailbox
    /// has is no id, and nothing is found.
    pub(super) async fn of(firm_page: &FirmPage, chosen: &str) -> Result<(Self, Option<String>), PageError> {
        let path = firm_page.v1(&format!("/mailboxes?limit={MAILBOXES_LISTED_MAX}"));
        let Listed { items, next } = firm_page.api().get(&path).await?;
        if next.is_none() {
            return Ok((Self::Listed(items), Some(chosen.to_owned())));
        }
        if !chosen.contains('@') {
            return Ok((Self::Typed(chosen.to_owned()), Some(chosen.to_owned())));
        }
        let (path, mut after) = (firm_page.v1(&format!("/mailboxes?address={}", encoded(chosen))), String::new());
        loop {
            let Listed::<MailboxName> { items, next } = firm_page.api().get(&format!("{path}{after}")).await?;
            match (items.into_iter().next(), next) {
                (Some(found), _) => return Ok((Self::Typed(found.address), Some(found.id))),
                (None, Some(next)) => after = and("after", &next),
                (None, None) => return Ok((Self::Typed(chosen.to_owned()), None)),
            }
        }
    }
}

/// A problem, with whose turn it is.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ProblemView {
    pub meaning: String,
    pub next_action: String,
    pub who: String,
    pub microsoft_code: Option<String>,
    pub since: Timestamp,
}

impl ProblemView {
    /// Whose turn it is, and what that person does next.
    pub(super) fn what_next(&self, s: &Shell) -> String {
        s.t.say_two("turn-and-action", &self.turn(s), &self.next_action)
    }

    fn turn(&self, s: &Shell) -> String {
        let t = &s.t;
        match self.who.as_str() {
            "operator" if s.is_operators() => t.say("who-firm-administrator"),
            "operator" => t.say("who-operator"),
            "firm_administrator" if !s.may_manage() || s.is_operators() => t.say("who-your-administrator"),
            "firm_administrator" => t.say("who-firm-administrator"),
            "tenant_administrator" => t.say("who-tenant-administrator"),
            "app_owner" => t.say("who-app-owner"),
            "user" => t.say("who-user"),
            "integrator" => t.say("who-integrator"),
            _ => t.say("who-nobody"),
        }
    }
}

/// A mailbox.
#[derive(Debug, Deserialize)]
pub(super) struct MailboxView {
    pub id: String,
    pub address: String,
    pub connector: String,
    /// Whether its connector does not work: see [`note_connectors`].
    #[serde(skip)]
    pub is_cut_off: bool,
    pub kind: String,
    pub state: String,
    pub preparing: Option<PreparingView>,
    pub selection: Option<SelectionView>,
    pub rules: RulesView,
    pub dossiers: Vec<FolderDossierView>,
    pub activated_at: Option<Timestamp>,
    pub history: Option<HistoryView>,
    pub grant: Option<GrantView>,
    pub progress: ProgressView,
    pub problem: Option<ProblemView>,
    pub incomplete: Vec<IncompleteView>,
    pub hints: Vec<HintView>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PreparingView {
    pub ready: u32,
    pub folders: Option<u32>,
}

#[derive(Debug, Deserialize)]
pub(super) struct SelectionView {
    pub mode: String,
    pub folders: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RulesView {
    pub ignore_internal: bool,
    pub excluded_senders: Vec<String>,
    pub excluded_domains: Vec<String>,
    pub mark: bool,
}

/// A folder that stands for a dossier.
#[derive(Debug, Deserialize)]
pub(super) struct FolderDossierView {
    /// The id of the folder.
    pub folder: String,
    pub dossier: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct HistoryView {
    pub state: String,
    pub total: Option<u64>,
    pub checked: u64,
}

/// The operator's grant of older mail.
#[derive(Debug, Deserialize)]
pub(super) struct GrantView {
    pub since: Date,
    pub until: Option<Date>,
}

#[derive(Debug, Deserialize)]
pub(super) struct SkippedView {
    pub internal: i64,
    pub excluded_sender: i64,
    pub excluded_domain: i64,
    pub already_there: i64,
}

#[derive(Debug, Deserialize)]
pub(super) struct ProgressView {
    pub archived: i64,
    pub failed: i64,
    pub gone: i64,
    pub remaining: i64,
    pub skipped: SkippedView,
    pub expected_end: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
pub(super) struct IncompleteView {
    pub display_name: Option<String>,
    pub problem: ProblemView,
}

#[derive(Debug, Deserialize)]
pub(super) struct HintView {
    pub meaning: String,
    pub next_action: String,
    pub commands: Vec<String>,
}

/// How a thing stands, as its dot shows: by shape, and by a word beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing to do.
    Good,
    /// It goes on by itself.
    Busy,
    /// It rests.
    Resting,
    /// Somebody has to act.
    Needed,
}

impl Standing {
    /// The class of its dot.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Good => "dot good",
            Self::Busy => "dot busy",
            Self::Resting => "dot resting",
            Self::Needed => "dot needed",
        }
    }
}

/// Notes which mailboxes nothing comes from, because their connectors wait for somebody.
pub(super) fn note_connectors(mailboxes: &mut [MailboxView], connectors: &[ConnectorView]) {
    for mailbox in mailboxes {
        let own = connectors.iter().find(|connector| connector.id == mailbox.connector);
        mailbox.is_cut_off = own.is_some_and(|connector| connector.problem.is_some());
    }
}

impl MailboxView {
    /// How it stands.
    pub(super) fn standing(&self) -> Standing {
        match self.state.as_str() {
            _ if self.problem.is_some() => Standing::Needed,
            "inactive" | "paused" => Standing::Resting,
            _ if self.is_cut_off => Standing::Needed,
            "preparing" => Standing::Busy,
            _ if self.progress.remaining > 0 || !self.incomplete.is_empty() || self.progress.failed > 0 => {
                Standing::Busy
            }
            _ => Standing::Good,
        }
    }

    /// How it stands, in words.
    pub(super) fn words(&self, t: &Texts) -> String {
        match self.state.as_str() {
            _ if self.problem.is_some() => t.say("mailbox-needed"),
            "inactive" => t.say("mailbox-inactive"),
            "paused" => t.say("mailbox-paused"),
            _ if self.is_cut_off => t.say("mailbox-needed"),
            "preparing" => match &self.preparing {
                Some(PreparingView { ready, folders: Some(folders) }) => {
                    t.say_two("mailbox-preparing-folders", &t.number(*ready), &t.number(*folders))
                }
                _ => t.say("mailbox-preparing"),
            },
            _ if self.progress.remaining > 0 => t.say_n("mailbox-remaining", self.progress.remaining),
            _ if self.progress.failed > 0 => t.say_n("mailbox-failed", self.progress.failed),
            _ if !self.incomplete.is_empty() => t.say("mailbox-incomplete"),
            _ => t.say("mailbox-complete"),
        }
    }

    /// Which folders are kept, in words.
    pub(super) fn folders_in_words(&self, t: &Texts) -> String {
        match &self.selection {
            None => t.say("folders-none"),
            Some(selection) => match selection.mode.as_str() {
                "include" => t.say_n("folders-include", selection.folders.len()),
                "exclude" => t.say_n("folders-exclude", selection.folders.len()),
                _ => t.say("folders-all"),
            },
        }
    }

    /// What is skipped, in words.
    pub(super) fn rules_in_words(&self, t: &Texts) -> Vec<String> {
        let rules = &self.rules;
        let mut words = Vec::new();
        if rules.ignore_internal {
            words.push(t.say("rules-internal"));
        }
        if !rules.excluded_senders.is_empty() {
            words.push(t.say_n("rules-senders", rules.excluded_senders.len()));
        }
        if !rules.excluded_domains.is_empty() {
            words.push(t.say_n("rules-domains", rules.excluded_domains.len()));
        }
        if words.is_empty() {
            words.push(t.say("rules-none"));
        }
        words.push(if rules.mark { t.say("rules-mark") } else { t.say("rules-no-mark") });
        words
    }

    /// Whether it changes by itself, so that a page looks again.
    pub(super) fn moves(&self) -> bool {
        let takes_in =
            self.progress.remaining > 0 || self.history.as_ref().is_some_and(|history| history.state != "done");
        self.problem.is_none() && (self.state == "preparing" || (self.state == "active" && takes_in))
    }

    /// Whether it is somebody's own, or a shared one.
    pub(super) fn is_shared(&self) -> bool {
        self.kind == "shared"
    }
}

/// A connector.
#[derive(Debug, Deserialize)]
pub(super) struct ConnectorView {
    pub id: String,
    pub name: String,
    pub access: String,
    pub mark: bool,
    pub shared_mailboxes: bool,
    pub dates: bool,
    pub contacts: bool,
    pub wanted: Option<IgnoredAny>,
    pub app: Option<IgnoredAny>,
    pub state: String,
    pub connected_as: Option<String>,
    pub organization: Option<OrganizationView>,
    pub connect_url: Option<String>,
    pub problem: Option<ProblemView>,
    pub sign_in_problem: Option<ProblemView>,
    pub secret: Option<SecretView>,
}

#[derive(Debug, Deserialize)]
pub(super) struct OrganizationView {
    pub awaits_grant: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct SecretView {
    pub credential: String,
    #[serde(default)]
    pub rotating_since: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
    pub days_left: Option<i64>,
}

/// A mail.
#[derive(Debug, Deserialize)]
pub(super) struct MessageView {
    pub id: String,
    pub mailbox: String,
    pub subject: String,
    pub from: Option<String>,
    pub received_at: Timestamp,
    pub has_attachments: bool,
    pub state: String,
    pub sha256: Option<String>,
    pub bytes: Option<u64>,
    pub archived_at: Option<Timestamp>,
    pub number: Option<u64>,
    pub dossier: Option<String>,
    pub filed_at: Option<Timestamp>,
    pub kept_until: Option<Timestamp>,
    pub erasure: Option<MessageErasureView>,
    pub failure: Option<MessageFailureView>,
}

/// Why a mail is not archived yet.
#[derive(Debug, Deserialize)]
pub(super) struct MessageFailureView {
    /// Microsoft's code.
    pub code: String,
    pub attempts: u32,
    /// None if greffe does not try again.
    pub next_try: Option<Timestamp>,
}

impl MessageFailureView {
    /// How often it was tried, and when it is tried next.
    pub(super) fn words(&self, t: &Texts) -> String {
        let next = match self.next_try {
            Some(at) => t.say_name("mail-next-try", &t.time(at)),
            None => t.say("mail-given-up"),
        };
        format!("{} {next}", t.say_n("mail-tries", self.attempts))
    }
}

/// Who had a mail erased or removed, when and why.
#[derive(Debug, Deserialize)]
pub(super) struct MessageErasureView {
    pub id: Option<String>,
    pub at: Timestamp,
    pub asked_by: String,
    pub reason: String,
}

impl MessageView {
    /// When it came to be what its words say, if that is known.
    pub(super) fn since(&self) -> Option<Timestamp> {
        if self.state == "expired" { self.kept_until } else { self.filed_at }
    }

    /// The subject, or what stands for an empty one.
    pub(super) fn title(&self, t: &Texts) -> String {
        if self.subject.trim().is_empty() { t.say("mail-no-subject") } else { self.subject.clone() }
    }

    /// The class of its mark: as in Outlook, grey when it is kept, green when it is filed.
    pub(super) fn mark(&self) -> &'static str {
        match (&self.dossier, self.sha256.is_some()) {
            (Some(_), _) => "mark filed",
            (None, true) => "mark kept",
            (None, false) => "dot needed",
        }
    }

    /// What its mark says, in words.
    pub(super) fn words(&self, t: &Texts) -> String {
        match (&self.dossier, self.state.as_str()) {
            (_, "expired") => t.say("mail-expired"),
            (Some(dossier), _) => t.say_name("mail-filed-in", dossier),
            (None, "failed") => t.say("mail-failed"),
            (None, "gone") => t.say("mail-gone"),
            (None, "erased") => t.say("mail-erased"),
            (None, "removed") => t.say("mail-removed"),
            (None, _) => t.say("mail-kept"),
        }
    }
}
