//! What worlds said to Graph and heard from it: kept by each, judged once for all. The judge takes longer to start than
//! to read the traffic of a world.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

/// Microsoft's own description of Graph, as a program that judges logs. It lies beside a developer's clone.
pub fn contract() -> Option<PathBuf> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().map(|folder| folder.join("shared/graph/contract/check")).find(|path| path.is_file())
}

/// Where the logs wait for `tests/traffic`: below the target folder that this program was built in.
pub fn folder() -> PathBuf {
    let program = std::env::current_exe().expect("this program's path");
    program.ancestors().nth(3).expect("target/PROFILE/deps/PROGRAM").join("traffic")
}

/// Keeps a log under the name of the test that ends.
///
/// Errors: the log can't be copied.
pub fn keep(log: &Path) -> io::Result<()> {
    static KEPT: AtomicU64 = AtomicU64::new(0);
    let test = thread::current().name().unwrap_or("story").replace("::", ".");
    let name = format!("{test}-{}-{}.jsonl", process::id(), KEPT.fetch_add(1, Ordering::SeqCst));
    fs::create_dir_all(folder())?;
    fs::copy(log, folder().join(name))?;
    Ok(())
}
