//! Maps an error of Microsoft to the catalogue entry that explains it.
//!
//! OAuth's `error` decides, as Microsoft recommends; its numbers change, and only make the explanation more exact. An
//! unknown error gets the entry of its `error` or HTTP status. Microsoft's own code and text are always shown beside
//! it.

use super::{
    advice::{Reconnect, ResponsibleParty},
    catalogue::{CatalogueEntry, Code, ENTRIES},
    document::Problem,
};
use crate::{
    aws::identity::IdentityError,
    graph::{EntraError, EntraRefusal, GraphError, NotAllowed, TokenError},
};

/// What Microsoft's refusal to issue a token, or to complete a sign-in, means.
/// Source: <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>
pub fn of_token_refusal(refusal: &EntraRefusal) -> Code {
    let by_error = find(|entry| entry.oauth.contains(&refusal.error.as_str()));
    let by_number = || refusal.error_codes.iter().find_map(|number| find(|entry| entry.aadsts.contains(number)));
    let exact = match by_error {
        // What passes, passes whatever the number; and a dead grant does not come back by waiting.
        Some(Code::MicrosoftBusy) => None,
        _ if grant_is_dead(refusal) => by_number().filter(|code| code.who() != ResponsibleParty::Nobody),
        _ => by_number(),
    };
    let consent = refusal.suberror.as_deref() == Some("consent_required") && grant_is_dead(refusal);
    exact.or(consent.then_some(Code::ConsentRequired)).or(by_error).unwrap_or(Code::MicrosoftRefused)
}

/// Whether the stored sign-in is of no more use, so that a person has to sign in.
fn grant_is_dead(refusal: &EntraRefusal) -> bool {
    matches!(refusal.error.as_str(), "invalid_grant" | "interaction_required" | "consent_required" | "login_required")
}

/// What a failed request to Graph means to a person.
pub fn of_graph_error(error: &GraphError) -> Code {
    match error {
        GraphError::Token { source: TokenError::NotAllowed(error), .. } => of_app_not_allowed(*error),
        GraphError::Token { source: TokenError::NotConnected, .. } => Code::NotConnected,
        GraphError::Token { source: TokenError::NoPlatformApp, .. } => Code::NoPlatformApp,
        GraphError::Token { source: TokenError::Entra(EntraError::Identity(IdentityError::Disabled)), .. } => {
            Code::FederationOff
        }
        GraphError::Token { source: TokenError::Secret(error), .. } if error.needs_the_operator() => {
            Code::SecretsUnreadable
        }
        GraphError::Token { source, .. } => source.refusal().map_or(Code::MicrosoftBusy, of_token_refusal),
        GraphError::Throttled { .. } | GraphError::Unreachable { .. } => Code::MicrosoftBusy,
        GraphError::Refused { status, code, message, .. } => of_graph_refusal(*status, code.as_str(), message),
        GraphError::Unreadable { .. } | GraphError::ForeignLink { .. } => Code::MicrosoftRefused,
    }
}

/// What keeps a firm from using an app registration.
pub fn of_app_not_allowed(error: NotAllowed) -> Code {
    match error {
        NotAllowed::AnotherFirms => Code::AppGrantRequired,
        NotAllowed::SharedAudience => Code::AudienceShared,
    }
}

/// What a refusal means that concerns one pushed item: not its mailbox, but what it says. An answer that explains
/// nothing is an outage.
pub fn of_refused_item(error: &GraphError) -> Code {
    match of_graph_error(error) {
        Code::MicrosoftRefused if !error.is_explained() => Code::MicrosoftBusy,
        Code::MicrosoftRefused | Code::AskedWrongly | Code::MailboxOutOfReach => Code::ItemRefused,
        other => other,
    }
}

/// What a refusal means that concerns one part of an Outlook, as long as nothing is known of the others.
pub fn of_refused_service(error: &GraphError) -> Code {
    match of_graph_error(error) {
        Code::MailboxOutOfReach => Code::PushForbidden,
        other => other,
    }
}

/// Sources: <https://learn.microsoft.com/graph/errors>, <https://learn.microsoft.com/graph/throttling>
fn of_graph_refusal(status: u16, code: &str, message: &str) -> Code {
    let by_words = find(|entry| entry.said.iter().any(|words| message.contains(words)));
    let by_code = || find(|entry| entry.graph.iter().any(|known| known.eq_ignore_ascii_case(code)));
    by_words.or_else(by_code).unwrap_or(match status {
        403 | 404 => Code::MailboxOutOfReach,
        410 => Code::ReadAnew,
        412 => Code::ChangedMeanwhile,
        // Only Entra says that a sign-in is over: what Graph refuses although Entra has just issued it passes.
        401 | 429 | 502..=504 | 509 => Code::MicrosoftBusy,
        507 => Code::MailboxFull,
        _ => Code::MicrosoftRefused,
    })
}

fn find(leads_here: impl Fn(&CatalogueEntry) -> bool) -> Option<Code> {
    ENTRIES.iter().find(|entry| leads_here(entry)).map(|entry| entry.code)
}

impl Problem {
    /// A refusal to issue a token, or to complete a sign-in, with Microsoft's own code and words.
    pub fn of_refusal(refusal: &EntraRefusal) -> Self {
        Self::refused(refusal, format!("Microsoft answered {}.", refusal.code()))
    }

    /// A refusal that concerns one part of an Outlook, as long as nothing is known of the others.
    pub fn of_service(error: GraphError) -> Self {
        let code = of_refused_service(&error);
        let Self { detail, microsoft_code, microsoft_message, .. } = error.into();
        Self { microsoft_code, microsoft_message, ..Self::new(code, detail) }
    }

    fn refused(refusal: &EntraRefusal, detail: String) -> Self {
        let mut problem = Self::new(of_token_refusal(refusal), detail)
            .from_microsoft(refusal.code(), Some(refusal.error_description.clone()));
        if grant_is_dead(refusal) && problem.reconnect == Reconnect::No {
            problem.reconnect = Reconnect::AfterFix;
        }
        problem
    }
}

impl From<GraphError> for Problem {
    fn from(error: GraphError) -> Self {
        let detail = error.to_string();
        if let GraphError::Token { source, .. } = &error
            && let Some(refusal) = source.refusal()
        {
            return Self::refused(refusal, detail);
        }
        let problem = Self::new(of_graph_error(&error), detail);
        match error {
            GraphError::Refused { code, message, .. } => problem.from_microsoft(code.as_str(), Some(message)),
            GraphError::Throttled { code, .. } => problem.from_microsoft(code.as_str(), None),
            _ => problem,
        }
    }
}
