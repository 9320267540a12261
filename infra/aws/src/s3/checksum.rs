//! The digests that come with an object: verified while it flows, kept beside it, told when asked for.
//!
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html>

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crc_fast::{CrcAlgorithm, checksum_combine};
use http::HeaderMap;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::Checksum as _;
use s3s::dto::{Checksum, ChecksumAlgorithm, ChecksumType};
use s3s::{S3Result, s3_error};

/// What S3 computes if nothing else is asked for.
pub(super) const DEFAULT: Algorithm = Algorithm::Crc64Nvme;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

impl Algorithm {
    const ALL: [Algorithm; 5] =
        [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme, Algorithm::Sha1, Algorithm::Sha256];

    pub(super) fn name(self) -> &'static str {
        match self {
            Algorithm::Crc32 => ChecksumAlgorithm::CRC32,
            Algorithm::Crc32c => ChecksumAlgorithm::CRC32C,
            Algorithm::Crc64Nvme => ChecksumAlgorithm::CRC64NVME,
            Algorithm::Sha1 => ChecksumAlgorithm::SHA1,
            Algorithm::Sha256 => ChecksumAlgorithm::SHA256,
        }
    }

    pub(super) fn named(name: &str) -> Option<Algorithm> {
        Algorithm::ALL.into_iter().find(|known| known.name() == name)
    }

    /// Its header and its trailer.
    fn header(self) -> &'static str {
        match self {
            Algorithm::Crc32 => "x-amz-checksum-crc32",
            Algorithm::Crc32c => "x-amz-checksum-crc32c",
            Algorithm::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Algorithm::Sha1 => "x-amz-checksum-sha1",
            Algorithm::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// Its place among the fields that S3 spells out one by one.
    fn slot(self, sums: &mut Checksum) -> &mut Option<String> {
        match self {
            Algorithm::Crc32 => &mut sums.checksum_crc32,
            Algorithm::Crc32c => &mut sums.checksum_crc32c,
            Algorithm::Crc64Nvme => &mut sums.checksum_crc64nvme,
            Algorithm::Sha1 => &mut sums.checksum_sha1,
            Algorithm::Sha256 => &mut sums.checksum_sha256,
        }
    }

    fn hash_with(self, hasher: &mut ChecksumHasher) {
        use s3s::crypto::{Crc32, Crc32c, Crc64Nvme, Sha1, Sha256};
        match self {
            Algorithm::Crc32 => hasher.crc32 = Some(Crc32::new()),
            Algorithm::Crc32c => hasher.crc32c = Some(Crc32c::new()),
            Algorithm::Crc64Nvme => hasher.crc64nvme = Some(Crc64Nvme::new()),
            Algorithm::Sha1 => hasher.sha1 = Some(Sha1::new()),
            Algorithm::Sha256 => hasher.sha256 = Some(Sha256::new()),
        }
    }

    /// The digest of a whole that was uploaded in parts, from the digests of the parts alone; `None` for hashes, which
    /// cannot be joined.
    fn crc(self) -> Option<(CrcAlgorithm, usize)> {
        match self {
            Algorithm::Crc32 => Some((CrcAlgorithm::Crc32IsoHdlc, 4)),
            Algorithm::Crc32c => Some((CrcAlgorithm::Crc32Iscsi, 4)),
            Algorithm::Crc64Nvme => Some((CrcAlgorithm::Crc64Nvme, 8)),
            Algorithm::Sha1 | Algorithm::Sha256 => None,
        }
    }
}

/// What the sender says the bytes are, before or after sending them.
pub(super) struct Claims {
    md5: Option<String>,
    given: Checksum,
    pub(super) algorithms: Vec<Algorithm>,
}

impl Claims {
    pub(super) fn read(md5: Option<String>, mut given: Checksum, headers: &HeaderMap) -> Claims {
        let trailers = headers.get_all("x-amz-trailer").iter();
        let trailers: Vec<&str> = trailers.filter_map(|value| value.to_str().ok()).collect();
        let claimed = |algorithm: &Algorithm| {
            let mut names = trailers.iter().flat_map(|names| names.split(','));
            algorithm.slot(&mut given).is_some() || names.any(|name| name.trim() == algorithm.header())
        };
        let algorithms = Algorithm::ALL.into_iter().filter(claimed).collect();
        Claims { md5, given, algorithms }
    }

    /// Prepares to compute what is claimed, and `also`.
    pub(super) fn hasher(&self, also: Algorithm) -> ChecksumHasher {
        let mut hasher = ChecksumHasher::default();
        for algorithm in self.algorithms.iter().chain([&also]) {
            algorithm.hash_with(&mut hasher);
        }
        hasher
    }

    /// Compares what was claimed, in headers or trailers, with what came.
    pub(super) fn verify(mut self, trailers: Option<HeaderMap>, md5: [u8; 16], sums: &mut Checksum) -> S3Result<()> {
        if self.md5.is_some_and(|claimed| claimed != STANDARD.encode(md5)) {
            return Err(s3_error!(BadDigest, "The Content-MD5 you specified did not match what we received."));
        }
        for algorithm in self.algorithms {
            let trailer = || Some(trailers.as_ref()?.get(algorithm.header())?.to_str().ok()?.to_owned());
            let claimed = algorithm.slot(&mut self.given).take().or_else(trailer);
            if claimed != *algorithm.slot(sums) {
                let name = algorithm.name();
                return Err(s3_error!(BadDigest, "The {name} you specified did not match the calculated checksum."));
            }
        }
        Ok(())
    }
}

/// The one digest that is kept with an object or a part.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) algorithm: Algorithm,
    pub(super) value: String,
    /// Whether the value is a digest of the parts' digests.
    pub(super) composite: bool,
}

impl Kept {
    pub(super) fn of_whole(algorithm: Algorithm, sums: &mut Checksum) -> Kept {
        Kept { algorithm, value: algorithm.slot(sums).take().unwrap_or_default(), composite: false }
    }

    /// Joins the digests of parts, each with its size.
    pub(super) fn of_parts(algorithm: Algorithm, composite: bool, parts: &[(String, u64)]) -> S3Result<Kept> {
        let mut values = Vec::new();
        for (value, size) in parts {
            let decoded = STANDARD.decode(value);
            values.push((decoded.map_err(|source| s3_error!(source, InternalError))?, *size));
        }
        let value = match algorithm.crc() {
            Some((crc, width)) if !composite => {
                let whole = values.iter().map(|(bytes, size)| (number(bytes), *size));
                let whole = whole
                    .reduce(|(left, before), (right, size)| (checksum_combine(crc, left, right, size), before + size));
                let (whole, _) = whole.unwrap_or_default();
                STANDARD.encode(&whole.to_be_bytes()[8 - width..])
            }
            _ => {
                let mut hasher = ChecksumHasher::default();
                algorithm.hash_with(&mut hasher);
                values.iter().for_each(|(bytes, _)| hasher.update(bytes));
                let value = Kept::of_whole(algorithm, &mut hasher.finalize()).value;
                format!("{value}-{}", parts.len())
            }
        };
        Ok(Kept { algorithm, value, composite })
    }

    /// Spelled out for an answer.
    pub(super) fn tell(&self) -> Checksum {
        let kind = if self.composite { ChecksumType::COMPOSITE } else { ChecksumType::FULL_OBJECT };
        let mut sums = Checksum { checksum_type: Some(ChecksumType::from_static(kind)), ..Checksum::default() };
        *self.algorithm.slot(&mut sums) = Some(self.value.clone());
        sums
    }

    /// Whether `given` says it at all.
    pub(super) fn is_given(&self, mut given: Checksum) -> bool {
        self.algorithm.slot(&mut given).is_some()
    }

    /// Whether `given` says nothing else. S3 lets a caller repeat what it was told.
    pub(super) fn agrees_with(&self, mut given: Checksum) -> bool {
        let given = self.algorithm.slot(&mut given);
        given.as_ref().is_none_or(|given| *given == self.value)
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Takes the five digests that a request may spell out.
macro_rules! given {
    ($input:expr) => {
        Checksum {
            checksum_crc32: $input.checksum_crc32.take(),
            checksum_crc32c: $input.checksum_crc32c.take(),
            checksum_crc64nvme: $input.checksum_crc64nvme.take(),
            checksum_sha1: $input.checksum_sha1.take(),
            checksum_sha256: $input.checksum_sha256.take(),
            checksum_type: None,
        }
    };
}

/// Spells out the five digests in an answer.
macro_rules! told {
    ($sums:expr, $output:ident { $($fields:tt)* }) => {{
        let sums: Checksum = $sums;
        $output {
            checksum_crc32: sums.checksum_crc32,
            checksum_crc32c: sums.checksum_crc32c,
            checksum_crc64nvme: sums.checksum_crc64nvme,
            checksum_sha1: sums.checksum_sha1,
            checksum_sha256: sums.checksum_sha256,
            $($fields)*
        }
    }};
}

pub(super) use {given, told};
