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
    /// Originals that were looked at.
    pub originals: u64,
    /// Their bytes that were read.
    pub bytes_read: u64,
    /// Originals that were erased, as the log says.
    pub originals_erased: u64,
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
    /// Whether all is as it was written.
    pub proved: bool,
    /// By firm.
    pub firms: Vec<FirmReport>,
    /// What belongs to no firm.
    pub elsewhere: Vec<EvidenceFinding>,
}

impl Report {
    /// Of these firms.
    pub fn of(firms: Vec<FirmReport>, elsewhere: Vec<EvidenceFinding>) -> Self {
        let proved = elsewhere.is_empty() && firms.iter().all(|firm| firm.findings.is_empty());
        Self { proved, firms, elsewhere }
    }

    /// Every finding.
    pub fn findings(&self) -> impl Iterator<Item = &EvidenceFinding> {
        self.firms.iter().flat_map(|firm| &firm.findings).chain(&self.elsewhere)
    }
}

/// For people.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for firm in &self.firms {
            let FirmReport { log_size, facts_beyond, originals, checkpoints, stamps, bytes_read, .. } = firm;
            let signed = if *checkpoints == 1 {
                "1 signed checkpoint".to_owned()
            } else {
                format!("{checkpoints} signed checkpoints")
            };
            write!(f, "firm {}: the log has {log_size} entries under {signed}", firm.firm)?;
            match stamps {
                0 => write!(f, "; ")?,
                1 => write!(f, " with 1 time stamp; ")?,
                stamps => write!(f, " with {stamps} time stamps; ")?,
            }
            write!(f, "{originals} originals")?;
            match bytes_read {
                0 => write!(f, " by the checksums that S3 keeps")?,
                bytes => write!(f, ", of which {bytes} bytes were read")?,
            }
            if firm.originals_erased > 0 {
                write!(f, "; {} were erased, as the log says", firm.originals_erased)?;
            }
            if firm.originals_expired > 0 {
                write!(f, "; {} have expired by rule", firm.originals_expired)?;
            }
            if firm.copies_left > 0 {
                write!(f, "; {} copies are left of originals that are kept elsewhere now", firm.copies_left)?;
            }
            if firm.facts_lost > 0 {
                write!(f, "; {} facts were lost when the table was restored", firm.facts_lost)?;
            }
            match facts_beyond {
                0 => writeln!(f)?,
                beyond => writeln!(f, "; {beyond} later facts are not in the log yet")?,
            }
        }
        for finding in self.findings() {
            writeln!(f, "{finding}")?;
        }
        match (self.proved, self.findings().count()) {
            (true, _) if self.firms.is_empty() => write!(f, "Nothing is archived here: there is nothing to prove."),
            (true, _) => write!(f, "All is proved: everything is as it was written."),
            (false, 1) => write!(f, "Not proved: 1 thing is not as it was written."),
            (false, count) => write!(f, "Not proved: {count} things are not as they were written."),
        }
    }
}
