//! Who calls, and what for. A handler gets a firm's id from [`FirmScope`] only, and there is none without the right
//! key.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::{HeaderValue, header, request::Parts},
};
use shared::{
    app::App,
    aws::secrets::{OPERATOR_KEY, SecretError, is_same},
    base::id::{FirmId, KeyId, UserId},
    base::telemetry::ErrorChain,
    firm::{
        Firm,
        api_key::{ApiKey, KeyRight, KeyScope},
        console_pass::{self, Visit},
        user::UserRole,
    },
    problem::{Code, Problem},
};

use crate::{
    error::{Answer, Failure, invalid, not_found},
    extract::Takes,
};

/// Whose key came with the request.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    /// The operator's.
    Operator,
    /// That firm's, this one of them.
    Firm(FirmId, Arc<ApiKey>),
    /// A pass of the console: for a person in that firm.
    User(FirmId, Arc<ConsoleCaller>),
}

/// A person in the console, for one minute.
#[derive(Debug)]
pub(crate) struct ConsoleCaller {
    /// Who it is.
    pub id: UserId,
    /// For display only.
    pub address: String,
    /// The address that the browser came from.
    pub from: Option<String>,
    /// What they may do.
    pub role: UserRole,
}

impl Caller {
    /// Who it is, as it is written down: the id of the firm's key or of the person, or `operator`.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Operator => "operator".to_owned(),
            Self::Firm(_, key) => key.id.to_string(),
            Self::User(_, user) => user.id.to_string(),
        }
    }

    /// The firm that it is limited to.
    pub(crate) fn firm(&self) -> Option<FirmId> {
        match self {
            Self::Operator => None,
            Self::Firm(firm, _) | Self::User(firm, _) => Some(*firm),
        }
    }

    /// What the key gives, and what keys that are made with it may have.
    pub(crate) fn grant(&self) -> KeyScope {
        match self {
            Self::Operator => KeyScope::unlimited(),
            Self::Firm(_, key) => key.grant(),
            Self::User(_, user) => KeyScope { rights: user.role.rights(), ends_at: None },
        }
    }
}

/// What a route needs of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing.
    Nothing,
    /// The operator's key.
    Operator,
    /// The operator's key, or a firm's key with this right.
    Right(KeyRight),
}

impl Needs {
    /// A key of a firm with the right to read.
    pub(crate) const READ: Self = Self::Right(KeyRight::Read);
    /// A key of a firm with the right to file.
    pub(crate) const FILE: Self = Self::Right(KeyRight::File);
    /// A key of a firm with the right to push.
    pub(crate) const PUSH: Self = Self::Right(KeyRight::Push);
    /// A key of a firm with the right to manage.
    pub(crate) const MANAGE: Self = Self::Right(KeyRight::Manage);

    /// The right that the caller lacks. What only the operator may do is not there for anybody else.
    pub(crate) fn lacking(self, caller: &Caller) -> Option<KeyRight> {
        match (self, caller) {
            (Self::Right(right), Caller::Firm(_, key)) if !key.rights.contains(&right) => Some(right),
            (Self::Right(right), Caller::User(_, user)) if !user.role.rights().contains(&right) => Some(right),
            _ => None,
        }
    }

    /// Whether to carry a POST out twice is the same as once: what is filed or pushed is a state that is set.
    pub(crate) fn is_repeatable(self) -> bool {
        matches!(self, Self::FILE | Self::PUSH)
    }
}

/// The longest key that is looked at.
const KEY_BYTES_MAX: usize = 1_024;

impl Takes for Caller {}
impl Takes for Operator {}
impl Takes for FirmScope {}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        // The gate has asked already.
        match parts.extensions.get::<Self>() {
            Some(caller) => Ok(caller.clone()),
            None => Self::of(app, parts.headers.get(header::AUTHORIZATION)).await,
        }
    }
}

impl Caller {
    /// Whose key this value of the header `Authorization` has.
    ///
    /// Errors: there is no valid key, or what it is compared with can't be read.
    pub(crate) async fn of(app: &App, header: Option<&HeaderValue>) -> Answer<Self> {
        let header = header.ok_or_else(|| unauthorized("The request has no header Authorization."))?;
        let key = bearer(header.to_str().unwrap_or_default());
        let key = key.ok_or_else(|| unauthorized("The header Authorization has not the form: Bearer, space, key."))?;
        // A firm's key names its firm and itself: whatever has not its form costs no reading of the table.
        if let Some((firm, row)) = ApiKey::read(&app.table, key).await? {
            let (now, key) = (app.clock.now(), Arc::new(row.value.clone()));
            if key.has_ended(now) {
                return Err(unauthorized("The key has ended."));
            }
            if let Err(error) = ApiKey::used(&app.table, row, now).await {
                tracing::warn!(firm.id = %firm, key.id = %key.id, error = %ErrorChain(&error), "the use of a key was not noted");
            }
            return Ok(Self::Firm(firm, key));
        }
        if let Some(caller) = visiting(app, key).await? {
            return Ok(caller);
        }
        let operator = match app.secrets.read(OPERATOR_KEY).await {
            Ok(secret) => is_same(&secret, key),
            // Without an operator's key there is no operator, and firms work all the same.
            Err(SecretError::Missing { .. }) => false,
            Err(error) => return Err(error.into()),
        };
        if operator { Ok(Self::Operator) } else { Err(unauthorized("The key is not valid.")) }
    }
}

/// For whom the console calls, if `text` is a pass of it that has not ended.
async fn visiting(app: &App, text: &str) -> Result<Option<Caller>, Failure> {
    let pass = match console_pass::read::<Visit>(&app.secrets, text).await {
        Ok(Some(pass)) if pass.has_ended(app.clock.now()) => return Err(unauthorized("The pass has ended.")),
        Ok(pass) => pass,
        // Without its key there is no console, and firms work all the same.
        Err(SecretError::Missing { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    Ok(pass.map(|pass| match pass.says {
        Visit::Operator => Caller::Operator,
        Visit::User { user: id, address, from, firm, role } => {
            Caller::User(firm, Arc::new(ConsoleCaller { id, address, from, role }))
        }
    }))
}

fn unauthorized(detail: &str) -> Failure {
    Problem::new(Code::Unauthorized, detail).into()
}

/// Whether `text` is the key that the request came with: then it was taken for an id.
pub(crate) fn is_own_key(parts: &Parts, text: &str) -> bool {
    let header = parts.headers.get(header::AUTHORIZATION).and_then(|header| header.to_str().ok());
    header.and_then(bearer).is_some_and(|key| is_same(&key.to_owned().into(), text))
}

/// The token of `Bearer {token}`; the scheme may be written in any case (RFC 9110).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && (1..=KEY_BYTES_MAX).contains(&token.len())).then_some(token)
}

/// That the operator calls.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operator;

impl FromRequestParts<Arc<App>> for Operator {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        match Caller::from_request_parts(parts, app).await? {
            Caller::Operator => Ok(Self),
            Caller::Firm(..) | Caller::User(..) => Err(not_found("address")),
        }
    }
}

/// The firm of the path, which exists, and for which the caller may act.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FirmScope {
    id: FirmId,
    by: OnBehalfOf,
    has_ended: bool,
}

/// Who acts for a firm.
#[derive(Debug, Clone, Copy)]
enum OnBehalfOf {
    Operator,
    Key(KeyId),
    User(UserId),
}

impl FirmScope {
    /// The firm.
    pub(crate) fn id(self) -> FirmId {
        self.id
    }

    /// Whether the firm was deleted: then only the operator reads what was archived.
    pub(crate) fn has_ended(self) -> bool {
        self.has_ended
    }

    /// Whether it is the operator who acts for it.
    pub(crate) fn is_operator(self) -> bool {
        matches!(self.by, OnBehalfOf::Operator)
    }

    /// Who acts, as it is written down: the id of the firm's key or of the person, or `operator`.
    pub(crate) fn by(self) -> String {
        match self.by {
            OnBehalfOf::Operator => "operator".to_owned(),
            OnBehalfOf::Key(key) => key.to_string(),
            OnBehalfOf::User(user) => user.to_string(),
        }
    }

    /// The scope of a firm, if there is one and the caller may act for it.
    pub(crate) async fn of(app: &App, caller: &Caller, firm: FirmId) -> Result<Option<Self>, Failure> {
        let (own, by) = match caller {
            Caller::Operator => (true, OnBehalfOf::Operator),
            Caller::Firm(own, key) => (*own == firm, OnBehalfOf::Key(key.id)),
            Caller::User(own, user) => (*own == firm, OnBehalfOf::User(user.id)),
        };
        Ok(match by {
            _ if !own => None,
            // With a firm its keys end.
            OnBehalfOf::Key(_) => Some(Self { id: firm, by, has_ended: false }),
            OnBehalfOf::Operator | OnBehalfOf::User(_) => {
                let found = Firm::find(&app.table, firm).await?;
                let scope = found.map(|found| Self { id: firm, by, has_ended: found.ended_at.is_some() });
                // Its people's way in ends with it, too.
                scope.filter(|scope| scope.is_operator() || !scope.has_ended)
            }
        })
    }
}

impl FromRequestParts<Arc<App>> for FirmScope {
    type Rejection = Failure;

    /// Another firm's path is answered as that of a firm that does not exist.
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        if let Some(scope) = parts.extensions.get::<Self>() {
            return Ok(*scope);
        }
        let caller = Caller::from_request_parts(parts, app).await?;
        let params = RawPathParams::from_request_parts(parts, app).await.map_err(|e| invalid(e.body_text()))?;
        let named = params.iter().find(|(name, _)| *name == "firm");
        let firm: FirmId = named.and_then(|(_, id)| id.parse().ok()).ok_or_else(|| not_found("firm"))?;
        Self::of(app, &caller, firm).await?.ok_or_else(|| not_found("firm"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_token_is_read_in_any_case_and_within_bounds() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc "), Some("abc"));
        for header in ["", "abc", "Bearer", "Bearer ", "Basic abc", "Bearerabc"] {
            assert_eq!(bearer(header), None, "{header}");
        }
        assert_eq!(bearer(&format!("Bearer {}", "x".repeat(KEY_BYTES_MAX + 1))), None);
    }
}
