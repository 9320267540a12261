//! Creation with an external id of the caller's own: a repeated request creates nothing a second time.

use crate::error::Answer;

/// What a request to create something came to.
pub(super) enum Creation<C, T> {
    /// It was created.
    New(C),
    /// What has the external id already.
    Existing(T),
}

/// Creates something, unless `known` finds what has its external id already. If the same request is sent twice at once,
/// the slower one fails, and finds what the other one created.
pub(super) async fn create_once<C, T, K: Future<Output = Answer<Option<T>>>>(
    known: impl Fn() -> K,
    create: impl Future<Output = Answer<C>>,
) -> Answer<Creation<C, T>> {
    if let Some(there) = known().await? {
        return Ok(Creation::Existing(there));
    }
    match create.await {
        Ok(created) => Ok(Creation::New(created)),
        Err(failure) => match known().await? {
            Some(there) => Ok(Creation::Existing(there)),
            None => Err(failure),
        },
    }
}
