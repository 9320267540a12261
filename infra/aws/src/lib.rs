//! The AWS APIs that greffe calls, answered on one machine
