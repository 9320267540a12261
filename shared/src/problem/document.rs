//! Problem documents (RFC 9457): the API's answers to failed requests.

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    advice::{Reconnect, ResponsibleParty, Text},
    catalogue::Code,
};
use crate::base::language::Language;

/// A problem document (RFC 9457), and the error of every route.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// A name for this kind of problem; what follows the last colon is its section in `docs/problems/`.
    pub r#type: String,
    /// The meaning of the problem, in one sentence.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong in this case.
    pub detail: String,
    /// The stable name.
    pub code: Code,
    /// Who has to act.
    pub who: ResponsibleParty,
    /// What that person has to do next.
    pub next_action: String,
    /// Whether signing in again helps.
    pub reconnect: Reconnect,
    /// Microsoft's error code, if the error comes from Microsoft.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub microsoft_code: Option<String>,
    /// Microsoft's error message.
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
