//! What somebody typed into a form.

use std::{convert::Infallible, fmt};

use axum::{extract::FromRequestParts, http::request::Parts};

/// The field of a form that shows that it came from greffe's own page.
pub(crate) const TOKEN_FIELD: &str = "token";
/// The field of a form that makes something: two with the same value are one that was sent twice.
pub(crate) const ONCE_FIELD: &str = "once";

/// The field of a form that replaces something: the tag of what the form showed.
pub(crate) const TAG_FIELD: &str = "tag";
/// The field of a form with a client secret. It is shown again nowhere.
pub(crate) const SECRET_FIELD: &str = "client_secret";

/// The fields of a form, in its order. What was typed is not printed.
#[derive(Clone, Default)]
pub(crate) struct Fields(pub Vec<(String, String)>);

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Fields {
    /// The value of a field, without spaces around it; empty if there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value.trim())
    }

    /// The values of a field that may stand several times.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Whether a box is ticked.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        !self.get(name).is_empty()
    }

    /// The fields of a query, or of a body that is encoded as one.
    pub(crate) fn of(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// What was typed in a field; `stored` where nothing was typed at all.
    pub(crate) fn or<'a>(&'a self, name: &str, stored: &'a str) -> &'a str {
        if self.0.is_empty() { stored } else { self.get(name) }
    }

    /// Whether a box was left ticked; `stored` where nothing was typed at all.
    pub(crate) fn is_on_or(&self, name: &str, stored: bool) -> bool {
        if self.0.is_empty() { stored } else { self.is_on(name) }
    }

    /// Whether that value of a field was chosen.
    pub(crate) fn has(&self, name: &str, value: &str) -> bool {
        self.all(name).any(|chosen| chosen == value)
    }

    /// The fields, if they are of the form whose button was that one; nothing typed otherwise.
    pub(crate) fn of_form(&self, deed: &str) -> Self {
        if self.get("do") == deed { self.clone() } else { Self::default() }
    }
}

impl<S: Sync> FromRequestParts<S> for Fields {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}
