//! One function in AWS's emulator.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::Value;
use tests::{World, template::root};
use tokio::net::TcpListener;

/// How long an emulator may take to listen.
const START_TRIES_MAX: u32 = 200;

/// A function that waits for events.
pub struct Lambda {
    name: String,
    emulator: tokio::process::Child,
    url: String,
    http: reqwest::Client,
}

impl Lambda {
    /// Starts the function `name` with the environment that the template gives it.
    pub async fn start(name: &str, world: &World, aws: &str) -> Self {
        let (invocations, runtime) = (free_port().await, free_port().await);
        let mut command = tokio::process::Command::new(std::env::var_os("GREFFE_RIE").expect("GREFFE_RIE"));
        command
            .args(["--runtime-interface-emulator-address", &invocations, "--runtime-api-address", &runtime])
            .arg(program(name))
            .env_clear()
            .envs(world.host.environment(name, aws))
            // The emulator starts the function as a child of its own: both are ended as one group.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let emulator = command.spawn().expect("the emulator");
        let url = format!("http://{invocations}/2015-03-31/functions/function/invocations");
        for _ in 0..START_TRIES_MAX {
            if tokio::net::TcpStream::connect(&invocations).await.is_ok() {
                return Self { name: name.to_owned(), emulator, url, http: tests::http() };
            }
            #[expect(clippy::disallowed_methods, reason = "another program does not tell when it listens")]
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("the emulator of {name} does not listen")
    }

    /// What the function answers to an event; an object with `errorType` if it failed.
    pub async fn invoke(&self, event: &Value) -> Value {
        let answer = self.http.post(&self.url).json(event).send().await.expect("an answer");
        let text = answer.text().await.expect("an answer");
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{} answered {text}", self.name))
    }

    /// Ends it.
    pub async fn stop(mut self) {
        self.end();
        let _ = self.emulator.wait().await;
    }

    fn end(&mut self) {
        if let Some(id) = self.emulator.id() {
            let _ = Command::new("kill").args(["-KILL", "--", &format!("-{id}")]).status();
        }
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        self.end();
    }
}

fn program(name: &str) -> PathBuf {
    let folders = std::env::var_os("GREFFE_FUNCTIONS").expect("GREFFE_FUNCTIONS");
    let mut programs = std::env::split_paths(&folders).map(|folder| root().join(folder).join(name));
    let found = programs.find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{name} is not built")).canonicalize().unwrap()
}

/// A port that was free a moment ago.
async fn free_port() -> String {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string()
}
