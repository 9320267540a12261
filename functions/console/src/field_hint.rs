//! Which field of a form the API refuses, and what belongs there, in the language of the page. The API itself names the
//! field and says it in English, for who writes programs: a page shows that as a detail only.

use crate::text::Texts;

/// The sentences about the field that `detail` of an `invalid_request` begins with, such as `url: …` or
/// `excluded_senders[2]: …`. None where no field of a form is called so.
pub(crate) fn hint(detail: &str, t: &Texts) -> Option<String> {
    let (path, _) = detail.split_once(": ")?;
    let (name, line) = match path.split_once('[') {
        Some((name, rest)) => (name, rest.split(']').next().and_then(|place| place.parse::<u32>().ok())),
        None => (path, None),
    };
    let (label, belongs) = of(name, t)?;
    let wrong = match line {
        Some(place) => t.say_two("field-line-wrong", &label, &t.number(place.saturating_add(1))),
        None => t.say_name("field-wrong", &label),
    };
    Some(format!("{wrong} {belongs}"))
}

/// What the page calls a field, and what belongs there.
fn of(name: &str, t: &Texts) -> Option<(String, String)> {
    Some(match name {
        "name" | "received.name" | "filed.name" => (t.say("connector-name"), t.say("hint-text")),
        "address" | "aliases" => (t.say("mailbox-address"), t.say("hint-address")),
        "excluded_senders" => (t.say("rule-senders"), t.say("hint-address")),
        "excluded_domains" => (t.say("rule-domains"), t.say("hint-domain")),
        "domains" => (t.say("operator-domains"), t.say("hint-domain")),
        "from" | "target.from" => (t.say("search-from"), t.say("hint-party")),
        "url" => (t.say("webhook-url"), t.say("hint-url")),
        "dossier" => (t.say("file-in"), t.say("hint-text")),
        "q" => (t.say("search-text"), t.say("hint-text")),
        "reason" => (t.say("erasure-reason"), t.say("hint-text")),
        "asked_by" => (t.say("erasure-by"), t.say("hint-text")),
        "default_years" => (t.say("retention-default"), t.say("hint-years")),
        "class" | "classes" => (t.say("retention-class"), t.say("hint-years")),
        "client_secret" | "app.client_secret" => (t.say("own-app-secret"), t.say("hint-text")),
        "client_id" | "app.client_id" => (t.say("own-app-client"), t.say("hint-id")),
        "tenant_id" | "app.tenant_id" => (t.say("own-app-tenant"), t.say("hint-id")),
        "rights" => (t.say("key-rights"), t.say("hint-chosen")),
        "expires_at" => (t.say("key-end"), t.say("hint-day")),
        "secret_expires_at" => (t.say("secret-end"), t.say("hint-day")),
        "time_zone" => (t.say("operator-zone"), t.say("hint-zone")),
        "since" => (t.say("search-since"), t.say("hint-day")),
        "until" => (t.say("search-until"), t.say("hint-day")),
        "mailbox" | "target.mailbox" => (t.say("mailbox"), t.say("hint-chosen")),
        "connector" => (t.say("mailbox-connector"), t.say("hint-chosen")),
        "folder" => (t.say("folder-in-outlook"), t.say("hint-chosen")),
        "folders" => (t.say("folders"), t.say("hint-chosen")),
        "add" | "remove" | "member" | "members" => (t.say("members"), t.say("hint-chosen")),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use shared::base::language::Language;

    use super::*;

    #[test]
    fn a_refused_field_is_named_as_the_page_names_it_with_its_line() {
        let of = |detail: &str| hint(detail, &Texts::new(Language::English));
        let line = of("excluded_senders[1]: 'x' is no address").unwrap();
        assert!(line.starts_with("“Skip mail from these addresses, one a line”: line 2 does not fit."), "{line}");
        let url = of("url: it begins with https").unwrap();
        assert!(url.starts_with("“Address” does not fit.") && url.contains("https://"), "{url}");
        assert_eq!(of("something: else"), None);
        assert_eq!(of("no field"), None);
    }
}
