//! Bytes on disk: one file per upload or part, written once, named at random, visible only through the database.

use std::collections::{HashSet, VecDeque};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use futures::stream::try_unfold;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::{Checksum, StreamingBlob};
use s3s::stream::ByteStream;
use s3s::{S3Result, s3_error};
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use uuid::Uuid;

/// How much is handed to the disk, and read from it, at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// The directory of blobs.
#[derive(Clone)]
pub(super) struct Blobs(PathBuf);

/// One file that an object consists of: its name and its size.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Piece(pub(super) String, pub(super) u64);

/// Bytes that are on disk and belong to nobody yet; dropping it removes them.
pub(super) struct Blob {
    path: PathBuf,
    pub(super) piece: Piece,
    pub(super) md5: [u8; 16],
    pub(super) sums: Checksum,
    kept: bool,
}

impl Blob {
    /// The database names it now.
    pub(super) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Blob {
    fn drop(&mut self) {
        if !self.kept {
            remove(&self.path);
        }
    }
}

impl Blobs {
    /// Opens the directory and removes every file that `named` does not name: the rest of uploads that died.
    pub(super) fn open(directory: &Path, named: &HashSet<String>) -> io::Result<Blobs> {
        fs::create_dir_all(directory)?;
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let orphan = entry.file_name().to_str().is_none_or(|name| !named.contains(name));
            if orphan {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(Blobs(directory.to_owned()))
    }

    /// Writes what flows in, hashing it on the way; returns when it is on disk. Holds about one chunk in memory.
    ///
    /// `IncompleteBody` if the stream breaks off or brings another number of bytes than it announced.
    pub(super) async fn write(&self, body: Option<StreamingBlob>, hasher: ChecksumHasher) -> S3Result<Blob> {
        let announced = body.as_ref().and_then(|body| body.remaining_length().exact());
        let mut sink = Sink::create(&self.0, hasher)?;
        let (mut chunks, mut waiting) = (Vec::new(), 0);
        if let Some(mut body) = body {
            while let Some(chunk) = body.next().await {
                let chunk: Bytes = chunk.map_err(|broken| s3_error!(IncompleteBody, "{broken}"))?;
                waiting += chunk.len();
                chunks.push(chunk);
                if waiting >= CHUNK_BYTES {
                    let chunks = std::mem::take(&mut chunks);
                    waiting = 0;
                    sink = blocking(move || sink.write(&chunks)).await?;
                }
            }
        }
        let blob = blocking(move || sink.write(&chunks)?.finish()).await?;
        if announced.is_some_and(|announced| announced as u64 != blob.piece.1) {
            return Err(s3_error!(IncompleteBody));
        }
        Ok(blob)
    }

    /// Opens the pieces for reading `length` bytes from `start` on. What is open stays readable when it is deleted.
    pub(super) fn read(&self, pieces: &[Piece], start: u64, length: u64) -> io::Result<Reader> {
        let (mut skip, mut left) = (start, length);
        let mut files = VecDeque::new();
        for Piece(name, size) in pieces {
            let take = size.saturating_sub(skip).min(left);
            if take > 0 {
                let mut file = File::open(self.0.join(name))?;
                file.seek(SeekFrom::Start(skip))?;
                files.push_back(file.take(take));
            }
            skip = skip.saturating_sub(*size);
            left -= take;
        }
        Ok(Reader(files))
    }

    /// Removes pieces that the database names no longer.
    pub(super) fn remove(&self, pieces: &[Piece]) {
        for Piece(name, _) in pieces {
            remove(&self.0.join(name));
        }
    }
}

/// A blob that stays by mistake is removed at the next start.
fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::warn!(error = &error as &dyn std::error::Error, path = %path.display(), "a blob could not be removed");
    }
}

/// A blob being written.
struct Sink {
    file: File,
    blob: Blob,
    hasher: ChecksumHasher,
    md5: Md5,
}

impl Sink {
    fn create(directory: &Path, hasher: ChecksumHasher) -> S3Result<Sink> {
        let name = Uuid::new_v4().simple().to_string();
        let path = directory.join(&name);
        let file = File::create_new(&path).map_err(|source| s3_error!(source, InternalError))?;
        let blob = Blob { path, piece: Piece(name, 0), md5: [0; 16], sums: Checksum::default(), kept: false };
        Ok(Sink { file, blob, hasher, md5: Md5::new() })
    }

    fn write(mut self, chunks: &[Bytes]) -> io::Result<Sink> {
        for chunk in chunks {
            self.hasher.update(chunk);
            self.md5.update(chunk);
            self.file.write_all(chunk)?;
            self.blob.piece.1 += chunk.len() as u64;
        }
        Ok(self)
    }

    /// Waits for the disk: for the bytes, and for the name in the directory.
    fn finish(self) -> io::Result<Blob> {
        let Sink { file, mut blob, hasher, md5 } = self;
        file.sync_all()?;
        if let Some(directory) = blob.path.parent() {
            File::open(directory)?.sync_all()?;
        }
        blob.md5 = md5.finalize();
        blob.sums = hasher.finalize();
        Ok(blob)
    }
}

/// Open pieces, read one after the other.
pub(super) struct Reader(VecDeque<io::Take<File>>);

impl Reader {
    pub(super) fn stream(self) -> StreamingBlob {
        StreamingBlob::wrap(try_unfold(self, |mut reader| async move {
            let read = spawn_blocking(move || io::Result::Ok(reader.chunk()?.map(|chunk| (chunk, reader))));
            read.await.map_err(io::Error::other)?
        }))
    }

    /// The next bytes of the first piece that has some left; `None` at the end.
    fn chunk(&mut self) -> io::Result<Option<Bytes>> {
        while let Some(file) = self.0.front_mut() {
            let left = usize::try_from(file.limit()).unwrap_or(CHUNK_BYTES);
            if left > 0 {
                let mut chunk = BytesMut::zeroed(left.min(CHUNK_BYTES));
                file.read_exact(&mut chunk)?;
                return Ok(Some(chunk.freeze()));
            }
            self.0.pop_front();
        }
        Ok(None)
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> S3Result<T> {
    let done = spawn_blocking(work).await;
    let done = done.map_err(|source| s3_error!(source, InternalError))?;
    done.map_err(|source| s3_error!(source, InternalError))
}
