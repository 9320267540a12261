//! The catalogue of problems, which says what each means, whose turn it is and what to do next; uses `base`, `aws` and `graph`.
//! The same entry stands in the API's answers, on a connector, in an alarm, and in `docs/problems/`.
//!
//! `catalogue.rs` holds the entries, `microsoft.rs` finds the entry for what Microsoft answered.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{base::language::Language, graph::GraphError};

macro_rules! catalogue {
    ($(
        $code:ident, $status:literal, $who:ident, $reconnect:ident;
        $(oauth [$($oauth:literal),*])? $(aadsts [$($aadsts:literal),*])? $(graph [$($graph:literal),*])? $(said [$($said:literal),*])?
        en $en:literal $en_next:literal;
        fr $fr:literal $fr_next:literal;
        nl $nl:literal $nl_next:literal;
        de $de:literal $de_next:literal;
    )*) => {
        /// A problem's stable name.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
        )]
        #[serde(rename_all = "snake_case")]
        #[allow(missing_docs)]
        pub enum Code { $($code,)* }

        impl Code {
            /// Every code of the catalogue, by subject.
            pub const ALL: &'static [Self] = &[$(Self::$code,)*];
        }

        /// In the order of [`Code`].
        pub(super) static ENTRIES: &[Entry] = &[$(Entry {
            code: Code::$code,
            status: $status,
            who: Who::$who,
            reconnect: Reconnect::$reconnect,
            oauth: &[$($($oauth),*)?],
            aadsts: &[$($($aadsts),*)?],
            graph: &[$($($graph),*)?],
            said: &[$($($said),*)?],
            english: Text { meaning: $en, next_action: $en_next },
            french: Text { meaning: $fr, next_action: $fr_next },
            dutch: Text { meaning: $nl, next_action: $nl_next },
            german: Text { meaning: $de, next_action: $de_next },
        },)*];
    };
}

mod catalogue;
mod language;
mod microsoft;

pub use catalogue::Code;

pub use microsoft::{of_app_not_allowed, of_graph_error, of_refused_item, of_refused_service, of_token_refusal};

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// Whoever runs greffe.
    Operator,
    /// The firm's administrator: whoever connects mailboxes and chooses folders.
    FirmAdministrator,
    /// The administrator of the firm's Microsoft 365 (Entra, Exchange): often an IT department or supplier.
    TenantAdministrator,
    /// Whoever registered the app at Microsoft: the operator, or for the firm's own app its Microsoft 365 administrator.
    AppOwner,
    /// The person whose account is connected.
    User,
    /// Whoever wrote the business application.
    Integrator,
    /// Nobody: it passes.
    Nobody,
}

/// Whether signing in again helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reconnect {
    /// Signing in again repairs it.
    Yes,
    /// It changes nothing: once the cause is gone, work goes on by itself.
    No,
    /// Not by itself: first the cause has to go, then sign in if the connection is not back by then.
    AfterFix,
}

/// What a person reads, in one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text {
    /// What the problem means, in a sentence.
    pub meaning: &'static str,
    /// What the person whose turn it is does next.
    pub next_action: &'static str,
}

/// An entry of the catalogue.
#[derive(Debug)]
pub struct Entry {
    /// The stable name.
    pub code: Code,
    /// The HTTP status it is answered with.
    pub status: u16,
    /// Whose turn it is.
    pub who: Who,
    /// Whether signing in again helps.
    pub reconnect: Reconnect,
    /// OAuth's `error`s that lead here where no number says more.
    pub oauth: &'static [&'static str],
    /// Entra's numbers (AADSTS) that lead here.
    pub aadsts: &'static [u64],
    /// Graph's codes that lead here.
    pub graph: &'static [&'static str],
    /// Graph's words that lead here, where its code says too little.
    pub said: &'static [&'static str],
    english: Text,
    french: Text,
    dutch: Text,
    german: Text,
}

impl Entry {
    /// The texts in that language.
    pub fn text(&self, language: Language) -> Text {
        match language {
            Language::English => self.english,
            Language::French => self.french,
            Language::Dutch => self.dutch,
            Language::German => self.german,
        }
    }
}

impl Code {
    /// All that the catalogue knows about it.
    pub fn entry(self) -> &'static Entry {
        &catalogue::ENTRIES[self as usize]
    }

    /// The HTTP status it is answered with.
    pub fn status(self) -> u16 {
        self.entry().status
    }

    /// Whose turn it is.
    pub fn who(self) -> Who {
        self.entry().who
    }

    /// Whether signing in again helps.
    pub fn reconnect(self) -> Reconnect {
        self.entry().reconnect
    }

    /// Whether another credential of the app is all that it takes.
    pub fn is_of_the_credential(self) -> bool {
        matches!(
            self,
            Self::ClientSecretExpired
                | Self::ClientSecretRefused
                | Self::CertificateRefused
                | Self::FederatedCredentialRefused
                | Self::AudienceShared
        )
    }

    /// What it means and what to do next, in that language.
    pub fn text(self, language: Language) -> Text {
        self.entry().text(language)
    }

    /// What it means, in an English sentence for people.
    pub fn meaning(self) -> &'static str {
        self.text(Language::English).meaning
    }

    /// What that person does next, in English.
    pub fn next_action(self) -> &'static str {
        self.text(Language::English).next_action
    }

    /// The name as it stands in JSON.
    pub fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// A problem document (RFC 9457), and the error of every route.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// A name for this kind of problem; what follows the last colon is its section in `docs/problems/`.
    pub r#type: String,
    /// What it means, in a sentence.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What was wrong this time.
    pub detail: String,
    /// The stable name.
    pub code: Code,
    /// Whose turn it is.
    pub who: Who,
    /// What that person does next.
    pub next_action: String,
    /// Whether signing in again helps.
    pub reconnect: Reconnect,
    /// Microsoft's own code, where it was Microsoft who refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub microsoft_code: Option<String>,
    /// Microsoft's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub microsoft_message: Option<String>,
}

impl Problem {
    /// An entry of the catalogue with what was wrong this time.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            r#type: format!("urn:greffe:problem:{}", code.name()),
            title: code.meaning().to_owned(),
            status: code.status(),
            detail: detail.into(),
            code,
            who: code.who(),
            next_action: code.next_action().to_owned(),
            reconnect: code.reconnect(),
            microsoft_code: None,
            microsoft_message: None,
        }
    }

    /// What the catalogue says of it, in that language. The detail stays English.
    pub fn told_in(mut self, language: Language) -> Self {
        let Text { meaning, next_action } = self.code.text(language);
        (self.title, self.next_action) = (meaning.to_owned(), next_action.to_owned());
        self
    }

    /// With what Microsoft said.
    pub fn from_microsoft(mut self, code: impl Into<String>, message: Option<String>) -> Self {
        self.microsoft_code = Some(code.into());
        self.microsoft_message = message.filter(|m| !m.is_empty());
        self
    }
}

/// A problem as a connector or a mailbox keeps it, until somebody has seen to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// Our entry in the catalogue.
    pub code: Code,
    /// Microsoft's own code.
    pub microsoft_code: String,
    /// Since when.
    pub since: Timestamp,
}

/// The first pause before it is looked whether somebody has seen to a problem.
const LOOK_PAUSE: Duration = Duration::from_secs(2 * 60);
/// While a person has to act, it is looked this often at least.
const LOOK_PAUSE_MAX: Duration = Duration::from_secs(60 * 60);

impl Noted {
    /// What Graph or Entra refused, since now.
    pub fn of(error: &GraphError, since: Timestamp) -> Self {
        Self { code: of_graph_error(error), microsoft_code: error.code().to_string(), since }
    }

    /// How long to wait before it is looked whether somebody has seen to it: as long as it has lasted, within bounds.
    pub fn pause(&self, now: Timestamp) -> Duration {
        let lasted = Duration::try_from(now.duration_since(self.since)).unwrap_or_default();
        lasted.clamp(LOOK_PAUSE, LOOK_PAUSE_MAX)
    }
}

#[cfg(test)]
mod page;
#[cfg(test)]
mod tests;
