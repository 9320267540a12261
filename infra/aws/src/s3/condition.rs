//! Conditions of readers and writers.

use s3s::dto::ETagCondition;
use s3s::{S3Error, S3Result, s3_error};

use super::object::Object;

/// What a caller asks of the object that is there.
pub(super) struct Condition {
    pub(super) if_match: Option<ETagCondition>,
    pub(super) if_none_match: Option<ETagCondition>,
}

impl Condition {
    /// Whether the writer may go on.
    /// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>
    pub(super) fn decide(&self, existing: Option<&Object>) -> S3Result<()> {
        let etag = existing.map(|object| object.etag.as_str());
        if self.if_match.is_some() && etag.is_none() {
            return Err(no_such_key());
        }
        if self.is_unmatched(etag) || self.is_matched_by_none(etag) {
            return Err(precondition_failed());
        }
        Ok(())
    }

    /// Whether the reader gets the object; one who has it already is told so.
    pub(super) fn decide_read(&self, object: &Object) -> S3Result<()> {
        let etag = Some(object.etag.as_str());
        if self.is_unmatched(etag) {
            return Err(precondition_failed());
        }
        if self.is_matched_by_none(etag) {
            return Err(s3_error!(NotModified));
        }
        Ok(())
    }

    fn is_unmatched(&self, etag: Option<&str>) -> bool {
        let if_match = self.if_match.as_ref();
        if_match.is_some_and(|condition| !names(condition, etag))
    }

    fn is_matched_by_none(&self, etag: Option<&str>) -> bool {
        let if_none_match = self.if_none_match.as_ref();
        if_none_match.is_some_and(|condition| names(condition, etag))
    }
}

fn names(condition: &ETagCondition, etag: Option<&str>) -> bool {
    match condition {
        ETagCondition::Any => etag.is_some(),
        ETagCondition::ETag(asked) => etag == Some(asked.value()),
    }
}

fn precondition_failed() -> S3Error {
    s3_error!(PreconditionFailed, "At least one of the pre-conditions you specified did not hold")
}

pub(super) fn no_such_key() -> S3Error {
    s3_error!(NoSuchKey, "The specified key does not exist.")
}
