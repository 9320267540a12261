//! Extractors for path, query and body. An invalid value is answered with a problem that names the field.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    error::Error,
    fmt::{self, Display},
    str::FromStr,
};

use axum::{
    Extension,
    body::Bytes,
    extract::{
        FromRequest, FromRequestParts, OptionalFromRequest, RawPathParams, Request, State, rejection::QueryRejection,
    },
    http::{HeaderMap, Method, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, DeserializeOwned, Error as _, IgnoredAny, IntoDeserializer as _, Visitor},
    forward_to_deserialize_any,
};
use serde_json::Value;
use shared::problem::{Code, Problem};

use crate::{
    error::{Failure, invalid, not_found},
    wording::{not_json, plain, without_position},
};

/// The largest body that a route takes.
pub const BODY_BYTES_MAX: usize = 256 << 10;
/// The largest body of a bulk: Lambda itself takes 6 MB.
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
pub const BULK_BYTES_MAX: usize = 5 << 20;

/// The names of the parameters that an extractor reads after the question mark.
pub(crate) type QueryNames = fn() -> Vec<&'static str>;

/// What an extractor, or all those of a handler, take of a request beside its path, its body and its caller. The gate
/// refuses what none of them takes.
pub(crate) trait Takes {
    /// The parameters of the query; none where it reads no query.
    const QUERY: Option<QueryNames> = None;
    /// Whether it reads `If-Match` and `If-None-Match`.
    const CONDITIONS: bool = false;
    /// Whether it reads the body.
    const BODY: bool = false;
}

impl<T> Takes for State<T> {}
impl<T> Takes for Extension<T> {}
impl Takes for HeaderMap {}
impl Takes for Method {}
impl<T> Takes for Json<T> {
    const BODY: bool = true;
}
impl<T> Takes for Option<Json<T>> {
    const BODY: bool = true;
}
impl<T> Takes for Id<T> {}
impl Takes for Nth {}

impl<T: DeserializeOwned> Takes for Query<T> {
    const QUERY: Option<QueryNames> = Some(|| field_names::<T>().to_vec());
}

/// The extractors of a handler, as axum has them: first what tells whether the last one reads the body.
macro_rules! handlers_take {
    ($($extractor:ident)*) => {
        impl<M, $($extractor: Takes),*> Takes for (M, $($extractor,)*) {
            const QUERY: Option<QueryNames> = first(&[$($extractor::QUERY),*]);
            const CONDITIONS: bool = false $(|| $extractor::CONDITIONS)*;
            const BODY: bool = false $(|| $extractor::BODY)*;
        }
    };
}
handlers_take!();
handlers_take!(A);
handlers_take!(A B);
handlers_take!(A B C);
handlers_take!(A B C D);
handlers_take!(A B C D E);
handlers_take!(A B C D E F);
handlers_take!(A B C D E F G);

/// A handler has one extractor at most that reads the query.
const fn first(all: &[Option<QueryNames>]) -> Option<QueryNames> {
    match all {
        [] => None,
        [None, rest @ ..] => first(rest),
        [found, ..] => *found,
    }
}

/// The names of a struct's fields, as serde reads them. The description of the API has them too, and would be linked.
pub(crate) fn field_names<T: DeserializeOwned>() -> &'static [&'static str] {
    T::deserialize(FieldNames).err().map_or(&[], |Found(names)| names)
}

/// Asked for a struct, it answers with the names of its fields.
struct FieldNames;

#[derive(Debug)]
struct Found(&'static [&'static str]);

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the names of the fields")
    }
}

impl Error for Found {}

impl de::Error for Found {
    fn custom<T: Display>(_: T) -> Self {
        Self(&[])
    }
}

impl<'de> Deserializer<'de> for FieldNames {
    type Error = Found;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Found> {
        Err(Found(&[]))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Found> {
        Err(Found(names))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// A JSON body, of a request or an answer.
pub(crate) struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        read(&body(request, state).await?).map(Self)
    }
}

/// The bytes of a body that is JSON.
async fn body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Failure> {
    if !is_json(request.headers()) {
        return Err(Problem::new(Code::UnsupportedMediaType, "The header Content-Type does not name JSON.").into());
    }
    Bytes::from_request(request, state).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
            Code::BodyTooLarge,
            format!("The body may have at most {BODY_BYTES_MAX} bytes, or {BULK_BYTES_MAX} for a bulk request."),
        )
        .into(),
        _ => invalid(rejection.body_text()),
    })
}

/// A request may come without any body.
impl<T: DeserializeOwned, S: Send + Sync> OptionalFromRequest<S> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Failure> {
        if !request.headers().contains_key(header::CONTENT_TYPE) {
            return Ok(None);
        }
        let body = body(request, state).await?;
        // Some clients name the type of a body that they don't send. The JSON value `null` is no body either.
        match body.is_empty() {
            true => Ok(None),
            false => read::<Option<T>>(&body).map(|body| body.map(Self)),
        }
    }
}

/// `application/json`, or a kind of it such as `application/merge-patch+json`.
fn is_json(headers: &HeaderMap) -> bool {
    let named = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = named.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || kind.starts_with("application/") && kind.ends_with("+json")
}

/// Errors: what is wrong with the text as JSON, or else with a field of it.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice::<IgnoredAny>(body).map_err(|error| invalid(not_json(&error.to_string(), body)))?;
    // Serde takes a list for an object, field by field.
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(invalid("an object belongs here, and a list came"));
    }
    parse(body).map_err(|misfit| invalid(plain(&misfit.found(body, &|body| parse::<T>(body).err()).to_string())))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Misfit> {
    let mut json = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(&mut json)
        .map_err(|error| Misfit { path: error.path().to_string(), said: error.inner().to_string() })
}

/// Why a body does not fit: what serde says, and of what.
struct Misfit {
    path: String,
    said: String,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "." => f.write_str(&self.said),
            path => write!(f, "{path}: {}", self.said),
        }
    }
}

/// Fields of one object that are looked through for one that does not fit.
const LOOKED_THROUGH_MAX: usize = 30;
/// The largest body in which that is done: it is read once more for each field.
const LOOKED_THROUGH_BYTES_MAX: usize = 64 << 10;
/// The field that says which of several objects it is.
const VARIANT: &str = "kind";

impl Misfit {
    /// Names the field that does not fit. Of an object that is one of several, serde knows only the object: the field
    /// is the one without which it is read, or something else is wrong. `parse` says what is wrong with a body.
    fn found(self, body: &[u8], parse: &dyn Fn(&[u8]) -> Option<Self>) -> Self {
        if self.said.starts_with("missing field ") || body.len() > LOOKED_THROUGH_BYTES_MAX {
            return self;
        }
        let pointer = match self.path.as_str() {
            "." => String::new(),
            path => format!("/{}", path.replace(']', "").replace(['[', '.'], "/")),
        };
        let Ok(whole) = serde_json::from_slice::<Value>(body) else { return self };
        let is_same = |body: &Value| {
            let misfit = parse(body.to_string().as_bytes());
            misfit.is_some_and(|misfit| without_position(&misfit.said) == without_position(&self.said))
        };
        let Some(Value::Object(fields)) = whole.pointer(&pointer) else { return self };
        if !is_same(&whole) {
            return self;
        }
        let is_cause = |name: &&String| {
            let mut without = whole.clone();
            without.pointer_mut(&pointer).and_then(Value::as_object_mut).map(|fields| fields.remove(*name));
            !is_same(&without)
        };
        let others = fields.keys().filter(|name| *name != VARIANT).take(LOOKED_THROUGH_MAX);
        let variant = fields.keys().filter(|name| *name == VARIANT);
        match others.chain(variant).find(is_cause) {
            Some(name) if self.path == "." => Self { path: name.clone(), ..self },
            Some(name) => Self { path: format!("{}.{name}", self.path), ..self },
            None => self,
        }
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// What is after the question mark.
pub(crate) struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let query = joined(parts.uri.query().unwrap_or_default());
        let uri = Uri::builder().path_and_query(format!("/?{query}")).build().map_err(|e| invalid(e.to_string()))?;
        match axum::extract::Query::try_from_uri(&uri) {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(QueryRejection::FailedToDeserializeQueryString(error)) => Err(invalid(plain(&cause(&error)))),
            Err(other) => Err(invalid(other.body_text())),
        }
    }
}

/// The query with one parameter `type` where it is repeated: it is the only one that is a list.
fn joined(query: &str) -> Cow<'_, str> {
    let is_type = |pair: &&str| pair.starts_with("type=");
    let types: Vec<&str> = query.split('&').filter(is_type).filter_map(|pair| pair.strip_prefix("type=")).collect();
    if types.len() < 2 {
        return Cow::Borrowed(query);
    }
    let others = query.split('&').filter(|pair| !is_type(pair)).map(str::to_owned);
    Cow::Owned(others.chain([format!("type={}", types.join(","))]).collect::<Vec<_>>().join("&"))
}

/// What serde said, which names the field, without what axum said around it.
fn cause(rejection: &dyn Error) -> String {
    rejection.source().map_or_else(|| rejection.to_string(), ToString::to_string)
}

/// The id that a path names below a firm.
pub(crate) struct Id<T>(pub T);

impl<T: FromStr<Err: Display>, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|e| invalid(e.body_text()))?;
        let named = params.iter().find(|(name, _)| *name != "firm");
        let (name, text) = named.ok_or_else(|| not_found("address"))?;
        text.parse().map(Self).map_err(|error| invalid(plain(&format!("{name}: {error}"))))
    }
}

/// The number of an attachment that a path names.
pub(crate) struct Nth(pub usize);

impl<S: Send + Sync> FromRequestParts<S> for Nth {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|e| invalid(e.body_text()))?;
        let named = params.iter().find(|(name, _)| *name == "attachment");
        let number = named.and_then(|(_, text)| text.parse().ok());
        number.map(Self).ok_or_else(|| invalid("attachment: a whole number belongs here"))
    }
}

/// Reads a parameter of a query that is one of some words; one that is there and empty counts as not given.
pub(crate) fn given_word<'de, D: Deserializer<'de>, T: DeserializeOwned>(d: D) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(d)?;
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    T::deserialize(text.into_deserializer()).map(Some).map_err(|error: serde::de::value::Error| D::Error::custom(error))
}

/// Most words of a list in a query, as in the description.
const WORDS_MAX: usize = 40;

/// Reads a parameter of a query that is a list of words with commas between them; an empty one counts as not given.
pub(crate) fn given_words<'de, D: Deserializer<'de>, T: DeserializeOwned + Ord>(
    d: D,
) -> Result<Option<BTreeSet<T>>, D::Error> {
    let text = String::deserialize(d)?;
    if text.trim().is_empty() {
        return Ok(None);
    }
    if text.split(',').count() > WORDS_MAX {
        return Err(D::Error::custom(format_args!("at most {WORDS_MAX}")));
    }
    let read = |word: &str| T::deserialize(word.trim().into_deserializer());
    let words: Result<BTreeSet<T>, serde::de::value::Error> = text.split(',').map(read).collect();
    words.map(Some).map_err(D::Error::custom)
}

/// Reads a field that may be null, told from one that is not there.
pub(crate) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(d: D) -> Result<Option<T>, D::Error> {
    T::deserialize(d).map(Some)
}

/// The most characters of an address, as in the description.
const ADDRESS_CHARS_MAX: usize = 254;

/// The most characters of an address (RFC 5321) or a domain that a mail is looked for by.
const PARTY_CHARS_MAX: usize = 320;

/// An address that is looked for, in lower case.
#[derive(Debug, Clone)]
pub(crate) struct SoughtAddress(pub String);

impl FromStr for SoughtAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(SoughtParty(text)) if !text.starts_with('@') && text.chars().count() <= ADDRESS_CHARS_MAX => {
                Ok(Self(text))
            }
            _ => Err("not an address such as ada@cabinet.example"),
        }
    }
}

/// Whom a mail is from or to: an address, or a domain behind an `@`, in lower case.
#[derive(Debug, Clone)]
pub(crate) struct SoughtParty(pub String);

impl FromStr for SoughtParty {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_part = |part: &str| !part.contains(|c: char| c == '@' || c.is_whitespace());
        let parts =
            text.split_once('@').filter(|(local, domain)| is_part(local) && !domain.is_empty() && is_part(domain));
        match parts {
            Some(_) if text.chars().count() <= PARTY_CHARS_MAX => Ok(Self(text.to_lowercase())),
            _ => Err("not an address such as ada@cabinet.example, and not a domain such as @cabinet.example"),
        }
    }
}

/// Reads a parameter of a query, without the spaces around it; one that is there and empty counts as not given.
pub(crate) fn given<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(d: D) -> Result<Option<T>, D::Error> {
    parsed::<D, T>(String::deserialize(d)?.trim())
}

/// Reads a parameter of a query with the spaces around it; one that is there and empty counts as not given.
pub(crate) fn typed<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(d: D) -> Result<Option<T>, D::Error> {
    parsed::<D, T>(&String::deserialize(d)?)
}

fn parsed<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(text: &str) -> Result<Option<T>, D::Error> {
    let text = Some(text).filter(|text| !text.is_empty());
    text.map(|text| text.parse().map_err(serde::de::Error::custom)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    #[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
    #[allow(dead_code, reason = "only what refuses it is looked at")]
    enum Either {
        One { number: u64, note: Option<String> },
        Other {},
    }

    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only what refuses it is looked at")]
    struct Outer {
        either: Either,
    }

    fn detail<T: DeserializeOwned>(body: &str) -> String {
        let failure = read::<T>(body.as_bytes()).err();
        failure.and_then(|failure| failure.told()).map(|problem| problem.detail).unwrap_or_default()
    }

    #[test]
    fn what_does_not_fit_is_named_also_within_one_of_several_objects() {
        for (body, field) in [
            (r#"{"kind":"one"}"#, "number"),
            (r#"{"kind":"one","number":"x"}"#, "number"),
            (r#"{"kind":"one","number":1,"note":7}"#, "note"),
            (r#"{"kind":"one","number":1,"more":7}"#, "more"),
            (r#"{"kind":"another"}"#, "kind"),
            (r#"{}"#, "kind"),
        ] {
            let alone = detail::<Either>(body);
            assert!(alone.starts_with(&format!("{field}: ")), "{body}: {alone}");
            let within = detail::<Outer>(&format!(r#"{{"either":{body}}}"#));
            assert!(within.starts_with(&format!("either.{field}: ")), "{body}: {within}");
        }
    }
}
