//! The page that goes with a proof, in the language of the firm: what it proves, what it does not, and how it is
//! checked with tools that are not greffe's.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::{
    base::{digest::Digest, language::Language},
    evidence::checkpoint::VerifyingKeys,
};

/// What checks a proof, as it goes with each.
pub const SCRIPT: &str = include_str!("check.py");

/// The steps of the script one by one, as far as a shell has them.
const STEPS_OF_ONE: &str = "sha256sum original.eml\n\
    sha256sum fact.json\n";
const STEPS: &str = "sed '/^$/,$d' checkpoint.txt > signed.txt\n\
    tail -n 1 checkpoint.txt | cut -d ' ' -f 3 | base64 -d | tail -c 64 > signature.bin\n\
    openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in signed.txt -sigfile signature.bin\n";
const STAMP_STEP: &str = "openssl ts -verify -data checkpoint.txt -in stamp.tsr -CAfile authority.pem\n";

/// The same where there are several mails.
const STEPS_OF_SEVERAL: &str = "sha256sum mails/*/original.eml\n\
    sha256sum mails/*/fact.json\n";

/// What the page shows.
#[derive(Debug, Clone)]
pub struct ProofFacts<'a> {
    /// The name of the firm.
    pub firm: &'a str,
    /// The entries of the log that was signed.
    pub log_size: u64,
    /// The keys that signed it.
    pub keys: &'a VerifyingKeys,
    /// When the checkpoint was stamped, if it was.
    pub stamped_at: Option<Timestamp>,
    /// What is proved.
    pub of: ProofOf<'a>,
}

/// What a proof is of.
#[derive(Debug, Clone)]
pub enum ProofOf<'a> {
    /// One mail.
    Mail(ProvedMail<'a>),
    /// So many mails, each in a folder of its own.
    Mails(u64),
}

/// A mail that is proved.
#[derive(Debug, Clone)]
pub struct ProvedMail<'a> {
    /// The subject, as the index has it.
    pub subject: &'a str,
    /// The sender's address.
    pub from: Option<&'a str>,
    /// When the mail arrived in the mailbox.
    pub received_at: Timestamp,
    /// When its original was stored.
    pub archived_at: Timestamp,
    /// The SHA-256 of the original.
    pub sha256: Digest,
    /// Its length.
    pub bytes: u64,
    /// The number of the fact, and of its entry.
    pub number: u64,
    /// Whether the original goes with the proof.
    pub has_original: bool,
}

struct Words {
    title: &'static str,
    title_of_several: &'static str,
    several: &'static str,
    mails: &'static str,
    introduction: &'static str,
    fields: [&'static str; 8],
    proves: &'static str,
    is_original: &'static str,
    is_in_log: &'static str,
    is_signed: &'static str,
    is_stamped: &'static str,
    is_not_stamped: &'static str,
    proves_not: &'static str,
    limits: [&'static str; 4],
    check: &'static str,
    run: &'static str,
    put_original: &'static str,
    steps: &'static str,
    stamp: &'static str,
    others: &'static str,
    script: &'static str,
}

fn words(language: Language) -> &'static Words {
    match language {
        Language::English => &ENGLISH,
        Language::French => &FRENCH,
        Language::Dutch => &DUTCH,
        Language::German => &GERMAN,
    }
}

const ENGLISH: Words = Words {
    title: "Proof of an archived mail",
    title_of_several: "Proof of archived mails",
    several: "Each folder of <code>mails/</code> has one mail and its proof, and is named by its log entry. <code>index.csv</code> and \
        <code>index.json</code> list them. What is said below of a mail holds for each.",
    mails: "Mails",
    introduction: "These files hold a mail as greffe archived it, and what proves that it was not changed since. \
        Anybody can check each step with ordinary tools, without greffe.",
    fields: ["Firm", "Subject", "From", "Received", "Archived", "SHA-256", "Log entry", "Key"],
    proves: "What it proves",
    is_original: "<code>original.eml</code> is, byte for byte, the mail that was archived: its SHA-256 stands in \
        the log entry <code>entry.json</code>.",
    is_in_log: "The entry stands in the firm's log. The log is a tree of digests (RFC 6962): nobody can change, \
        remove or insert an entry later without another root.",
    is_signed: "The root of the log was signed with the firm's key. Every later state of the log contains this one.",
    is_stamped: "A time-stamping authority confirmed (RFC 3161, <code>stamp.tsr</code>) that this state of the \
        log existed at this time:",
    is_not_stamped: "No independent authority has stamped this state of the log: the times shown here are those \
        of greffe's clock.",
    proves_not: "What it does not prove",
    limits: [
        "Who wrote the mail: it was archived as Microsoft 365 delivered it.",
        "That there was no other mail: this proof is about one.",
        "A person who has the signing key could sign a different log. Compare the key above with the key that the \
         firm noted earlier. Rely on a time stamp, or on a state of the log that was kept elsewhere.",
        "greffe is not a qualified archiving service under Regulation (EU) No 910/2014. A court weighs this \
         evidence as it weighs any other.",
    ],
    check: "How to check it",
    run: "On a computer with Python 3 and OpenSSL 3, run this in the folder of these files. It ends with PROVED:",
    put_original: "The original does not go with these files: download it from greffe and store it beside them \
        as <code>original.eml</code>.",
    steps: "The same by hand. The first digest is <code>sha256</code> in <code>entry.json</code>, the second is \
        <code>fact</code>; the signature must be verified successfully:",
    stamp: "The last command checks the time stamp; <code>authority.pem</code> is the root certificate, which \
        the authority publishes.",
    others: "<code>proof.txt</code> follows the standard <code>c2sp.org/tlog-proof</code>; other programs for \
        such logs check it too.",
    script: "The script <code>check.py</code>",
};

const FRENCH: Words = Words {
    title: "Preuve d'un courriel archivé",
    title_of_several: "Preuve de courriels archivés",
    several: "Chaque dossier de <code>mails/</code> contient un courriel et sa preuve, et porte le numéro de son entrée du journal. \
        <code>index.csv</code> et <code>index.json</code> en donnent la liste. Ce qui est dit ci-dessous d'un courriel \
        vaut pour chacun.",
    mails: "Courriels",
    introduction: "Ces fichiers contiennent un courriel tel que greffe l'a archivé, et ce qui prouve qu'il n'a pas \
        été modifié depuis. Chacun peut vérifier chaque étape avec des outils courants, sans greffe.",
    fields: ["Cabinet", "Objet", "De", "Reçu", "Archivé", "SHA-256", "Entrée du journal", "Clé"],
    proves: "Ce que cela prouve",
    is_original: "<code>original.eml</code> est, octet pour octet, le courriel archivé : son SHA-256 figure dans \
        l'entrée du journal <code>entry.json</code>.",
    is_in_log: "L'entrée figure dans le journal du cabinet. Ce journal est un arbre d'empreintes (RFC 6962) : \
        personne ne peut modifier, retirer ou insérer une entrée après coup sans en changer la racine.",
    is_signed: "La racine du journal a été signée avec la clé du cabinet. Chaque état ultérieur du journal \
        contient celui-ci.",
    is_stamped: "Une autorité d'horodatage a confirmé (RFC 3161, <code>stamp.tsr</code>) que cet état du journal \
        existait à ce moment :",
    is_not_stamped: "Aucune autorité indépendante n'a horodaté cet état du journal : les heures indiquées ici \
        sont celles de l'horloge de greffe.",
    proves_not: "Ce que cela ne prouve pas",
    limits: [
        "Qui a écrit le courriel : il a été archivé tel que Microsoft 365 l'a remis.",
        "Qu'il n'y a pas eu d'autre courriel : cette preuve n'en concerne qu'un.",
        "Qui détient la clé de signature pourrait signer un autre journal. Comparez donc la clé ci-dessus avec \
         celle que le cabinet a notée auparavant, et appuyez-vous sur un horodatage, ou sur un état du journal \
         conservé ailleurs.",
        "greffe n'est pas un service d'archivage électronique qualifié au sens du règlement (UE) n° 910/2014. \
         Le juge apprécie cette preuve comme toute autre.",
    ],
    check: "Comment vérifier",
    run: "Sur un ordinateur avec Python 3 et OpenSSL 3, lancez ceci dans le dossier de ces fichiers. Cela se \
        termine par PROVED :",
    put_original: "L'original n'accompagne pas ces fichiers : téléchargez-le depuis greffe et placez-le à côté \
        sous le nom <code>original.eml</code>.",
    steps: "La même chose à la main. La première empreinte est <code>sha256</code> dans <code>entry.json</code>, \
        la deuxième <code>fact</code> ; la signature doit être vérifiée avec succès :",
    stamp: "La dernière commande vérifie l'horodatage ; <code>authority.pem</code> est le certificat racine que \
        l'autorité publie.",
    others: "<code>proof.txt</code> suit la norme <code>c2sp.org/tlog-proof</code> ; d'autres programmes pour de \
        tels journaux la vérifient aussi.",
    script: "Le script <code>check.py</code>",
};

const DUTCH: Words = Words {
    title: "Bewijs van een gearchiveerde e-mail",
    title_of_several: "Bewijs van gearchiveerde e-mails",
    several: "Elke map van <code>mails/</code> bevat één e-mail met zijn bewijs en draagt het nummer van zijn logregel. \
        <code>index.csv</code> en <code>index.json</code> geven de lijst. Wat hieronder van een e-mail gezegd wordt, geldt \
        voor elk ervan.",
    mails: "E-mails",
    introduction: "Deze bestanden bevatten een e-mail zoals greffe die archiveerde, en wat bewijst dat hij sindsdien \
        niet gewijzigd is. Iedereen kan elke stap nagaan met gewone programma's, zonder greffe.",
    fields: ["Kantoor", "Onderwerp", "Van", "Ontvangen", "Gearchiveerd", "SHA-256", "Logregel", "Sleutel"],
    proves: "Wat dit bewijst",
    is_original: "<code>original.eml</code> is byte voor byte de e-mail die gearchiveerd werd: de SHA-256 ervan \
        staat in de logregel <code>entry.json</code>.",
    is_in_log: "De regel staat in het log van het kantoor. Dat log is een boom van hashes (RFC 6962): niemand kan \
        achteraf een regel wijzigen, weglaten of invoegen zonder dat de wortel anders wordt.",
    is_signed: "De wortel van het log is ondertekend met de sleutel van het kantoor. Elke latere toestand van het \
        log bevat deze.",
    is_stamped: "Een tijdstempelautoriteit heeft bevestigd (RFC 3161, <code>stamp.tsr</code>) dat deze toestand \
        van het log op dit tijdstip bestond:",
    is_not_stamped: "Geen onafhankelijke autoriteit heeft deze toestand van het log een tijdstempel gegeven: de \
        tijden hier zijn die van de klok van greffe.",
    proves_not: "Wat dit niet bewijst",
    limits: [
        "Wie de e-mail schreef: hij werd gearchiveerd zoals Microsoft 365 hem bezorgde.",
        "Dat er geen andere e-mail was: dit bewijs gaat over één e-mail.",
        "Wie de ondertekeningssleutel heeft, zou een ander log kunnen ondertekenen. Vergelijk dus de sleutel \
         hierboven met die welke het kantoor eerder noteerde, en steun op een tijdstempel, of op een toestand \
         van het log die elders bewaard werd.",
        "greffe is geen gekwalificeerde archiveringsdienst in de zin van Verordening (EU) nr. 910/2014. De \
         rechter beoordeelt dit bewijs zoals elk ander.",
    ],
    check: "Hoe dit na te gaan",
    run: "Voer dit op een computer met Python 3 en OpenSSL 3 uit in de map van deze bestanden. Het eindigt met \
        PROVED:",
    put_original: "Het origineel zit niet bij deze bestanden: download het uit greffe en bewaar het ernaast als \
        <code>original.eml</code>.",
    steps: "Hetzelfde met de hand. De eerste hash is <code>sha256</code> in <code>entry.json</code>, de tweede \
        <code>fact</code>; de handtekening moet met succes geverifieerd worden:",
    stamp: "Het laatste commando gaat de tijdstempel na; <code>authority.pem</code> is het rootcertificaat dat de \
        autoriteit publiceert.",
    others: "<code>proof.txt</code> volgt de standaard <code>c2sp.org/tlog-proof</code>; ook andere programma's \
        voor zulke logs gaan het na.",
    script: "Het script <code>check.py</code>",
};

const GERMAN: Words = Words {
    title: "Nachweis einer archivierten E-Mail",
    title_of_several: "Nachweis archivierter E-Mails",
    several: "Jeder Ordner in <code>mails/</code> enthält eine E-Mail mit ihrem Nachweis und trägt die Nummer ihres Logeintrags. \
        <code>index.csv</code> und <code>index.json</code> führen sie auf. Was unten von einer E-Mail gesagt wird, gilt \
        für jede.",
    mails: "E-Mails",
    introduction: "Diese Dateien enthalten eine E-Mail, wie greffe sie archiviert hat, und was beweist, dass sie \
        seither nicht geändert wurde. Jeder kann jeden Schritt mit üblichen Programmen prüfen, ohne greffe.",
    fields: ["Firma", "Betreff", "Von", "Empfangen", "Archiviert", "SHA-256", "Logeintrag", "Schlüssel"],
    proves: "Was dies beweist",
    is_original: "<code>original.eml</code> ist Byte für Byte die archivierte E-Mail: Ihr SHA-256 steht im \
        Logeintrag <code>entry.json</code>.",
    is_in_log: "Der Eintrag steht im Log der Firma. Das Log ist ein Baum von Prüfsummen (RFC 6962): Niemand kann \
        später einen Eintrag ändern, entfernen oder einfügen, ohne dass die Wurzel eine andere wird.",
    is_signed: "Die Wurzel des Logs wurde mit dem Schlüssel der Firma signiert. Jeder spätere Stand des Logs \
        enthält diesen.",
    is_stamped: "Eine Zeitstempelstelle hat bestätigt (RFC 3161, <code>stamp.tsr</code>), dass es diesen Stand \
        des Logs zu dieser Zeit gab:",
    is_not_stamped: "Keine unabhängige Stelle hat diesen Stand des Logs mit einem Zeitstempel versehen: Die \
        Zeiten hier sind die der Uhr von greffe.",
    proves_not: "Was dies nicht beweist",
    limits: [
        "Wer die E-Mail geschrieben hat: Sie wurde archiviert, wie Microsoft 365 sie zugestellt hat.",
        "Dass es keine andere E-Mail gab: Dieser Nachweis betrifft eine einzige.",
        "Wer den Signaturschlüssel besitzt, könnte ein anderes Log signieren. Vergleichen Sie deshalb den \
         Schlüssel oben mit dem, den die Firma früher notiert hat, und stützen Sie sich auf einen Zeitstempel \
         oder auf einen Stand des Logs, der anderswo aufbewahrt wurde.",
        "greffe ist kein qualifizierter Archivierungsdienst im Sinne der Verordnung (EU) Nr. 910/2014. Ein \
         Gericht würdigt diesen Beweis wie jeden anderen.",
    ],
    check: "Wie man es prüft",
    run: "Führen Sie dies auf einem Rechner mit Python 3 und OpenSSL 3 im Ordner dieser Dateien aus. Es endet mit \
        PROVED:",
    put_original: "Das Original liegt diesen Dateien nicht bei: Laden Sie es aus greffe herunter und speichern \
        Sie es daneben als <code>original.eml</code>.",
    steps: "Dasselbe von Hand. Die erste Prüfsumme ist <code>sha256</code> in <code>entry.json</code>, die zweite \
        <code>fact</code>; die Signatur muss erfolgreich geprüft werden:",
    stamp: "Der letzte Befehl prüft den Zeitstempel; <code>authority.pem</code> ist das Wurzelzertifikat, das die \
        Stelle veröffentlicht.",
    others: "<code>proof.txt</code> folgt dem Standard <code>c2sp.org/tlog-proof</code>; auch andere Programme \
        für solche Logs prüfen es.",
    script: "Das Skript <code>check.py</code>",
};

/// The page, as a document of HTML that loads nothing.
pub fn page(language: Language, facts: &ProofFacts<'_>) -> String {
    let words = words(language);
    let ProofFacts { firm, log_size, keys, .. } = facts;
    let keys = keys.texts().iter().map(|key| format!("<code>{}</code>", escaped(key))).collect::<Vec<_>>().join("<br>");
    let values = match &facts.of {
        ProofOf::Mail(ProvedMail { subject, from, received_at, archived_at, sha256, bytes, number, .. }) => {
            let values = [
                escaped(firm),
                escaped(subject),
                escaped(from.unwrap_or_default()),
                received_at.to_string(),
                archived_at.to_string(),
                format!("<code>{sha256}</code> ({bytes} bytes)"),
                format!("{number} / {log_size}"),
                keys,
            ];
            words.fields.into_iter().zip(values).collect::<Vec<_>>()
        }
        ProofOf::Mails(count) => {
            let [of_firm, .., of_key] = words.fields;
            vec![(of_firm, escaped(firm)), (words.mails, count.to_string()), (of_key, keys)]
        }
    };
    let rows = values.into_iter().fold(String::new(), |mut rows, (name, value)| {
        let _ = write!(rows, "<tr><th>{name}<td>{value}");
        rows
    });
    let (title, several, steps) = match facts.of {
        ProofOf::Mail(_) => (words.title, String::new(), STEPS_OF_ONE),
        ProofOf::Mails(_) => (words.title_of_several, format!("<p>{}\n", words.several), STEPS_OF_SEVERAL),
    };
    let stamped = match facts.stamped_at {
        Some(at) => format!("{} <strong>{at}</strong>", words.is_stamped),
        None => words.is_not_stamped.to_owned(),
    };
    let list = |items: &[&str]| items.iter().map(|item| format!("<li>{item}\n")).collect::<String>();
    let proven = list(&[words.is_original, words.is_in_log, words.is_signed, &stamped]);
    let lacks_original = matches!(facts.of, ProofOf::Mail(ProvedMail { has_original: false, .. }));
    let put_original = if lacks_original { format!("<p>{}\n", words.put_original) } else { String::new() };
    let (stamp_step, stamp) = match facts.stamped_at {
        Some(_) => (STAMP_STEP, format!("<p>{}\n", words.stamp)),
        None => ("", String::new()),
    };
    format!(
        "<!doctype html>\n<html lang=\"{}\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n<style>\
         body{{max-width:50rem;margin:2rem auto;padding:0 1rem;font:1rem/1.5 system-ui,sans-serif;\
         overflow-wrap:anywhere}}th{{text-align:left;vertical-align:top;padding-right:1rem;white-space:nowrap}}\
         pre{{white-space:pre-wrap;background:#eee;padding:.5rem;font-size:.8rem}}</style>\n\
         <h1>{title}</h1>\n<p>{}\n{several}<table>{rows}</table>\n\
         <h2>{}</h2>\n<ol>\n{proven}</ol>\n<h2>{}</h2>\n<ul>\n{}</ul>\n\
         <h2>{}</h2>\n{put_original}<p>{}\n<pre>python3 check.py</pre>\n<p>{}\n<pre>{steps}{}{stamp_step}</pre>\n{stamp}\
         <p>{}\n<h2>{}</h2>\n<pre>{}</pre>\n</html>\n",
        language.tag(),
        words.introduction,
        words.proves,
        words.proves_not,
        list(&words.limits),
        words.check,
        words.run,
        words.steps,
        escaped(STEPS),
        words.others,
        words.script,
        escaped(SCRIPT),
    )
}

/// A text as HTML shows it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(keys: &VerifyingKeys) -> ProofFacts<'_> {
        let mail = ProvedMail {
            subject: "<script>x()</script>",
            from: Some("client@acme.example"),
            received_at: Timestamp::UNIX_EPOCH,
            archived_at: Timestamp::UNIX_EPOCH,
            sha256: Digest::of(b""),
            bytes: 17,
            number: 3,
            has_original: true,
        };
        ProofFacts { firm: "Duval & Fils", log_size: 9, keys, stamped_at: None, of: ProofOf::Mail(mail) }
    }

    #[test]
    fn the_page_says_in_four_languages_what_is_proved_and_holds_nothing_of_the_mail_but_text() {
        let keys = VerifyingKeys::default();
        let mut titles = Vec::new();
        for language in Language::ALL {
            let written = page(language, &facts(&keys));
            titles.push(words(language).title);
            assert!(written.contains("Duval &amp; Fils") && !written.contains("<script>"), "{language:?}");
            assert!(written.contains("python3 check.py") && written.contains("tlog-proof"), "{language:?}");
            assert!(written.contains(words(language).is_not_stamped) && !written.contains("openssl ts"));
            assert!(!written.contains(words(language).put_original));
            let words = words(language);
            let mut stamped = ProofFacts { stamped_at: Some(Timestamp::UNIX_EPOCH), ..facts(&keys) };
            if let ProofOf::Mail(mail) = &mut stamped.of {
                mail.has_original = false;
            }
            let stamped = page(language, &stamped);
            assert!(stamped.contains(words.is_stamped) && stamped.contains("openssl ts"), "{language:?}");
            assert!(stamped.contains(words.put_original), "{language:?}");
            let several = page(language, &ProofFacts { of: ProofOf::Mails(2_017), ..facts(&keys) });
            assert!(several.contains("2017") && several.contains(words.several), "{language:?}");
            assert!(several.contains("mails/*/original.eml") && !several.contains(words.put_original), "{language:?}");
        }
        titles.dedup();
        assert_eq!(titles.len(), Language::ALL.len());
    }

    /// It is printed, and read by a person.
    #[test]
    fn the_script_is_short() {
        assert!(SCRIPT.lines().count() <= 40, "{} lines", SCRIPT.lines().count());
    }
}
