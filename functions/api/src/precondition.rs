//! Changes under a condition: `ETag` says which state was read, and `If-Match` has a change carried out on that state
//! only; `If-None-Match: *` has it create, never replace (RFC 9110, sections 8.8.3, 13.1.1 and 13.1.2).
//!
//! A tag is a digest of what PUT and PATCH change, so progress that greffe makes by itself does not change it: a GET
//! takes no condition, and one with `If-Match` is refused. A route compares the tag with the item that it read, and
//! its write is held to that item: what another changed in between fails, too. A condition counts only where the
//! request would succeed without it (section 13.2.1): where there is nothing to change, the answer is 404. Nothing
//! shows when it was changed last, so there is no condition by time.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use shared::{
    base::digest::Digest,
    problem::{Code, Problem},
};
use utoipa::{
    IntoParams,
    openapi::{
        Schema,
        schema::{AnyOfBuilder, ObjectBuilder, Type},
    },
};

use crate::{
    error::{Answer, Failure, invalid},
    extract::{Json, Takes},
};

/// The longest condition.
const CONDITION_CHARS_MAX: usize = 1_000;
/// How much of a digest a tag has, in hex.
const TAG_CHARS: usize = 24;

/// Which state of a thing it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ETag(String);

impl ETag {
    /// The tag of what can be changed about a thing.
    pub(crate) fn of(settings: &impl Serialize) -> Self {
        // What is stored is a plain struct, which JSON can hold.
        let json = serde_json::to_vec(settings).expect("settings are JSON");
        Self(format!("\"{}\"", &Digest::of(&json).to_string()[..TAG_CHARS]))
    }
}

/// An answer with the tag of what it shows.
pub(crate) struct Tagged<T>(pub ETag, pub T);

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let Self(ETag(tag), body) = self;
        let mut response = Json(body).into_response();
        response.headers_mut().extend(HeaderValue::try_from(tag).ok().map(|tag| (header::ETAG, tag)));
        response
    }
}

/// The condition that a change is under.
#[derive(Debug, Clone, Default, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct IfMatch {
    /// The `ETag` of a response. The request changes nothing if the thing was changed since then: the answer is 412,
    /// `precondition_failed`. A request that fails without a condition fails in the same way with one: where there is
    /// no such thing any more, the answer is 404.
    #[param(rename = "If-Match", required = false, schema_with = described)]
    condition: Option<Condition>,
    /// `*`: the request changes nothing if the thing is there already: the answer is 412, `precondition_failed`.
    #[param(rename = "If-None-Match", required = false, schema_with = described)]
    exception: Option<Condition>,
}

/// What is described of a condition: `*`, or tags.
fn described() -> Schema {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let any = text().enum_values(Some(["*"]));
    let tags = text().pattern(Some(r#"^("[!#-~]*"|W/"[!#-~]*")([ \t]*,[ \t]*("[!#-~]*"|W/"[!#-~]*"))*$"#));
    AnyOfBuilder::new().item(any).item(tags).build().into()
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    /// `*`: it is there, in any state.
    There,
    /// It is in one of these states.
    OneOf(Vec<String>),
}

impl Condition {
    /// Reads the value of the header: `*`, or tags with commas between them. A weak tag fits nothing.
    fn read(text: &str) -> Option<Self> {
        if text.trim() == "*" {
            return Some(Self::There);
        }
        let is_tag = |tag: &str| {
            let inner = tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
            inner.is_some_and(|inner| inner.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"'))
        };
        // A tag of another server may have commas within its quotes (RFC 9110, section 8.8.3).
        let mut is_quoted = false;
        let tags = text.split(|char| {
            is_quoted ^= char == '"';
            char == ',' && !is_quoted
        });
        let tags: Vec<String> = tags.map(|tag| tag.trim().to_owned()).collect();
        (text.len() <= CONDITION_CHARS_MAX && tags.iter().all(|tag| is_tag(tag))).then_some(Self::OneOf(tags))
    }

    fn fits(&self, now: Option<&ETag>) -> bool {
        match self {
            Self::There => now.is_some(),
            Self::OneOf(tags) => now.is_some_and(|now| tags.contains(&now.0)),
        }
    }
}

impl IfMatch {
    /// Whether a thing may be changed whose state is `now`; none where there is no such thing.
    pub(crate) fn holds(&self, now: Option<&ETag>) -> bool {
        self.condition.as_ref().is_none_or(|condition| condition.fits(now))
            && !self.exception.as_ref().is_some_and(|exception| exception.fits(now))
    }

    /// Errors: `precondition_failed` if the state is another one than the condition names.
    pub(crate) fn check(&self, now: &ETag) -> Answer<()> {
        if self.holds(Some(now)) {
            return Ok(());
        }
        let said = match &self.exception {
            Some(exception) if exception.fits(Some(now)) => "If-None-Match: it is there, with the ETag",
            _ => "If-Match: its ETag is now",
        };
        Err(Problem::new(Code::PreconditionFailed, format!("{said} {}. Nothing was changed.", now.0)).into())
    }

    /// Checks the condition of a change that may create a `noun` or end it; `now` is none where there is none.
    ///
    /// Errors: `precondition_failed` if the state is another one than the condition names.
    pub(crate) fn check_either(&self, now: Option<&ETag>, noun: &str) -> Answer<()> {
        match now {
            Some(now) => self.check(now),
            None if self.holds(None) => Ok(()),
            None => Err(absent(noun)),
        }
    }
}

/// An answer with the tag of what it shows, where that is there.
pub(crate) fn tagged(tag: Option<ETag>, body: impl Serialize) -> Response {
    match tag {
        Some(tag) => Tagged(tag, body).into_response(),
        None => Json(body).into_response(),
    }
}

/// What came of a change under a condition: that another wrote at the same moment means that the condition did not
/// hold.
pub(crate) fn held_to(is_conditional: bool, response: Response) -> Response {
    match response.extensions().get::<Arc<Failure>>().map(AsRef::as_ref) {
        Some(Failure::Overtaken) if is_conditional => changed().into_response(),
        _ => response,
    }
}

/// Whether a change is under a condition.
pub(crate) fn is_conditional(headers: &HeaderMap) -> bool {
    headers.contains_key(header::IF_MATCH) || headers.contains_key(header::IF_NONE_MATCH)
}

/// The condition does not hold.
pub(crate) fn changed() -> Failure {
    let detail = "If-Match or If-None-Match: the state is another one than the request names. Nothing was changed.";
    Problem::new(Code::PreconditionFailed, detail).into()
}

/// The condition does not hold because there is no such thing.
pub(crate) fn absent(noun: &str) -> Failure {
    let detail = format!("If-Match: there is no such {noun}. Nothing was changed.");
    Problem::new(Code::PreconditionFailed, detail).into()
}

impl Takes for IfMatch {
    const CONDITIONS: bool = true;
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let read = |name: HeaderName, text: &str| {
            let mut values = parts.headers.get_all(name).iter();
            let (Some(value), another) = (values.next(), values.next()) else { return Ok(None) };
            let condition = value.to_str().ok().and_then(Condition::read).filter(|_| another.is_none());
            condition.map(Some).ok_or_else(|| invalid(format!("{text}: the ETag of a response, in its quotes, or *")))
        };
        let condition = read(header::IF_MATCH, "If-Match")?;
        Ok(Self { condition, exception: read(header::IF_NONE_MATCH, "If-None-Match")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_a_list_of_tags_or_any_state() {
        let tag = ETag::of(&"settings");
        let read = |condition: &str| {
            Condition::read(condition).map(|condition| IfMatch { condition: Some(condition), exception: None })
        };
        let holds = |condition: &str| read(condition).map(|condition| condition.holds(Some(&tag)));
        for condition in ["*".to_owned(), tag.0.clone(), format!("\"other\", {}", tag.0)] {
            assert_eq!(holds(&condition), Some(true), "{condition}");
        }
        for condition in ["\"other\"".to_owned(), format!("W/{}", tag.0), "\"\"".to_owned(), "\"a,b\"".to_owned()] {
            assert_eq!(holds(&condition), Some(false), "{condition}");
        }
        for condition in ["", "other", "\"", "\"a\"b\"", "\"a\",", &format!("\"{}\"", "x".repeat(CONDITION_CHARS_MAX))]
        {
            assert_eq!(holds(condition), None, "{condition}");
        }
        assert!(IfMatch::default().holds(Some(&tag)) && IfMatch::default().holds(None));
        assert!(!read("*").unwrap().holds(None));
        let absent = IfMatch { condition: None, exception: Condition::read("*") };
        assert!(absent.holds(None) && !absent.holds(Some(&tag)));
    }

    #[test]
    fn who_is_overtaken_by_another_request_is_told_a_conflict_or_that_its_condition_did_not_hold() {
        let answered = |is_conditional| {
            let told = held_to(is_conditional, Failure::Overtaken.into_response());
            let failure = told.extensions().get::<Arc<Failure>>().and_then(|failure| failure.told());
            failure.map(|problem| problem.status)
        };
        assert_eq!((answered(false), answered(true)), (Some(409), Some(412)));
    }

    #[test]
    fn a_tag_follows_the_settings() {
        assert_eq!(ETag::of(&("a", 1)), ETag::of(&("a", 1)));
        assert_ne!(ETag::of(&("a", 1)), ETag::of(&("a", 2)));
    }
}
