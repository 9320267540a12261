//! What the text of sources must be like.

use std::{fs, path::PathBuf, process::Command};

/// The files under version control, or the sources where there is no git.
fn names() -> Vec<PathBuf> {
    let root = super::repository();
    let listed = Command::new("git").args(["ls-files", "-co", "--exclude-standard"]).current_dir(&root).output();
    match listed {
        Ok(listed) if listed.status.success() => {
            String::from_utf8(listed.stdout).unwrap().lines().map(PathBuf::from).collect()
        }
        _ => walk(&root).iter().map(|path| path.strip_prefix(&root).unwrap().to_owned()).collect(),
    }
}

/// Those of them that end like this, with their text.
pub(super) fn files(endings: &[&str]) -> Vec<(PathBuf, String)> {
    let root = super::repository();
    let of_the_kind =
        names().into_iter().filter(|name| endings.iter().any(|end| name.to_str().unwrap().ends_with(end)));
    let read = of_the_kind.filter_map(|name| Some((name.clone(), fs::read_to_string(root.join(&name)).ok()?)));
    let read: Vec<_> = read.collect();
    assert!(!read.is_empty(), "no file ends with {endings:?}");
    read
}

fn walk(folder: &PathBuf) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, mut files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    for folder in folders {
        if !folder.file_name().is_some_and(|name| name == "target" || name.to_string_lossy().starts_with('.')) {
            files.extend(walk(&folder));
        }
    }
    files
}

/// Where the common crate's `ErrorChain` prints an error with all that caused it.
const LOGGED: [&str; 5] = ["shared/", "functions/", "infra/bench/", "infra/greffe/", "infra/local/"];

/// Which do not know the common crate. They log to a terminal, which shows an error with its sources.
const SIMULATED: [&str; 2] = ["infra/aws/", "infra/microsoft365/"];

/// Lines below `folders` that `is_wrong`, with their places.
fn lines(folders: &[&str], endings: &[&str], is_wrong: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for (name, text) in files(endings).into_iter().filter(|(name, _)| folders.iter().any(|f| name.starts_with(f))) {
        let wrong = text.lines().enumerate().filter(|(_, line)| is_wrong(line));
        found.extend(wrong.map(|(n, line)| format!("{}:{}: {}", name.display(), n + 1, line.trim())));
    }
    found
}

/// Whether a line logs an error in another way than `chain`.
fn is_bare(line: &str, chain: &str) -> bool {
    let is_field = line.contains("tracing::") || line.trim_start().starts_with("error = ");
    let field = line.split_once("error = ").filter(|(before, _)| !before.ends_with(|c: char| c.is_alphanumeric()));
    // A sigil before a name alone: its field has the name's own.
    let shorthand = ["%error", "?error"].iter().flat_map(|short| line.split(short).skip(1));
    let is_short = shorthand.into_iter().any(|rest| rest.starts_with([',', ')']));
    is_short || (is_field && field.is_some_and(|(_, value)| !value.starts_with(chain)))
}

#[test]
fn no_file_is_larger_than_a_megabyte() {
    let root = super::repository();
    let bytes = |name: &PathBuf| fs::metadata(root.join(name)).map_or(0, |file| file.len());
    let large: Vec<_> = names().into_iter().filter(|name| bytes(name) > 1_000_000).collect();
    assert!(large.is_empty(), "{large:?}");
}

#[test]
fn a_library_whose_tests_are_not_built_has_none() {
    let is_off = |manifest: &str| {
        let mut parts = manifest.split("\n[");
        parts.any(|part| part.starts_with("lib]") && part.lines().any(|line| line == "test = false"))
    };
    let off = files(&["Cargo.toml"]).into_iter().filter(|(_, manifest)| is_off(manifest));
    let folders: Vec<PathBuf> = off.map(|(name, _)| name.with_file_name("src")).collect();
    assert!(folders.len() > 1, "{folders:?}");
    let folders: Vec<&str> = folders.iter().map(|folder| folder.to_str().unwrap()).collect();
    assert_eq!(lines(&folders, &[".rs"], |line| line.contains("cfg(test)")), Vec::<String>::new());
}

#[test]
fn an_error_in_a_log_has_its_whole_chain() {
    let mut bare = lines(&LOGGED, &[".rs"], |line| is_bare(line, "%ErrorChain("));
    bare.extend(lines(&SIMULATED, &[".rs"], |line| is_bare(line, "&error as &dyn std::error::Error")));
    assert_eq!(bare, Vec::<String>::new());
}

#[test]
fn an_error_in_a_log_without_its_chain_is_found() {
    let chain = "%ErrorChain(";
    assert!(!is_bare(r#"tracing::warn!(error = %ErrorChain(&error), "refused")"#, chain));
    assert!(is_bare(r#"tracing::warn!(error = %error, "refused")"#, chain));
    assert!(is_bare(r#"tracing::warn!(%error, "refused")"#, chain));
    assert!(is_bare("            ?error,", chain));
    assert!(!is_bare(r#"format!("/callback?error={code}")"#, chain));
}

/// What a function answers AWS with is logged by AWS.
#[test]
fn an_error_that_ends_a_function_has_its_whole_chain() {
    let bare = lines(&LOGGED, &[".rs"], |line| line.contains("error_message: ") && !line.contains("ErrorChain("));
    assert_eq!(bare, Vec::<String>::new());
}

/// What a document says lies where: the names between backticks that end like a source, or begin with a folder of the
/// project.
fn named_files(text: &str) -> impl Iterator<Item = &str> {
    const FOLDERS: [&str; 6] = ["functions/", "shared/", "infra/", "tests/", "docs/", "fuzz/"];
    const ENDINGS: [&str; 7] = [".rs", ".md", ".yaml", ".toml", ".json", ".py", ".ftl"];
    let is_path = |name: &&str| !name.contains(|c: char| c.is_whitespace() || "{}*<>…".contains(c));
    let spans = text.split('`').skip(1).step_by(2).filter(is_path);
    spans.filter(|name| {
        name.ends_with(".rs")
            || FOLDERS.iter().any(|folder| name.starts_with(folder)) && ENDINGS.iter().any(|end| name.ends_with(end))
    })
}

#[test]
fn a_file_that_a_document_names_is_there() {
    let known: Vec<String> = files(&[""]).into_iter().map(|(name, _)| format!("/{}", name.display())).collect();
    let mut missing = Vec::new();
    for (document, text) in files(&[".md"]).into_iter().filter(|(name, _)| !name.ends_with("CHANGELOG.md")) {
        let gone = named_files(&text).filter(|name| !known.iter().any(|known| known.ends_with(&format!("/{name}"))));
        missing.extend(gone.map(|name| format!("{}: {name}", document.display())));
    }
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn a_name_of_a_file_is_known_from_other_words() {
    let text = "`shared/src/a.rs` and `b.rs`, `docs/x.md`, `cargo run`, `tests/{name}.rs`, `/v1/firms`, `mail.eml`";
    assert_eq!(named_files(text).collect::<Vec<_>>(), ["shared/src/a.rs", "b.rs", "docs/x.md"]);
}

/// Columns of a line at most.
const WIDTH_MAX: usize = 120;

/// A table row can't be broken, nor can an address.
fn is_whole(line: &str) -> bool {
    let text = line.trim_start().trim_start_matches(['/', '!', '#', '-', '*', ' ']);
    text.starts_with('|') || text.split_whitespace().any(|word| word.len() > WIDTH_MAX / 2)
}

/// rustfmt breaks the lines of code that can be broken, and no comment.
#[test]
fn no_comment_and_no_prose_is_wider_than_120_columns() {
    let everywhere = [""];
    let is_wide = |line: &str| line.chars().count() > WIDTH_MAX && !is_whole(line);
    let mut wide = lines(&everywhere, &[".rs"], |line| line.trim_start().starts_with("//") && is_wide(line));
    wide.extend(lines(&everywhere, &[".yaml", ".toml", ".sh", ".ci/run"], |line| {
        line.trim_start().starts_with("# ") && is_wide(line)
    }));
    for (name, text) in files(&[".md"]).into_iter().filter(|(name, _)| !name.starts_with("docs/problems")) {
        // What is indented or fenced is code: it is copied as one line.
        let prose = text.split("```").step_by(2).flat_map(str::lines).filter(|line| !line.starts_with("    "));
        wide.extend(prose.filter(|line| is_wide(line)).map(|line| format!("{}: {line}", name.display())));
    }
    assert_eq!(wide, Vec::<String>::new());
}

/// The declaration that begins on a line, up to its body.
fn declaration(rest: &str) -> &str {
    rest.split('{').next().unwrap_or(rest)
}

/// Crates whose public functions are called from other crates, or by AWS.
const LIBRARIES: [&str; 2] = ["shared/src", "functions"];

#[test]
fn a_public_function_says_when_it_fails() {
    let (mut looked_at, mut silent) = (0, Vec::new());
    for (path, text) in files(&[".rs"]).into_iter().filter(|(path, _)| LIBRARIES.iter().any(|l| path.starts_with(l))) {
        looked_at += 1;
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        let mut documented = false;
        for (at, line) in code.match_indices('\n').map(|(at, _)| (at + 1, &code[at + 1..])) {
            let first = line.lines().next().unwrap_or_default().trim_start();
            if first.starts_with("///") {
                documented |= first.contains("Errors:");
            } else if ["pub fn ", "pub async fn "].iter().any(|word| first.starts_with(word)) {
                let fails = ["-> Result<", "-> Answer<"].iter().any(|result| declaration(&code[at..]).contains(result));
                if fails && !documented {
                    silent.push(format!("{}: {first}", path.display()));
                }
                documented = false;
            } else if !first.starts_with("#[") {
                documented = false;
            }
        }
    }
    assert!(looked_at > 100, "only {looked_at} files were looked at");
    assert_eq!(silent, Vec::<String>::new(), "say `Errors:`");
}
