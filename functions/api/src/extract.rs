//! What a request brings, read so that whatever does not fit is told as a problem that names the field.

use std::{error::Error, fmt::Display, str::FromStr};

use axum::{
    extract::{
        FromRequest, FromRequestParts, OptionalFromRequest, RawPathParams, Request,
        rejection::{JsonRejection, QueryRejection},
    },
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use shared::problem::{Code, Problem};

use crate::{
    BODY_BYTES_MAX, BULK_BYTES_MAX,
    error::{Failure, invalid, not_found},
};

/// A JSON body, of a request or an answer.
pub(crate) struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let axum::Json(value) = <axum::Json<T> as FromRequest<S>>::from_request(request, state).await?;
        Ok(Self(value))
    }
}

/// A request may come without any body.
impl<T: DeserializeOwned, S: Send + Sync> OptionalFromRequest<S> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Failure> {
        let body = <axum::Json<T> as OptionalFromRequest<S>>::from_request(request, state).await?;
        Ok(body.map(|axum::Json(value)| Self(value)))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

impl From<JsonRejection> for Failure {
    fn from(rejection: JsonRejection) -> Self {
        match &rejection {
            JsonRejection::MissingJsonContentType(_) => {
                Problem::new(Code::UnsupportedMediaType, "The header Content-Type does not name JSON.").into()
            }
            JsonRejection::JsonDataError(error) => invalid(cause(error)),
            JsonRejection::JsonSyntaxError(error) => invalid(format!("The body is not JSON: {}", cause(error))),
            other if other.status() == StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
                Code::BodyTooLarge,
                format!("A body may have {BODY_BYTES_MAX} bytes, that of a bulk {BULK_BYTES_MAX}."),
            )
            .into(),
            other => invalid(other.body_text()),
        }
    }
}

/// What is after the question mark.
pub(crate) struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        match axum::extract::Query::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(QueryRejection::FailedToDeserializeQueryString(error)) => Err(invalid(cause(&error))),
            Err(other) => Err(invalid(other.body_text())),
        }
    }
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
        text.parse().map(Self).map_err(|error| invalid(format!("{name}: {error}")))
    }
}

/// Reads a parameter of a query; one that is there and empty counts as not given.
pub(crate) fn given<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(d: D) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(d)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(serde::de::Error::custom)
}
