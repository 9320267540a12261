//! The environment, read once. A missing or malformed variable is an error that names it, never a silent default to a
//! fake.

use std::{path::PathBuf, time::Duration};

use aws_config::{AppName, Region};
use url::{Host, Url};

/// How long a fact may wait before it is in the firm's log.
const LOG_PAUSE: Duration = Duration::from_secs(15 * 60);
/// How old the last time stamp is when the next is asked for, unless the environment says otherwise.
const TIMESTAMP_HOURS: u64 = 24;
/// A year.
const TIMESTAMP_HOURS_MAX: u64 = 8_784;

use crate::base::id::{ClientId, TenantId};

/// Calls that may wait for events at a time, unless the environment says otherwise.
const WAITING_CALLS: u64 = 5;

/// Calls of a firm within a minute, unless the environment says otherwise.
const CALLS_PER_MINUTE: u64 = 1_200;
/// Fewer than a process takes at a time would let nobody in.
const CALLS_PER_MINUTE_MIN: u64 = 20;

/// What a function learns from its environment.
#[derive(Debug, Clone)]
pub struct Config {
    /// `GREFFE_TABLE`: the DynamoDB table.
    pub table: String,
    /// `GREFFE_BUCKET`: the S3 bucket of the originals.
    pub bucket: String,
    /// `GREFFE_INDEX_BUCKET`: the S3 bucket of the indexes of words.
    pub index_bucket: String,
    /// `GREFFE_EVENT_BUS`: the EventBridge bus that facts are told on; none where nobody listens.
    pub event_bus: Option<String>,
    /// `GREFFE_MAIL_QUEUE_URL`: the FIFO queue of mailbox jobs.
    pub mail_queue_url: String,
    /// `GREFFE_OLDER_QUEUE_URL`: the FIFO queue of mailbox jobs that are about older mail.
    pub older_queue_url: String,
    /// `GREFFE_PUSH_QUEUE_URL`: the FIFO queue of push jobs.
    pub push_queue_url: String,
    /// `GREFFE_DELIVERY_QUEUE_URL`: the FIFO queue of what is posted to webhooks.
    pub delivery_queue_url: String,
    /// `GREFFE_APP_CLIENT_ID`: the platform's own app registration; without it every firm brings its own.
    pub app_client_id: Option<ClientId>,
    /// `GREFFE_APP_TENANT_ID`: the tenant that the platform's own app is registered in; without it, its secret is
    /// replaced by the operator only, and Entra is not asked when it ends.
    pub app_tenant_id: Option<TenantId>,
    /// `GREFFE_FEDERATED_SUBJECTS`: the roles that AWS vouches for, separated by spaces. Only the API names them.
    pub federated_subjects: Vec<String>,
    /// Where Microsoft is reached.
    pub microsoft: Microsoft,
    /// `GREFFE_PUBLIC_URL`: where the world reaches the API, without a slash at the end.
    pub public_url: Origin,
    /// `GREFFE_WEBHOOK_URL`: where Graph sends its notices; see [`Config::webhook_url`].
    webhook_url: Option<String>,
    /// `GREFFE_CONTENT_BYTES_MAX`: originals larger than this are handed out by S3 itself, through a link that lives
    /// for minutes. On Lambda an answer holds 6 MB, and a mail grows by a third in it; without the variable there is no
    /// limit.
    pub content_bytes_max: u64,
    /// `GREFFE_WAITING_CALLS`: how many calls may wait for events at a time, each in a function of its own (default:
    /// 5).
    pub waiting_calls_max: usize,
    /// `GREFFE_RETURN_ORIGINS`: where a browser may be sent after a sign-in, as the business application asks: origins
    /// such as `https://application.example`, separated by spaces (default: none).
    pub return_origins: Vec<Origin>,
    /// `GREFFE_CALLS_PER_MINUTE`: how many calls a firm may make within a minute, with all its keys together (default:
    /// 1,200; at least 20).
    pub calls_per_minute: u64,
    /// `GREFFE_LOG_MINUTES`: how long a fact may wait before it is in the firm's log (default: 15 minutes).
    pub log_pause: Duration,
    /// `GREFFE_TIMESTAMP_URL`: the authority that stamps checkpoints (RFC 3161), by http or https; without it, none
    /// does.
    pub timestamp_url: Option<Url>,
    /// `GREFFE_TIMESTAMP_HOURS`: how old the last time stamp is when the next is asked for (default: a day).
    pub timestamp_pause: Duration,
    /// `GREFFE_LOCK_DAYS`: for how many days Object Lock has to keep an original; without it, or with 0, it need not,
    /// and legal holds are greffe's alone.
    pub lock_days: Option<u64>,
    /// `GREFFE_SPOOL_DIR`: disk for mails too large for memory (default: the system's temporary directory).
    pub spool_dir: PathBuf,
    /// `AWS_CA_BUNDLE`, as AWS's own tools name it: a PEM file of authorities that are trusted beside the public ones,
    /// such as that of a proxy that looks into TLS.
    pub ca_bundle: Option<PathBuf>,
}

/// A variable that keeps a function from starting: the operator's turn.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Not set at all.
    #[error("{variable} is not set")]
    Missing {
        /// Its name.
        variable: &'static str,
    },
    /// Set to something else than it must be.
    #[error("{variable} is '{value}', which is not {expected}")]
    Malformed {
        /// Its name.
        variable: &'static str,
        /// What it is.
        value: String,
        /// What it must be.
        expected: &'static str,
    },
}

impl Config {
    /// Reads the process's environment.
    ///
    /// Errors: a variable is missing or has another form; the error names it.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_lookup(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    /// Where Graph sends its notices: only the functions that subscribe need it, and the one behind it can't know it.
    ///
    /// Errors: a variable is missing or has another form; the error names it.
    pub fn webhook_url(&self) -> Result<&str, ConfigError> {
        self.webhook_url.as_deref().ok_or(ConfigError::Missing { variable: "GREFFE_WEBHOOK_URL" })
    }

    /// Reads the variables through `lookup`, without the spaces and line ends around them; an empty value counts as
    /// none.
    ///
    /// Errors: a variable is missing or has another form; the error names it.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let lookup = |name: &str| lookup(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let required = |variable: &'static str| lookup(variable).ok_or(ConfigError::Missing { variable });
        let origin = |variable: &'static str, value: String| {
            Origin::parse(&value).ok_or(ConfigError::Malformed {
                variable,
                value,
                expected: "an origin such as https://greffe.example (http only on this machine)",
            })
        };
        let (login, graph) = match lookup("GREFFE_CLOUD").as_deref() {
            None | Some("global") => ("https://login.microsoftonline.com", "https://graph.microsoft.com"),
            Some("us-gov") => ("https://login.microsoftonline.us", "https://graph.microsoft.us"),
            Some("us-dod") => ("https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
            Some("china") => ("https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn"),
            Some(value) => {
                let (variable, expected) = ("GREFFE_CLOUD", "one of global, us-gov, us-dod, china");
                return Err(ConfigError::Malformed { variable, value: value.to_owned(), expected });
            }
        };
        let or = |variable: &'static str, default: &str| {
            origin(variable, lookup(variable).unwrap_or_else(|| default.to_owned()))
        };
        let number = |variable: &'static str, default: u64, expected: &'static str| match lookup(variable) {
            None => Ok(default),
            Some(value) => value.parse().map_err(|_| ConfigError::Malformed { variable, value, expected }),
        };
        let app_client_id = match lookup("GREFFE_APP_CLIENT_ID") {
            None => None,
            Some(value) => Some(value.parse().map_err(|_| ConfigError::Malformed {
                variable: "GREFFE_APP_CLIENT_ID",
                value,
                expected: "an application (client) id",
            })?),
        };
        let app_tenant_id = match lookup("GREFFE_APP_TENANT_ID") {
            None => None,
            Some(value) => Some(value.parse().map_err(|_| ConfigError::Malformed {
                variable: "GREFFE_APP_TENANT_ID",
                value,
                expected: "a directory (tenant) id",
            })?),
        };
        Ok(Self {
            table: required("GREFFE_TABLE")?,
            bucket: required("GREFFE_BUCKET")?,
            index_bucket: required("GREFFE_INDEX_BUCKET")?,
            event_bus: lookup("GREFFE_EVENT_BUS"),
            mail_queue_url: required("GREFFE_MAIL_QUEUE_URL")?,
            older_queue_url: required("GREFFE_OLDER_QUEUE_URL")?,
            push_queue_url: required("GREFFE_PUSH_QUEUE_URL")?,
            delivery_queue_url: required("GREFFE_DELIVERY_QUEUE_URL")?,
            app_client_id,
            app_tenant_id,
            federated_subjects: lookup("GREFFE_FEDERATED_SUBJECTS")
                .map(|subjects| subjects.split_whitespace().map(str::to_owned).collect())
                .unwrap_or_default(),
            microsoft: Microsoft {
                login: or("GREFFE_LOGIN_URL", login)?,
                graph: or("GREFFE_GRAPH_URL", graph)?,
                // A scope names the cloud's own Graph, wherever a test has it answered.
                scope_resource: graph,
            },
            public_url: origin("GREFFE_PUBLIC_URL", required("GREFFE_PUBLIC_URL")?)?,
            webhook_url: lookup("GREFFE_WEBHOOK_URL"),
            lock_days: Some(number("GREFFE_LOCK_DAYS", 0, "a number of days")?).filter(|days| *days > 0),
            log_pause: match lookup("GREFFE_LOG_MINUTES") {
                None => LOG_PAUSE,
                Some(value) => {
                    let minutes = value.parse::<u16>().ok().filter(|minutes| *minutes > 0);
                    let (variable, expected) = ("GREFFE_LOG_MINUTES", "a number of minutes from 1 to 65535");
                    let minutes = minutes.ok_or(ConfigError::Malformed { variable, value, expected })?;
                    Duration::from_secs(60 * u64::from(minutes))
                }
            },
            timestamp_url: match lookup("GREFFE_TIMESTAMP_URL") {
                None => None,
                Some(value) => {
                    let url = Url::parse(&value).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
                    let (variable, expected) = ("GREFFE_TIMESTAMP_URL", "an address that begins with http or https");
                    Some(url.ok_or(ConfigError::Malformed { variable, value, expected })?)
                }
            },
            timestamp_pause: Duration::from_secs(
                number("GREFFE_TIMESTAMP_HOURS", TIMESTAMP_HOURS, "a number of hours")?.clamp(1, TIMESTAMP_HOURS_MAX)
                    * 3_600,
            ),
            content_bytes_max: number("GREFFE_CONTENT_BYTES_MAX", u64::MAX, "a number of bytes")?,
            waiting_calls_max: number("GREFFE_WAITING_CALLS", WAITING_CALLS, "a number of calls")?
                .try_into()
                .unwrap_or(usize::MAX),
            return_origins: lookup("GREFFE_RETURN_ORIGINS")
                .unwrap_or_default()
                .split_whitespace()
                .map(|text| origin("GREFFE_RETURN_ORIGINS", text.to_owned()))
                .collect::<Result<_, _>>()?,
            calls_per_minute: number("GREFFE_CALLS_PER_MINUTE", CALLS_PER_MINUTE, "a number of calls")?
                .max(CALLS_PER_MINUTE_MIN),
            spool_dir: lookup("GREFFE_SPOOL_DIR").map_or_else(std::env::temp_dir, PathBuf::from),
            ca_bundle: lookup("AWS_CA_BUNDLE").map(PathBuf::from),
        })
    }
}

/// Where a function finds AWS. Lambda sets the region, and the credentials beside it.
#[derive(Debug, Clone)]
pub struct Aws {
    /// `AWS_REGION`.
    pub region: Region,
    /// `AWS_ENDPOINT_URL`: one address that answers for all of AWS's services, in their place.
    pub endpoint_url: Option<String>,
    /// `AWS_SDK_UA_APP_ID`: how the function names itself in its requests.
    pub app_name: Option<AppName>,
}

impl Aws {
    /// Reads the process's environment.
    ///
    /// Errors: a variable is missing or has another form; the error names it.
    pub fn from_env() -> Result<Self, ConfigError> {
        let lookup = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let region = lookup("AWS_REGION").ok_or(ConfigError::Missing { variable: "AWS_REGION" })?;
        let app_name = lookup("AWS_SDK_UA_APP_ID").map(|value| {
            AppName::new(value.clone()).map_err(|_| ConfigError::Malformed {
                variable: "AWS_SDK_UA_APP_ID",
                value,
                expected: "a name of letters, digits and hyphens",
            })
        });
        Ok(Self {
            region: Region::new(region),
            endpoint_url: lookup("AWS_ENDPOINT_URL"),
            app_name: app_name.transpose()?,
        })
    }
}

/// The endpoints of one Microsoft cloud. `GREFFE_CLOUD` chooses it; `GREFFE_LOGIN_URL` and `GREFFE_GRAPH_URL` put
/// others in their place. Source: <https://learn.microsoft.com/graph/deployments>
#[derive(Debug, Clone)]
pub struct Microsoft {
    /// Where people sign in and tokens are issued.
    pub login: Origin,
    /// Where Graph answers: the only place that a bearer token is ever sent to.
    pub graph: Origin,
    /// What a fully qualified scope begins with, such as `https://graph.microsoft.com`.
    pub scope_resource: &'static str,
}

/// The name of this machine for itself.
pub const LOCALHOST: &str = "localhost";

/// Whether a host is this machine: `localhost`, or a loopback address.
pub fn is_this_machine(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == LOCALHOST,
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    }
}

/// Scheme, host and port of a URL: https, or http on this very machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(Url);

impl Origin {
    /// Reads an origin; a path, a user or a query makes it none.
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let secure = url.scheme() == "https" || (url.scheme() == "http" && is_this_machine(&url.host()?));
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        (secure && bare && url.password().is_none()).then_some(Self(url))
    }

    /// The URL of `path`, which begins with a slash and is already encoded.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.0.as_str().trim_end_matches('/'))
    }

    /// Whether it is reached by TLS; if not, it is on this machine.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether `url` lies on this origin and carries no user of its own.
    pub fn holds(&self, url: &Url) -> bool {
        url.origin() == self.0.origin() && url.username().is_empty() && url.password().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(extra: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let mut all = vec![
            ("GREFFE_TABLE", "greffe"),
            ("GREFFE_BUCKET", "originals"),
            ("GREFFE_INDEX_BUCKET", "indexes"),
            ("GREFFE_EVENT_BUS", "greffe"),
            ("GREFFE_MAIL_QUEUE_URL", "https://sqs/mail.fifo"),
            ("GREFFE_OLDER_QUEUE_URL", "https://sqs/older.fifo"),
            ("GREFFE_PUSH_QUEUE_URL", "https://sqs/push.fifo"),
            ("GREFFE_DELIVERY_QUEUE_URL", "https://sqs/delivery.fifo"),
            ("GREFFE_PUBLIC_URL", "https://greffe.example"),
        ];
        all.extend(extra);
        Config::from_lookup(|name| all.iter().rev().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn the_global_cloud_is_the_default_and_the_others_go_by_name() {
        assert_eq!(with(&[]).unwrap().microsoft.graph.at("/v1.0"), "https://graph.microsoft.com/v1.0");
        let china = with(&[("GREFFE_CLOUD", "china")]).unwrap().microsoft;
        assert_eq!(china.login.at(""), "https://login.chinacloudapi.cn");
        assert_eq!(china.scope_resource, "https://microsoftgraph.chinacloudapi.cn");
        assert!(matches!(
            with(&[("GREFFE_CLOUD", "mars")]),
            Err(ConfigError::Malformed { variable: "GREFFE_CLOUD", .. })
        ));
    }

    #[test]
    fn a_value_that_is_pasted_with_spaces_is_read_without_them() {
        let config =
            with(&[("GREFFE_APP_CLIENT_ID", " app\r\n"), ("GREFFE_APP_TENANT_ID", "\ttenant "), ("GREFFE_CLOUD", " ")]);
        let config = config.unwrap();
        let ids = (config.app_client_id.map(|id| id.to_string()), config.app_tenant_id.map(|id| id.to_string()));
        assert_eq!(ids, (Some("app".to_owned()), Some("tenant".to_owned())));
    }

    #[test]
    fn plain_http_is_taken_on_this_machine_only() {
        assert!(with(&[("GREFFE_GRAPH_URL", "http://127.0.0.1:4000")]).is_ok());
        assert!(with(&[("GREFFE_GRAPH_URL", "http://graph.microsoft.com")]).is_err());
        assert!(Origin::parse("https://a.example/path").is_none());
        assert!(Origin::parse("https://user@a.example").is_none());
    }

    #[test]
    fn another_port_or_a_look_alike_host_is_another_origin() {
        let graph = Origin::parse("https://graph.microsoft.com").unwrap();
        let holds = |url: &str| graph.holds(&Url::parse(url).unwrap());
        assert!(holds("https://graph.microsoft.com/v1.0/x?$deltatoken=1"));
        assert!(!holds("https://graph.microsoft.com:8443/v1.0"));
        assert!(!holds("https://graph.microsoft.com.evil.example/v1.0"));
        assert!(!holds("http://graph.microsoft.com/v1.0"));
        assert!(!holds("https://graph.microsoft.com@evil.example/"));
    }
}
