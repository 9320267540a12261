//! Where a webhook may go: to the outside, and nowhere else. A host is resolved once, and connected to what was judged.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use serde::{Deserialize, Serialize};
use url::{Host, ParseError, Url};

use crate::base::config::{LOCALHOST, is_this_machine};

/// Longest address, in characters.
pub const URL_CHARS_MAX: usize = 2_000;

/// The address of a webhook: https and the name of a host; on one machine, http to this machine too.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WebhookUrl(Url);

/// The path and the query may be what keeps others from it.
impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookUrl({})", self.0.host_str().unwrap_or_default())
    }
}

/// Why a text is no address that webhooks go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookUrlError {
    /// It has more than [`URL_CHARS_MAX`] characters.
    #[error("an address has at most {URL_CHARS_MAX} characters")]
    TooLong,
    /// It is no URL.
    #[error("not an address such as https://application.example/greffe")]
    Malformed,
    /// Its port is none.
    #[error("the port is not a number from 1 to 65535")]
    Port,
    /// Another scheme than https.
    #[error("the address begins with https://")]
    Scheme,
    /// It names a user or a password.
    #[error("the address has no user and no password: greffe signs what it posts")]
    UserInfo,
    /// It has a part after `#`, which is never sent.
    #[error("the address has no part after #")]
    Fragment,
    /// Its host is an IP address that is not public.
    #[error("this is an address of a private network: greffe posts to public addresses only")]
    Private,
    /// Its host is a public IP address.
    #[error("the host is an IP address: write its name")]
    IpAddress,
    /// Its host is a name that only a local network knows.
    #[error("the host is not a public name such as application.example")]
    LocalName,
}

impl WebhookUrl {
    /// Reads an address. `loopback`: whether http to this machine is one.
    ///
    /// Errors: the text is no such address.
    pub fn parse(text: &str, loopback: bool) -> Result<Self, WebhookUrlError> {
        if text.chars().count() > URL_CHARS_MAX {
            return Err(WebhookUrlError::TooLong);
        }
        let url = Url::parse(text).map_err(|error| match error {
            ParseError::InvalidPort => WebhookUrlError::Port,
            _ => WebhookUrlError::Malformed,
        })?;
        let host = url.host().ok_or(WebhookUrlError::Malformed)?;
        let is_here = is_this_machine(&host);
        let is_named = |name: &str| name.contains('.') && !name.ends_with('.');
        let refused = match (url.scheme(), host) {
            _ if !url.username().is_empty() || url.password().is_some() => WebhookUrlError::UserInfo,
            _ if url.fragment().is_some() => WebhookUrlError::Fragment,
            _ if url.port() == Some(0) => WebhookUrlError::Port,
            ("http", _) if loopback && is_here => return Ok(Self(url)),
            ("https", Host::Domain(name)) if is_named(name) => return Ok(Self(url)),
            ("https", Host::Domain(_)) => WebhookUrlError::LocalName,
            ("https", Host::Ipv4(ip)) if is_public(ip.into()) => WebhookUrlError::IpAddress,
            ("https", Host::Ipv6(ip)) if is_public(ip.into()) => WebhookUrlError::IpAddress,
            ("https", _) => WebhookUrlError::Private,
            _ => WebhookUrlError::Scheme,
        };
        Err(refused)
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// A host has no address to which webhooks go.
#[derive(Debug, thiserror::Error)]
#[error("the host has no public address")]
pub struct NotPublic;

/// Resolves hosts to their public addresses, and to no others.
#[derive(Debug, Clone, Copy, Default)]
pub struct PublicResolver;

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // Only on one machine is there an address with this name.
            let may = |ip| is_public(ip) || name.as_str() == LOCALHOST && ip.is_loopback();
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| may(address.ip())).collect();
            if public.is_empty() {
                return Err(NotPublic.into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is anybody's on the internet, and not of this machine, its network or AWS.
/// Sources: <https://www.iana.org/assignments/iana-ipv4-special-registry/>,
/// <https://www.iana.org/assignments/iana-ipv6-special-registry/>
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let special = match ip.octets() {
        // This network; IETF protocols; benchmarks; 6to4 relays; reserved and broadcast.
        [0 | 240..=255, ..] | [192, 0, 0, _] | [198, 18 | 19, ..] | [192, 88, 99, _] => true,
        // Shared by carriers.
        [100, second, ..] => second & 0xc0 == 64,
        _ => false,
    };
    let kinds = ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_multicast() || ip.is_documentation();
    !(special || kinds)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, high, low] = ip.segments();
    let within = || {
        let ([one, two], [three, four]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(one, two, three, four))
    };
    match [a, b, c, d, e, f] {
        // An IPv4 address in another form: mapped, or behind NAT64.
        [0, 0, 0, 0, 0, 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] => within(),
        // Teredo, protocols of the IETF, documentation, 6to4.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // All that is given out to the world.
        [0x2000..=0x3fff, ..] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use super::*;

    #[test]
    fn an_address_is_https_by_name_and_on_one_machine_http_to_this_machine() {
        for text in ["https://application.example/greffe?k=1", "https://application.example:8443/"] {
            assert!(WebhookUrl::parse(text, false).is_ok(), "{text}");
        }
        for text in ["http://127.0.0.1:4000/hook", "http://localhost:4000", "http://[::1]:4000/"] {
            assert!(WebhookUrl::parse(text, true).is_ok() && WebhookUrl::parse(text, false).is_err(), "{text}");
        }
        use WebhookUrlError as E;
        let long = format!("https://application.example/{}", "x".repeat(URL_CHARS_MAX));
        for (text, why) in [
            ("", E::Malformed),
            ("application.example", E::Malformed),
            ("mailto:ada@application.example", E::Malformed),
            ("http://application.example/", E::Scheme),
            ("http://10.0.0.1/", E::Scheme),
            ("ftp://application.example/", E::Scheme),
            ("https://localhost/", E::LocalName),
            ("https://metadata/", E::LocalName),
            ("https://application.example./", E::LocalName),
            ("https://169.254.169.254/", E::Private),
            ("https://2130706433/", E::Private),
            ("https://[::1]/", E::Private),
            ("https://1.1.1.1/", E::IpAddress),
            ("https://application.example:0/", E::Port),
            ("https://application.example:70000/", E::Port),
            ("https://user@application.example/", E::UserInfo),
            ("https://application.example/#part", E::Fragment),
            (&long, E::TooLong),
        ] {
            assert_eq!(WebhookUrl::parse(text, true), Err(why), "{text}");
        }
    }

    #[test]
    fn what_is_printed_of_an_address_is_its_host() {
        let url = WebhookUrl::parse("https://application.example/secret?k=1", false).unwrap();
        assert_eq!(format!("{url:?}"), "WebhookUrl(application.example)");
    }

    #[test]
    fn addresses_of_this_machine_of_networks_and_of_aws_are_not_public_in_any_spelling() {
        for ip in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a00:1",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:a00:1::",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "5f00::1",
        ] {
            assert!(!is_public(IpAddr::from_str(ip).unwrap()), "{ip}");
        }
        for ip in ["1.1.1.1", "100.63.255.255", "100.128.0.1", "172.32.0.1", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1"] {
            assert!(is_public(IpAddr::from_str(ip).unwrap()), "{ip}");
        }
        assert!(is_public(IpAddr::from_str("2606:4700::1111").unwrap()));
    }

    #[tokio::test]
    async fn a_name_that_leads_into_this_machine_is_not_resolved() {
        let resolve = async |name: &str| PublicResolver.resolve(Name::from_str(name).unwrap()).await;
        assert!(resolve("127.0.0.1").await.err().is_some_and(|error| error.is::<NotPublic>()));
        assert!(resolve("localhost").await.is_ok());
    }
}
