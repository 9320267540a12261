//! The folder of `--data`: open to its owner only, on a disk that has room.

use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use rustix::fs::Mode;

/// What greffe and the demo keep in the folder. Whatever else lies there belongs to somebody else.
const OURS: [&str; 7] = ["aws", "spool", "microsoft365", OPERATOR_KEY, "demo.json", "demo.json.new", "traffic.jsonl"];
/// The file with the operator's key, where greffe drew it itself.
const OPERATOR_KEY: &str = "operator-key";
/// A disk with less is full: the next large mail does not fit.
pub const ROOM_MIN: u64 = 32 << 20;

/// The folder can't be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It, or something in it, can't be made, read or closed to others.
    #[error("use {path}")]
    Files {
        /// What was to be used.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Its disk is full.
    #[error("the disk of {path} is full: {} MB are free and {} MB are needed", free >> 20, needed.div_ceil(1 << 20))]
    Full {
        /// The folder.
        path: PathBuf,
        /// Bytes that are free.
        free: u64,
        /// Bytes that are needed.
        needed: u64,
    },
}

fn files(path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_owned();
    move |source| FolderError::Files { path, source }
}

/// From now on, whatever this process makes is open to its owner only.
pub fn make_private_files_only() {
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
}

/// Makes the folder if there is none, and closes it and what greffe keeps in it to everybody but the owner: folders are
/// 0700, files 0600.
pub fn prepare(dir: &Path) -> Result<(), FolderError> {
    if dir.exists() && !dir.is_dir() {
        return Err(files(dir)(io::ErrorKind::NotADirectory.into()));
    }
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(files(dir))?;
    // It may be a link to a folder on another disk.
    fs::set_permissions(dir, Permissions::from_mode(0o700)).map_err(files(dir))?;
    OURS.iter().try_for_each(|name| close(&dir.join(name)))
}

fn close(path: &Path) -> Result<(), FolderError> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(files(path)(error)),
    };
    if found.is_symlink() {
        return Ok(());
    }
    let mode = if found.is_dir() { 0o700 } else { 0o600 };
    if found.permissions().mode() & 0o7777 != mode {
        fs::set_permissions(path, Permissions::from_mode(mode)).map_err(files(path))?;
    }
    if found.is_dir() {
        for entry in fs::read_dir(path).map_err(files(path))? {
            close(&entry.map_err(files(path))?.path())?;
        }
    }
    Ok(())
}

/// Whether `needed` bytes are free for whatever is written below `dir`.
///
/// Errors: [`FolderError::Full`] if they are not.
pub fn room(dir: &Path, needed: u64) -> Result<(), FolderError> {
    let disk = rustix::fs::statvfs(dir).map_err(|error| files(dir)(error.into()))?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    match free < needed {
        true => Err(FolderError::Full { path: dir.to_owned(), free, needed }),
        false => Ok(()),
    }
}

/// Keeps the operator's key that greffe drew, where the operator finds it; the file. `None` removes one that counts no
/// longer.
pub fn keep_operator_key(dir: &Path, key: Option<&str>) -> Result<PathBuf, FolderError> {
    let path = dir.join(OPERATOR_KEY);
    let kept = match key {
        Some(key) => fs::write(&path, format!("{key}\n")),
        None => fs::remove_file(&path).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        }),
    };
    kept.map_err(files(&path))?;
    close(&path)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test ends where something is not as told")]

    use super::*;

    #[test]
    fn what_is_ours_is_closed_and_what_is_not_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let (ours, others) = (dir.path().join("aws/s3"), dir.path().join("bin"));
        for folder in [&ours, &others] {
            fs::create_dir_all(folder).unwrap();
            fs::write(folder.join("file"), "x").unwrap();
            fs::set_permissions(folder.join("file"), Permissions::from_mode(0o777)).unwrap();
            fs::set_permissions(folder, Permissions::from_mode(0o777)).unwrap();
        }
        fs::set_permissions(dir.path(), Permissions::from_mode(0o777)).unwrap();
        prepare(dir.path()).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!([mode(dir.path()), mode(&ours), mode(&ours.join("file"))], [0o700, 0o700, 0o600]);
        assert_eq!([mode(&others), mode(&others.join("file"))], [0o777, 0o777]);
    }

    #[test]
    fn a_folder_that_is_a_file_and_a_disk_that_is_too_small_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "x").unwrap();
        assert!(prepare(&file).unwrap_err().to_string().contains("file"));
        let full = room(dir.path(), u64::MAX).unwrap_err().to_string();
        assert!(full.contains(&dir.path().display().to_string()) && full.contains("is full"), "{full}");
        room(dir.path(), 0).unwrap();
    }
}
