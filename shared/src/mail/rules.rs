//! Rules: which mail of the chosen folders is not archived, and why. A decision is pure: it needs what the
//! delta page has and the members' addresses, which are kept for a minute, so it costs no request.
//!
//! Each mail is judged once, when it is found. Later rules change neither archived nor skipped mail; [`Rules::skips`]
//! then only previews what they would have skipped.

use std::{collections::HashSet, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    aws::table::{Key, Table, TableError},
    base::{address::compared, id::FirmId, recent::Recent},
    firm::member::Member,
};

/// Most senders, and most domains, that one mailbox excludes.
pub const EXCLUDED_MAX: usize = 500;

/// The rules of one mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rules {
    /// Whether the firm's internal mail is skipped.
    pub ignore_internal: bool,
    /// Senders whose mail is skipped, each as [`crate::base::address::address`] gives it.
    pub excluded_senders: Vec<String>,
    /// Domains of senders whose mail is skipped, each as [`crate::base::address::domain`] gives it; not those below it.
    pub excluded_domains: Vec<String>,
    /// Whether mail is marked in Outlook, where the connector may.
    pub mark: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { ignore_internal: false, excluded_senders: Vec::new(), excluded_domains: Vec::new(), mark: true }
    }
}

impl Rules {
    /// Why a mail is skipped; none if it is kept.
    ///
    /// `from`: the sender as the mail carries it. `recipient_domain`: see [`crate::base::address::recipient_domain`].
    /// Mail is internal if the sender is a registered member and every recipient is in the sender's domain; without any
    /// visible recipient nothing shows that it is.
    pub fn skips(&self, people: &People, from: Option<&str>, recipient_domain: Option<&str>) -> Option<SkipReason> {
        let (sender, domain) = compared(from?)?;
        if self.excluded_senders.contains(&sender) {
            return Some(SkipReason::ExcludedSender);
        }
        if self.excluded_domains.contains(&domain) {
            return Some(SkipReason::ExcludedDomain);
        }
        let internal = recipient_domain == Some(&domain) && people.0.contains(&sender);
        (self.ignore_internal && internal).then_some(SkipReason::Internal)
    }
}

/// Why a mail is skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// It is still being written.
    Draft,
    /// It is the firm's internal mail, which a rule excludes.
    Internal,
    /// A rule excludes its sender.
    ExcludedSender,
    /// A rule excludes its sender's domain.
    ExcludedDomain,
}

/// Every address of a firm's registered members, as they are compared.
#[derive(Debug, Default)]
pub struct People(HashSet<String>);

impl People {
    /// As they are now, where `rules` ask for them; a firm's members are few.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn of(table: &Table, firm: FirmId, rules: &Rules) -> Result<Self, TableError> {
        if !rules.ignore_internal {
            return Ok(Self::default());
        }
        let members = table.query_all::<Member>(&Key::member_prefix(firm)).await?;
        Ok(members.iter().flat_map(|row| row.value.addresses()).collect())
    }
}

/// The people of firms as this process read them within the last minute. Those of 5,000 members are 440 read units,
/// and each round needs them where the firm ignores internal mail.
#[derive(Debug, Clone, Default)]
pub struct RecentPeople(Recent<People>);

impl RecentPeople {
    /// As they were at most a minute before `now`, where `rules` ask for them.
    ///
    /// Errors: the table refuses or does not answer.
    pub async fn of(
        &self,
        table: &Table,
        firm: FirmId,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<Arc<People>, TableError> {
        match rules.ignore_internal {
            true => self.0.of(firm, now, People::of(table, firm, rules)).await,
            false => Ok(Arc::default()),
        }
    }
}

impl<'a> FromIterator<&'a str> for People {
    fn from_iter<I: IntoIterator<Item = &'a str>>(addresses: I) -> Self {
        Self(addresses.into_iter().filter_map(compared).map(|(address, _)| address).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::address::recipient_domain;

    fn skipped(rules: &Rules, from: &str, to: &[&str]) -> Option<SkipReason> {
        let people = ["ada@lumen.example", "a.lambert@lumen.example", "carla@bücher.example"].into_iter().collect();
        rules.skips(&people, Some(from), recipient_domain(to.iter().copied()).as_deref())
    }

    #[test]
    fn internal_is_what_a_member_sends_to_the_members_own_domain_only() {
        let rules = Rules { ignore_internal: true, ..Rules::default() };
        let internal = Some(SkipReason::Internal);
        for (from, to, expected) in [
            ("ada@lumen.example", &["bob@lumen.example"][..], internal),
            (
                "Ada@LUMEN.example",
                &["Bob@Lumen.Example", "\"Di\" <di@lumen.example.>", "nobody@lumen.example"],
                internal,
            ),
            ("a.lambert@lumen.example", &["bob@lumen.example"], internal),
            ("carla@xn--bcher-kva.example", &["dan@BÜCHER.example"], internal),
            // Not a member, though in the domain.
            ("bob@lumen.example", &["ada@lumen.example"], None),
            // One recipient elsewhere is enough, be it below the domain or another of the firm's.
            ("ada@lumen.example", &["bob@lumen.example", "client@acme.example"], None),
            ("ada@lumen.example", &["bob@mail.lumen.example"], None),
            ("ada@lumen.example", &["dan@bücher.example"], None),
            ("ada@mail.lumen.example", &["bob@mail.lumen.example"], None),
            // Nobody to be seen, or somebody who can't be compared.
            ("ada@lumen.example", &[], None),
            ("ada@lumen.example", &["bob@lumen.example", ""], None),
            ("ada@lumen.example", &["/O=EXCHANGELABS/CN=BOB"], None),
            ("", &["bob@lumen.example"], None),
        ] {
            assert_eq!(skipped(&rules, from, to), expected, "{from} to {to:?}");
        }
        assert_eq!(skipped(&Rules::default(), "ada@lumen.example", &["bob@lumen.example"]), None);
    }

    #[test]
    fn an_excluded_sender_is_one_address_and_an_excluded_domain_that_very_domain() {
        let rules = Rules {
            excluded_senders: vec!["me@gmx.example".to_owned()],
            excluded_domains: vec!["news.example".to_owned(), "xn--bcher-kva.example".to_owned()],
            ..Rules::default()
        };
        for (from, expected) in [
            ("Me@GMX.example", Some(SkipReason::ExcludedSender)),
            ("you@gmx.example", None),
            ("me@gmx.example.evil.example", None),
            ("anyone@News.Example", Some(SkipReason::ExcludedDomain)),
            ("anyone@bücher.example", Some(SkipReason::ExcludedDomain)),
            ("anyone@mail.news.example", None),
            ("anyone@oldnews.example", None),
        ] {
            assert_eq!(skipped(&rules, from, &["ada@lumen.example"]), expected, "{from}");
        }
    }
}
