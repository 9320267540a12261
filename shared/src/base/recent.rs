//! What a process read of firms within the last minute, so that it does not read it again for each mailbox.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use lru::LruCache;

use crate::base::id::FirmId;

/// How long it is remembered.
const REMEMBERED: Duration = Duration::from_secs(60);
/// Of so many firms it is remembered.
const FIRMS_REMEMBERED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(15);

/// What was read of some firms, with the time of each reading.
#[derive(Debug)]
pub struct Recent<T>(Arc<Mutex<LruCache<FirmId, RecentRead<T>>>>);

type RecentRead<T> = (Timestamp, Arc<T>);

impl<T> Clone for Recent<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(LruCache::new(FIRMS_REMEMBERED))))
    }
}

impl<T> Recent<T> {
    /// What was read of `firm` at most a minute before `now`, or what `read` gives.
    ///
    /// Errors: those of `read`.
    pub async fn of<E>(
        &self,
        firm: FirmId,
        now: Timestamp,
        read: impl Future<Output = Result<T, E>>,
    ) -> Result<Arc<T>, E> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&firm).cloned();
        if let Some((_, kept)) = kept.filter(|(at, _)| *at + REMEMBERED > now) {
            return Ok(kept);
        }
        let read = Arc::new(read.await?);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(firm, (now, read.clone()));
        Ok(read)
    }
}
