//! The languages that people read.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A language of a firm, and of the console, the pages and the documents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Language {
    /// English: what is told where no language was asked for.
    #[default]
    #[serde(rename = "en")]
    English,
    /// French.
    #[serde(rename = "fr")]
    French,
    /// Dutch.
    #[serde(rename = "nl")]
    Dutch,
    /// German.
    #[serde(rename = "de")]
    German,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::English, Self::French, Self::Dutch, Self::German];

    /// Its tag (BCP 47), as in HTML's `lang`.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
            Self::Dutch => "nl",
            Self::German => "de",
        }
    }

    /// Its name in itself.
    pub fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::French => "Français",
            Self::Dutch => "Nederlands",
            Self::German => "Deutsch",
        }
    }

    /// The language that a browser's `Accept-Language` likes best; English if it names none of the four.
    /// Source: <https://www.rfc-editor.org/rfc/rfc9110#name-accept-language>
    pub fn preferred(accept_language: &str) -> Self {
        Self::wanted(accept_language).unwrap_or_default()
    }

    /// The language that `accept_language` prefers; none if it names none of the four.
    pub fn wanted(accept_language: &str) -> Option<Self> {
        let mut best = (None, 0.0);
        for range in accept_language.split(',') {
            let (tag, weight) = range.split_once(';').unwrap_or((range, "q=1"));
            let primary = tag.trim().split('-').next().unwrap_or_default();
            let language = Self::ALL.into_iter().find(|known| known.tag().eq_ignore_ascii_case(primary));
            let weight: f32 = weight.trim().strip_prefix("q=").and_then(|q| q.parse().ok()).unwrap_or(0.0);
            if let Some(language) = language.filter(|_| weight > best.1) {
                best = (Some(language), weight);
            }
        }
        best.0
    }

    /// The language of that tag.
    pub fn of_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag() == tag)
    }
}
