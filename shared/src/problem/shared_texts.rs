//! The texts that all catalogue entries share, in four languages.

use super::advice::{Reconnect, ResponsibleParty};
use crate::base::language::Language;

impl ResponsibleParty {
    /// Who that is, for people.
    pub fn text(self, language: Language) -> &'static str {
        use Language::{Dutch, English, French, German};
        match (self, language) {
            (Self::Operator, English) => "the operator of greffe",
            (Self::Operator, French) => "l'exploitant de greffe",
            (Self::Operator, Dutch) => "de exploitant van greffe",
            (Self::Operator, German) => "der Betreiber von greffe",
            (Self::FirmAdministrator, English) => "the firm's administrator",
            (Self::FirmAdministrator, French) => "l'administrateur du cabinet",
            (Self::FirmAdministrator, Dutch) => "de beheerder van het kantoor",
            (Self::FirmAdministrator, German) => "der Administrator der Firma",
            (Self::TenantAdministrator, English) => {
                "the firm's Microsoft 365 administrator (often its IT department or supplier)"
            }
            (Self::TenantAdministrator, French) => {
                "l'administrateur Microsoft 365 du cabinet (souvent son service ou prestataire informatique)"
            }
            (Self::TenantAdministrator, Dutch) => {
                "de Microsoft 365-beheerder van het kantoor (vaak de IT-afdeling of IT-leverancier)"
            }
            (Self::TenantAdministrator, German) => {
                "der Microsoft-365-Administrator der Firma (oft die IT-Abteilung oder der IT-Dienstleister)"
            }
            (Self::AppOwner, English) => {
                "the owner of the app registration: the operator of greffe, or for the firm's own app its Microsoft 365 administrator"
            }
            (Self::AppOwner, French) => {
                "qui a inscrit l'application chez Microsoft : l'exploitant de greffe ou, pour l'application du cabinet, son administrateur Microsoft 365"
            }
            (Self::AppOwner, Dutch) => {
                "wie de app bij Microsoft registreerde: de exploitant van greffe of, voor de eigen app van het kantoor, de Microsoft 365-beheerder"
            }
            (Self::AppOwner, German) => {
                "wer die App bei Microsoft registriert hat: der Betreiber von greffe oder, bei der eigenen App der Firma, deren Microsoft-365-Administrator"
            }
            (Self::User, English) => "the person whose account is connected",
            (Self::User, French) => "la personne dont le compte est connecté",
            (Self::User, Dutch) => "de persoon van wie het account verbonden is",
            (Self::User, German) => "die Person, deren Konto verbunden ist",
            (Self::Integrator, English) => "the developer of the business application",
            (Self::Integrator, French) => "le développeur de l'application métier",
            (Self::Integrator, Dutch) => "de ontwikkelaar van de bedrijfsapplicatie",
            (Self::Integrator, German) => "der Entwickler der Geschäftsanwendung",
            (Self::Nobody, English) => "nobody",
            (Self::Nobody, French) => "personne",
            (Self::Nobody, Dutch) => "niemand",
            (Self::Nobody, German) => "niemand",
        }
    }
}

impl Reconnect {
    /// The answer to "does signing in again help?", for people.
    pub fn text(self, language: Language) -> &'static str {
        use Language::{Dutch, English, French, German};
        match (self, language) {
            (Self::Yes, English) => "yes",
            (Self::Yes, French) => "oui",
            (Self::Yes, Dutch) => "ja",
            (Self::Yes, German) => "ja",
            (Self::No, English) => "no",
            (Self::No, French) => "non",
            (Self::No, Dutch) => "nee",
            (Self::No, German) => "nein",
            (Self::AfterFix, English) => "only once the cause is fixed",
            (Self::AfterFix, French) => "seulement une fois la cause corrigée",
            (Self::AfterFix, Dutch) => "pas als de oorzaak is verholpen",
            (Self::AfterFix, German) => "erst wenn die Ursache behoben ist",
        }
    }
}
