//! The AWS contract.
