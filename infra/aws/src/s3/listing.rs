//! ListObjectsV2, page by page.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rusqlite::Transaction;
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::buckets::{Buckets, PAGE_MAX};
use super::object::{Refusal, check_bucket, timestamp};

/// Where the next page of a listing begins: behind a key, or behind all keys that a common prefix stands for.
enum Token {
    Key(String),
    CommonPrefix(String),
}

impl Token {
    fn write(&self) -> String {
        STANDARD.encode(match self {
            Token::Key(key) => format!("k{key}"),
            Token::CommonPrefix(prefix) => format!("p{prefix}"),
        })
    }

    fn read(token: &str) -> S3Result<Token> {
        let read = || {
            let text = String::from_utf8(STANDARD.decode(token).ok()?).ok()?;
            match text.split_at_checked(1)? {
                ("k", key) => Some(Token::Key(key.to_owned())),
                ("p", prefix) => Some(Token::CommonPrefix(prefix.to_owned())),
                _ => None,
            }
        };
        read().ok_or_else(|| s3_error!(InvalidArgument, "The continuation token provided is incorrect"))
    }
}

/// One page of a listing, as it fills.
struct Page {
    prefix: String,
    delimiter: Option<String>,
    after: Option<Token>,
    room: usize,
    contents: Vec<s3s::dto::Object>,
    common_prefixes: Vec<String>,
    /// Set when keys are left over.
    next: Option<Token>,
}

impl Page {
    fn fill(&mut self, transaction: &Transaction, bucket: &str) -> Result<(), Refusal> {
        // Keys are compared by their UTF-8 bytes, here as in S3; every key of a prefix lies at or behind it.
        let after = match self.after.take() {
            Some(Token::Key(key)) => key,
            Some(Token::CommonPrefix(prefix)) => {
                self.common_prefixes.push(prefix.clone());
                prefix
            }
            None => String::new(),
        };
        // The prefix that the last page ended with stands first, so as to be recognised, and does not count.
        let seen = self.common_prefixes.len();
        let mut last = Token::Key(after.clone());
        let mut select = transaction.prepare_cached(
            "SELECT key, etag, size, modified_ms, algorithm FROM object
             WHERE bucket = ?1 AND key > ?2 AND key >= ?3 ORDER BY key",
        )?;
        let mut rows = select.query([bucket, &after, &self.prefix])?;
        while let Some(row) = rows.next()? {
            let key: String = row.get(0)?;
            let Some(rest) = key.strip_prefix(&self.prefix) else {
                break;
            };
            let cut = self.delimiter.as_ref();
            let cut = cut.and_then(|delimiter| Some(rest.find(delimiter)? + delimiter.len()));
            let common = cut.map(|cut| key[..self.prefix.len() + cut].to_owned());
            if common.is_some() && common.as_ref() == self.common_prefixes.last() {
                continue;
            }
            if self.contents.len() + self.common_prefixes.len() - seen == self.room {
                self.next = (self.room > 0).then_some(last);
                break;
            }
            match common {
                Some(prefix) => {
                    last = Token::CommonPrefix(prefix.clone());
                    self.common_prefixes.push(prefix);
                }
                None => {
                    last = Token::Key(key.clone());
                    let etag: String = row.get(1)?;
                    let algorithm: String = row.get(4)?;
                    self.contents.push(s3s::dto::Object {
                        key: Some(key),
                        e_tag: Some(ETag::Strong(etag)),
                        size: Some(row.get(2)?),
                        last_modified: Some(timestamp(row.get(3)?)),
                        checksum_algorithm: Some(vec![ChecksumAlgorithm::from(algorithm)]),
                        storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
                        ..s3s::dto::Object::default()
                    });
                }
            }
        }
        self.common_prefixes.drain(..seen);
        Ok(())
    }
}

pub(super) async fn list(
    buckets: &Buckets,
    request: S3Request<ListObjectsV2Input>,
) -> S3Result<S3Response<ListObjectsV2Output>> {
    let input = request.input;
    let max = input.max_keys.unwrap_or(PAGE_MAX).clamp(0, PAGE_MAX);
    let token = input.continuation_token.as_deref().map(Token::read).transpose()?;
    let mut page = Page {
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone().filter(|delimiter| !delimiter.is_empty()),
        after: token.or(input.start_after.clone().map(Token::Key)),
        room: usize::try_from(max).unwrap_or_default(),
        contents: Vec::new(),
        common_prefixes: Vec::new(),
        next: None,
    };
    let bucket = input.bucket.clone();
    let page = buckets
        .store
        .run(move |transaction| {
            check_bucket(transaction, &bucket)?;
            page.fill(transaction, &bucket)?;
            Ok::<_, Refusal>(page)
        })
        .await?;
    let count = page.contents.len() + page.common_prefixes.len();
    let prefixes = page.common_prefixes.into_iter();
    let prefixes = prefixes.map(|prefix| CommonPrefix { prefix: Some(prefix) });
    Ok(S3Response::new(ListObjectsV2Output {
        name: Some(input.bucket),
        prefix: input.prefix,
        delimiter: input.delimiter,
        start_after: input.start_after,
        max_keys: Some(max),
        key_count: i32::try_from(count).ok(),
        continuation_token: input.continuation_token,
        is_truncated: Some(page.next.is_some()),
        next_continuation_token: page.next.map(|token| token.write()),
        contents: Some(page.contents),
        common_prefixes: Some(prefixes.collect()),
        ..ListObjectsV2Output::default()
    }))
}
