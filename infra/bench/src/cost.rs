//! What mail costs at AWS: the calls of real runs, counted and priced by the list.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::json;
use shared::{
    aws::{
        secrets::{MacKey, NOTIFICATION_KEY},
        table::Key,
    },
    base::{id::MailboxId, metric::Counter},
    mail::{notification::client_state, sync_state::SyncState},
};

use super::{
    BenchError, Row,
    mail::{LATENCY, MAIL_BYTES, Subject},
    meter::Usage,
    other_side::Order,
};

/// Dollars for a million of each, us-east-1, list prices of 2026-11 without free tiers, rebates and taxes.
///
/// AWS's pages, which are what counts, fill in their figures by script, so stored copies of them hold none. Read
/// elsewhere, and the same: DynamoDB (<https://airbyte.com/data-engineering-resources/dynamodb-pricing>, undated), SQS
/// FIFO (<https://cloudburn.io/blog/amazon-sqs-pricing>, 2026-03), EventBridge
/// (<https://www.factualminds.com/blog/amazon-eventbridge-pricing-events-pipes-schema-archive/>, 2026-06), Lambda's
/// time on x86_64 (<https://cloudchipr.com/blog/aws-lambda-pricing>, 2024), Secrets Manager
/// (<https://hivebook.wiki/wiki/aws-secrets-manager-rotated-secrets-dynamic-db-credentials-kms>, undated), logs
/// (<https://www.factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards/>, 2026-06), alarms
/// (<https://c3x.dev/resources/aws/aws_cloudwatch_metric_alarm>, undated), Scheduler and the archive
/// (<https://cloudburn.io/blog/amazon-eventbridge-pricing>, 2026-03), S3's PUT
/// (<https://www.cloudkaramchari.com/blog/understanding-per-1000-put-copy-post-or-list-requests-in-amazon-s3-pricing/>,
/// undated), metrics (<https://signoz.io/guides/cloudwatch-pricing>, 2026-02) and dashboards (as logs). S3's other two
/// were found nowhere: from memory. Sources: <https://aws.amazon.com/s3/pricing/>,
/// <https://aws.amazon.com/dynamodb/pricing/on-demand/>, <https://aws.amazon.com/sqs/pricing/>,
/// <https://aws.amazon.com/eventbridge/pricing/>, <https://aws.amazon.com/lambda/pricing/>,
/// <https://aws.amazon.com/secrets-manager/pricing/>, <https://aws.amazon.com/cloudwatch/pricing/>
const PRICES: [(&str, &str, f64); 16] = [
    ("s3:PUT", "S3, PUT", S3_PUT),
    ("s3:", "S3, other", 0.40),
    ("dynamodb:GetItem", "DynamoDB, reading", 0.125),
    ("dynamodb:BatchGetItem", "DynamoDB, reading", 0.125),
    ("dynamodb:TransactGetItems", "DynamoDB, reading", 0.125),
    ("dynamodb:Query", "DynamoDB, reading", 0.125),
    ("dynamodb:", "DynamoDB, writing", 0.625),
    // Lambda receives as often as it deletes; what one machine's empty receives come to is no charge of AWS's.
    ("sqs:ReceiveMessage", "SQS", 0.0),
    ("sqs:DeleteMessageBatch", "SQS", 2.0 * 0.50),
    ("sqs:", "SQS", 0.50),
    ("events:", "EventBridge", 1.00),
    // Taking it in; fourteen days of it cost a tenth of that.
    ("archive:GB", "EventBridge, archive", 110_000.0),
    ("secretsmanager:", "Secrets Manager", 5.00),
    ("lambda:Invoke", "Lambda", 0.20),
    ("lambda:GB-second", "Lambda", 16.6667),
    ("logs:GB", "CloudWatch Logs", 500_000.0),
];
const S3_PUT: f64 = 5.00;
/// Dollars a month, the same.
const SECRET: f64 = 0.40;
const ALARM: f64 = 0.10;
const METRIC: f64 = 0.30;
const DASHBOARD: f64 = 3.00;
/// Dollars for one.
const SCHEDULED: f64 = 1e-6;
const S3_GB: f64 = 0.023;
/// DynamoDB's storage, and that of its backups (PITR). From memory, as what follows.
const TABLE_GB: f64 = 0.25;
const BACKUP_GB: f64 = 0.20;
const KMS_KEY: f64 = 1.00;
const KMS_CALL: f64 = 3e-6;
/// An event on the bus, with its archive.
const FACT_ON_BUS: f64 = 1.08e-6;
/// A GB-second on arm64, times that on x86_64.
const ARM64: f64 = 13.3334 / 16.6667;

/// What a function has, as in template.yaml.
const DELTA_POLL_GB: f64 = 0.25;
const GRAPH_WEBHOOK_GB: f64 = 0.125;
/// What an invocation writes to its log: the line that a round ends with.
const LOG_BYTES: f64 = 600.0;
/// What the bus's archive keeps of one event.
const EVENT_BYTES: f64 = 700.0;
/// All folders of a mailbox are read every hour, and its tree every quarter of an hour.
const POLLS_A_MONTH: f64 = 30.0 * 24.0;
const TREE_LOOKS_A_MONTH: f64 = 4.0 * POLLS_A_MONTH;
/// Days on which mail comes.
const WORKDAYS_A_MONTH: f64 = 22.0;
/// What a mail leaves in the table: the message, its fact, and what DynamoDB adds to each.
const ITEM_BYTES: f64 = 2_100.0;
/// A function asks KMS for the table's key so often.
const KMS_CALLS_A_MONTH: f64 = POLLS_A_MONTH * 12.0;
/// Mailboxes of the months that are priced, and functions that work for them at the same time.
const MONTHS: [(f64, f64); 3] = [(1_000.0, 14.0), (10_000.0, 40.0), (100_000.0, 250.0)];
const MINUTES_A_MONTH: f64 = 30.0 * 1_440.0;
/// Lambda keeps five receives of twenty seconds waiting at each of the four queues.
const RECEIVES_A_MONTH: f64 = 4.0 * 5.0 * 3.0 * MINUTES_A_MONTH;
const SECRETS: f64 = 4.0;
const ALARMS: f64 = 30.0;

/// Mails that come one by one, and mailboxes that are looked at without news.
const FEW: usize = 20;

/// The month that is priced.
#[derive(Debug, Clone, clap::Args)]
pub struct Month {
    /// Mails of 20 KB that a mailbox gets on a workday of the priced month.
    #[arg(long, default_value_t = 40)]
    mails_a_day: u32,
}

/// A million mails, and months of many mailboxes. What search and the log add is not in it.
pub(super) async fn mail(data: &Path, mails: u64, month: &Month) -> Result<Vec<Row>, BenchError> {
    let backlog = MeteredCost::start(&data.join("backlog"), 1).await?.backlog(mails).await?;
    let mut few = MeteredCost::start(&data.join("few"), FEW).await?;
    let single = few.one_by_one(FEW).await?;
    let minute = few.minute().await?;
    let mut many_folders = MeteredCost::keeping_all(&data.join("all"), FEW).await?;
    let single_of_many = many_folders.one_by_one(FEW).await?;
    many_folders.quiet(false).await?;
    let (poll, tree) = (many_folders.quiet(false).await?, many_folders.quiet(true).await?);

    let mut rows = million("a million mails of a backlog", &backlog, mails as f64, "≤ 9.40 $");
    rows.extend(million("a million mails that come one by one", &single, FEW as f64, "≤ 14.50 $"));
    rows.extend(million("a million of a mailbox all of whose folders are kept", &single_of_many, FEW as f64, ""));
    rows.extend(million("a million hourly looks at all folders", &poll, FEW as f64, ""));
    rows.extend(million("a million looks at the tree", &tree, FEW as f64, ""));
    rows.push(Row::new("a million facts on the bus, if anybody listens, $", format!("{:.2}", FACT_ON_BUS * 1e6), ""));
    let prices = MonthPrices {
        mail: dollars(&single_of_many) / FEW as f64,
        looks: (POLLS_A_MONTH * dollars(&poll) + TREE_LOOKS_A_MONTH * dollars(&tree)) / FEW as f64,
        minute: dollars(&minute),
    };
    for (mailboxes, functions) in MONTHS {
        rows.extend(prices.month(mailboxes, functions, f64::from(month.mails_a_day) * WORKDAYS_A_MONTH));
    }
    Ok(rows)
}

/// What a month consists of, in dollars.
struct MonthPrices {
    /// One mail.
    mail: f64,
    /// The looks at one mailbox, in a month.
    looks: f64,
    /// A minute of the schedules in which nothing is due.
    minute: f64,
}

impl MonthPrices {
    /// A month of so many mailboxes, each of which gets `mails`.
    fn month(&self, mailboxes: f64, functions: f64, mails: f64) -> Vec<Row> {
        let all = mailboxes * mails;
        let invoked = SCHEDULED + price("lambda:Invoke") + LOG_BYTES / 1e9 * price("logs:GB");
        let seen = ALARMS * ALARM + Counter::ALL.len() as f64 * METRIC + DASHBOARD;
        let standing = MINUTES_A_MONTH * (self.minute + 2.0 * invoked)
            + RECEIVES_A_MONTH * price("sqs:SendMessage")
            + SECRETS * SECRET
            + seen;
        // A firm's feed moves in the index once in a minute with news: at most as often as there are mails.
        let feed = all * 2.0 * price("dynamodb:PutItem");
        let kept = all * MAIL_BYTES as f64 / 1e9 * S3_GB;
        let table = all * ITEM_BYTES / 1e9 * (TABLE_GB + BACKUP_GB);
        let kms = KMS_KEY + functions * KMS_CALLS_A_MONTH * KMS_CALL;
        let parts = [
            (format!("- {all} mails, {mails} in each"), all * self.mail),
            ("- the feeds' places in the index".to_owned(), feed),
            ("- looks at mailboxes".to_owned(), mailboxes * self.looks),
            ("- what stands: schedules, queues, secrets, alarms, metrics, the dashboard".to_owned(), standing),
            ("- keys of KMS".to_owned(), kms),
            ("- keeping the month's originals, for each month".to_owned(), kept),
            ("- keeping what the table has of them, with its backups, for each month".to_owned(), table),
        ];
        let together: f64 = parts.iter().map(|(_, dollars)| dollars).sum();
        let row = |(what, dollars): (String, f64)| Row::new(format!("{what}, $"), format!("{dollars:.2}"), "");
        [(format!("a month of {mailboxes} mailboxes"), together)].into_iter().chain(parts).map(row).collect()
    }
}

/// The sum, and what it consists of: each charge, with what is billed a mail.
fn million(what: &str, usage: &Usage, mails: f64, target: &'static str) -> Vec<Row> {
    let mut charges = BTreeMap::<&str, (f64, Vec<String>)>::new();
    for (operation, units) in usage.iter().filter(|(operation, _)| price(operation) > 0.0) {
        let (dollars, of) = charges.entry(charge(operation).1).or_default();
        *dollars += units * price(operation) / mails * 1e6;
        let name = operation.split_once(':').map_or("", |(_, name)| name);
        of.push(format!("{name} {:.3}", units / mails));
    }
    let all: f64 = charges.values().map(|(dollars, _)| dollars).sum();
    let lambda = usage.get("lambda:GB-second").copied().unwrap_or_default() * price("lambda:GB-second") / mails * 1e6;
    let mut rows = vec![
        Row::new(format!("{what}, $"), format!("{all:.2}"), target),
        Row::new("- on arm64, $", format!("{:.2}", all - lambda * (1.0 - ARM64)), ""),
    ];
    let part = |(name, (dollars, of)): (&str, (f64, Vec<String>))| {
        Row::new(format!("- {name} ({}), $", of.join(", ")), format!("{dollars:.2}"), "")
    };
    rows.extend(charges.into_iter().filter(|(_, (dollars, _))| *dollars >= 0.005).map(part));
    rows
}

fn charge(operation: &str) -> &'static (&'static str, &'static str, f64) {
    const NONE: (&str, &str, f64) = ("", "free", 0.0);
    PRICES.iter().find(|(begins, ..)| operation.starts_with(begins)).unwrap_or(&NONE)
}

/// Dollars for one.
fn price(operation: &str) -> f64 {
    charge(operation).2 / 1e6
}

/// What was asked of AWS, in dollars.
pub(super) fn dollars(usage: &Usage) -> f64 {
    usage.iter().map(|(operation, units)| units * price(operation)).sum()
}

/// Greffe, and what it uses.
struct MeteredCost {
    subject: Subject,
    lambda: Usage,
}

impl MeteredCost {
    async fn start(data: &Path, mailboxes: usize) -> Result<Self, BenchError> {
        Self::over(Subject::start(data, mailboxes).await?).await
    }

    /// Mailboxes all of whose folders are kept.
    async fn keeping_all(data: &Path, mailboxes: usize) -> Result<Self, BenchError> {
        Self::over(Subject::keeping(data, mailboxes, &json!({ "mode": "all", "folders": [] })).await?).await
    }

    async fn over(mut subject: Subject) -> Result<Self, BenchError> {
        // How long Graph takes is billed: by Lambda.
        subject.other.order::<()>(&Order::Latency(LATENCY.as_millis() as u64)).await?;
        Ok(Self { subject, lambda: Usage::new() })
    }

    async fn backlog(mut self, mails: u64) -> Result<Usage, BenchError> {
        self.subject.other.order::<()>(&Order::Deliver { mailboxes: 1, each: mails, bytes: MAIL_BYTES }).await?;
        let wanted = i64::try_from(mails).unwrap_or(i64::MAX);
        self.subject.queue().await?;
        self.usage().await?;
        self.subject.host.tick().await;
        while self.subject.archived().await? < wanted {
            self.work().await;
        }
        self.usage().await
    }

    async fn one_by_one(&mut self, mails: usize) -> Result<Usage, BenchError> {
        let key = MacKey::new(&self.subject.host.app.secrets.read(NOTIFICATION_KEY).await?);
        let ids = self.subject.firm.parse().ok().zip(self.subject.mailboxes[0].parse().ok());
        let (firm, mailbox) = ids.ok_or(BenchError::Silent)?;
        let notice = json!({ "value": [{ "clientState": client_state(&key, firm, mailbox) }] });
        let (http, url) = (shared::base::http::http_client()?, format!("http://{}/webhook", self.subject.host.address));
        self.usage().await?;
        for _ in 0..mails {
            self.subject.other.order::<()>(&Order::Deliver { mailboxes: 1, each: 1, bytes: MAIL_BYTES }).await?;
            let began = Instant::now();
            http.post(&url).json(&notice).send().await?.error_for_status()?;
            self.invoked(began.elapsed(), GRAPH_WEBHOOK_GB);
            self.work().await;
        }
        self.usage().await
    }

    /// A look at every mailbox: at all folders, or at the tree only.
    async fn quiet(&mut self, tree_only: bool) -> Result<Usage, BenchError> {
        let (app, now) = (&self.subject.host.app, self.subject.host.app.clock.now());
        let firm = self.subject.firm.parse().map_err(|_| BenchError::Silent)?;
        for mailbox in &self.subject.mailboxes {
            let mailbox: MailboxId = mailbox.parse().map_err(|_| BenchError::Silent)?;
            let due = |sync: SyncState| {
                let mut sync = sync.due(now);
                if tree_only {
                    sync.follow_at = Some(now);
                    sync.poll_at = Some(now + Duration::from_secs(3_600));
                }
                sync
            };
            let key = Key::sync(firm, mailbox);
            app.table.update(&key, |sync: Option<SyncState>| sync.map(due)).await?;
        }
        self.usage().await?;
        self.subject.host.tick().await;
        self.work().await;
        self.usage().await
    }

    /// A minute of the schedules in which nothing is due.
    async fn minute(&mut self) -> Result<Usage, BenchError> {
        self.usage().await?;
        self.subject.host.tick().await;
        self.usage().await
    }

    /// Works through the queue until it is empty.
    async fn work(&mut self) {
        loop {
            let began = Instant::now();
            if self.subject.host.source.step().await == 0 {
                return;
            }
            self.invoked(began.elapsed(), DELTA_POLL_GB);
        }
    }

    fn invoked(&mut self, took: Duration, gb: f64) {
        for (what, units) in
            [("lambda:Invoke", 1.0), ("lambda:GB-second", took.as_secs_f64() * gb), ("logs:GB", LOG_BYTES / 1e9)]
        {
            *self.lambda.entry(what.to_owned()).or_default() += units;
        }
    }

    /// What was used since the last time.
    async fn usage(&mut self) -> Result<Usage, BenchError> {
        let mut usage: Usage = self.subject.other.order(&Order::Usage).await?;
        usage.extend(std::mem::take(&mut self.lambda));
        let events: f64 = usage.iter().filter(|(what, _)| what.starts_with("events:")).map(|(_, units)| units).sum();
        usage.insert("archive:GB".to_owned(), events * EVENT_BYTES / 1e9);
        Ok(usage)
    }
}
