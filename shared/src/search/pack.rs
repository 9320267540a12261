//! A segment as one object: tantivy's files one after another, then a table of contents. It is read in blocks, and each
//! block is held to its digest before tantivy sees it.

use std::{
    collections::HashMap,
    fmt, io,
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use tantivy::{
    Directory, HasLen,
    directory::{
        FileHandle, OwnedBytes, RamDirectory, WatchCallback, WatchHandle, WritePtr,
        error::{DeleteError, OpenReadError, OpenWriteError},
    },
};

use crate::{base::digest::Digest, search::index_error::IndexError};

/// Bytes of a block.
pub(super) const BLOCK_BYTES: u64 = 64 << 10;
/// Hex digits of a digest that are kept: 64 bits find what decay changes.
const DIGEST_CHARS: usize = 16;

/// What is in a pack.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Contents {
    /// The files, each with the range of its bytes.
    files: HashMap<String, (u64, u64)>,
    /// The digests of the blocks, one after another.
    blocks: String,
}

/// A pack with the entry that its index has of it.
#[derive(Debug)]
pub(super) struct Packed {
    pub bytes: Vec<u8>,
    pub contents_bytes: u64,
    pub contents_digest: String,
}

/// The beginning of a SHA-256, in hex.
pub(super) fn short_digest(bytes: &[u8]) -> String {
    let mut digest = Digest::of(bytes).to_string();
    digest.truncate(DIGEST_CHARS);
    digest
}

impl Contents {
    /// Of those bytes, if they are the ones with that digest.
    pub(super) fn read(bytes: &[u8], digest: &str) -> Option<Self> {
        let is_same = short_digest(bytes) == digest;
        is_same.then(|| serde_json::from_slice(bytes).ok()).flatten()
    }

    /// Whether these are the bytes of that block.
    pub(super) fn holds(&self, block: u64, bytes: &[u8]) -> bool {
        let start = usize::try_from(block).ok().and_then(|block| block.checked_mul(DIGEST_CHARS));
        let kept = start.and_then(|start| self.blocks.get(start..start.checked_add(DIGEST_CHARS)?));
        kept.is_some_and(|kept| kept == short_digest(bytes))
    }
}

/// Makes one object of the files in a directory.
pub(super) fn pack(directory: &RamDirectory, names: impl IntoIterator<Item = PathBuf>) -> io::Result<Packed> {
    let (mut bytes, mut files) = (Vec::new(), HashMap::new());
    let mut names: Vec<PathBuf> = names.into_iter().collect();
    names.sort();
    for name in names {
        let file = directory.open_read(&name).map_err(io::Error::other)?.read_bytes()?;
        let start = bytes.len() as u64;
        bytes.extend_from_slice(&file);
        files.insert(name.to_string_lossy().into_owned(), (start, bytes.len() as u64));
    }
    let blocks = bytes.chunks(usize::try_from(BLOCK_BYTES).unwrap_or(usize::MAX)).map(short_digest).collect();
    let contents = serde_json::to_vec(&Contents { files, blocks })?;
    let (contents_bytes, contents_digest) = (contents.len() as u64, short_digest(&contents));
    bytes.extend(contents);
    Ok(Packed { bytes, contents_bytes, contents_digest })
}

/// What gives the bytes of a pack.
pub(super) trait ByteSource: Send + Sync {
    /// Those bytes, whole.
    fn read(&self, range: Range<u64>) -> Result<OwnedBytes, IndexError>;
}

/// A pack in memory.
pub(super) struct Whole(pub OwnedBytes);

impl ByteSource for Whole {
    fn read(&self, range: Range<u64>) -> Result<OwnedBytes, IndexError> {
        let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(self.0.len());
        Ok(self.0.slice(at(range.start)..at(range.end)))
    }
}

/// A pack that is read, as a directory of tantivy.
#[derive(Clone)]
pub(super) struct PackDirectory {
    files: Arc<HashMap<String, (u64, u64)>>,
    source: Arc<dyn ByteSource>,
    /// What kept bytes from being read: tantivy only says that it could not read.
    failure: Arc<Mutex<Option<IndexError>>>,
}

impl PackDirectory {
    pub(super) fn new(contents: &Contents, source: Arc<dyn ByteSource>) -> Self {
        Self { files: Arc::new(contents.files.clone()), source, failure: Arc::default() }
    }

    /// What kept bytes from being read since this was asked last.
    pub(super) fn take_failure(&self) -> Option<IndexError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn range(&self, path: &Path) -> Result<(u64, u64), OpenReadError> {
        let found = path.to_str().and_then(|name| self.files.get(name)).copied();
        found.ok_or_else(|| OpenReadError::FileDoesNotExist(path.to_owned()))
    }

    fn bytes(&self, range: Range<u64>) -> io::Result<OwnedBytes> {
        if range.is_empty() {
            return Ok(OwnedBytes::empty());
        }
        self.source.read(range).map_err(|error| {
            let said = error.to_string();
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            io::Error::other(said)
        })
    }
}

impl fmt::Debug for PackDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PackDirectory").field("files", &self.files.len()).finish()
    }
}

/// A file of a pack.
#[derive(Debug)]
struct PackFile {
    directory: PackDirectory,
    start: u64,
    length: u64,
}

impl HasLen for PackFile {
    fn len(&self) -> usize {
        usize::try_from(self.length).unwrap_or(usize::MAX)
    }
}

impl FileHandle for PackFile {
    fn read_bytes(&self, range: Range<usize>) -> io::Result<OwnedBytes> {
        if range.start > range.end || range.end > self.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.directory.bytes(self.start + range.start as u64..self.start + range.end as u64)
    }
}

fn read_only() -> io::Error {
    io::ErrorKind::ReadOnlyFilesystem.into()
}

impl Directory for PackDirectory {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        let (start, end) = self.range(path)?;
        Ok(Arc::new(PackFile { directory: self.clone(), start, length: end.saturating_sub(start) }))
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        Err(DeleteError::IoError { io_error: Arc::new(read_only()), filepath: path.to_owned() })
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        Ok(self.range(path).is_ok())
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        Err(OpenWriteError::IoError { io_error: Arc::new(read_only()), filepath: path.to_owned() })
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        let (start, end) = self.range(path)?;
        let failed = |error| OpenReadError::IoError { io_error: Arc::new(error), filepath: path.to_owned() };
        Ok(self.bytes(start..end).map_err(failed)?.to_vec())
    }

    fn atomic_write(&self, _: &Path, _: &[u8]) -> io::Result<()> {
        Err(read_only())
    }

    fn sync_directory(&self) -> io::Result<()> {
        Ok(())
    }

    fn watch(&self, _: WatchCallback) -> tantivy::Result<WatchHandle> {
        Ok(WatchHandle::empty())
    }
}
