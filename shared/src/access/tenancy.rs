//! To which firm a Microsoft 365 tenant belongs.
//!
//! Organisation-wide access opens every mailbox of a tenant, and a consent that was given once holds for every later
//! token. So the consent alone says nothing about the firm that asks now. A tenant belongs to the firm that
//! proved it first, by the sign-in of an administrator who may consent there. Without that proof, or where another firm
//! holds the tenant, a connector waits for the operator's grant.
//!
//! One item for each tenant lies in the operator's partition. It changes in the transaction that connects a connector,
//! so of two firms that connect at once one is first.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    access::connector::{Access, Connector},
    aws::table::{Key, Row, Table, TableError, Write},
    base::id::{ConnectorId, FirmId, TenantId},
};

/// What speaks for the person or the operator who connects a tenant for a firm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenantProof {
    /// Microsoft says that the person who signed in may consent for the whole tenant.
    Administrator,
    /// The operator has granted it.
    Operator,
    /// Nothing: Microsoft did not tell the person's roles.
    Missing,
}

/// A firm with organisation-wide access to a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The firm.
    pub firm: FirmId,
    /// Since when.
    pub since: Timestamp,
}

/// A connector that waits for the operator's grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingConnector {
    /// Its firm.
    pub firm: FirmId,
    /// Its id.
    pub connector: ConnectorId,
    /// Who signed in.
    pub address: String,
    /// Since when.
    pub since: Timestamp,
}

/// A tenant with the firms that have, or want, organisation-wide access to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenancy {
    /// The tenant.
    pub tenant: TenantId,
    /// The firms with access, longest first: the tenant belongs to the first of them.
    pub holders: Vec<Holder>,
    /// The connectors that wait, at most one of each firm.
    #[serde(default)]
    pub waiting: Vec<WaitingConnector>,
}

impl Tenancy {
    fn of(tenant: TenantId) -> Self {
        Self { tenant, holders: Vec::new(), waiting: Vec::new() }
    }

    /// The firm that the tenant belongs to.
    pub fn owner(&self) -> Option<FirmId> {
        self.holders.first().map(|holder| holder.firm)
    }

    fn is_held_by(&self, firm: FirmId) -> bool {
        self.holders.iter().any(|holder| holder.firm == firm)
    }

    /// Lets a firm in, if `proof` suffices; false if it has to wait. A firm that holds the tenant may connect it again.
    pub fn admit(&mut self, firm: FirmId, proof: TenantProof, at: Timestamp) -> bool {
        if self.is_held_by(firm) {
            return true;
        }
        let admitted = match proof {
            TenantProof::Administrator => self.holders.is_empty(),
            TenantProof::Operator => true,
            TenantProof::Missing => false,
        };
        if admitted {
            self.holders.push(Holder { firm, since: at });
        }
        admitted
    }

    /// Takes note of a firm that has had access since `since`; false if that is known. The longest comes first.
    fn add_holder(&mut self, firm: FirmId, since: Timestamp) -> bool {
        if self.is_held_by(firm) {
            return false;
        }
        let place = self.holders.partition_point(|holder| holder.since <= since);
        self.holders.insert(place, Holder { firm, since });
        true
    }

    /// Has a connector wait, in place of any other of its firm.
    pub fn wait(&mut self, waiting: WaitingConnector) {
        self.waiting.retain(|other| other.firm != waiting.firm);
        self.waiting.push(waiting);
    }

    /// Has a connector wait no more.
    pub fn withdraw(&mut self, connector: ConnectorId) {
        self.waiting.retain(|waiting| waiting.connector != connector);
    }

    /// Frees the tenant of a firm. It then belongs to the firm that has had access longest.
    pub fn release(&mut self, firm: FirmId) {
        self.holders.retain(|holder| holder.firm != firm);
        self.waiting.retain(|waiting| waiting.firm != firm);
    }

    fn is_empty(&self) -> bool {
        self.holders.is_empty() && self.waiting.is_empty()
    }
}

/// A tenancy as it was read, whether or not it is written down, to be changed and written back.
#[derive(Debug)]
pub struct HeldTenancy {
    row: Option<Row<Tenancy>>,
    /// What is to be written.
    pub value: Tenancy,
}

impl HeldTenancy {
    /// Reads it. A tenant that nobody has connected is nobody's.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn read(table: &Table, tenant: &TenantId) -> Result<Self, TableError> {
        let row = table.get::<Tenancy>(&Key::tenant(tenant)).await?;
        let value = row.as_ref().map_or_else(|| Tenancy::of(tenant.clone()), |row| row.value.clone());
        Ok(Self { row, value })
    }

    /// The write that makes `value` hold; it fails if another wrote since. None where there is nothing to write down.
    pub fn write(self) -> Option<Write> {
        match self.row {
            None if self.value.is_empty() => None,
            None => Some(Write::insert(Key::tenant(&self.value.tenant), &self.value)),
            Some(row) if self.value.is_empty() => Some(Write::remove(&row)),
            Some(row) => Some(Write::replace(&row.with(self.value))),
        }
    }
}

/// Changes the tenancy of a tenant until nobody else writes at the same time.
async fn change(table: &Table, tenant: &TenantId, how: impl Fn(&mut Tenancy) + Sync) -> Result<(), TableError> {
    let change = |known: Option<Tenancy>| {
        let mut tenancy = known.unwrap_or_else(|| Tenancy::of(tenant.clone()));
        how(&mut tenancy);
        (!tenancy.is_empty()).then_some(tenancy)
    };
    table.update(&Key::tenant(tenant), change).await.map(drop)
}

/// Writes down whose tenant a connector works in that was connected before this was written down.
///
/// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
pub async fn add_missing(table: &Table, connector: &Connector) -> Result<(), TableError> {
    let (Access::Organization, Some(account), Some(since)) =
        (connector.access, &connector.account, connector.connected_at)
    else {
        return Ok(());
    };
    change(table, &account.tenant_id, |tenancy| {
        tenancy.add_holder(connector.firm, since);
    })
    .await
}

/// The write by which `connector` gives up what it has, or waits for, of a tenant. The tenant is free of the firm with
/// the firm's last organisation-wide connector. None if nothing changes.
///
/// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
pub async fn leave(table: &Table, connector: &Connector) -> Result<Option<Write>, TableError> {
    let Some(tenant) = connector.organization() else { return Ok(None) };
    let mut held = HeldTenancy::read(table, tenant).await?;
    held.value.withdraw(connector.id);
    let is_other = |other: &Connector| other.id != connector.id && other.works_in(tenant);
    if connector.works_in(tenant) && !Connector::of_firm(table, connector.firm).await?.iter().any(is_other) {
        held.value.release(connector.firm);
    }
    Ok(held.write())
}

/// Frees every tenant that a firm has, or waits for: the firm is being erased.
///
/// Errors: `Conflict` if another wrote first; the table refuses or does not answer.
pub async fn release_tenants(table: &Table, firm: FirmId) -> Result<(), TableError> {
    for connector in Connector::of_firm(table, firm).await? {
        if let Some(tenant) = connector.organization() {
            change(table, tenant, |tenancy| tenancy.release(firm)).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn firms() -> [FirmId; 3] {
        let random = Random::seeded(1);
        [(); 3].map(|()| FirmId::draw(&random))
    }

    fn nobodys() -> Tenancy {
        Tenancy::of("6f9619ff-8b86-4011-b42d-00c04fc964ff".parse().unwrap())
    }

    #[test]
    fn a_tenant_belongs_to_the_firm_that_proves_it_first() {
        let ([first, second, _], mut tenancy) = (firms(), nobodys());
        assert!(!tenancy.admit(first, TenantProof::Missing, at(1)));
        assert!(tenancy.admit(first, TenantProof::Administrator, at(2)));
        assert!(
            !tenancy.admit(second, TenantProof::Administrator, at(3)),
            "a second firm waits, even if an administrator signs in"
        );
        assert!(tenancy.admit(first, TenantProof::Missing, at(4)), "the firm has access already");
        assert!(tenancy.admit(second, TenantProof::Operator, at(5)));
        assert_eq!((tenancy.owner(), tenancy.holders.len()), (Some(first), 2));
    }

    #[test]
    fn of_firms_that_were_connected_before_the_longest_connected_is_first_in_whatever_order_they_are_seen() {
        let [first, second, third] = firms();
        let seen = [(first, at(1)), (second, at(2)), (third, at(3))];
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
            let mut tenancy = nobodys();
            for which in order {
                let (firm, since) = seen[which];
                assert!(tenancy.add_holder(firm, since) && !tenancy.add_holder(firm, at(9)));
            }
            assert_eq!(tenancy.holders.iter().map(|holder| holder.firm).collect::<Vec<_>>(), [first, second, third]);
        }
    }

    #[test]
    fn a_tenant_that_a_firm_gives_up_is_free_or_the_next_ones() {
        let ([first, second, _], mut tenancy) = (firms(), nobodys());
        tenancy.admit(first, TenantProof::Administrator, at(1));
        tenancy.admit(second, TenantProof::Operator, at(2));
        tenancy.release(first);
        assert_eq!(tenancy.owner(), Some(second));
        tenancy.release(second);
        assert!(tenancy.is_empty() && tenancy.admit(first, TenantProof::Administrator, at(3)));
    }

    #[test]
    fn one_connector_of_a_firm_waits() {
        let (random, [first, second, _], mut tenancy) = (Random::seeded(2), firms(), nobodys());
        let waiting = |firm| WaitingConnector {
            firm,
            connector: ConnectorId::draw(&random),
            address: "eve@lumen.example".to_owned(),
            since: at(1),
        };
        let last = waiting(first);
        for waiting in [waiting(first), waiting(second), last.clone()] {
            tenancy.wait(waiting);
        }
        assert_eq!(tenancy.waiting.len(), 2);
        tenancy.withdraw(last.connector);
        assert_eq!(tenancy.waiting.iter().map(|waiting| waiting.firm).collect::<Vec<_>>(), [second]);
    }
}
