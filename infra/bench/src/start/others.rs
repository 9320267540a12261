//! A handler that does the same work in Python and Node with the usual libraries, made below target/bench.

use std::{
    io,
    path::{Path, PathBuf},
    process::Command,
};

use super::starts::Starts;

const PYTHON: &str = include_str!("handler.py");
const NODE: &str = include_str!("handler.mjs");

/// How the Python handler is started, if its packages are there.
pub(super) fn python(starts: &Starts) -> io::Result<Option<Vec<PathBuf>>> {
    let folder = Path::new("target/bench/python");
    let python = folder.join("bin/python");
    if starts.with_python && !python.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        run(Command::new(&python).args(["-m", "pip", "install", "-q", "boto3", "msal", "requests"]))?;
    }
    handler(&python, &folder.join("handler.py"), PYTHON)
}

/// How the Node handler is started, if its packages are there.
pub(super) fn node(starts: &Starts) -> io::Result<Option<Vec<PathBuf>>> {
    node_program(starts, "handler.mjs", NODE)
}

/// How a program in Node is started, if Node and the packages are there.
pub(crate) fn node_program(starts: &Starts, name: &str, text: &str) -> io::Result<Option<Vec<PathBuf>>> {
    let folder = Path::new("target/bench/node");
    let modules = folder.join("node_modules");
    if starts.with_node {
        let packages = ["dynamodb", "s3", "sqs", "secrets-manager"].map(|name| format!("@aws-sdk/client-{name}"));
        std::fs::create_dir_all(folder)?;
        run(Command::new("npm")
            .args(["install", "--silent", "--prefix"])
            .arg(folder)
            .args(packages)
            .args(["@azure/msal-node", "@microsoft/microsoft-graph-client"]))?;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("node")).find(|path| path.exists());
    match found.filter(|_| modules.exists()) {
        Some(node) => handler(&node, &folder.join(name), text),
        None => Ok(None),
    }
}

fn handler(program: &Path, path: &Path, text: &str) -> io::Result<Option<Vec<PathBuf>>> {
    if !program.exists() {
        return Ok(None);
    }
    std::fs::write(path, text)?;
    Ok(Some(vec![program.to_owned(), path.to_owned()]))
}

fn run(command: &mut Command) -> io::Result<()> {
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("{command:?} ended with {status}"))) }
}
