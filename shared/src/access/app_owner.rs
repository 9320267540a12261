//! Whose an app registration is, and where its credential lies.

use crate::{
    access::connector::Connector,
    aws::{secrets, table::Key},
    base::id::FirmId,
};

/// Whose app registration it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AppOwner {
    /// The operator's: the platform's own, for all firms that bring none.
    Platform,
    /// That firm's own.
    Firm(FirmId),
}

impl AppOwner {
    /// Of the registration that `connector` works with.
    pub fn of(connector: &Connector) -> Self {
        if connector.app.is_some() { Self::Firm(connector.firm) } else { Self::Platform }
    }

    /// Whom an item of the table belongs to.
    pub fn of_item(firm: Option<FirmId>) -> Self {
        firm.map_or(Self::Platform, Self::Firm)
    }

    /// Where its credential lies in Secrets Manager.
    pub fn secret_id(self) -> String {
        match self {
            Self::Platform => secrets::APP_CLIENT_SECRET.to_owned(),
            Self::Firm(firm) => secrets::firm_app_client_secret(firm),
        }
    }

    /// Whose the secret of that name or ARN is. Secrets Manager appends seven characters to the name in an ARN.
    pub fn of_secret(id: &str) -> Option<Self> {
        let name = match id.rsplit_once(":secret:") {
            Some((_, name)) => name.rsplit_once('-')?.0,
            None => id,
        };
        if name == secrets::APP_CLIENT_SECRET {
            return Some(Self::Platform);
        }
        let firm = name.strip_prefix("greffe/firms/")?.strip_suffix("/app-client-secret")?;
        Some(Self::Firm(firm.parse().ok()?))
    }

    /// The key of what is known of its credential.
    pub(crate) fn key(self) -> Key {
        Key::credential(match self {
            Self::Platform => None,
            Self::Firm(firm) => Some(firm),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_names_its_owner_by_name_and_by_arn() {
        let firm = FirmId::draw(&crate::base::random::Random::seeded(1));
        for owner in [AppOwner::Platform, AppOwner::Firm(firm)] {
            let name = owner.secret_id();
            assert_eq!(AppOwner::of_secret(&name), Some(owner));
            let arn = format!("arn:aws:secretsmanager:eu-west-3:000000000000:secret:{name}-a1B2c3");
            assert_eq!(AppOwner::of_secret(&arn), Some(owner));
        }
        assert_eq!(AppOwner::of_secret("greffe/keyring"), None);
    }
}
