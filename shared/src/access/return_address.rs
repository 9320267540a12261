//! Where a browser goes after a sign-in, if the business application says so.
//!
//! Only the API makes one, and only to an origin that the operator allows; from then on it travels sealed in the link
//! or lies in the table. So nothing that a browser brings decides where it is sent.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    base::{config::Origin, id::ConnectorId},
    problem::Code,
};

/// Longest address, in characters.
pub const RETURN_URL_CHARS_MAX: usize = 2_000;
/// Longest `state`, in characters.
pub const RETURN_STATE_CHARS_MAX: usize = 500;
/// What greffe adds to the address.
const ADDED: [&str; 4] = ["outcome", "connector", "code", "state"];

/// An address of the business application that a browser may be sent to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnAddress {
    url: Url,
    /// What the application gave along, which comes back as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<String>,
}

/// Why an address or a state is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReturnAddressError {
    /// It is no address of a page, or has what greffe adds.
    #[error("return_url: an https address without user, fragment, outcome, connector, code and state")]
    Malformed,
    /// The operator does not allow it.
    #[error("return_url: the operator of greffe has to allow its origin (ReturnOrigins)")]
    NotAllowed,
    /// It has another form.
    #[error("state: 1 to 500 visible ASCII characters")]
    State,
}

impl ReturnAddress {
    /// Reads an address. `allowed`: the origins that the operator allows; `loopback`: whether http to this machine is
    /// allowed, too.
    ///
    /// Errors: the address or the state has another form; the origin is not allowed.
    pub fn parse(
        (url, state): (&str, Option<&str>),
        allowed: &[Origin],
        loopback: bool,
    ) -> Result<Self, ReturnAddressError> {
        let is_plain = url.len() <= RETURN_URL_CHARS_MAX && url.bytes().all(|byte| byte.is_ascii_graphic());
        let url = Url::parse(url).ok().filter(|_| is_plain).ok_or(ReturnAddressError::Malformed)?;
        let is_free = !url.query_pairs().any(|(name, _)| ADDED.contains(&&*name));
        let own = Origin::parse(&url.origin().ascii_serialization()).filter(|own| own.holds(&url));
        let own = own.filter(|_| is_free && url.fragment().is_none()).ok_or(ReturnAddressError::Malformed)?;
        // An origin without TLS is one of this machine.
        let is_allowed = allowed.iter().any(|allowed| allowed.holds(&url)) || loopback && !own.is_https();
        if !is_allowed {
            return Err(ReturnAddressError::NotAllowed);
        }
        let fits = |state: &str| {
            (1..=RETURN_STATE_CHARS_MAX).contains(&state.len()) && state.bytes().all(|byte| byte.is_ascii_graphic())
        };
        match state {
            Some(state) if !fits(state) => Err(ReturnAddressError::State),
            _ => Ok(Self { url, state: state.map(str::to_owned) }),
        }
    }

    /// Where the browser goes after a sign-in for `connector` that ended so. No address or name is in it.
    pub fn after(&self, connector: ConnectorId, outcome: Result<(), Code>) -> Url {
        let mut url = self.url.clone();
        let mut pairs = url.query_pairs_mut();
        pairs.append_pair("outcome", if outcome.is_ok() { "connected" } else { "failed" });
        pairs.append_pair("connector", &connector.to_string());
        if let Err(code) = outcome {
            pairs.append_pair("code", &code.name());
        }
        if let Some(state) = &self.state {
            pairs.append_pair("state", state);
        }
        drop(pairs);
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str, loopback: bool) -> Result<ReturnAddress, ReturnAddressError> {
        let allowed = [Origin::parse("https://app.example").unwrap()];
        ReturnAddress::parse((url, Some("s-1")), &allowed, loopback)
    }

    #[test]
    fn only_an_allowed_origin_is_returned_to() {
        let (malformed, not_allowed) = (Some(ReturnAddressError::Malformed), Some(ReturnAddressError::NotAllowed));
        for (url, loopback, refused) in [
            ("https://app.example/done?tab=2", false, None),
            ("https:app.example", false, None),
            ("http://127.0.0.1:4000/done", true, None),
            ("http://127.0.0.1:4000/done", false, not_allowed),
            ("https://app.example:8443/done", true, not_allowed),
            ("https://app.example.evil.example/", true, not_allowed),
            ("https://evil.example/?https://app.example", true, not_allowed),
            ("https://evil.example\\@app.example/", true, not_allowed),
            ("https://app.example@evil.example/", true, malformed),
            ("https://app.example/#done", true, malformed),
            ("https://app.example/?code=1", true, malformed),
            ("http://app.example/", true, malformed),
            ("javascript:alert(1)", true, malformed),
            ("https://app.example/\u{e9}", false, malformed),
            ("//app.example/", true, malformed),
        ] {
            assert_eq!(read(url, loopback).err(), refused, "{url}");
        }
    }

    #[test]
    fn the_outcome_and_the_applications_state_are_added_and_nothing_else() {
        let connector: ConnectorId = "1d3f90f6-fac8-4fdb-ae07-de25533902e9".parse().unwrap();
        let there = read("https://app.example/done?tab=2", false).unwrap();
        let added = format!("outcome=connected&connector={connector}&state=s-1");
        assert_eq!(there.after(connector, Ok(())).as_str(), format!("https://app.example/done?tab=2&{added}"));
        let failed = there.after(connector, Err(Code::WrongAccount));
        assert!(failed.query().unwrap().contains("outcome=failed&") && failed.as_str().contains("code=wrong_account"));
    }

    #[test]
    fn a_state_is_text_that_an_address_can_hold() {
        let allowed = [Origin::parse("https://app.example").unwrap()];
        for state in ["", "a b", "é", &"x".repeat(501)] {
            let read = ReturnAddress::parse(("https://app.example/", Some(state)), &allowed, false);
            assert_eq!(read, Err(ReturnAddressError::State), "{state}");
        }
    }
}
