//! `greffe export` and `greffe import`: mails with their proofs as ZIP files in a folder, and a whole firm back in.
//!
//! The file `export.json` says what is exported and which ZIP files are written. An export that was interrupted goes on
//! behind the last of them; an unfinished one is written again.

use std::{
    fs::OpenOptions,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use shared::{
    app::App,
    aws::{
        secrets::{EVIDENCE_KEY, SecretError},
        table::TableError,
    },
    base::{
        digest::Digest,
        id::{FirmId, MailboxId},
    },
    evidence::{
        export::{ExportError, LeftOut, StampedLog, WrittenZip},
        import::{ImportError, Importer},
        inclusion_proof::SignedLog,
        proof_package::PackageError,
    },
    firm::Firm,
    mail::{
        list::{ArchiveFilter, InDossier, MessageFilter, MessageSource},
        message::Message,
    },
    search::{
        find::{Search, SearchCache, SearchError, SearchWords},
        words::Phrases,
    },
};

/// Mails of one ZIP file: its index is in memory until it is written.
const MAILS_MAX: usize = 10_000;
/// Mails of one page.
const PAGE: usize = 100;
/// The file that says how far an export is.
const MANIFEST: &str = "export.json";
/// The ZIP file of what belongs to a firm beside its mails.
const REST: &str = "firm.zip";

/// What could not be exported or imported.
#[derive(Debug, thiserror::Error)]
pub enum ExportHereError {
    /// There is no such firm.
    #[error("there is no firm {0}")]
    NoFirm(FirmId),
    /// Nothing is in the log.
    #[error("nothing of firm {0} is in its log yet")]
    NotLogged(FirmId),
    /// A file can't be read or written.
    #[error("{attempted} {path}")]
    File {
        /// What was attempted, as a verb.
        attempted: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The manifest is no manifest.
    #[error("{0} is not what greffe writes")]
    Manifest(PathBuf, #[source] serde_json::Error),
    /// Another export is in the folder.
    #[error("{0} has another export: choose an empty folder")]
    Other(PathBuf),
    /// It can't be imported.
    #[error("{0} is not the finished export of a whole firm, with nothing left out")]
    NotWhole(PathBuf),
    /// A ZIP file is not the one that was written.
    #[error("{0} is not as it was exported")]
    Altered(PathBuf),
    /// The index of words is behind, or being made again.
    #[error("the index of words reaches fact {0} only: try again when it is made")]
    Behind(u64),
    /// The search.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// The table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The log.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// It can't be exported.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// It can't be imported.
    #[error("import {0}")]
    Import(PathBuf, #[source] ImportError),
    /// The key can't be read or written.
    #[error(transparent)]
    Secret(#[from] SecretError),
}

/// Which mails of a firm. All of it has to fit; with nothing named, it is the whole firm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// The firm.
    pub firm: FirmId,
    /// The mailbox.
    pub mailbox: Option<MailboxId>,
    /// The dossier.
    pub dossier: Option<String>,
    /// The sender's address, or `@domain`.
    pub from: Option<String>,
    /// It arrived at this time or later.
    pub since: Option<Timestamp>,
    /// It arrived before this time.
    pub until: Option<Timestamp>,
    /// Words that it has.
    pub words: Option<String>,
}

impl Wanted {
    fn is_whole(&self) -> bool {
        *self
            == Self { firm: self.firm, mailbox: None, dossier: None, from: None, since: None, until: None, words: None }
    }

    fn filter(&self) -> MessageFilter {
        MessageFilter {
            mailbox: self.mailbox,
            from: self.from.clone(),
            since: self.since,
            until: self.until,
            dossier: self.dossier.clone().map(InDossier::Of),
            keeping: Some(ArchiveFilter::Archived),
            ..MessageFilter::default()
        }
    }
}

/// How far an export is: what `export.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the format.
    v: u8,
    /// Which mails.
    wanted: Wanted,
    /// The entries of the log by which they are proved: what came later is not among them.
    log_size: u64,
    /// ZIP files of mails, the last registered first.
    parts: Vec<Part>,
    /// What belongs to the firm beside its mails, if the whole firm is exported.
    rest: Option<Part>,
    /// Whether all is written.
    is_done: bool,
}

/// A ZIP file that is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    file: String,
    #[serde(flatten)]
    written: WrittenZip,
    /// The number below which the next one goes on.
    next: Option<u64>,
}

impl Part {
    /// The file is as it was exported, by its length and its SHA-256.
    ///
    /// Errors: it is not, or can't be read.
    async fn check(&self, folder: &Path) -> Result<(), ExportHereError> {
        let path = folder.join(&self.file);
        let read = path.clone();
        let digest = tokio::task::spawn_blocking(move || {
            let (mut file, mut hasher) = (std::fs::File::open(read)?, Sha256::new());
            let bytes = std::io::copy(&mut file, &mut hasher)?;
            Ok((Digest::from(hasher.finalize()), bytes))
        });
        let digest = digest.await.map_err(std::io::Error::other).flatten().map_err(failed("read", &path))?;
        match digest == (self.written.sha256, self.written.bytes) {
            true => Ok(()),
            false => Err(ExportHereError::Altered(path)),
        }
    }
}

/// What was exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// Its mails.
    pub mails: u64,
    /// The length of all ZIP files.
    pub bytes: u64,
    /// How many ZIP files there are.
    pub files: usize,
    /// Mails that are not as they were written, and were left out.
    pub left_out: Vec<LeftOut>,
}

impl Manifest {
    fn all(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().chain(&self.rest)
    }

    fn exported(&self) -> Exported {
        let all = || self.all().map(|part| &part.written);
        Exported {
            mails: all().map(|zip| zip.mails).sum(),
            bytes: all().map(|zip| zip.bytes).sum(),
            files: all().count(),
            left_out: all().flat_map(|zip| zip.left_out.clone()).collect(),
        }
    }

    async fn read(folder: &Path) -> Result<Option<Self>, ExportHereError> {
        let path = folder.join(MANIFEST);
        match tokio::fs::read(&path).await {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map(Some).map_err(|source| ExportHereError::Manifest(path, source))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(failed("read", &path)(source)),
        }
    }

    /// Replaces the file as a whole, so that a kill leaves this one or the one before.
    async fn write(&self, folder: &Path) -> Result<(), ExportHereError> {
        let text = serde_json::to_vec_pretty(self);
        let (path, unfinished) = (folder.join(MANIFEST), folder.join(format!("{MANIFEST}.unfinished")));
        let text = text.map_err(|source| ExportHereError::Manifest(path.clone(), source))?;
        tokio::fs::write(&unfinished, text).await.map_err(failed("write", &unfinished))?;
        tokio::fs::rename(&unfinished, &path).await.map_err(failed("write", &path))
    }
}

fn failed(attempted: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> ExportHereError + use<> {
    let path = path.to_owned();
    move |source| ExportHereError::File { attempted, path, source }
}

/// How far it is, told now and then.
struct Progress<'a> {
    began: Instant,
    told: AtomicU64,
    mails: AtomicU64,
    bytes: AtomicU64,
    tell: &'a (dyn Fn(&str) + Sync),
}

/// How often progress is told.
const TELL_PAUSE: Duration = Duration::from_secs(2);

impl<'a> Progress<'a> {
    fn new(tell: &'a (dyn Fn(&str) + Sync)) -> Self {
        let none = || AtomicU64::new(0);
        Self { began: Instant::now(), told: none(), mails: none(), bytes: none(), tell }
    }

    fn one(&self, bytes: u64) {
        let mails = self.mails.fetch_add(1, Ordering::Relaxed) + 1;
        let bytes = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let elapsed = self.began.elapsed();
        let pauses = elapsed.as_secs() / TELL_PAUSE.as_secs();
        if self.told.swap(pauses, Ordering::Relaxed) < pauses {
            let (seconds, megabytes) = (elapsed.as_secs_f64(), bytes as f64 / 1e6);
            (self.tell)(&format!(
                "{mails} mails, {megabytes:.0} MB, {:.0} mails and {:.0} MB a second",
                mails as f64 / seconds,
                megabytes / seconds
            ));
        }
    }
}

/// Exports mails into a folder, in ZIP files of about `part_bytes`, or goes on with it. `tell` gets the progress.
///
/// Errors: the folder has another export; something can't be read or written.
pub async fn export(
    app: &App,
    folder: &Path,
    wanted: Wanted,
    part_bytes: u64,
    tell: &(dyn Fn(&str) + Sync),
) -> Result<Exported, ExportHereError> {
    Exporting { app, folder, part_bytes, progress: Progress::new(tell) }.run(wanted).await
}

struct Exporting<'a> {
    app: &'a App,
    folder: &'a Path,
    part_bytes: u64,
    progress: Progress<'a>,
}

impl Exporting<'_> {
    async fn run(&self, wanted: Wanted) -> Result<Exported, ExportHereError> {
        let id = wanted.firm;
        let firm = Firm::find(&self.app.table, id).await?.ok_or(ExportHereError::NoFirm(id))?;
        std::fs::create_dir_all(self.folder).map_err(failed("make", self.folder))?;
        let mut manifest = match Manifest::read(self.folder).await? {
            Some(begun) if begun.wanted == wanted => begun,
            Some(_) => return Err(ExportHereError::Other(self.folder.to_owned())),
            None => {
                let log_size = self.app.packer().log_size(id).await?;
                Manifest { v: 1, wanted, log_size, parts: Vec::new(), rest: None, is_done: false }
            }
        };
        if manifest.log_size == 0 {
            return Err(ExportHereError::NotLogged(id));
        }
        manifest.write(self.folder).await?;
        let packer = self.app.packer();
        loop {
            let next = match manifest.parts.last() {
                Some(Part { next: None, .. }) => break,
                last => last.and_then(|last| last.next).unwrap_or(manifest.log_size + 1),
            };
            let (messages, next) = self.messages(&manifest.wanted, next).await?;
            if messages.is_empty() {
                // The last ZIP file was full to the last mail.
                if let Some(last) = manifest.parts.last_mut() {
                    last.next = None;
                }
                break;
            }
            let file = format!("mails-{:05}.zip", manifest.parts.len() + 1);
            // The first stamp that all of them have says the most about their time.
            let newest = messages.iter().filter_map(|message| Some(message.original()?.number)).max();
            let signed = packer.find_signed_log(id, newest.unwrap_or(manifest.log_size), manifest.log_size);
            let written = self.mails(&firm, &mut signed.await?, &messages, &file).await?;
            manifest.parts.push(Part { file, written, next });
            manifest.write(self.folder).await?;
        }
        if manifest.wanted.is_whole() && manifest.rest.is_none() {
            let (unfinished, mut out) = self.begin(REST).await?;
            let log = SignedLog::open(&self.app.logs, id, manifest.log_size).await.map_err(PackageError::from)?;
            let written = packer.export_rest(&firm, &log, &mut out).await?;
            self.end(REST, &unfinished, out).await?;
            manifest.rest = Some(Part { file: REST.to_owned(), written, next: None });
        }
        manifest.is_done = true;
        manifest.write(self.folder).await?;
        Ok(manifest.exported())
    }

    /// Mails for one ZIP file, and the number below which the next one goes on.
    async fn messages(&self, wanted: &Wanted, below: u64) -> Result<(Vec<Message>, Option<u64>), ExportHereError> {
        let app = self.app;
        let (filter, cache) = (wanted.filter(), SearchCache::default());
        let registry = MessageSource { table: &app.table, feed: &app.feed, firm: wanted.firm, filter: &filter };
        let search = Search { registry, archive: &app.archive, store: &app.indexes, cache: &cache };
        let words = SearchWords {
            phrases: wanted.words.as_deref().map(Phrases::read).unwrap_or_default(),
            ..SearchWords::default()
        };
        let (mut messages, mut bytes, mut below) = (Vec::new(), 0, Some(below));
        while let Some(number) = below {
            let found = Box::pin(search.find(&words, (Some(number), PAGE), app.clock.now())).await?;
            if let Some(number) = found.complete_to {
                return Err(ExportHereError::Behind(number));
            }
            below = found.next;
            for message in found.items.into_iter().map(|found| found.message) {
                let Some(original) = message.original() else { continue };
                bytes += original.bytes;
                let number = original.number;
                messages.push(message);
                if bytes >= self.part_bytes || messages.len() == MAILS_MAX {
                    return Ok((messages, Some(number)));
                }
            }
        }
        Ok((messages, below))
    }

    async fn mails(
        &self,
        firm: &Firm,
        signed: &mut StampedLog<'_>,
        messages: &[Message],
        file: &str,
    ) -> Result<WrittenZip, ExportHereError> {
        let (unfinished, mut out) = self.begin(file).await?;
        let written = self.app.packer();
        let written = written.export_mails(firm, signed, messages, &mut out, &|bytes| self.progress.one(bytes)).await?;
        self.end(file, &unfinished, out).await?;
        Ok(written)
    }

    async fn begin(&self, file: &str) -> Result<(PathBuf, tokio::io::BufWriter<tokio::fs::File>), ExportHereError> {
        let unfinished = self.folder.join(format!("{file}.unfinished"));
        let out = tokio::fs::File::create(&unfinished).await.map_err(failed("write", &unfinished))?;
        Ok((unfinished, tokio::io::BufWriter::with_capacity(1 << 20, out)))
    }

    /// The disk has it before the manifest names it.
    async fn end(
        &self,
        file: &str,
        unfinished: &Path,
        out: tokio::io::BufWriter<tokio::fs::File>,
    ) -> Result<(), ExportHereError> {
        out.into_inner().sync_all().await.map_err(failed("write", unfinished))?;
        tokio::fs::rename(unfinished, self.folder.join(file)).await.map_err(failed("write", unfinished))
    }
}

/// Writes the secret that signs the logs to a file that only its owner may read.
///
/// Errors: it can't be read or written.
pub async fn write_key(app: &App, file: &Path) -> Result<(), ExportHereError> {
    let key = app.secrets.read(EVIDENCE_KEY).await?;
    let mut out = OpenOptions::new();
    let out = out.write(true).create(true).truncate(true).mode(0o600).open(file);
    let written = out.and_then(|mut out| writeln!(out, "{}", key.expose_secret()));
    written.map_err(failed("write", file))
}

/// What was imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// The firm.
    pub firm: FirmId,
    /// Its mails.
    pub mails: u64,
}

/// Takes the firm of a finished export in. `tell` gets the progress.
///
/// Errors: the export is not whole, or a ZIP file is not the one that `export.json` names; the deployment knows the
/// firm, or not the key that signed its log.
pub async fn import(app: &App, folder: &Path, tell: &(dyn Fn(&str) + Sync)) -> Result<Imported, ExportHereError> {
    let manifest = Manifest::read(folder).await?;
    let is_whole =
        |manifest: &Manifest| manifest.is_done && manifest.all().all(|part| part.written.left_out.is_empty());
    let manifest = manifest.filter(is_whole).ok_or_else(|| ExportHereError::NotWhole(folder.to_owned()))?;
    let rest = manifest.rest.as_ref().ok_or_else(|| ExportHereError::NotWhole(folder.to_owned()))?;
    for part in manifest.all() {
        part.check(folder).await?;
    }
    let key = app.secrets.read_afresh(EVIDENCE_KEY).await?;
    let importer = Importer { table: &app.table, feed: &app.feed, store: &app.logs, key: &key, now: app.clock.now() };
    let (path, progress) = (folder.join(&rest.file), Progress::new(tell));
    let refused = |path: &Path| {
        let path = path.to_owned();
        move |source| ExportHereError::Import(path, source)
    };
    let admitted = importer.admit(&path).await.map_err(refused(&path))?;
    let mut mails = 0;
    for part in &manifest.parts {
        let path = folder.join(&part.file);
        let tell = |bytes| progress.one(bytes);
        let count = importer.originals(&admitted, &path, &tell).await.map_err(refused(&path))?;
        if count != part.written.mails {
            return Err(ExportHereError::Altered(path));
        }
        mails += count;
    }
    let firm = importer.rest(admitted, &path).await.map_err(refused(&path))?;
    Ok(Imported { firm: firm.id, mails })
}

/// Has logs signed with the lines of a file, too: those of the secret that signed the log of a firm that is imported.
///
/// Errors: the file can't be read, or the secret not be written.
pub async fn sign_with(app: &App, file: &Path) -> Result<(), ExportHereError> {
    let lines = std::fs::read_to_string(file).map_err(failed("read", file))?;
    let own = app.secrets.read(EVIDENCE_KEY).await?;
    let own: Vec<&str> = own.expose_secret().lines().collect();
    let more = lines.lines().filter(|line| !line.is_empty() && !own.contains(line));
    let all: Vec<&str> = more.chain(own.iter().copied()).collect();
    Ok(app.secrets.write(EVIDENCE_KEY, &SecretString::from(all.join("\n"))).await?)
}
