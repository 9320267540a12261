//! What is started, how often, and how long it took.

use std::{path::PathBuf, time::Duration};

/// What is started, and how often.
#[derive(Debug, Clone, clap::Args)]
pub struct Starts {
    /// Where the functions are, built with --profile lambda: NAME/bootstrap, or NAME.
    #[arg(long, value_name = "DIR", default_value = "target/lambda")]
    pub(super) functions: PathBuf,
    /// Starts of each function.
    #[arg(long, default_value_t = 21)]
    pub(super) starts: usize,
    /// Install boto3, msal and requests below target/bench, to compare with; once installed, they are compared with.
    #[arg(long)]
    pub(super) with_python: bool,
    /// Measures Node too, with the AWS SDK and msal-node.
    #[arg(long)]
    pub(super) with_node: bool,
}

/// From exec.
#[derive(Clone, Copy)]
pub(super) struct Took {
    /// To the first request for work.
    pub(super) ready: Duration,
    /// To the first answer.
    pub(super) answered: Duration,
}
