//! The codes of the catalogue.

use super::{
    advice::{Reconnect, ResponsibleParty, Text},
    catalogue::{self, CatalogueEntry, Code},
};
use crate::base::language::Language;

impl Code {
    /// All that the catalogue knows about it.
    pub fn entry(self) -> &'static CatalogueEntry {
        &catalogue::ENTRIES[self as usize]
    }

    /// The HTTP status it is answered with.
    pub fn status(self) -> u16 {
        self.entry().status
    }

    /// Who has to act.
    pub fn who(self) -> ResponsibleParty {
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
