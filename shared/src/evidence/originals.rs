//! The originals in the bucket of the archive: where they may be kept, and how those of another archive come in.

use aws_sdk_s3::primitives::ByteStream;

use crate::{
    evidence::bucket::{ArchiveBucket, BucketError, ObjectHead},
    firm::retention::{ExpiryYear, KeptUntil},
    mail::archive::{StoredObject, UNTIL, root},
};

impl ArchiveBucket {
    /// Stores an original that was archived elsewhere. S3 holds the bytes to their SHA-256; they may be there already.
    ///
    /// Errors: [`BucketError::Foreign`] if others are there; S3 refuses or does not answer.
    pub async fn import_original(&self, key: &str, body: ByteStream, stored: StoredObject) -> Result<(), BucketError> {
        if self.put_stream((key, "message/rfc822"), body, stored.sha256).await? {
            return Ok(());
        }
        match self.head(key).await? {
            Some(ObjectHead { sha256: Some(sha256), bytes, .. }) if StoredObject { sha256, bytes } == stored => Ok(()),
            _ => Err(BucketError::Foreign { key: key.to_owned() }),
        }
    }

    /// Until when originals are kept, as far as there are any: for ever, and until the end of years.
    ///
    /// Errors: S3 refuses or does not answer.
    pub async fn kept_until(&self) -> Result<Vec<KeptUntil>, BucketError> {
        let folders = self.folders(UNTIL).await?;
        let years = folders.iter().filter_map(|folder| year_of(folder)).map(KeptUntil::EndOf);
        Ok([KeptUntil::Ever].into_iter().chain(years).collect())
    }
}

/// The year at whose end the originals below this folder expire, if it is one of those.
pub(super) fn year_of(folder: &str) -> Option<ExpiryYear> {
    let year = folder.strip_prefix(UNTIL)?.strip_suffix('/')?.parse::<u16>().ok()?;
    let year = ExpiryYear::try_from(year).ok()?;
    (root(KeptUntil::EndOf(year)) == folder).then_some(year)
}
