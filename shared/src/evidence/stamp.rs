//! Time stamps (RFC 3161): an authority's signed word that a checkpoint existed at a time.
//!
//! A stamp is kept as the authority answered. Its imprint, time and signature are verified by what it carries itself;
//! whether its certificate leads to a root is verified against the roots that the operator names.
//!
//! Types of our own stand for the parts that are read: an authority may write fractions of a second, which the crates
//! for this standard refuse.
//!
//! Sources: RFC 3161, section 2.4; RFC 5652, section 5 (signed data); RFC 5816 (the digest of the certificate)

use cms::{
    cert::{CertificateChoices, x509::Certificate},
    content_info::ContentInfo,
    signed_data::{SignedData, SignerInfo},
};
use der::{
    Any, Decode, Encode, Sequence, Tag, Tagged,
    asn1::{Int, ObjectIdentifier, OctetString},
};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime, pem::PemObject};
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use webpki::{EndEntityCert, KeyUsage};

use crate::base::digest::Digest;

/// A stamp has fewer bytes.
pub const STAMP_BYTES_MAX: usize = 64 << 10;

const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const STAMP_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const CERTIFICATE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
const CERTIFICATE_DIGEST_2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
/// The purpose of a certificate that stamps: 1.3.6.1.5.5.7.3.8.
const TIME_STAMPING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 8];

/// What is not a stamp of what was sent.
#[derive(Debug, thiserror::Error)]
pub enum StampError {
    /// It is not written as the standard says.
    #[error("it is not an answer of a time-stamping authority")]
    Malformed(#[from] der::Error),
    /// A part of it is missing, or of a kind that nobody here reads.
    #[error("the stamp has {0}")]
    Unknown(&'static str),
    /// The authority gave no stamp.
    #[error("the authority refuses, with the status {0}")]
    Refused(u64),
    /// It is the stamp of something else.
    #[error("it is the stamp of something else")]
    OtherImprint,
    /// It answers another request.
    #[error("it answers another request")]
    OtherNonce,
    /// Its signature is not by a certificate that it carries.
    #[error("its signature does not hold")]
    Signature,
    /// Its certificate leads to no root that was named, or did not when it stamped.
    #[error("its certificate leads to none of the named roots")]
    Chain(#[source] webpki::Error),
}

/// What is asked.
#[derive(Sequence)]
struct Request {
    version: u8,
    imprint: Imprint,
    #[asn1(optional = "true")]
    nonce: Option<Int>,
    certificates: bool,
}

#[derive(Sequence)]
struct Imprint {
    algorithm: Algorithm,
    digest: OctetString,
}

#[derive(Sequence)]
struct Algorithm {
    name: ObjectIdentifier,
    #[asn1(optional = "true")]
    parameters: Option<Any>,
}

#[derive(Sequence)]
struct Reply {
    status: Vec<Any>,
    #[asn1(optional = "true")]
    token: Option<ContentInfo>,
}

/// The request to stamp `bytes`. `nonce`: random, and comes back in the answer.
///
/// Errors: none that ever happens; the crate can't say so.
pub fn request(bytes: &[u8], nonce: [u8; 8]) -> Result<Vec<u8>, StampError> {
    let algorithm = Algorithm { name: SHA_256, parameters: None };
    let imprint = Imprint { algorithm, digest: OctetString::new(Digest::of(bytes).bytes())? };
    Ok(Request { version: 1, imprint, nonce: Some(number(nonce)?), certificates: true }.to_der()?)
}

/// A number without a sign, as short as it can be.
fn number(nonce: [u8; 8]) -> Result<Int, StampError> {
    let significant = &nonce[nonce.iter().take_while(|byte| **byte == 0).count().min(7)..];
    let signed = [&[0][..usize::from(significant[0] > 0x7f)], significant].concat();
    Ok(Int::new(&signed)?)
}

/// Roots that the operator trusts to stamp.
#[derive(Debug, Clone, Default)]
pub struct StampRoots(Vec<TrustAnchor<'static>>);

/// A file that holds no certificates.
#[derive(Debug, thiserror::Error)]
#[error("it has no certificate in PEM")]
pub struct NoRootsError;

impl StampRoots {
    /// Those of a file of certificates in PEM.
    ///
    /// Errors: there is none in it, or one is malformed.
    pub fn from_pem(pem: &[u8]) -> Result<Self, NoRootsError> {
        let certificates: Vec<_> =
            CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|_| NoRootsError)?;
        let anchors = certificates.iter().map(|root| Some(webpki::anchor_from_trusted_cert(root).ok()?.to_owned()));
        let anchors: Vec<_> = anchors.collect::<Option<_>>().ok_or(NoRootsError)?;
        if anchors.is_empty() { Err(NoRootsError) } else { Ok(Self(anchors)) }
    }

    /// Whether none is named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A stamp whose imprint and signature hold.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// When the authority made it.
    pub at: Timestamp,
    nonce: Option<Int>,
    signer: CertificateDer<'static>,
    others: Vec<CertificateDer<'static>>,
}

impl Stamp {
    /// The stamp of `stamped` that an authority answered.
    ///
    /// Errors: it is no stamp, or one of something else, or its signature does not hold.
    pub fn open(answer: &[u8], stamped: &[u8]) -> Result<Self, StampError> {
        let reply = Reply::from_der(answer)?;
        let status = reply.status.first().ok_or(StampError::Unknown("no status"))?.decode_as::<u64>()?;
        let token = reply.token.filter(|_| status <= 1).ok_or(StampError::Refused(status))?;
        if token.content_type != SIGNED_DATA {
            return Err(StampError::Unknown("no signature"));
        }
        let data: SignedData = token.content.decode_as()?;
        let content = &data.encap_content_info;
        let content = content.econtent.as_ref().filter(|_| content.econtent_type == STAMP_INFO);
        let content: OctetString = content.ok_or(StampError::Unknown("no content"))?.decode_as()?;
        let (imprint, at, nonce) = read(content.as_bytes())?;
        if imprint.algorithm.name != SHA_256 || imprint.digest.as_bytes() != Digest::of(stamped).bytes() {
            return Err(StampError::OtherImprint);
        }
        let certificates = data.certificates.as_ref().map(|set| set.0.iter()).into_iter().flatten();
        let certificates = certificates.filter_map(|choice| match choice {
            CertificateChoices::Certificate(certificate) => Some(certificate),
            CertificateChoices::Other(_) => None,
        });
        let certificates = certificates.map(Certificate::to_der).collect::<Result<Vec<_>, _>>()?;
        let signed = data.signer_infos.0.iter().next().filter(|_| data.signer_infos.0.len() == 1);
        let signed = Signed::of(signed.ok_or(StampError::Unknown("not one signer"))?, content.as_bytes())?;
        let mut certificates: Vec<_> = certificates.into_iter().map(CertificateDer::from).collect();
        let place = certificates.iter().position(|certificate| signed.is_by(certificate));
        let signer = certificates.swap_remove(place.ok_or(StampError::Signature)?);
        Ok(Self { at, nonce, signer, others: certificates })
    }

    /// Whether it answers the request with that nonce.
    ///
    /// Errors: it answers another.
    pub fn answers(&self, nonce: [u8; 8]) -> Result<(), StampError> {
        if self.nonce == Some(number(nonce)?) { Ok(()) } else { Err(StampError::OtherNonce) }
    }

    /// Whether its certificate was one for stamping when it stamped, and leads to one of `roots`.
    ///
    /// Errors: it did not.
    pub fn is_rooted_in(&self, roots: &StampRoots) -> Result<(), StampError> {
        let seconds = u64::try_from(self.at.as_second()).unwrap_or_default();
        let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        let signer = EndEntityCert::try_from(&self.signer).map_err(StampError::Chain)?;
        let usage = KeyUsage::required(TIME_STAMPING);
        let all = webpki::ALL_VERIFICATION_ALGS;
        let path = signer.verify_for_usage(all, &roots.0, &self.others, at, usage, None, None);
        path.map(drop).map_err(StampError::Chain)
    }
}

/// The imprint, the time and the nonce of what the authority signed.
fn read(info: &[u8]) -> Result<(Imprint, Timestamp, Option<Int>), StampError> {
    let parts = Vec::<Any>::from_der(info)?;
    let [_, _, imprint, _, time, rest @ ..] = parts.as_slice() else {
        return Err(StampError::Unknown("too few parts"));
    };
    let nonce = rest.iter().find(|part| part.tag() == Tag::Integer).map(|nonce| nonce.decode_as()).transpose()?;
    Ok((imprint.decode_as()?, generalized(time)?, nonce))
}

/// A time such as `20260302081500Z` or `20260302081500.123Z`, without its fractions.
fn generalized(time: &Any) -> Result<Timestamp, StampError> {
    let text = std::str::from_utf8(time.value()).ok().filter(|_| time.tag() == Tag::GeneralizedTime);
    let whole = text.and_then(|text| text.strip_suffix('Z')).map(|text| text.split_once('.').unwrap_or((text, "")).0);
    let civil =
        whole.filter(|whole| whole.len() == 14).and_then(|whole| DateTime::strptime("%Y%m%d%H%M%S", whole).ok());
    let zoned = civil.and_then(|civil| civil.to_zoned(TimeZone::UTC).ok());
    Ok(zoned.ok_or(StampError::Unknown("no time"))?.timestamp())
}

/// What a signature is over, where that names the content.
struct Signed<'a> {
    attributes: Vec<u8>,
    signature: &'a [u8],
    /// The attributes that hold a digest of the signer's certificate.
    certificate: Vec<Vec<u8>>,
}

impl<'a> Signed<'a> {
    fn of(signer: &'a SignerInfo, content: &[u8]) -> Result<Self, StampError> {
        let attributes = signer.signed_attrs.as_ref().ok_or(StampError::Unknown("no signed attributes"))?;
        let value = |oid| attributes.iter().find(|a| a.oid == oid).and_then(|a| a.values.iter().next());
        let digest: OctetString = value(MESSAGE_DIGEST).ok_or(StampError::Signature)?.decode_as()?;
        let kind: ObjectIdentifier = value(CONTENT_TYPE).ok_or(StampError::Signature)?.decode_as()?;
        let of_content = match signer.digest_alg.oid {
            SHA_256 => Sha256::digest(content).to_vec(),
            SHA_384 => Sha384::digest(content).to_vec(),
            SHA_512 => Sha512::digest(content).to_vec(),
            _ => return Err(StampError::Unknown("a digest of another kind")),
        };
        if digest.as_bytes() != of_content || kind != STAMP_INFO {
            return Err(StampError::Signature);
        }
        let certificate = [CERTIFICATE_DIGEST, CERTIFICATE_DIGEST_2].into_iter().filter_map(value);
        let certificate = certificate.map(|value| value.value().to_vec()).collect();
        Ok(Self { attributes: attributes.to_der()?, signature: signer.signature.as_bytes(), certificate })
    }

    /// Whether it is by this certificate: it verifies with its key, and it names it.
    fn is_by(&self, certificate: &CertificateDer<'_>) -> bool {
        let Ok(signer) = EndEntityCert::try_from(certificate) else { return false };
        let mut algorithms = webpki::ALL_VERIFICATION_ALGS.iter();
        let is_signed = algorithms.any(|a| signer.verify_signature(*a, &self.attributes, self.signature).is_ok());
        let sha1 = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, certificate);
        let digests = [
            sha1.as_ref().to_vec(),
            Sha256::digest(certificate).to_vec(),
            Sha384::digest(certificate).to_vec(),
            Sha512::digest(certificate).to_vec(),
        ];
        let names =
            |value: &Vec<u8>| digests.iter().any(|digest| value.windows(digest.len()).any(|part| part == digest));
        is_signed && self.certificate.iter().any(names)
    }
}
