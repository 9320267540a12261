//! The catalogue as the pages `docs/problems/{language}.md`. `UPDATE_DOCS=1 cargo test -p shared problem` writes them
//! anew.

use std::{fmt::Write as _, path::PathBuf};

use super::catalogue::{CatalogueEntry, ENTRIES};
use crate::base::language::Language;

/// What stands around the entries, in one language.
struct Labels {
    title: &'static str,
    introduction: &'static str,
    turn: &'static str,
    next_action: &'static str,
    reconnect: &'static str,
    microsoft: &'static str,
    status: &'static str,
}

fn labels(language: Language) -> Labels {
    match language {
        Language::English => Labels {
            title: "Problems",
            introduction: "What greffe reports when something does not work: what it means, whose turn it is, and what to do. \
                Nothing is lost while a connection does not work; once it works again, greffe reads what came meanwhile. \
                The *sign-in link* is the connector's `connect_url`; *Entra* is <https://entra.microsoft.com>, where \
                Microsoft 365 manages accounts and apps. Microsoft's own code and words stand beside each problem: \
                search this page for the code.",
            turn: "Whose turn",
            next_action: "What to do",
            reconnect: "Does signing in again help?",
            microsoft: "Microsoft's codes",
            status: "HTTP status",
        },
        Language::French => Labels {
            title: "Problèmes",
            introduction: "Ce que greffe signale quand quelque chose ne fonctionne pas : ce que cela signifie, qui doit agir et que faire. \
                Rien n'est perdu tant qu'une connexion ne fonctionne pas ; dès qu'elle fonctionne à nouveau, greffe lit ce qui est arrivé entre-temps. \
                Le *lien de connexion* est le `connect_url` du connecteur ; *Entra* est <https://entra.microsoft.com>, où \
                Microsoft 365 gère les comptes et les applications. Le code et les mots de Microsoft accompagnent chaque problème : \
                cherchez le code dans cette page.",
            turn: "Qui doit agir",
            next_action: "Que faire",
            reconnect: "Se reconnecter aide-t-il ?",
            microsoft: "Codes de Microsoft",
            status: "Statut HTTP",
        },
        Language::Dutch => Labels {
            title: "Problemen",
            introduction: "Wat greffe meldt als iets niet werkt: wat het betekent, wie aan zet is en wat te doen. \
                Er gaat niets verloren zolang een verbinding niet werkt; zodra ze weer werkt, leest greffe wat intussen aankwam. \
                De *aanmeldlink* is de `connect_url` van de connector; *Entra* is <https://entra.microsoft.com>, waar \
                Microsoft 365 accounts en apps beheert. De code en de woorden van Microsoft staan bij elk probleem: \
                zoek de code op deze pagina.",
            turn: "Wie is aan zet",
            next_action: "Wat te doen",
            reconnect: "Helpt opnieuw aanmelden?",
            microsoft: "Codes van Microsoft",
            status: "HTTP-status",
        },
        Language::German => Labels {
            title: "Probleme",
            introduction: "Was greffe meldet, wenn etwas nicht geht: was es bedeutet, wer am Zug ist und was zu tun ist. \
                Nichts geht verloren, solange eine Verbindung nicht funktioniert; sobald sie wieder funktioniert, liest greffe, was inzwischen ankam. \
                Der *Anmeldelink* ist die `connect_url` des Konnektors; *Entra* ist <https://entra.microsoft.com>, wo \
                Microsoft 365 Konten und Apps verwaltet. Microsofts eigener Code und Wortlaut stehen bei jedem Problem: \
                suchen Sie den Code auf dieser Seite.",
            turn: "Wer ist am Zug",
            next_action: "Was tun",
            reconnect: "Hilft erneutes Anmelden?",
            microsoft: "Codes von Microsoft",
            status: "HTTP-Status",
        },
    }
}

/// The whole page; each entry's anchor is its code.
fn page(language: Language) -> String {
    let Labels { title, introduction, .. } = labels(language);
    let others: Vec<String> = Language::ALL.map(|other| format!("[{0}]({0}.md)", other.tag())).into();
    let mut page = format!("# {title}\n\n{}\n\n{introduction}\n", others.join(" · "));
    for entry in ENTRIES {
        page.push_str(&section(entry, language));
    }
    page
}

fn section(entry: &CatalogueEntry, language: Language) -> String {
    let labels = labels(language);
    let text = entry.text(language);
    let mut section = format!("\n## {}\n\n**{}**\n\n", entry.code.name(), text.meaning);
    let microsoft: Vec<String> = (entry.aadsts.iter().map(|number| format!("AADSTS{number}")))
        .chain(entry.oauth.iter().chain(entry.graph).map(|code| format!("`{code}`")))
        .chain(entry.said.iter().map(|words| format!("“{words}”")))
        .collect();
    let rows = [
        (labels.turn, entry.who.text(language).to_owned()),
        (labels.next_action, text.next_action.to_owned()),
        (labels.reconnect, entry.reconnect.text(language).to_owned()),
        (labels.microsoft, microsoft.join(", ")),
        (labels.status, entry.status.to_string()),
    ];
    for (label, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        let colon = match (label.ends_with('?'), language) {
            (true, _) => "",
            (false, Language::French) => " :",
            (false, _) => ":",
        };
        writeln!(section, "- {label}{colon} {value}").expect("a string takes all");
    }
    section
}

#[test]
fn the_pages_say_what_the_catalogue_says() {
    for language in Language::ALL {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/problems/{}.md", language.tag()));
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("docs can be written");
            std::fs::write(&path, page(language)).expect("docs can be written");
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        let same = written == page(language);
        assert!(same, "{} differs: run UPDATE_DOCS=1 cargo test -p shared problem", path.display());
    }
}
