//! The catalogue of problems: what each means, whose turn it is, and what to do next.
//! The same entry stands in the API's answers, on a connector, and in an alarm.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// Whoever runs greffe.
    Operator,
    /// The firm's administrator.
    FirmAdministrator,
    /// The person whose account is connected.
    User,
    /// Whoever wrote the business application.
    Integrator,
    /// Nobody: it passes.
    Nobody,
}

macro_rules! catalogue {
    ($($code:ident, $status:literal, $who:ident, $meaning:literal, $next:literal;)*) => {
        /// A problem's stable name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        #[allow(missing_docs)]
        pub enum Code { $($code,)* }

        impl Code {
            /// Every code of the catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$code,)*];

            /// The HTTP status it is answered with.
            pub fn status(self) -> u16 { match self { $(Self::$code => $status,)* } }
            /// Whose turn it is.
            pub fn who(self) -> Who { match self { $(Self::$code => Who::$who,)* } }
            /// What it means, in a sentence for people.
            pub fn meaning(self) -> &'static str { match self { $(Self::$code => $meaning,)* } }
            /// What that person does next.
            pub fn next_action(self) -> &'static str { match self { $(Self::$code => $next,)* } }
        }
    };
}

catalogue! {
    InvalidRequest, 400, Integrator, "The request is not what this route takes.", "Correct the request as the detail says and send it again.";
    BodyTooLarge, 413, Integrator, "The request's body is larger than this route takes.", "Send a smaller body.";
    UnsupportedMediaType, 415, Integrator, "The body is not JSON.", "Send JSON with the header Content-Type: application/json.";
    Unauthorized, 401, Integrator, "There is no valid key with the request.", "Send the header Authorization: Bearer with a key of the firm, or the operator's.";
    NotFound, 404, Integrator, "There is nothing here that this key may see.", "Check the ids in the address, and that the key is the right firm's.";
    MethodNotAllowed, 405, Integrator, "This address knows another method.", "See /openapi.json for the methods of this address.";
    Conflict, 409, Integrator, "Another request changed the same thing at the same moment.", "Read it again and repeat the change.";
    AddressTaken, 409, FirmAdministrator, "The firm has a mailbox with this address already.", "Use the mailbox that is there.";
    OtherOwnApp, 409, FirmAdministrator, "The firm brought another app registration of its own already.", "Use that one for this connector too, or the platform's.";
    NotConnected, 409, FirmAdministrator, "Nobody has signed in for this connector yet.", "Open the connector's connect_url in a browser and sign in.";
    NoSelection, 409, FirmAdministrator, "No folders are chosen for this mailbox.", "Choose the folders to keep, then activate.";
    NoGrant, 403, Operator, "Mail from before the activation is kept only where the operator granted it.", "Activate without a start date, or ask the operator for a grant.";
    NotArchived, 409, Nobody, "The original of this message is not in the archive.", "Look at the message's state: it is still under way, skipped, or failed.";
    MailboxOutOfReach, 422, FirmAdministrator, "Microsoft does not let this connector open the mailbox.", "Check the address; give the connected user access to it, or let the Exchange rules include it; then try again.";
    SignInRequired, 409, User, "Microsoft ended the connection; nothing is lost.", "Open the connector's connect_url and sign in again.";
    ConsentRequired, 409, FirmAdministrator, "The app has not, or no longer, the rights that it needs.", "Open the connector's connect_url, sign in and accept the rights.";
    ClientSecretRefused, 409, Operator, "Microsoft does not accept the app's client secret: it expired, or another text was entered.", "Make a new client secret in Entra and enter its value, not its id.";
    AppUnknown, 409, FirmAdministrator, "Microsoft does not know the app in this tenant.", "Check the client id and the tenant id, then connect again so that an administrator consents.";
    AccountBlocked, 409, FirmAdministrator, "The connected account is disabled, deleted or has no mailbox.", "Enable the account and its licence, or connect with another one.";
    NoPlatformApp, 409, Operator, "This greffe has no app registration of its own.", "Set GREFFE_APP_CLIENT_ID and its secret, or give the connector the firm's own app.";
    SignInExpired, 400, User, "This sign-in is over: it was used already, took longer than ten minutes, or began in another browser.", "Open the connector's connect_url again.";
    SignInDeclined, 400, User, "Microsoft did not complete the sign-in.", "Open the connector's connect_url again; where only an administrator may consent, let an administrator open it.";
    WrongAccount, 409, User, "Another account signed in than the one this connector belongs to.", "Sign in with the connected account, or make a new connector.";
    MicrosoftRefused, 502, FirmAdministrator, "Microsoft refused the request.", "Read Microsoft's own code and message beside this one.";
    MicrosoftBusy, 503, Nobody, "Microsoft asks to wait, or can't be reached at the moment.", "Wait a minute and try again.";
    Internal, 500, Operator, "greffe could not do this.", "Try again; if it stays, give the operator the request id.";
}

/// A problem document (RFC 9457), and the error of every route.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// A page about this kind of problem.
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
            microsoft_code: None,
            microsoft_message: None,
        }
    }

    /// With what Microsoft said.
    pub fn from_microsoft(mut self, code: impl Into<String>, message: Option<String>) -> Self {
        self.microsoft_code = Some(code.into());
        self.microsoft_message = message.filter(|m| !m.is_empty());
        self
    }
}

impl Code {
    /// The name as it stands in JSON.
    pub fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// What Microsoft's refusal to issue a token means. Decided by OAuth's `error`; the AADSTS number makes it more exact.
/// Source: <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>
pub fn of_token_refusal(refusal: &crate::entra::EntraRefusal) -> Code {
    match (refusal.error.as_str(), refusal.error_codes.first()) {
        (_, Some(50057 | 50034 | 51004 | 50014)) => Code::AccountBlocked,
        (_, Some(65001 | 65004 | 90093..=90095 | 650_056 | 650_057)) => Code::ConsentRequired,
        (_, Some(700_016 | 700_011 | 7_000_112 | 70_001)) => Code::AppUnknown,
        ("invalid_client", _) => Code::ClientSecretRefused,
        ("invalid_grant" | "interaction_required" | "consent_required" | "login_required", _) => Code::SignInRequired,
        ("unauthorized_client", _) => Code::AppUnknown,
        ("access_denied", _) => Code::SignInDeclined,
        ("temporarily_unavailable" | "server_error", _) => Code::MicrosoftBusy,
        _ => Code::MicrosoftRefused,
    }
}

/// What a failed request to Graph means to a person.
pub fn of_graph_error(error: &crate::graph::GraphError) -> Code {
    use crate::{graph::GraphError, token::TokenError};
    match error {
        GraphError::Token { source: TokenError::NotConnected, .. } => Code::NotConnected,
        GraphError::Token { source: TokenError::NoPlatformApp, .. } => Code::NoPlatformApp,
        GraphError::Token { source, .. } => source.refusal().map_or(Code::MicrosoftBusy, of_token_refusal),
        GraphError::Throttled { .. } | GraphError::Unreachable { .. } => Code::MicrosoftBusy,
        GraphError::Refused { status: 401, .. } => Code::SignInRequired,
        GraphError::Refused { status: 403 | 404, .. } => Code::MailboxOutOfReach,
        GraphError::Refused { status: 502..=504, .. } => Code::MicrosoftBusy,
        GraphError::Refused { .. } | GraphError::Unreadable { .. } | GraphError::ForeignLink { .. } => {
            Code::MicrosoftRefused
        }
    }
}

impl From<crate::graph::GraphError> for Problem {
    fn from(error: crate::graph::GraphError) -> Self {
        use crate::graph::GraphError;
        let problem = Self::new(of_graph_error(&error), error.to_string());
        match error {
            GraphError::Refused { code, message, .. } => problem.from_microsoft(code.as_str(), Some(message)),
            GraphError::Throttled { code, .. } => problem.from_microsoft(code.as_str(), None),
            GraphError::Token { source, .. } => match source.refusal() {
                Some(r) => problem.from_microsoft(r.code(), Some(r.error_description.clone())),
                None => problem,
            },
            _ => problem,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_says_what_it_means_whose_turn_it_is_and_what_to_do() {
        for code in Code::ALL {
            assert!(code.meaning().ends_with('.') && code.next_action().ends_with('.'), "{code:?}");
            assert!((400..600).contains(&code.status()), "{code:?}");
            assert!(!code.name().is_empty());
        }
    }
}
