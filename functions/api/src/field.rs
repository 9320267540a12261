//! The fields of requests. Each is parsed once and holds only valid values. Spaces and line ends around a value are
//! removed, because pasted values have them.

use std::{borrow::Cow, fmt, str::FromStr};

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, DeserializeOwned, Error as _, Visitor},
};
use serde_json::{Value, json};
use shared::{
    base::{
        address,
        id::{ClientId, ExternalId, TenantId},
    },
    firm::fact::EventType,
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr, Schema,
        schema::{Object, ObjectBuilder, SchemaType, Type},
    },
};

/// Longest name, in characters.
pub(crate) const NAME_CHARS_MAX: usize = 200;
/// Longest client secret; Entra's have about 40 characters.
const CLIENT_SECRET_BYTES_MAX: usize = 500;

/// A value of a type that is stored too. What is stored may have fields of a newer version; a request may not.
pub(crate) struct Strict<T>(T);

impl<T> Strict<T> {
    /// The value.
    pub(crate) fn into_inner(self) -> T {
        self.0
    }
}

impl<'de, T: DeserializeOwned + Serialize> Deserialize<'de> for Strict<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = Value::deserialize(deserializer)?;
        let value = T::deserialize(&given).map_err(D::Error::custom)?;
        let known = serde_json::to_value(&value).map_err(D::Error::custom)?;
        let mut names = given.as_object().into_iter().flat_map(|given| given.keys());
        match names.find(|name| known.get(name).is_none()) {
            Some(name) => Err(D::Error::custom(format_args!("unknown field `{name}`"))),
            None => Ok(Self(value)),
        }
    }
}

macro_rules! read_from_text {
    ($($(#[$doc:meta])* $name:ident($inner:ty), $read:path, $example:literal, $pattern:literal, $max:tt, $expected:literal;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Deserialize, ToSchema)]
        #[schema(value_type = String, example = $example, pattern = $pattern, max_length = $max)]
        #[serde(try_from = "String")]
        pub(crate) struct $name($inner);

        impl $name {
            /// What may be stored.
            pub(crate) fn into_inner(self) -> $inner { self.0 }
        }
        impl TryFrom<String> for $name {
            type Error = &'static str;
            fn try_from(text: String) -> Result<Self, &'static str> {
                $read(text.trim()).map(Self).ok_or($expected)
            }
        }
    )* };
}

read_from_text! {
    /// A name in people's own words: 1 to 200 characters, one of them visible, and none that turns the direction of
    /// writing or is a control character.
    Name(String), name, "Cabinet Duval", "^[^\\x00-\\x1F\\x7F-\\x9F\\u202A-\\u202E\\u2066-\\u2069]*[^\\s\\x00-\\x1F\\x7F-\\x9F\\u200B-\\u200F\\u2028-\\u202E\\u2060-\\u206F\\uFEFF][^\\x00-\\x1F\\x7F-\\x9F\\u202A-\\u202E\\u2066-\\u2069]*$", 200,
        "a name has 1 to 200 characters, one of them visible, and no control characters";
    /// A mail domain, in lower case and ASCII.
    Domain(String), address::domain, "cabinet.example", "^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]$", 253,
        "not a domain such as cabinet.example";
    /// A mailbox's address, in lower case, its domain in ASCII.
    Address(String), address::address, "ada@cabinet.example", "^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]$", 254,
        "not an address such as ada@cabinet.example";
    /// The IANA name of a time zone.
    TimeZone(String), time_zone, "Europe/Brussels", "^(UTC|[A-Za-z_]+(/[A-Za-z0-9_+-]+)+)$", 64,
        "not the IANA name of a time zone such as Europe/Brussels";
    /// An Entra tenant: its id, or one of its domains.
    Tenant(TenantId), tenant, "6f9619ff-8b86-4011-b42d-00c04fc964ff", "^([0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9])$", 253,
        "not a directory (tenant) id, nor a domain";
    /// The application (client) id of an app registration.
    AppId(ClientId), app_id, "6f9619ff-8b86-4011-b42d-00c04fc964ff", "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$", 36,
        "not an application (client) id, which is a UUID";
    /// An id of the caller's own: 1 to 128 characters, no control characters.
    OwnId(ExternalId), external_id, "office-1", "^[^\\x00-\\x1F\\x7F-\\x9F]*[^\\s\\x00-\\x1F\\x7F-\\x9F][^\\x00-\\x1F\\x7F-\\x9F]*$", 128,
        "an external id has 1 to 128 characters, no control characters, and is no secret";
    /// A time with its zone. A request takes times by this type: jiff's errors don't say what belongs there.
    Moment(Timestamp), moment, "2026-03-02T08:00:00Z", "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}", 100,
        "a time with its zone belongs here, such as 2026-03-02T08:00:00Z";
    /// The value of a client secret. It is stored in Secrets Manager and never shown again.
    ClientSecret(SecretString), client_secret, "abc8Q~the-value-not-the-id", "^[!-~]+$", 500,
        "a client secret has 1 to 500 visible ASCII characters";
}

impl Moment {
    /// The time.
    pub(crate) fn timestamp(&self) -> Timestamp {
        self.0
    }
}

/// In a query.
impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_offset = |zone: &str| zone.len() == 5 && zone.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
        match text.rsplit_once(' ') {
            Some((time, zone)) if time.contains(['T', 't', ' ']) && is_offset(zone) => {
                Err("in an address, + stands for a space: write it as %2B")
            }
            _ => text.to_owned().try_into(),
        }
    }
}

/// A position in a feed: a number, or a number or a cursor as text.
pub(crate) struct FeedPosition(pub String);

impl<'de> Deserialize<'de> for FeedPosition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PositionVisitor).map(Self)
    }
}

struct PositionVisitor;

impl Visitor<'_> for PositionVisitor {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of the feed, or a `next` of it as text,")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }
}

impl FeedPosition {
    /// What is described of one that has to be there.
    pub(crate) fn schema() -> Object {
        Self::of_types(vec![Type::String, Type::Integer])
    }

    /// What is described of one that may be null.
    pub(crate) fn or_null() -> Object {
        Self::of_types(vec![Type::String, Type::Integer, Type::Null])
    }

    fn of_types(types: Vec<Type>) -> Object {
        let text = "All events after this position are posted: a number of the firm's feed, or a `next` of the feed as \
                    text; `0` for all events. A new webhook without it gets what is new.";
        let position = ObjectBuilder::new().schema_type(SchemaType::Array(types)).minimum(Some(0));
        position.pattern(Some("^[0-9]{1,19}([.][0-9]{1,19})?$")).examples([json!("0")]).description(Some(text)).build()
    }
}

/// A type of event that a request asks for. A number without an event has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WantedType(pub EventType);

/// What stands for no event, among the types that a parser names.
const NO_TYPE: &str = ", `void`";

impl<'de> Deserialize<'de> for WantedType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = EventType::deserialize(deserializer);
        match read.map_err(|error| D::Error::custom(error.to_string().replace(NO_TYPE, "")))? {
            EventType::Void => Err(D::Error::custom("`void` is not the type of an event")),
            wanted => Ok(Self(wanted)),
        }
    }
}

impl PartialSchema for WantedType {
    fn schema() -> RefOr<Schema> {
        let mut schema = EventType::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            object.enum_values.iter_mut().for_each(|values| values.retain(|value| *value != "void"));
        }
        schema
    }
}

impl ToSchema for WantedType {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("WantedType")
    }
}

fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

fn name(name: &str) -> Option<String> {
    let misleads = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let shows = |c: char| {
        let is_hidden =
            matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        !c.is_whitespace() && !is_hidden
    };
    let fits = name.chars().count() <= NAME_CHARS_MAX && name.chars().any(shows) && !name.chars().any(misleads);
    fits.then(|| name.to_owned())
}

/// In its one spelling. An abbreviation such as `CET` names no place, so it is none.
fn time_zone(text: &str) -> Option<String> {
    let (name, _) = shared::base::time_zone::find(text)?;
    Some(name).filter(|name| name == "UTC" || name.contains('/'))
}

fn tenant(text: &str) -> Option<TenantId> {
    uuid(text).or_else(|| address::domain(text))?.parse().ok()
}

fn app_id(text: &str) -> Option<ClientId> {
    uuid(text)?.parse().ok()
}

fn external_id(text: &str) -> Option<ExternalId> {
    text.parse().ok()
}

fn uuid(text: &str) -> Option<String> {
    Some(uuid::Uuid::try_parse(text).ok()?.as_hyphenated().to_string())
}

fn client_secret(text: &str) -> Option<SecretString> {
    let fits = (1..=CLIENT_SECRET_BYTES_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    fits.then(|| text.to_owned().into())
}

/// How many items one page has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit(usize);

impl Limit {
    /// The most.
    pub(crate) const MAX: usize = 100;

    /// The number.
    pub(crate) fn get(self) -> usize {
        self.0
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

impl FromStr for Limit {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.parse().ok().filter(|n| (1..=Self::MAX).contains(n));
        number.map(Self).ok_or("a page has 1 to 100 items")
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn all_fit<T>(read: fn(&str) -> Option<T>, texts: &[&str]) {
        for text in texts {
            assert!(read(text).is_some(), "{text:?}");
        }
    }

    fn none_fits<T>(read: fn(&str) -> Option<T>, texts: &[&str]) {
        for text in texts {
            assert!(read(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn what_is_pasted_with_spaces_and_line_ends_is_read_without_them() {
        let pasted = |text: &str| format!(" \t{text}\r\n");
        let id = "6f9619ff-8b86-4011-b42d-00c04fc964ff";
        assert_eq!(AppId::try_from(pasted(id)).unwrap().into_inner().as_str(), id);
        assert_eq!(Tenant::try_from(pasted(id)).unwrap().into_inner().as_str(), id);
        assert_eq!(Tenant::try_from(pasted("Lumen.example")).unwrap().into_inner().as_str(), "lumen.example");
        assert_eq!(ClientSecret::try_from(pasted("abc8Q~x")).unwrap().into_inner().expose_secret(), "abc8Q~x");
        assert_eq!(Address::try_from(pasted("Ada@Lumen.example")).unwrap().into_inner(), "ada@lumen.example");
        assert_eq!(Domain::try_from(pasted("lumen.example")).unwrap().into_inner(), "lumen.example");
        assert_eq!(TimeZone::try_from(pasted("Europe/Paris")).unwrap().into_inner(), "Europe/Paris");
        assert_eq!(Name::try_from(pasted("Müller & Söhne")).unwrap().into_inner(), "Müller & Söhne");
        assert!(ClientSecret::try_from("abc 8Q~x".to_owned()).is_err());
    }

    #[test]
    fn a_name_is_what_people_write() {
        all_fit(name, &["x", &"é".repeat(200), "👩\u{200d}🚀", "می\u{200c}خواهم"]);
        none_fits(name, &["", "a\nb", "a\u{0}", &"é".repeat(201), "\u{200b}", "a\u{202e}b", "\u{2066}a"]);
    }

    #[test]
    fn a_tenant_is_an_id_or_a_domain_and_never_one_of_the_shared_authorities() {
        all_fit(tenant, &["6F9619FF-8B86-4011-B42D-00C04FC964FF", "contoso.onmicrosoft.com"]);
        none_fits(tenant, &["", "common", "organizations", "consumers", "../x.y", "a/b.c", "a.b?c"]);
        none_fits(app_id, &["", "contoso.onmicrosoft.com", "6f9619ff"]);
    }

    #[test]
    fn a_time_zone_looks_like_one() {
        all_fit(time_zone, &["Europe/Brussels", "America/Argentina/Buenos_Aires", "Etc/GMT+1", "UTC"]);
        assert_eq!(time_zone("europe/brussels").as_deref(), Some("Europe/Brussels"));
        none_fits(time_zone, &["", "Brussels", "Europe/Bruxelles", "Europe/", "/Europe", "Europe/../x", "CET"]);
    }

    #[test]
    fn a_plus_in_an_address_that_became_a_space_is_named() {
        let said = |text: &str| text.parse::<Moment>().map(|_| ()).unwrap_err();
        assert!(said("2026-11-30T00:00:00 01:00").contains("%2B"));
        assert!(said("2026-11-30 00:00:00 01:00").contains("%2B"));
        assert!(said("2026-11-30 01:00").contains("2026-03-02T08:00:00Z"));
        assert!("2026-11-30T00:00:00+01:00".parse::<Moment>().is_ok());
    }

    #[test]
    fn what_stands_for_no_event_is_no_type_that_can_be_asked_for() {
        let read = |text: &str| serde_json::from_value::<WantedType>(text.into()).map_err(|error| error.to_string());
        assert_eq!(read("message_archived"), Ok(WantedType(EventType::MessageArchived)));
        assert_eq!(read("void").unwrap_err(), "`void` is not the type of an event");
        let other = read("foo").unwrap_err();
        assert!(other.contains("`archive_checked`") && !other.contains("void"), "{other}");
    }

    #[test]
    fn a_limit_has_bounds() {
        assert_eq!(("1".parse(), "100".parse()), (Ok(Limit(1)), Ok(Limit(100))));
        for text in ["0", "101", "-1", "x", "1.5"] {
            assert!(text.parse::<Limit>().is_err(), "{text}");
        }
    }
}
