//! What a verification found, for people and as JSON.

use std::fmt;

use serde::Serialize;

use crate::base::id::FirmId;

/// In which way something is not as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FindingKind {
    /// It has other bytes, or says something else.
    Altered,
    /// Its end is missing.
    Truncated,
    /// It is not there.
    Missing,
    /// It is there, and nothing says that it should be.
    Extra,
    /// It is there in the place of another.
    Swapped,
    /// It is signed, and belongs to another history.
    Forked,
    /// Object Lock does not keep it, though it should.
    Unlocked,
}

/// One thing that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct EvidenceFinding {
    /// In which way.
    pub kind: FindingKind,
    /// What: the key of an object in the bucket, or of an item of the table.
    pub what: String,
    /// How it shows.
    pub detail: String,
}

impl EvidenceFinding {
    /// Of an object that is written once, and of which S3 keeps more than one version or a delete marker.
    pub fn written_again(key: &str) -> Self {
        let detail = "it was written or deleted again: S3 keeps other versions of it".to_owned();
        Self { kind: FindingKind::Extra, what: key.to_owned(), detail }
    }
}

impl fmt::Display for EvidenceFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {} ({})", self.kind, self.what, self.detail)
    }
}

/// What was verified of one firm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FirmReport {
    /// The firm.
    pub firm: FirmId,
    /// The entries of its log: up to the fact with this number.
    pub log_size: u64,
    /// Facts after that: they are compared with the index only.
    pub facts_beyond: u64,
    /// Facts that a restored table had lost, as the log says: their entries and originals are compared with each other.
    pub facts_lost: u64,
    /// Numbers of those among them that changed a legal hold, the class of a dossier or the retention periods: the
    /// table has what was before.
    pub keeping_lost: Vec<u64>,
    /// Originals that were looked at.
    pub originals: u64,
    /// Their bytes that were read.
    pub bytes_read: u64,
    /// Originals that were erased, as the log says.
    pub originals_erased: u64,
    /// Messages of which something is still there although their erasure has begun: it is under way, or was cut off.
    pub erasures_under_way: u64,
    /// Originals that were kept until the end of a year that is over.
    pub originals_expired: u64,
    /// Copies that are left of originals that are kept longer, or less long, since they were stored.
    pub copies_left: u64,
    /// Checkpoints whose signature and root hold.
    pub checkpoints: u64,
    /// Time stamps whose imprint and signature hold, and whose certificate leads to a root, if roots are named.
    pub stamps: u64,
    /// All that is not as it was written, sorted.
    pub findings: Vec<EvidenceFinding>,
}

/// What was verified.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether all is as it was written. Not where nothing was written, so that an archive that is gone is not proved.
    pub proved: bool,
    /// By firm.
    pub firms: Vec<FirmReport>,
    /// What belongs to no firm.
    pub elsewhere: Vec<EvidenceFinding>,
}

impl Report {
    /// Of these firms.
    pub fn of(firms: Vec<FirmReport>, elsewhere: Vec<EvidenceFinding>) -> Self {
        let is_empty = firms.iter().all(|firm| firm.log_size + firm.facts_beyond + firm.originals == 0);
        let proved = !is_empty && elsewhere.is_empty() && firms.iter().all(|firm| firm.findings.is_empty());
        Self { proved, firms, elsewhere }
    }

    /// Every finding.
    pub fn findings(&self) -> impl Iterator<Item = &EvidenceFinding> {
        self.firms.iter().flat_map(|firm| &firm.findings).chain(&self.elsewhere)
    }
}

/// A number of things, in words.
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// For people.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for firm in &self.firms {
            let (entries, signed) = (counted(firm.log_size, "entry", "entries"), firm.checkpoints);
            let signed = counted(signed, "signed checkpoint", "signed checkpoints");
            write!(f, "firm {}: the log has {entries} under {signed}", firm.firm)?;
            match firm.stamps {
                0 => write!(f, "; ")?,
                stamps => write!(f, " with {}; ", counted(stamps, "time stamp", "time stamps"))?,
            }
            write!(f, "{}", counted(firm.originals, "original", "originals"))?;
            match firm.bytes_read {
                0 => write!(f, " by the checksums that S3 keeps")?,
                bytes => write!(f, ", of which {bytes} bytes were read")?,
            }
            for (count, one, many) in [
                (firm.originals_erased, "was erased, as the log says", "were erased, as the log says"),
                (firm.originals_expired, "has expired by rule", "have expired by rule"),
                (
                    firm.copies_left,
                    "copy is left of an original that is kept elsewhere now",
                    "copies are left of originals that are kept elsewhere now",
                ),
                (
                    firm.facts_lost,
                    "fact was lost when the table was restored",
                    "facts were lost when the table was restored",
                ),
            ] {
                if count > 0 {
                    write!(f, "; {}", counted(count, one, many))?;
                }
            }
            if !firm.keeping_lost.is_empty() {
                let numbers: Vec<String> = firm.keeping_lost.iter().map(u64::to_string).collect();
                let numbers = numbers.join(", ");
                write!(f, "; among them are changes of legal holds or retention (facts {numbers}): set these again")?;
            }
            if firm.erasures_under_way > 0 {
                let mails = counted(firm.erasures_under_way, "mail", "mails");
                write!(f, "; the erasure of {mails} has not ended: if greffe does not go on with it, run it again")?;
            }
            match firm.facts_beyond {
                0 => writeln!(f)?,
                1 => writeln!(f, "; 1 later fact is not in the log yet")?,
                beyond => writeln!(f, "; {beyond} later facts are not in the log yet")?,
            }
        }
        for finding in self.findings() {
            writeln!(f, "{finding}")?;
        }
        match (self.proved, self.findings().count()) {
            (true, _) => write!(f, "All is proved: everything is as it was written."),
            (false, 0) => write!(f, "Nothing is archived here: there is nothing to prove."),
            (false, 1) => write!(f, "Not proved: 1 thing is not as it was written."),
            (false, count) => write!(f, "Not proved: {count} things are not as they were written."),
        }
    }
}
