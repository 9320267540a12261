//! Refusals with both of their names: the JSON protocol's and the query protocol's.

use crate::fault::Fault;

pub(super) fn fault(code: &'static str, query_code: &'static str, message: impl Into<String>) -> Fault {
    Fault { query_code: Some(query_code), ..Fault::sender(code, message) }
}

pub(super) fn invalid(parameter: &str, value: impl std::fmt::Display, reason: &str) -> Fault {
    const CODE: &str = "InvalidParameterValue";
    fault(CODE, CODE, format!("Value {value} for parameter {parameter} is invalid. Reason: {reason}"))
}

pub(super) fn missing(parameter: &str) -> Fault {
    const CODE: &str = "MissingParameter";
    fault(CODE, CODE, format!("The request must contain the parameter {parameter}."))
}
