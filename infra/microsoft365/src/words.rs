//! The words of the pages that a person sees, in the language of the browser, as Microsoft's own pages are.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::{header, request::Parts};

/// The words in one language.
#[derive(Debug)]
pub(crate) struct Words {
    /// The code of the language, for `lang`.
    pub language: &'static str,
    pub simulated: &'static str,
    pub sign_in: &'static str,
    pub permissions_requested: &'static str,
    pub choose_an_account: &'static str,
    /// `{}` is the name of the app.
    pub asks_for_person: &'static str,
    /// `{}` is the name of the app.
    pub asks_for_organization: &'static str,
    pub accept: &'static str,
    pub cancel: &'static str,
    pub what_happens: &'static str,
    pub folders: &'static str,
    pub folder: &'static str,
    pub calendar: &'static str,
    pub todo: &'static str,
    pub contacts: &'static str,
    pub new_folder: &'static str,
    pub make: &'static str,
    pub receive_a_mail: &'static str,
    pub from: &'static str,
    pub subject: &'static str,
    pub text: &'static str,
    pub a_question: &'static str,
    pub may_i_ask: &'static str,
    pub receive_it: &'static str,
    pub no_mail: &'static str,
    pub nothing: &'static str,
    pub r#move: &'static str,
    pub delete: &'static str,
}

pub(crate) const ENGLISH: Words = Words {
    language: "en",
    simulated: "Simulated Microsoft 365",
    sign_in: "Sign in",
    permissions_requested: "Permissions requested",
    choose_an_account: "Choose an account",
    asks_for_person: "{} asks to do this on your behalf",
    asks_for_organization: "{} asks to do this for your organisation",
    accept: "Accept",
    cancel: "Cancel",
    what_happens: "what happens here",
    folders: "Folders",
    folder: "Folder",
    calendar: "Calendar",
    todo: "To Do",
    contacts: "Contacts",
    new_folder: "New folder below this one",
    make: "Make",
    receive_a_mail: "Receive a mail",
    from: "From",
    subject: "Subject",
    text: "Text",
    a_question: "A question",
    may_i_ask: "May I ask something?",
    receive_it: "Receive it",
    no_mail: "No mail lies here.",
    nothing: "Nothing is here.",
    r#move: "Move",
    delete: "Delete",
};

const FRENCH: Words = Words {
    language: "fr",
    simulated: "Microsoft 365 simulé",
    sign_in: "Se connecter",
    permissions_requested: "Autorisations demandées",
    choose_an_account: "Choisissez un compte",
    asks_for_person: "{} demande à faire ceci en votre nom",
    asks_for_organization: "{} demande à faire ceci pour votre organisation",
    accept: "Accepter",
    cancel: "Annuler",
    what_happens: "ce qui se passe ici (en anglais)",
    folders: "Dossiers",
    folder: "Dossier",
    calendar: "Calendrier",
    todo: "To Do",
    contacts: "Contacts",
    new_folder: "Nouveau dossier sous celui-ci",
    make: "Créer",
    receive_a_mail: "Recevoir un courriel",
    from: "De",
    subject: "Objet",
    text: "Texte",
    a_question: "Une question",
    may_i_ask: "Puis-je vous demander quelque chose ?",
    receive_it: "Le recevoir",
    no_mail: "Il n'y a pas de courriel ici.",
    nothing: "Il n'y a rien ici.",
    r#move: "Déplacer",
    delete: "Supprimer",
};

const DUTCH: Words = Words {
    language: "nl",
    simulated: "Gesimuleerd Microsoft 365",
    sign_in: "Aanmelden",
    permissions_requested: "Gevraagde machtigingen",
    choose_an_account: "Kies een account",
    asks_for_person: "{} vraagt om dit in uw naam te doen",
    asks_for_organization: "{} vraagt om dit voor uw organisatie te doen",
    accept: "Accepteren",
    cancel: "Annuleren",
    what_happens: "wat hier gebeurt (in het Engels)",
    folders: "Mappen",
    folder: "Map",
    calendar: "Agenda",
    todo: "To Do",
    contacts: "Contacten",
    new_folder: "Nieuwe map onder deze",
    make: "Maken",
    receive_a_mail: "Een e-mail ontvangen",
    from: "Van",
    subject: "Onderwerp",
    text: "Tekst",
    a_question: "Een vraag",
    may_i_ask: "Mag ik iets vragen?",
    receive_it: "Ontvangen",
    no_mail: "Er ligt hier geen e-mail.",
    nothing: "Hier is niets.",
    r#move: "Verplaatsen",
    delete: "Verwijderen",
};

const GERMAN: Words = Words {
    language: "de",
    simulated: "Simuliertes Microsoft 365",
    sign_in: "Anmelden",
    permissions_requested: "Angeforderte Berechtigungen",
    choose_an_account: "Wählen Sie ein Konto",
    asks_for_person: "{} möchte dies in Ihrem Namen tun",
    asks_for_organization: "{} möchte dies für Ihre Organisation tun",
    accept: "Akzeptieren",
    cancel: "Abbrechen",
    what_happens: "was hier geschieht (auf Englisch)",
    folders: "Ordner",
    folder: "Ordner",
    calendar: "Kalender",
    todo: "To Do",
    contacts: "Kontakte",
    new_folder: "Neuer Ordner unter diesem",
    make: "Anlegen",
    receive_a_mail: "Eine E-Mail empfangen",
    from: "Von",
    subject: "Betreff",
    text: "Text",
    a_question: "Eine Frage",
    may_i_ask: "Darf ich etwas fragen?",
    receive_it: "Empfangen",
    no_mail: "Hier liegt keine E-Mail.",
    nothing: "Hier ist nichts.",
    r#move: "Verschieben",
    delete: "Löschen",
};

impl Words {
    /// The first of the languages in an `Accept-Language` that is known; else English.
    fn preferred(accepted: &str) -> &'static Self {
        let all = [&ENGLISH, &FRENCH, &DUTCH, &GERMAN];
        let mut codes = accepted.split(',').filter_map(|range| range.split(['-', ';']).next());
        codes.find_map(|code| all.into_iter().find(|words| words.language == code.trim())).unwrap_or(&ENGLISH)
    }
}

impl<S: Sync> FromRequestParts<S> for &'static Words {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let accepted = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Ok(Words::preferred(accepted.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_speaks_the_first_language_of_the_browser_that_it_knows() {
        for (accepted, language) in
            [("nl-BE,nl;q=0.9,en;q=0.8", "nl"), ("it, de;q=0.5", "de"), ("fr", "fr"), ("", "en"), ("xx", "en")]
        {
            assert_eq!(Words::preferred(accepted).language, language, "{accepted}");
        }
    }
}
