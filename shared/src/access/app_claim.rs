//! Which firm an app registration belongs to, and the audience by which AWS vouches for each.
//!
//! A client secret or a certificate proves that the firm has the registration. AWS's word says only that greffe asks,
//! so each firm has an audience of its own, which nobody can guess: a registration that trusts it was set up for this
//! firm. Before, all firms shared one audience; a registration that trusts that one says nothing of the firm.
//!
//! A client id belongs to the firm for which Entra first issued a token with it. Other firms need the operator's grant.
//! They use the registration and never change it. Sources:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html>,
//! <https://learn.microsoft.com/entra/workload-id/workload-identity-federation>

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    access::{app_owner::AppOwner, credential::Credential},
    aws::{
        identity::Audience,
        table::{Key, Row, Table, TableError, Write},
    },
    base::{
        id::{ClientId, FirmId},
        random::Random,
    },
    graph::{NotAllowed, TokenError},
};

/// An audience as it lies in the table.
#[derive(Serialize, Deserialize)]
struct StoredAudience {
    audience: Audience,
}

/// The audience of `owner`: drawn when it is first asked for, and the same ever after.
///
/// Errors: the table refuses or does not answer.
pub async fn audience(table: &Table, random: &Random, owner: AppOwner) -> Result<Audience, TableError> {
    let (key, name) = match owner {
        AppOwner::Platform => (Key::audience(None), "platform".to_owned()),
        AppOwner::Firm(firm) => (Key::audience(Some(firm)), format!("firm:{firm}")),
    };
    if let Some(row) = table.get::<StoredAudience>(&key).await? {
        return Ok(row.value.audience);
    }
    let drawn = StoredAudience { audience: Audience::draw(&name, random) };
    match table.write(Write::insert(key.clone(), &drawn)).await {
        Ok(()) => Ok(drawn.audience),
        Err(TableError::Conflict { .. }) => {
            let there = table.get::<StoredAudience>(&key).await?;
            there.map(|row| row.value.audience).ok_or(TableError::Conflict { key })
        }
        Err(error) => Err(error),
    }
}

/// To whom a client id belongs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AppClaim {
    /// The firm for which a token was first issued with it; none if there are only grants yet.
    firm: Option<FirmId>,
    /// Whether that firm proved that it has the registration. The audience that firms shared is no proof.
    proven: bool,
    /// Since when it belongs to that firm.
    since: Timestamp,
    /// The firms that may use it, too.
    #[serde(default)]
    granted: Vec<FirmId>,
}

impl AppClaim {
    fn nobodys(now: Timestamp) -> Self {
        Self { firm: None, proven: false, since: now, granted: Vec::new() }
    }

    async fn find(table: &Table, client_id: &ClientId) -> Result<Option<Row<Self>>, TableError> {
        table.get(&Key::app_claim(client_id)).await
    }
}

/// A firm that wants to use a client id.
#[derive(Debug, Clone)]
pub struct AppClaimant {
    /// The firm.
    pub firm: FirmId,
    /// The client id of its own app.
    pub client_id: ClientId,
    /// Whether that is the platform's own.
    pub is_platforms: bool,
    /// Whether a token that Entra issues for its credential proves that the firm has this app registration. It does not
    /// with a federated audience that several firms share.
    pub proves: bool,
    /// When its connector was connected, if it is: before there were claims, perhaps.
    pub connected_at: Option<Timestamp>,
}

/// Whether a firm may use a client id; what is to be written once Entra has issued a token for it, if anything.
fn judge(claim: Option<&AppClaim>, asker: &AppClaimant, now: Timestamp) -> Result<Option<AppClaim>, NotAllowed> {
    let held = claim.cloned().unwrap_or(AppClaim::nobodys(now));
    let mine = Some(asker.firm);
    let first = AppClaim { firm: mine, proven: asker.proves, since: now, granted: held.granted.clone() };
    if held.granted.contains(&asker.firm) {
        return Ok(None);
    }
    if asker.is_platforms {
        return Err(NotAllowed::AnotherFirms);
    }
    match held.firm {
        firm if firm == mine => Ok((asker.proves && !held.proven).then_some(AppClaim { proven: true, ..held })),
        // Those that were connected by the shared audience before there were claims go on.
        None if asker.proves || asker.connected_at.is_some() => Ok(Some(first)),
        None => Err(NotAllowed::SharedAudience),
        // A proof goes before a claim without one.
        Some(_) if asker.proves && !held.proven => Ok(Some(first)),
        // Firms that shared a registration before there were claims go on, if both prove that they have it.
        Some(_) if asker.proves && asker.connected_at.is_some_and(|at| at < held.since) => {
            let granted = held.granted.iter().copied().chain(mine).collect();
            Ok(Some(AppClaim { granted, ..held }))
        }
        Some(_) => Err(NotAllowed::AnotherFirms),
    }
}

/// A firm's leave to ask Entra for a token with a client id.
#[must_use = "the token must not be used before the claim is settled"]
pub struct TokenPermission {
    asker: AppClaimant,
    there: Option<Row<AppClaim>>,
    next: Option<AppClaim>,
}

impl TokenPermission {
    /// Before Entra is asked.
    ///
    /// Errors: [`TokenError::NotAllowed`].
    pub async fn ask(table: &Table, asker: AppClaimant, now: Timestamp) -> Result<Self, TokenError> {
        let there = AppClaim::find(table, &asker.client_id).await?;
        let next = judge(there.as_ref().map(|row| &row.value), &asker, now)?;
        Ok(Self { asker, there, next })
    }

    /// After Entra issued a token, and before it is used: the client id belongs to the firm from now on, if it was
    /// nobody's.
    ///
    /// Errors: [`TokenError::NotAllowed`] where another firm was faster.
    pub async fn settle(mut self, table: &Table, now: Timestamp) -> Result<(), TokenError> {
        let mut tries = table.tries();
        loop {
            let Some(next) = self.next else { return Ok(()) };
            if let Some(before) = self.there.as_ref().map(|row| &row.value) {
                tracing::warn!(
                    client.id = %self.asker.client_id, firm.id = %self.asker.firm, before = ?before.firm, ?next.firm,
                    "more than one firm uses an app registration"
                );
            }
            let write = match self.there {
                Some(row) => Write::replace(&row.with(next)),
                None => Write::insert(Key::app_claim(&self.asker.client_id), &next),
            };
            match table.write(write).await {
                Ok(()) => return Ok(()),
                Err(error) if tries.again(&error).await => self = Self::ask(table, self.asker, now).await?,
                Err(TableError::Conflict { .. }) => return Err(TokenError::Busy),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Whether `firm` may change the registration at Entra: it is the one that it belongs to, and proved that it has it.
///
/// Errors: [`TokenError::NotAllowed`].
pub async fn may_change(table: &Table, firm: FirmId, client_id: &ClientId) -> Result<(), TokenError> {
    match AppClaim::find(table, client_id).await?.map(|row| row.value) {
        Some(claim) if claim.firm == Some(firm) && claim.proven => Ok(()),
        Some(claim) if claim.firm == Some(firm) => Err(NotAllowed::SharedAudience.into()),
        _ => Err(NotAllowed::AnotherFirms.into()),
    }
}

/// The operator lets `firm` use a client id that belongs to another, or to the platform.
///
/// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
pub async fn grant(table: &Table, firm: FirmId, client_id: &ClientId, now: Timestamp) -> Result<(), TableError> {
    match AppClaim::find(table, client_id).await? {
        Some(row) if row.value.firm == Some(firm) || row.value.granted.contains(&firm) => Ok(()),
        Some(mut row) => {
            row.value.granted.push(firm);
            table.write(Write::replace(&row)).await
        }
        None => {
            let claim = AppClaim { granted: vec![firm], ..AppClaim::nobodys(now) };
            table.write(Write::insert(Key::app_claim(client_id), &claim)).await
        }
    }
}

/// Frees a client id of `firm`, which ends its use of it: another firm may prove it.
///
/// Errors: `Conflict` if others wrote first at each try; the table refuses or does not answer.
pub async fn release_client_id(table: &Table, firm: FirmId, client_id: &ClientId) -> Result<(), TableError> {
    let freed = |claim: Option<AppClaim>| {
        let mut claim = claim?;
        claim.granted.retain(|granted| *granted != firm);
        if claim.firm == Some(firm) {
            (claim.firm, claim.proven) = (None, false);
        }
        (claim.firm.is_some() || !claim.granted.is_empty()).then_some(claim)
    };
    table.update(&Key::app_claim(client_id), freed).await.map(drop)
}

/// What keeps `asker` from using its client id now, if anything does.
///
/// Errors: the table refuses or does not answer.
pub async fn why_not_allowed(
    table: &Table,
    asker: &AppClaimant,
    now: Timestamp,
) -> Result<Option<NotAllowed>, TableError> {
    let there = AppClaim::find(table, &asker.client_id).await?;
    Ok(judge(there.as_ref().map(|row| &row.value), asker, now).err())
}

impl Credential {
    /// Whether a token that Entra issues for it proves that the firm has the registration.
    pub fn proves_the_firm(&self) -> bool {
        !self.is_by_shared_audience()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn firms() -> [FirmId; 2] {
        let random = Random::seeded(1);
        [FirmId::draw(&random), FirmId::draw(&random)]
    }

    fn asker(firm: FirmId, proves: bool, connected_at: Option<i64>) -> AppClaimant {
        let client_id = "0b1d5f3a-3c1b-4f7e-8f52-7a1f8a1f0c22".parse().unwrap();
        AppClaimant { firm, client_id, is_platforms: false, proves, connected_at: connected_at.map(at) }
    }

    fn claim(firm: FirmId, proven: bool) -> AppClaim {
        AppClaim { firm: Some(firm), proven, since: at(100), granted: Vec::new() }
    }

    #[test]
    fn a_client_id_belongs_to_the_firm_that_proves_it_first() {
        let [d, e] = firms();
        assert_eq!(judge(None, &asker(d, true, None), at(100)), Ok(Some(claim(d, true))));
        assert_eq!(judge(Some(&claim(d, true)), &asker(d, true, None), at(200)), Ok(None));
        assert_eq!(judge(Some(&claim(d, true)), &asker(e, true, None), at(200)), Err(NotAllowed::AnotherFirms));
        assert_eq!(judge(Some(&claim(d, true)), &asker(e, true, Some(100)), at(200)), Err(NotAllowed::AnotherFirms));
    }

    #[test]
    fn the_shared_audience_serves_only_firms_that_were_connected_with_it_and_gives_way_to_a_proof() {
        let [d, e] = firms();
        assert_eq!(judge(None, &asker(e, false, None), at(100)), Err(NotAllowed::SharedAudience));
        assert_eq!(judge(None, &asker(d, false, Some(1)), at(100)), Ok(Some(claim(d, false))));
        assert_eq!(judge(Some(&claim(d, false)), &asker(d, false, Some(1)), at(200)), Ok(None));
        for owner in [claim(d, false), claim(d, true)] {
            assert_eq!(judge(Some(&owner), &asker(e, false, Some(1)), at(200)), Err(NotAllowed::AnotherFirms));
        }
        let taken = AppClaim { since: at(200), ..claim(e, true) };
        assert_eq!(judge(Some(&claim(d, false)), &asker(e, true, None), at(200)), Ok(Some(taken)));
        assert_eq!(judge(Some(&claim(d, false)), &asker(d, true, None), at(200)), Ok(Some(claim(d, true))));
    }

    #[test]
    fn firms_that_shared_a_registration_before_there_were_claims_go_on() {
        let [d, e] = firms();
        let shared = AppClaim { granted: vec![e], ..claim(d, true) };
        assert_eq!(judge(Some(&claim(d, true)), &asker(e, true, Some(99)), at(200)), Ok(Some(shared)));
    }

    #[test]
    fn the_platforms_own_client_id_needs_a_grant() {
        let [d, _] = firms();
        let platforms = AppClaimant { is_platforms: true, ..asker(d, true, Some(1)) };
        assert_eq!(judge(None, &platforms, at(100)), Err(NotAllowed::AnotherFirms));
        let granted = AppClaim { granted: vec![d], ..AppClaim::nobodys(at(1)) };
        assert_eq!(judge(Some(&granted), &platforms, at(100)), Ok(None));
    }

    #[test]
    fn an_audience_that_an_older_version_drew_is_read() {
        let stored: StoredAudience = crate::aws::table::frozen("audience");
        assert!(stored.audience.as_str().starts_with("greffe:firm:"));
    }
}
