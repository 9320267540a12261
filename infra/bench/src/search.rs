//! Search: how fast an index is made and asked, how large it is, and what it costs.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use aws_smithy_runtime_api::client::{
    http::{HttpClient as _, HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::HttpRequest,
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use local::{
    client::{Client, text},
    host::{Host, Settings},
    machine::Machine,
    provision::{BUCKET, INDEX_BUCKET},
};
use reqwest::Method;
use secrecy::SecretString;
use serde_json::json;
use shared::{
    app::App,
    aws::table::{Key, Write},
    base::{
        clock::Clock,
        digest::Digest,
        id::{ConversationId, FirmId, MailboxId, MessageId},
        random::Random,
    },
    firm::{
        fact::{Fact, FactEvent},
        retention::KeptUntil,
    },
    mail::{
        archive,
        list::{MessageFilter, MessageSource},
        message::{Message, MessageState, Original},
    },
    search::{
        find::{Search, SearchCache, SearchWords},
        words::Phrases,
    },
};
use tokio::net::TcpListener;

use super::{
    BenchError, Row,
    cost::dollars,
    meter::{Meter, Usage},
};

/// Mailboxes of the firm that have mail.
const MAILBOXES: u64 = 50;
/// Words of a mail's text: 1,800 bytes.
const WORDS: usize = 270;
/// Words of the language.
const VOCABULARY: u64 = 60_000;
/// Mails that are written side by side.
const WRITTEN_AT_ONCE: usize = 16;
/// Appends of each size, for the cost.
const APPENDS: u64 = 24;
/// Mails of an append.
const SIZES: [u64; 3] = [1, 17, 64];
/// As in template.yaml.
const INDEXER_GB: f64 = 1.0;
/// Bytes of a block.
const BLOCK_BYTES: u64 = 64 << 10;

/// What is searched.
#[derive(Debug, Clone, clap::Args)]
pub struct Searches {
    /// Mails of the firm that is searched.
    #[arg(long, default_value_t = 10_000)]
    searched: u64,
    /// Queries.
    #[arg(long, default_value_t = 400)]
    queries: usize,
}

/// Words that are as frequent as those of a language (Zipf), made of the syllables of four.
struct Words(Random);

impl Words {
    fn number(&self) -> u64 {
        self.0.uuid().as_u64_pair().0
    }

    /// The word of that rank.
    fn of(rank: u64) -> String {
        const SYLLABLES: [&str; 24] = [
            "tion", "ment", "que", "des", "lé", "eur", "ver", "ge", "heid", "ij", "aan", "schap", "ung", "sch", "ein",
            "für", "keit", "ß", "ing", "the", "ness", "ly", "con", "re",
        ];
        let (mut word, mut left) = (String::new(), rank + 24);
        while left > 0 {
            word.push_str(SYLLABLES[usize::try_from(left % 24).unwrap_or_default()]);
            left /= 24;
        }
        word
    }

    fn word(&self) -> String {
        // The inverse of the distribution: ranks are even by their logarithm.
        let share = self.number() as f64 / u64::MAX as f64;
        Self::of(((VOCABULARY as f64).powf(share) - 1.0) as u64)
    }

    fn text(&self, words: usize) -> String {
        (0..words).map(|_| self.word()).collect::<Vec<_>>().join(" ")
    }
}

/// Greffe with a firm.
pub(super) struct SearchSubject {
    pub(super) host: Host,
    pub(super) client: Client,
    pub(super) firm: FirmId,
    words: Words,
    next: u64,
}

impl SearchSubject {
    pub(super) async fn start(data: &Path) -> Result<Self, BenchError> {
        Self::over(Machine::open(&data.join("aws"), Clock::system()).await?, data).await
    }

    /// A greffe that uses AWS as `machine` reaches it.
    pub(super) async fn over(machine: Machine, data: &Path) -> Result<Self, BenchError> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let base = format!("http://{}", listener.local_addr()?);
        let key = "the-operators-key-of-a-benchmark".to_owned();
        let settings = Settings {
            // What is measured comes faster than people do.
            variables: vec![("GREFFE_CALLS_PER_MINUTE", "1000000".to_owned())],
            operator_key: Some(SecretString::from(key.clone())),
            ..Settings::default()
        };
        let host = Host::over(machine, &data.join("greffe"), listener, Clock::system(), settings).await?;
        let client = Client { http: shared::base::http::http_client()?, base, key };
        let firm =
            json!({ "name": "Bench", "domains": ["lumen.example"], "language": "en", "time_zone": "Europe/Paris" });
        let firm = text(&client.api(Method::POST, "/v1/firms", Some(firm)).await?, "id")?;
        let firm = firm.parse().map_err(|_| BenchError::Silent)?;
        Ok(Self { host, client, firm, words: Words(Random::seeded(1)), next: 1 })
    }

    pub(super) fn app(&self) -> &App {
        &self.host.app
    }

    /// So many mails more.
    pub(super) async fn mails(&mut self, count: u64) -> Result<(), BenchError> {
        self.app().feed.take_numbers(self.firm, count).await?;
        let mails = (self.next..self.next + count).map(|number| (number, self.mime(number)));
        let s3 = aws_sdk_s3::Client::new(&self.host.machine.aws);
        let mails: Vec<_> = mails.collect();
        let writing = stream::iter(mails).map(|(number, mime)| self.write(&s3, number, mime));
        writing.buffer_unordered(WRITTEN_AT_ONCE).try_collect::<()>().await?;
        self.next += count;
        Ok(())
    }

    fn mime(&self, number: u64) -> (String, String, String) {
        let from = format!("{}{}@{}.example", Words::of(number % 2_000), number % 7, Words::of(number % 300));
        let subject = self.words.text(6);
        let mime = format!(
            "From: {0} <{from}>\r\nTo: person{1}@lumen.example\r\nSubject: {subject}\r\n\
             Message-ID: <{number}.1@mail.example>\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\r\n{2}\r\n",
            Words::of(number % 2_000),
            number % MAILBOXES,
            self.words.text(WORDS)
        );
        (from, subject, mime)
    }

    async fn write(
        &self,
        s3: &aws_sdk_s3::Client,
        number: u64,
        (from, subject, mime): (String, String, String),
    ) -> Result<(), BenchError> {
        let at = Timestamp::from_second(1_700_000_000 + i64::try_from(number * 60).unwrap_or_default());
        let at = at.unwrap_or_default();
        let mailbox: MailboxId =
            format!("6f9619ff-8b86-4011-b42d-{:012}", number % MAILBOXES).parse().map_err(|_| BenchError::Silent)?;
        let immutable_id = format!("AAk{number}").parse().map_err(|_| BenchError::Silent)?;
        let folder = "AQMk".parse().map_err(|_| BenchError::Silent)?;
        let id = MessageId::of(mailbox, &immutable_id);
        let (sha256, bytes) = (Digest::of(mime.as_bytes()), mime.len() as u64);
        let key = archive::key(self.firm, id);
        let put = s3.put_object().bucket(BUCKET).key(key).checksum_sha256(sha256.base64());
        let put = put.body(mime.into_bytes().into()).send().await;
        put.map_err(|error| BenchError::Archive(error.into()))?;
        let original = Original { sha256, bytes, archived_at: at, number, until: KeptUntil::Ever };
        let message = Message {
            id,
            immutable_id,
            folder,
            lies_in: None,
            conversation: Some(ConversationId::of(&format!("AAQk{}", number / 3))),
            received_at: at,
            subject: subject.clone(),
            from: Some(from.clone()),
            recipient_domain: None,
            internet_message_id: None,
            has_attachments: false,
            page: "p".to_owned(),
            filing: None,
            trouble: None,
            seen: None,
            state: MessageState::Marked(original),
        };
        self.app().table.write(Write::insert(Key::message(self.firm, id), &message)).await?;
        let (from, archived_at, mail) = (Some(from), Some(at), message.facts());
        let what = FactEvent::MessageArchived {
            mailbox,
            message: id,
            sha256,
            bytes,
            received_at: at,
            subject,
            from,
            archived_at,
            until: KeptUntil::Ever,
            mail,
        };
        self.app().feed.record(self.firm, number, &Fact { id: number.to_string(), at, what }).await?;
        Ok(())
    }

    /// This greffe, with its AWS calls counted by `meter`.
    pub(super) fn metered(&self, meter: &Meter) -> Result<App, BenchError> {
        let engines = self.host.machine.engines.clone().ok_or(BenchError::Silent)?.http_client();
        let meter = meter.clone();
        let http =
            http_client_fn(move |settings, components| meter.before(engines.http_connector(settings, components)));
        let aws = self.host.machine.aws.to_builder().http_client(http).build();
        let (config, http) = (self.app().config.clone(), shared::base::http::http_client()?);
        Ok(App::new(config, &aws, http, Clock::system(), Random::system()))
    }

    /// Brings the index up to the feed, and says what was asked of AWS.
    pub(super) async fn index(&self) -> Result<Usage, BenchError> {
        let meter = Meter::default();
        let app = self.metered(&meter)?;
        meter.take();
        let began = Instant::now();
        while app.indexer().append(self.firm, Timestamp::now()).await?.more {}
        let mut usage = meter.take();
        usage.insert("lambda:GB-second".to_owned(), began.elapsed().as_secs_f64() * INDEXER_GB);
        Ok(usage)
    }

    /// What people type: a word, two, a phrase, the beginning of one.
    pub(super) fn queries(&self, count: usize) -> Vec<String> {
        let queries = (0..count).map(|number| match number % 4 {
            0 => format!("{} ", self.words.word()),
            1 => format!("{} {} ", self.words.word(), self.words.word()),
            2 => format!("\"{} {}\"", Words::of(self.words.number() % 30), Words::of(self.words.number() % 30)),
            _ => self.words.word(),
        });
        queries.collect()
    }

    /// How long the API takes for each query.
    async fn asked(&self, queries: &[String]) -> Result<Vec<Duration>, BenchError> {
        let mut took = Vec::new();
        for query in queries {
            let mut url = format!("/v1/firms/{}/messages?q=", self.firm);
            url.extend(query.bytes().map(|byte| format!("%{byte:02X}")));
            let began = Instant::now();
            self.client.api(Method::GET, &url, None).await?;
            took.push(began.elapsed());
        }
        took.sort();
        Ok(took)
    }

    /// The most blocks that each query reads of one segment where nothing is kept.
    async fn cold(&self, queries: &[String]) -> Result<Vec<u64>, BenchError> {
        let read = Arc::new(Mutex::new(HashMap::new()));
        let engines = self.host.machine.engines.clone().ok_or(BenchError::Silent)?.http_client();
        let counted = read.clone();
        let http = http_client_fn(move |settings, components| {
            let behind = engines.http_connector(settings, components);
            SharedHttpConnector::new(Counting { behind, blocks: counted.clone() })
        });
        let aws = self.host.machine.aws.to_builder().http_client(http).build();
        let (config, http) = (self.app().config.clone(), shared::base::http::http_client()?);
        let app = App::new(config, &aws, http, Clock::system(), Random::system());
        let mut all = Vec::new();
        for query in queries {
            let filter = MessageFilter::default();
            let registry = MessageSource { table: &app.table, feed: &app.feed, firm: self.firm, filter: &filter };
            let cache = SearchCache::default();
            let search = Search { registry, archive: &app.archive, store: &app.indexes, cache: &cache };
            let words = SearchWords { phrases: Phrases::read(query), ..SearchWords::default() };
            search.find(&words, (None, 50), Timestamp::now()).await?;
            let read = std::mem::take(&mut *read.lock().unwrap_or_else(PoisonError::into_inner));
            all.push(read.into_values().max().unwrap_or_default());
        }
        all.sort_unstable();
        Ok(all)
    }
}

/// Counts the blocks that are read of large segments, by the address of each.
#[derive(Debug)]
struct Counting {
    behind: SharedHttpConnector,
    blocks: Arc<Mutex<HashMap<String, u64>>>,
}

impl HttpConnector for Counting {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let range = request.headers().get("range").and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
        let range = range.and_then(|(first, last)| Some((first.parse::<u64>().ok()?, last.parse::<u64>().ok()?)));
        if let Some((first, last)) = range.filter(|_| request.uri().contains(INDEX_BUCKET)) {
            let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
            *blocks.entry(request.uri().to_owned()).or_default() += (last - first) / BLOCK_BYTES + 1;
        }
        self.behind.call(request)
    }
}

/// The index of one firm.
pub(super) async fn index(data: &Path, scale: &Searches) -> Result<Vec<Row>, BenchError> {
    let mut subject = SearchSubject::start(data).await?;
    subject.mails(scale.searched).await?;
    let began = Instant::now();
    let backlog = dollars(&subject.index().await?) / scale.searched as f64 * 1e6;
    let rate = scale.searched as f64 / began.elapsed().as_secs_f64();
    let head =
        subject.app().indexes.head(subject.firm).await?.and_then(|found| found.head).ok_or(BenchError::Silent)?;
    let queries = subject.queries(scale.queries);
    let cold = subject.cold(&queries).await?;
    subject.asked(&queries).await?;
    let took = subject.asked(&queries).await?;
    let ms = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    let mut rows = vec![
        Row::new(format!("{} mails: mails indexed a second, originals read", head.mails()), format!("{rate:.0}"), ""),
        Row::new(
            format!("index, bytes a mail, in {} segments", head.segments.len()),
            format!("{:.0}", head.bytes() as f64 / head.mails() as f64),
            "≤ 1,000",
        ),
        Row::new(
            "search by the API, median and 95th percentile, ms",
            format!("{:.1}; {:.1}", ms(0.5), ms(0.95)),
            "≤ 50",
        ),
        Row::new(
            "blocks of 64 KB that a cold query reads of a segment, median and most",
            format!("{}; {}", cold[cold.len() / 2], cold[cold.len() - 1]),
            "≤ 40",
        ),
    ];
    rows.push(Row::new("a million mails of a backlog, $", format!("{backlog:.2}"), "≤ 0.55"));
    for size in SIZES {
        let mut small = SearchSubject::start(&data.join(format!("by-{size}"))).await?;
        let mut sum = 0.0;
        for _ in 0..APPENDS {
            small.mails(size).await?;
            sum += dollars(&small.index().await?);
        }
        let dollars = sum / (APPENDS * size) as f64 * 1e6;
        rows.push(Row::new(format!("a million mails, {size} an append, $"), format!("{dollars:.2}"), ""));
    }
    Ok(rows)
}
