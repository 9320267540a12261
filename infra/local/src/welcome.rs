//! What a browser sees at the address of greffe on one machine: what runs here, and where to look.

use axum::{
    http::{HeaderMap, header},
    response::{Html, IntoResponse, Response},
};
use shared::base::{headers::guarded, language::Language};

const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'";

/// The page in one language. Texts are ours: there is nothing to escape.
struct Words {
    title: &'static str,
    what: &'static str,
    console: &'static str,
    tenant: &'static str,
    api: &'static str,
    guides: &'static str,
}

const ENGLISH: Words = Words {
    title: "greffe runs here",
    what: "greffe archives the mail of a firm's Microsoft 365 mailboxes. Programs send an API key with each request. The \
           terminal that started greffe shows where the key is.",
    console: "the console, for people",
    tenant: "buttons for what people, administrators and faults do in Microsoft 365",
    api: "every operation of the API",
    guides: "The other guides are in the folder <code>docs/</code> of the source: <code>integrator.md</code> for the API, \
             <code>operator.md</code> for running greffe. The guide for administrators is",
};
const FRENCH: Words = Words {
    title: "greffe fonctionne ici",
    what: "greffe archive les courriels des boîtes Microsoft 365 d'un cabinet. Un programme envoie une clé d'API avec chaque \
           requête. Le terminal qui a démarré greffe indique où se trouve la clé.",
    console: "la console, pour les personnes",
    tenant: "des boutons pour ce que font les personnes, les administrateurs et les pannes dans Microsoft 365",
    api: "toutes les opérations de l'API",
    guides: "Les autres guides, en anglais, sont dans le dossier <code>docs/</code> des sources\u{202f}: \
             <code>integrator.md</code> pour l'API, <code>operator.md</code> pour l'exploitation. Le guide de \
             l'administrateur est",
};
const DUTCH: Words = Words {
    title: "greffe draait hier",
    what: "greffe archiveert de e-mail van de Microsoft 365-postvakken van een kantoor. Programma's sturen bij elke aanvraag \
           een API-sleutel mee. De terminal waarin greffe gestart is, toont waar de sleutel staat.",
    console: "de console, voor mensen",
    tenant: "knoppen voor wat mensen, beheerders en storingen in Microsoft 365 doen",
    api: "alle bewerkingen van de API",
    guides: "De andere handleidingen, in het Engels, staan in de map <code>docs/</code> van de broncode: \
             <code>integrator.md</code> voor de API, <code>operator.md</code> voor het beheer van greffe. De handleiding \
             voor beheerders is",
};
const GERMAN: Words = Words {
    title: "greffe läuft hier",
    what: "greffe archiviert die E-Mails der Microsoft-365-Postfächer einer Kanzlei. Programme senden mit jeder Anfrage \
           einen API-Schlüssel. Das Terminal, in dem greffe gestartet wurde, zeigt, wo der Schlüssel liegt.",
    console: "die Konsole, für Menschen",
    tenant: "Knöpfe für das, was Menschen, Administratoren und Störungen in Microsoft 365 tun",
    api: "alle Operationen der API",
    guides: "Die anderen Handbücher, auf Englisch, liegen im Ordner <code>docs/</code> der Quellen: \
             <code>integrator.md</code> für die API, <code>operator.md</code> für den Betrieb. Das Handbuch für \
             Administratoren ist",
};

fn words(language: Language) -> &'static Words {
    match language {
        Language::English => &ENGLISH,
        Language::French => &FRENCH,
        Language::Dutch => &DUTCH,
        Language::German => &GERMAN,
    }
}

/// The page, in the language of the browser. `tenant`: the page of the simulated Microsoft 365, where there is one.
pub(crate) fn page(headers: &HeaderMap, tenant: Option<&str>) -> Response {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let language = Language::preferred(accepted.unwrap_or_default());
    let Words { title, what, console, tenant: of_tenant, api, guides } = words(language);
    let places = [(Some("/console"), console), (tenant, of_tenant), (Some("/openapi.json"), api)];
    let places: String = places
        .into_iter()
        .filter_map(|(address, what)| Some((address?, what)))
        .map(|(address, what)| format!("<li><a href=\"{address}\">{address}</a>: {what}</li>"))
        .collect();
    let page = format!(
        "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\"><title>greffe</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\">\
         <link rel=\"icon\" href=\"data:,\">\
         <style>body{{font:1rem/1.6 system-ui,sans-serif;max-width:40rem;margin:12vh auto;padding:0 1rem;\
         overflow-wrap:anywhere;color:light-dark(#1d2026,#e8e6e1);background:light-dark(#f6f5f1,#17181b)}}\
         a{{color:light-dark(#2f4a8a,#a9bdf5)}}</style></head>\
         <body><main><h1>{title}</h1><p>{what}</p><ul>{places}</ul>\
         <p>{guides} <a href=\"/console/guide\">/console/guide</a>.</p></main></body></html>",
        language.tag()
    );
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::VARY, "Accept-Language"),
    ];
    guarded((headers, Html(page)).into_response())
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    #[tokio::test]
    async fn the_page_speaks_the_language_of_the_browser_and_names_what_runs() {
        for (accepted, title) in [
            ("nl-BE,nl;q=0.9,en;q=0.8", "greffe draait hier"),
            ("fr", "greffe fonctionne ici"),
            ("de-AT", "greffe läuft hier"),
            ("it", "greffe runs here"),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, accepted.parse().unwrap())]);
            let page = page(&headers, Some("http://127.0.0.1:1/admin")).into_body();
            let page = String::from_utf8(to_bytes(page, 1 << 16).await.unwrap().to_vec()).unwrap();
            assert!(page.contains(&format!("<h1>{title}</h1>")), "{accepted}: {page}");
            for place in ["/console", "http://127.0.0.1:1/admin", "/openapi.json", "/console/guide"] {
                assert!(page.contains(&format!("href=\"{place}\"")), "{accepted}: {place}");
            }
        }
    }
}
