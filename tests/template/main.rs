//! The deployment, judged without deploying it: what CloudFormation's linters let through, and what has to agree with
//! the code and the documents.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod agreement;
mod faults;
mod rights;
mod security;
