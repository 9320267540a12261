//! One SQLite file, as each engine but DynamoDB keeps its state.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::task::{JoinError, spawn_blocking};

/// A database whose every answered change is on disk: WAL with synchronous FULL.
///
/// One connection behind one lock: what runs in [`Store::run`] sees no other's half-done work, which is what makes
/// conditions, FIFO order and deduplication decidable.
pub(crate) struct Store(Mutex<Connection>);

impl Store {
    /// Opens or creates the file; `schema` may run against a file that has it already.
    pub(crate) fn open(path: &Path, schema: &str) -> Result<Arc<Store>, rusqlite::Error> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch(schema)?;
        Ok(Arc::new(Store(Mutex::new(connection))))
    }

    /// Runs `work` in one transaction: committed if it returns `Ok`, without a trace otherwise. Waits for the disk.
    pub(crate) fn transact<T, E: From<rusqlite::Error>>(
        &self,
        work: impl FnOnce(&Transaction) -> Result<T, E>,
    ) -> Result<T, E> {
        // A panic inside a transaction has rolled it back; the connection is as good as before.
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let answer = work(&transaction)?;
        transaction.commit()?;
        Ok(answer)
    }

    /// [`Store::transact`] away from the async threads. Finishes even if nobody waits for the answer any more.
    pub(crate) async fn run<T, E>(
        self: &Arc<Self>,
        work: impl FnOnce(&Transaction) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<rusqlite::Error> + From<JoinError> + Send + 'static,
    {
        let store = self.clone();
        spawn_blocking(move || store.transact(work)).await?
    }
}
