//! Errors of Graph.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::graph::TokenError;

/// Our own code for a wait of our own making: Graph was not asked.
pub(super) const PACED: &str = "greffe_paced";

/// Graph's own error code, such as `ErrorItemNotFound`. Codes are matched, messages never.
/// Source: <https://learn.microsoft.com/graph/errors>
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GraphCode(String);

impl GraphCode {
    /// Takes the code as it came, cut to 100 characters.
    pub fn new(code: &str) -> Self {
        Self(code.chars().filter(|c| !c.is_control()).take(100).collect())
    }

    /// The code as it came.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Codes differ in case between Graph's services.
    pub fn is(&self, code: &str) -> bool {
        self.0.eq_ignore_ascii_case(code)
    }
}

impl fmt::Display for GraphCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A request to Graph that came to nothing. `attempted` says what on what, and holds ids, never content.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// Graph understood and refused.
    #[error("{attempted}: Graph answered {status} {code}")]
    Refused {
        /// What was asked.
        attempted: String,
        /// The HTTP status.
        status: u16,
        /// Microsoft's error code.
        code: GraphCode,
        /// Microsoft's own words, for people only.
        message: String,
        /// For Microsoft's support.
        request_id: String,
    },
    /// Graph asks to wait: the job goes back to its queue with that delay.
    #[error("{attempted}: Graph asks to wait {wait:?} ({code})")]
    Throttled {
        /// What was asked.
        attempted: String,
        /// How long, as Graph said, or our own back-off where it did not.
        wait: Duration,
        /// Microsoft's error code.
        code: GraphCode,
    },
    /// No answer, or one that was cut short.
    #[error("{attempted}: Graph could not be reached, or its answer was cut short")]
    Unreachable {
        /// What was asked.
        attempted: String,
        /// What the HTTP client said, or that no byte came in time.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An answer of another shape than documented.
    #[error("{attempted}: Graph's answer can't be understood")]
    Unreadable {
        /// What was asked.
        attempted: String,
        /// What did not fit.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A link that leads away from the configured Graph. No token was sent there.
    #[error("{attempted}: the link leads away from Graph")]
    ForeignLink {
        /// What was asked.
        attempted: String,
    },
    /// There is no valid token to ask with.
    #[error("{attempted}: no access token")]
    Token {
        /// What was asked.
        attempted: String,
        /// The reason.
        #[source]
        source: TokenError,
    },
}

/// No byte came for as long as one is waited for.
#[derive(Debug, thiserror::Error)]
#[error("no byte came in time")]
pub(super) struct Silent;

/// The code of a request that was not answered.
pub const UNREACHABLE: &str = "unreachable";

/// What a failed request means for the work it was part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Later, all of it: Graph or the network is not well just now.
    RetryAfter(Duration),
    /// The delta link is dead: a new round from the start, keeping what is kept.
    Resync,
    /// Only this item fails. Other work continues.
    Fail,
    /// A person has to act before anything works again.
    Ask,
}

/// What Graph says where there is no mailbox, or no longer: the licence is gone, or the user.
const NO_MAILBOX: [&str; 5] = [
    "MailboxNotEnabledForRESTAPI",
    "MailboxNotSupportedForRESTAPI",
    "ErrorInvalidUser",
    "ErrorNonExistentMailbox",
    "Request_ResourceNotFound",
];
/// How long a whole mailbox waits when Graph names no time.
const OUTAGE_PAUSE: Duration = Duration::from_secs(30);

impl GraphError {
    /// The code to keep: Microsoft's own where there is one.
    pub fn code(&self) -> GraphCode {
        match self {
            Self::Refused { code, .. } | Self::Throttled { code, .. } => code.clone(),
            Self::Unreachable { .. } => GraphCode::new(UNREACHABLE),
            Self::Unreadable { .. } => GraphCode::new("unreadable_answer"),
            Self::ForeignLink { .. } => GraphCode::new("foreign_link"),
            Self::Token { source, .. } => GraphCode::new(&source.code()),
        }
    }

    /// The HTTP status, if there was an answer.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            Self::Throttled { .. } => Some(429),
            _ => None,
        }
    }

    /// Whether Graph took the request and said nothing: to ask again at once would only wait as long again.
    pub fn is_silent(&self) -> bool {
        matches!(self, Self::Unreachable { source, .. } if source.is::<Silent>())
    }

    /// Whether the thing asked for is not there, in a mailbox that is. A 404 of a gateway, which has no code of
    /// Graph's, says nothing of the thing.
    pub fn is_gone(&self) -> bool {
        let is_graphs = |code: &GraphCode| !code.is("http_404") && !code.is("UnknownError");
        matches!(self, Self::Refused { status: 404, code, .. } if is_graphs(code))
            && self.disposition() != Disposition::Ask
    }

    /// Whether the very thing asked for is certainly not there. A gateway's 404 or one about a user says nothing of it.
    pub fn is_certainly_gone(&self) -> bool {
        let gone = |code: &GraphCode| code.is("ErrorItemNotFound") || code.is("ErrorFolderNotFound");
        matches!(self, Self::Refused { status: 404, code, .. } if gone(code))
    }

    /// Whether greffe itself keeps within what Graph allows, and Graph was not asked.
    pub fn is_own_pace(&self) -> bool {
        matches!(self, Self::Throttled { code, .. } if code.is(PACED))
    }

    /// Whether it says something of the mailbox or the connection, and not only of the thing asked for: there is no
    /// token, the mailbox is gone or on its way to another server, or greffe keeps within what Graph allows.
    pub fn concerns_mailbox(&self) -> bool {
        match self {
            Self::Token { .. } => true,
            Self::Throttled { .. } => self.is_own_pace(),
            Self::Refused { code, .. } => {
                code.is("ErrorMailboxMoveInProgress") || NO_MAILBOX.iter().any(|no| code.is(no))
            }
            Self::Unreachable { .. } | Self::Unreadable { .. } | Self::ForeignLink { .. } => false,
        }
    }

    /// Whether it says something of the mailbox if Graph answers the same about another thing: then the mailbox waits.
    /// What Graph does not understand, or answers in a way that can't be read, says nothing of others.
    pub fn may_concern_mailbox(&self) -> bool {
        matches!(self.disposition(), Disposition::RetryAfter(_) | Disposition::Ask)
    }

    /// Whether nothing can be asked through this connection until a person has acted: there is no token, and Entra
    /// gives none. That Graph takes none of those that Entra gives is an outage of Microsoft's.
    pub fn concerns_connection(&self) -> bool {
        matches!(self, Self::Token { source, .. } if source.needs_a_person())
    }

    /// Whether Microsoft did not answer, or reports a fault of its own: it ends by itself, and nobody here has to act.
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Token { source, .. } => !source.needs_a_person(),
            Self::Refused { status, .. } => matches!(status, 502..=504),
            Self::Throttled { .. } | Self::Unreadable { .. } | Self::ForeignLink { .. } => false,
        }
    }

    /// Whether Graph may have done what was asked: it was asked, and what it answers does not say that it did not.
    pub fn may_have_worked(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::Unreachable { .. } | Self::Unreadable { .. } => true,
            Self::Throttled { .. } => !self.is_own_pace(),
            Self::ForeignLink { .. } | Self::Token { .. } => false,
        }
    }

    /// Whether Graph understood what was asked, and said no.
    pub fn is_explained(&self) -> bool {
        matches!(self, Self::Refused { status: 400..=499, .. })
    }

    /// Whether Graph knows who asks, and keeps that one out.
    pub fn is_forbidden(&self) -> bool {
        self.status() == Some(403)
    }

    /// Whether a person has to act before this service of the mailbox can be used, which says nothing of the others.
    pub fn concerns_service(&self) -> bool {
        self.disposition() == Disposition::Ask && !self.concerns_connection()
    }

    /// What follows. Sources: <https://learn.microsoft.com/graph/errors>,
    /// <https://learn.microsoft.com/graph/delta-query-overview>
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Throttled { wait, .. } => Disposition::RetryAfter(*wait),
            Self::Unreachable { .. } => Disposition::RetryAfter(OUTAGE_PAUSE),
            Self::Unreadable { .. } | Self::ForeignLink { .. } => Disposition::Fail,
            Self::Token { source, .. } if source.needs_a_person() => Disposition::Ask,
            Self::Token { source, .. } => Disposition::RetryAfter(source.wait().unwrap_or_default().max(OUTAGE_PAUSE)),
            Self::Refused { status: 410, .. } => Disposition::Resync,
            Self::Refused { code, .. } if code.is("SyncStateNotFound") || code.is("resyncRequired") => {
                Disposition::Resync
            }
            Self::Refused { status: 403, .. } => Disposition::Ask,
            Self::Refused { code, .. } if NO_MAILBOX.iter().any(|no| code.is(no)) => Disposition::Ask,
            Self::Refused { code, .. } if code.is("ErrorMailboxMoveInProgress") => {
                Disposition::RetryAfter(OUTAGE_PAUSE)
            }
            // Refused twice, the second time with a token that Entra had just issued.
            Self::Refused { status: 401, .. } => Disposition::RetryAfter(OUTAGE_PAUSE),
            Self::Refused { status: 502..=504 | 509, .. } => Disposition::RetryAfter(OUTAGE_PAUSE),
            Self::Refused { .. } => Disposition::Fail,
        }
    }
}
