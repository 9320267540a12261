//! The lifecycle rules of the bucket, compared with those that greffe asks for: one for each year, which removes the
//! originals that were kept until its end, those that remove older versions with the markers over them and uploads that
//! were not completed, and none that removes anything else of the archive.

use aws_sdk_s3::types::{AbortIncompleteMultipartUpload, ExpirationStatus, LifecycleExpiration, LifecycleRule};
use jiff::Timestamp;

use crate::{
    evidence::report::{EvidenceFinding, FindingKind},
    firm::retention::{ExpiryYear, FIRST_EXPIRY_YEAR, KeptUntil, LAST_EXPIRY_YEAR},
    mail::archive::{UNTIL, root},
};

/// What the keys of all originals and logs begin with.
const ROOTS: [&str; 2] = ["firms/", UNTIL];
/// For how many days a version stays that is no longer current, as in template.yaml.
pub const NONCURRENT_DAYS: i32 = 90;
/// After how many days an upload goes that was not completed, as in template.yaml.
pub const ABORT_DAYS: i32 = 1;

/// A rule, as far as it removes something.
struct RemovalRule<'a> {
    id: &'a str,
    prefix: &'a str,
    /// Whether it holds only for some of what has the prefix.
    is_partial: bool,
    /// When it removes, if it removes current versions on a date.
    date: Option<Timestamp>,
    /// Whether it removes current versions after days.
    has_days: bool,
    /// After how many days it removes versions that are no longer current.
    noncurrent_days: Option<i32>,
    /// Whether it keeps some of those for good.
    keeps_newer: bool,
    removes_lone_markers: bool,
    /// After how many days it removes uploads that were not completed.
    abort_days: Option<i32>,
}

impl<'a> RemovalRule<'a> {
    /// None if it is not enabled.
    #[expect(deprecated, reason = "S3 still gives out rules that have their prefix there")]
    fn read(rule: &'a LifecycleRule) -> Option<Self> {
        let (filter, expiration) = (rule.filter(), rule.expiration());
        let all = filter.and_then(|filter| filter.and());
        let prefix = filter.and_then(|filter| filter.prefix()).or(all.and_then(|all| all.prefix()));
        let is_partial = all.is_some() || filter.is_some_and(|filter| filter.tag().is_some());
        let date = expiration.and_then(|expiration| expiration.date());
        let noncurrent = rule.noncurrent_version_expiration();
        (*rule.status() == ExpirationStatus::Enabled).then(|| Self {
            id: rule.id().unwrap_or_default(),
            prefix: prefix.or(rule.prefix()).unwrap_or_default(),
            is_partial,
            date: date.and_then(|date| Timestamp::from_second(date.secs()).ok()),
            has_days: expiration.is_some_and(|expiration| expiration.days().is_some_and(|days| days > 0)),
            noncurrent_days: noncurrent.and_then(|noncurrent| noncurrent.noncurrent_days()),
            keeps_newer: noncurrent.is_some_and(|noncurrent| noncurrent.newer_noncurrent_versions().is_some()),
            removes_lone_markers: expiration.and_then(LifecycleExpiration::expired_object_delete_marker) == Some(true),
            abort_days: rule
                .abort_incomplete_multipart_upload()
                .and_then(AbortIncompleteMultipartUpload::days_after_initiation),
        })
    }

    /// Whether something of the archive may have its prefix.
    fn may_concern_archive(&self) -> bool {
        ROOTS.iter().any(|root| root.starts_with(self.prefix) || self.prefix.starts_with(root))
    }

    fn removes_current(&self) -> bool {
        self.date.is_some() || self.has_days
    }

    /// Whether it holds for the whole bucket.
    fn is_of_everything(&self) -> bool {
        self.prefix.is_empty() && !self.is_partial
    }

    /// Whether it is the rule for that year.
    fn is_of(&self, year: ExpiryYear) -> bool {
        self.date == Some(year.end()) && !self.is_partial && !self.has_days
    }

    fn found(&self, bucket: &str, kind: FindingKind, detail: &str) -> EvidenceFinding {
        let what = format!("lifecycle rule {:?} of {bucket}, for {:?}", self.id, self.prefix);
        EvidenceFinding { kind, what, detail: detail.to_owned() }
    }
}

/// In what the rules of a bucket are not those that greffe asks for.
pub(super) fn compare_rules(bucket: &str, rules: &[LifecycleRule]) -> Vec<EvidenceFinding> {
    let mut rules: Vec<RemovalRule<'_>> = rules.iter().filter_map(RemovalRule::read).collect();
    let mut findings = Vec::new();
    for rule in rules.iter().filter(|rule| rule.may_concern_archive()) {
        if rule.noncurrent_days.is_some_and(|days| days < NONCURRENT_DAYS) {
            let detail = format!("it removes older versions before {NONCURRENT_DAYS} days are over");
            findings.push(rule.found(bucket, FindingKind::Altered, &detail));
        }
    }
    findings.extend(missing_of_everything(bucket, &rules));
    rules.retain(|rule| rule.removes_current() && rule.may_concern_archive());
    let mut missing = Vec::new();
    for year in (FIRST_EXPIRY_YEAR..=LAST_EXPIRY_YEAR).filter_map(|year| ExpiryYear::try_from(year).ok()) {
        let prefix = root(KeptUntil::EndOf(year));
        let (own, others): (Vec<_>, Vec<_>) = rules.into_iter().partition(|rule| rule.prefix == prefix);
        rules = others;
        if own.is_empty() {
            missing.push(year);
        }
        let altered = own.iter().filter(|rule| !rule.is_of(year));
        findings.extend(altered.map(|rule| {
            let detail = format!("it should remove what begins so at the end of {}", u16::from(year));
            rule.found(bucket, FindingKind::Altered, &detail)
        }));
    }
    let of_no_year = rules.iter();
    findings.extend(of_no_year.map(|rule| rule.found(bucket, FindingKind::Extra, "it removes what is to be kept")));
    let is_none = missing.len() > usize::from(LAST_EXPIRY_YEAR - FIRST_EXPIRY_YEAR);
    let missing: Vec<String> = match is_none {
        true => vec![UNTIL.to_owned()],
        false => missing.into_iter().map(|year| root(KeptUntil::EndOf(year))).collect(),
    };
    findings.extend(missing.into_iter().map(|prefix| EvidenceFinding {
        kind: FindingKind::Missing,
        what: format!("lifecycle rule of {bucket}, for {prefix:?}"),
        detail: "no rule removes what has expired".to_owned(),
    }));
    findings
}

/// The rules for the whole bucket that are not there.
fn missing_of_everything(bucket: &str, rules: &[RemovalRule<'_>]) -> Vec<EvidenceFinding> {
    let whole: Vec<_> = rules.iter().filter(|rule| rule.is_of_everything()).collect();
    let has = |is: &dyn Fn(&RemovalRule<'_>) -> bool| whole.iter().any(|rule| is(rule));
    let wanted = [
        (
            has(&|rule| rule.noncurrent_days == Some(NONCURRENT_DAYS) && !rule.keeps_newer),
            format!("older versions after {NONCURRENT_DAYS} days"),
        ),
        (has(&|rule| rule.removes_lone_markers), "delete markers that hide nothing".to_owned()),
        (
            has(&|rule| rule.abort_days == Some(ABORT_DAYS)),
            format!("uploads that were not completed after {ABORT_DAYS} day"),
        ),
    ];
    let missing = wanted.into_iter().filter(|(is_there, _)| !is_there);
    let found = missing.map(|(_, what)| EvidenceFinding {
        kind: FindingKind::Missing,
        what: format!("lifecycle rule of {bucket}, for everything"),
        detail: format!("no rule removes {what}"),
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::{
        primitives::DateTime,
        types::{LifecycleRuleFilter, NoncurrentVersionExpiration},
    };

    use super::*;
    use FindingKind::{Altered, Extra, Missing};

    fn rule(id: &str, prefix: &str, expiration: Option<LifecycleExpiration>) -> LifecycleRule {
        let filter = LifecycleRuleFilter::builder().prefix(prefix).build();
        let rule = LifecycleRule::builder().id(id).filter(filter).set_expiration(expiration);
        rule.status(ExpirationStatus::Enabled).build().unwrap()
    }

    fn own() -> Vec<LifecycleRule> {
        let years = (FIRST_EXPIRY_YEAR..=LAST_EXPIRY_YEAR).map(|year| ExpiryYear::try_from(year).unwrap());
        let of_year = |year: ExpiryYear| {
            let date = DateTime::from_secs(year.end().as_second());
            let expiration = LifecycleExpiration::builder().date(date).build();
            rule(&format!("until-{}", u16::from(year)), &root(KeptUntil::EndOf(year)), Some(expiration))
        };
        years.map(of_year).collect()
    }

    fn found(rules: &[LifecycleRule]) -> Vec<FindingKind> {
        compare_rules("bucket", rules).into_iter().map(|finding| finding.kind).collect()
    }

    #[test]
    fn each_change_of_a_rule_is_found_and_rules_that_concern_no_original_are_not() {
        let days = |days| LifecycleExpiration::builder().days(days).build();
        let mut rules = own();
        let markers = LifecycleExpiration::builder().expired_object_delete_marker(true).build();
        let older_versions = |days| Some(NoncurrentVersionExpiration::builder().noncurrent_days(days).build());
        let mut own = rule("forget-what-was-removed", "", Some(markers));
        own.noncurrent_version_expiration = older_versions(90);
        rules.push(own);
        let mut incomplete = rule("forget-what-was-not-completed", "", None);
        let abort = AbortIncompleteMultipartUpload::builder().days_after_initiation(1).build();
        incomplete.abort_incomplete_multipart_upload = Some(abort);
        rules.push(incomplete);
        rules.push(rule("reports", "inventory/", Some(days(30))));
        assert_eq!(found(&rules), []);
        let with = |change: &dyn Fn(&mut Vec<LifecycleRule>)| {
            let mut changed = rules.clone();
            change(&mut changed);
            found(&changed)
        };
        assert_eq!(with(&|rules| drop(rules.remove(7))), [Missing]);
        assert_eq!(with(&|rules| rules[7].status = ExpirationStatus::Disabled), [Missing]);
        assert_eq!(with(&|rules| rules[7].expiration = rules[6].expiration.clone()), [Altered]);
        assert_eq!(with(&|rules| rules[7].expiration = Some(days(1))), [Altered]);
        assert_eq!(with(&|rules| rules.push(rule("other", "until/2033/", Some(days(1))))), [Altered]);
        for prefix in ["", "firms/", "f", "firms/x", "until/"] {
            assert_eq!(with(&|rules| rules.push(rule("other", prefix, Some(days(3650))))), [Extra], "{prefix}");
        }
        let mut sooner = rule("sooner", "", None);
        sooner.noncurrent_version_expiration = older_versions(1);
        assert_eq!(with(&|rules| rules.push(sooner.clone())), [Altered]);
        assert_eq!(found(&[]), [Missing; 4]);
        // Those of the whole bucket.
        let of_everything = usize::from(LAST_EXPIRY_YEAR - FIRST_EXPIRY_YEAR) + 1;
        assert_eq!(with(&|rules| drop(rules.remove(of_everything))), [Missing; 2]);
        assert_eq!(with(&|rules| drop(rules.remove(of_everything + 1))), [Missing]);
        let longer = older_versions(365);
        assert_eq!(with(&|rules| rules[of_everything].noncurrent_version_expiration = longer.clone()), [Missing]);
        let some = LifecycleRuleFilter::builder().prefix("firms/").build();
        assert_eq!(with(&|rules| rules[of_everything + 1].filter = Some(some.clone())), [Missing]);
    }
}
