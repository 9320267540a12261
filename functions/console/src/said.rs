//! What the next page says of what a form did, once. A cookie carries it, because an address that carried it would say
//! it again whenever the page is loaded again.

use std::time::Duration;

use axum::response::Response;

use crate::text::Texts;

/// The cookie, without its prefix.
pub(crate) const SAID_COOKIE: &str = "greffe_said";
/// How long it waits for the page that says it.
pub(crate) const SAID_KEPT: Duration = Duration::from_secs(60);

/// What a form did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    Saved,
    Added,
    Removed,
    /// A mailbox was switched on.
    On,
    Paused,
    /// Something goes on that the page shows.
    Begun,
    /// Something is sent to a webhook.
    Sent,
    /// So many mails were filed, and so many could not be.
    Filed(u32, u32),
    /// Microsoft is asked again for so many mails, and not for so many.
    Retried(u32, u32),
    /// So many dates or contacts were changed, and so many refused.
    Entries(u32, u32),
}

impl Said {
    /// The answer, whose next page says it.
    pub(crate) fn with(self, mut response: Response) -> Response {
        response.extensions_mut().insert(self);
        response
    }

    /// The value of the cookie.
    pub(crate) fn cookie(self) -> String {
        match self {
            Self::Saved => "saved".to_owned(),
            Self::Added => "added".to_owned(),
            Self::Removed => "removed".to_owned(),
            Self::On => "on".to_owned(),
            Self::Paused => "paused".to_owned(),
            Self::Begun => "begun".to_owned(),
            Self::Sent => "sent".to_owned(),
            Self::Filed(done, refused) => format!("filed.{done}.{refused}"),
            Self::Retried(done, refused) => format!("retried.{done}.{refused}"),
            Self::Entries(done, refused) => format!("entries.{done}.{refused}"),
        }
    }

    /// What a cookie says; none if it is not one of ours.
    pub(crate) fn of_cookie(value: &str) -> Option<Self> {
        let mut parts = value.split('.');
        let name = parts.next()?;
        let mut number = || parts.next().and_then(|number| number.parse::<u32>().ok());
        Some(match name {
            "saved" => Self::Saved,
            "added" => Self::Added,
            "removed" => Self::Removed,
            "on" => Self::On,
            "paused" => Self::Paused,
            "begun" => Self::Begun,
            "sent" => Self::Sent,
            "filed" => Self::Filed(number()?, number()?),
            "retried" => Self::Retried(number()?, number()?),
            "entries" => Self::Entries(number()?, number()?),
            _ => return None,
        })
    }

    /// What a form did, in a sentence; in two if a part was refused.
    pub(crate) fn words(self, t: &Texts) -> String {
        let both = |done: u32, done_words: String, refused: u32, refused_words: String| {
            let parts = [(done, done_words), (refused, refused_words)];
            parts.into_iter().filter(|(count, _)| *count > 0).map(|(_, words)| words).collect::<Vec<_>>().join(" ")
        };
        match self {
            Self::Saved => t.say("said-saved"),
            Self::Added => t.say("said-added"),
            Self::Removed => t.say("said-removed"),
            Self::On => t.say("said-on"),
            Self::Paused => t.say("said-paused"),
            Self::Begun => t.say("said-begun"),
            Self::Sent => t.say("said-sent"),
            Self::Filed(done, refused) => {
                both(done, t.say_n("filed-many", done), refused, t.say_n("filed-not", refused))
            }
            Self::Retried(done, refused) => {
                both(done, t.say_n("unarchived-retried", done), refused, t.say_n("unarchived-refused", refused))
            }
            Self::Entries(done, refused) => {
                both(done, t.say_n("entries-done", done), refused, t.say_n("entries-refused", refused))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::base::language::Language;

    use super::*;

    #[test]
    fn what_a_cookie_carries_comes_back_and_nothing_else_does() {
        let all = [
            Said::Saved,
            Said::Added,
            Said::Removed,
            Said::On,
            Said::Paused,
            Said::Begun,
            Said::Sent,
            Said::Filed(3, 1),
            Said::Retried(500, 0),
            Said::Entries(0, 2),
        ];
        for said in all {
            assert_eq!(Said::of_cookie(&said.cookie()), Some(said));
        }
        for other in ["", "filed", "filed.x.1", "filed.-1.0", "<script>"] {
            assert_eq!(Said::of_cookie(other), None, "{other}");
        }
        assert_eq!(Said::Filed(0, 1).words(&Texts::new(Language::English)), "One mail could not be filed.");
    }
}
