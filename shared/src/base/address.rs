//! Mail addresses and domains in the one form in which they are stored and compared.
//!
//! Exchange takes no notice of case. A domain in another script is the same in Unicode and as `xn--`, and with or
//! without the dot at its end. A sub-domain is another domain.

/// Longest address (RFC 5321: a local part of 64, an at sign, a domain of 255).
const ADDRESS_BYTES_MAX: usize = 320;
const LOCAL_PART_BYTES_MAX: usize = 64;
/// Longest domain and longest label (RFC 1035).
const DOMAIN_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

/// What somebody wrote as a domain: lower case, ASCII, two labels at least; none if it is no domain.
pub fn domain(text: &str) -> Option<String> {
    let domain = compared_domain(text)?;
    let label = |label: &str| {
        (1..=LABEL_BYTES_MAX).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let fits = domain.len() <= DOMAIN_BYTES_MAX && domain.contains('.') && domain.split('.').all(label);
    fits.then_some(domain)
}

/// What somebody wrote as an address, without a name beside it; none if it is no address.
pub fn address(text: &str) -> Option<String> {
    let (local, host) = text.split_once('@')?;
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"\"(),:;<>[\\]".contains(c);
    let host = domain(host)?;
    let fits = (1..=LOCAL_PART_BYTES_MAX).contains(&local.len())
        && local.len() + 1 + host.len() <= ADDRESS_BYTES_MAX
        && local.chars().all(plain)
        && local.split('.').all(|part| !part.is_empty());
    fits.then(|| format!("{}@{host}", local.to_lowercase()))
}

/// Whether Exchange keeps an [`address`] of a contact as it is written: it drops silently what has an invisible
/// character, a domain with another dot than `.` or one at its end, or one whose last label is a number.
pub fn is_kept_as_written(text: &str) -> bool {
    let Some((local, host)) = text.rsplit_once('@') else { return false };
    let last = host.rsplit('.').next().unwrap_or_default();
    address(text).is_some()
        && local.chars().all(|c| c.is_alphanumeric() || c.is_ascii_graphic())
        && host.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '.')
        && last.chars().any(char::is_alphabetic)
}

/// The address and its domain as a mail carries them, perhaps between angle brackets after a name; none where nothing
/// can be compared, as with the names that Exchange uses within an organisation.
pub fn compared(text: &str) -> Option<(String, String)> {
    let text = match text.rsplit_once('<') {
        Some((_, rest)) => rest.split('>').next().unwrap_or_default(),
        None => text,
    };
    let (local, host) = text.trim().trim_matches(['\'', '"']).rsplit_once('@')?;
    let domain = compared_domain(host)?;
    (!local.is_empty()).then(|| (format!("{}@{domain}", local.to_lowercase()), domain))
}

/// What is looked for, an address or `@domain`, in the form of [`compared`]. What can't be compared is put in lower
/// case.
pub fn sought(text: &str) -> String {
    let domain = text.strip_prefix('@').and_then(compared_domain).map(|domain| format!("@{domain}"));
    domain.or_else(|| Some(compared(text)?.0)).unwrap_or_else(|| text.to_lowercase())
}

/// Whether a mail that carries `carried` is from or to an address or `@domain` that is [`sought`].
pub fn is_of(sought: &str, carried: &str) -> bool {
    match (sought.strip_prefix('@'), compared(carried)) {
        (Some(wanted), Some((_, domain))) => wanted == domain,
        (None, Some((address, _))) => sought == address,
        (_, None) => sought == carried.to_lowercase(),
    }
}

fn compared_domain(text: &str) -> Option<String> {
    let ascii = idna::domain_to_ascii(text).ok()?;
    let domain = ascii.strip_suffix('.').unwrap_or(&ascii);
    (!domain.is_empty()).then(|| domain.to_owned())
}

/// The one domain that all recipients of a mail are in. None if there are several, if there is no recipient, or if one
/// of them can't be compared. `recipients`: To, Cc and Bcc as the mail carries them, empty where it tells no address.
pub fn recipient_domain<'a>(recipients: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut recipients = recipients.into_iter().map(|text| compared(text).map(|(_, domain)| domain));
    let first = recipients.next()??;
    recipients.all(|domain| domain.as_ref() == Some(&first)).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_at_sign_and_a_domain_and_is_kept_in_lower_case() {
        assert_eq!(address("Ada.Lovelace+x@Cabinet.EXAMPLE").unwrap(), "ada.lovelace+x@cabinet.example");
        assert_eq!(address("info@Bücher.example.").unwrap(), "info@xn--bcher-kva.example");
        let long = format!("{}@a.example", "x".repeat(65));
        for fits in ["o'neil@a.example", "é@a.example", "a#ext@b.c"] {
            assert!(address(fits).is_some(), "{fits}");
        }
        let wrong = ["", "a", "@a.example", "a@", "a@b", "a@b@c.example", "a b@c.example", "<a@c.example>", &long];
        for wrong in wrong.into_iter().chain(["a@c.example\r\nBcc: x@y.example", "a@c..example", "a@-c.example"]) {
            assert_eq!(address(wrong), None, "{wrong:?}");
        }
        for dots in [".a@c.example", "a.@c.example", "a..b@c.example"] {
            assert_eq!(address(dots), None, "{dots}");
        }
    }

    #[test]
    fn an_address_of_a_contact_is_one_that_exchange_keeps() {
        for kept in ["Ada.Lovelace+x@Cabinet.EXAMPLE", "info@Bücher.example", "é@a.example", "a@xn--bcher-kva.example"]
        {
            assert!(is_kept_as_written(kept), "{kept}");
        }
        for dropped in ["a@x.be.", "a@1.2", "a@x.be\u{200b}", "a\u{202e}@x.be", "a@x\u{ff0e}be", "a..b@x.be", "a"] {
            assert!(!is_kept_as_written(dropped), "{dropped:?}");
        }
    }

    #[test]
    fn one_domain_has_one_form_and_a_sub_domain_is_another() {
        for same in ["Bücher.example", "BÜCHER.EXAMPLE", "xn--bcher-kva.example", "bücher.example.", "bücher。example"]
        {
            assert_eq!(domain(same).unwrap(), "xn--bcher-kva.example", "{same}");
        }
        assert_ne!(domain("mail.acme.example"), domain("acme.example"));
        for wrong in
            ["", ".", "localhost", "acme..example", "a b.example", "*.acme.example", "@acme.example", "-a.example"]
        {
            assert_eq!(domain(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn who_is_looked_for_is_found_in_unicode_and_in_ascii() {
        for wanted in ["@Försäkring.example", "@xn--frskring-2za1p.example", "Ada@FÖRSÄKRING.example"] {
            for carried in ["ada@försäkring.example", "Ada@XN--frskring-2za1p.example", "Ada <ada@försäkring.example>"]
            {
                assert!(is_of(&sought(wanted), carried), "{wanted} {carried}");
            }
            assert!(!is_of(&sought(wanted), "ada@mail.försäkring.example"));
            assert!(!is_of(&sought(wanted), ""));
        }
        let within = "/O=EXCHANGELABS/CN=ADA";
        assert!(is_of(&sought(within), within) && !is_of(&sought("@x.example"), within));
    }

    #[test]
    fn what_a_mail_carries_is_compared_whatever_stands_around_it() {
        let ada = Some(("ada@lumen.example".to_owned(), "lumen.example".to_owned()));
        for text in
            ["ada@lumen.example", "Ada@Lumen.Example.", "\"Lambert, Ada\" <ADA@lumen.example>", "'ada@lumen.example'"]
        {
            assert_eq!(compared(text), ada, "{text}");
        }
        for text in ["", "ada", "@lumen.example", "/O=EXCHANGELABS/CN=RECIPIENTS/CN=ADA", "ada@"] {
            assert_eq!(compared(text), None, "{text}");
        }
    }
}
