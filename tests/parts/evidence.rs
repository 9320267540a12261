//! The log of a firm: one history, whoever appends, and whoever dies; and no step further once it is not as it was.

use local::provision::BUCKET;
use shared::{
    app::App,
    aws::{
        secrets::EVIDENCE_KEY,
        table::{Key, Write},
    },
    base::{
        digest::Digest,
        id::{FirmId, ImmutableId, MailboxId, MessageId},
    },
    evidence::{
        appender::{AppendError, Appended, verifying_keys},
        bucket::BucketError,
        checkpoint::{Checkpoint, LogKeys},
        log_entry::entry,
        log_store::key,
        report::Report,
        resume::{ResumeError, Resumed},
        stamp::StampRoots,
        tlog::{LogTile, TILE_WIDTH, TileKind, Tree, bundle},
        verify::Verifier,
    },
    firm::{
        fact::{Fact, FactEvent, FiledThrough, MailFacts},
        feed::GAP_PATIENCE,
        retention::KeptUntil,
    },
};
use tests::World;

use crate::dying::dying;

/// Text that no log may have: of it every fact is made.
const PERSONAL: &str = "Dupont c. Martin";

struct Log {
    world: World,
    firm: FirmId,
}

impl Log {
    async fn new() -> Self {
        let world = World::new().await;
        let firm = FirmId::draw(&world.host.app.random);
        Self { world, firm }
    }

    fn app(&self) -> &App {
        &self.world.host.app
    }

    /// So many facts more, every second of which says that a mail was archived.
    async fn facts(&self, count: u64) {
        let first = self.app().feed.take_numbers(self.firm, count).await.unwrap();
        for number in first..first + count {
            let fact = self.fact(number);
            self.app().feed.record(self.firm, number, &fact).await.unwrap();
        }
    }

    fn fact(&self, number: u64) -> Fact {
        let mailbox: MailboxId = "6f9619ff-8b86-4011-b42d-00c04fc964ff".parse().unwrap();
        let message = MessageId::of(mailbox, &format!("AAk{number}").parse::<ImmutableId>().unwrap());
        let at = self.world.clock.now();
        let what = if number.is_multiple_of(2) {
            let (dossier, before, by) = (PERSONAL.to_owned(), None, "operator".to_owned());
            FactEvent::MessageFiled { mailbox, message, dossier, before, by, through: FiledThrough::Request }
        } else {
            let (subject, from) = (PERSONAL.to_owned(), Some(format!("{PERSONAL}@acme.example")));
            let sha256 = Digest::of(&number.to_be_bytes());
            FactEvent::MessageArchived {
                mailbox,
                message,
                sha256,
                bytes: number,
                received_at: at,
                subject,
                from,
                archived_at: Some(at),
                until: KeptUntil::Ever,
                mail: MailFacts::default(),
            }
        };
        Fact { id: format!("fact-{number}"), at, what }
    }

    async fn append(&self) -> Result<Appended, AppendError> {
        self.app().appender().append(self.firm, self.world.clock.now()).await
    }

    /// Appends until all is appended; the size then.
    async fn append_all(&self) -> u64 {
        loop {
            let appended = self.append().await.unwrap();
            if !appended.more {
                return appended.size;
            }
        }
    }

    fn s3(&self) -> aws_sdk_s3::Client {
        aws_sdk_s3::Client::new(&self.world.host.machine.aws)
    }

    async fn put(&self, name: &str, bytes: Vec<u8>) {
        self.s3().put_object().bucket(BUCKET).key(key(self.firm, name)).body(bytes.into()).send().await.unwrap();
    }

    async fn delete(&self, name: &str) {
        self.s3().delete_object().bucket(BUCKET).key(key(self.firm, name)).send().await.unwrap();
    }

    async fn read(&self, name: &str) -> Vec<u8> {
        self.app().logs.find(self.firm, name).await.unwrap().expect(name).bytes
    }

    async fn names(&self) -> Vec<String> {
        self.app().logs.names(self.firm, "").await.unwrap()
    }

    async fn verify(&self) -> Report {
        let (app, roots) = (self.app(), StampRoots::default());
        let (key, now) = (app.secrets.read(EVIDENCE_KEY).await.unwrap(), self.world.clock.now());
        let (table, store) = (&app.table, &app.logs);
        let tell = &|_| {};
        let verifier =
            Verifier { table, store, key: &key, reads: false, share: None, roots: &roots, lock_days: None, now, tell };
        Box::pin(verifier.verify()).await.unwrap()
    }

    /// Holds every object of the log to the feed: what follows from the facts is there, and nothing else.
    async fn is_one_history_of(&self, size: u64) {
        let keys = verifying_keys(&self.app().logs, self.firm).await.unwrap();
        let (mut tree, mut entries, mut roots) = (Tree::default(), Vec::new(), vec![Digest::of(b"")]);
        for number in 1..=size {
            let fact = self.app().feed.stored(self.firm, number).await.unwrap().expect("a fact");
            entries.push(entry(self.firm, number, &fact).unwrap());
            tree.push(&entries[entries.len() - 1]).unwrap();
            roots.push(tree.root().unwrap());
        }
        let names = self.names().await;
        for tile in LogTile::all(size) {
            assert!(names.contains(&tile.to_string()), "{tile} is missing");
        }
        for name in names {
            let bytes = self.read(&name).await;
            assert!(!String::from_utf8_lossy(&bytes).contains(PERSONAL), "{name}");
            if let Ok(tile) = name.parse::<LogTile>() {
                let from = usize::try_from(tile.n * TILE_WIDTH).unwrap();
                let own = entries[from..].iter().take(usize::try_from(tile.width).unwrap());
                let expected = match tile.kind {
                    TileKind::Entries => bundle(own.map(Vec::as_slice)),
                    TileKind::Hashes(_) => tree.hashes(tile).unwrap().to_vec(),
                };
                assert_eq!(bytes, expected, "{name}");
            } else if name.starts_with("checkpoint") {
                let (checkpoint, _) = Checkpoint::open(self.firm, &bytes, &keys).unwrap();
                assert_eq!(checkpoint.root, roots[usize::try_from(checkpoint.size).unwrap()], "{name}");
                assert!(name == "checkpoint" || name == format!("checkpoints/{}", checkpoint.size));
                assert!(name != "checkpoint" || checkpoint.size == size);
            } else {
                assert!(name.starts_with("keys/"), "{name}");
            }
        }
    }
}

#[tokio::test]
async fn a_log_has_an_entry_for_each_fact_and_nothing_personal() {
    let log = Log::new().await;
    assert_eq!(log.append().await.unwrap(), Appended { size: 0, added: 0, more: false });
    assert_eq!(log.names().await, [""; 0]);
    for (count, size) in [(1, 1), (2, 3), (260, 263), (249, 512), (1, 513)] {
        log.facts(count).await;
        assert_eq!(log.append().await.unwrap(), Appended { size, added: count, more: false });
        log.is_one_history_of(size).await;
    }
    assert_eq!(log.append().await.unwrap(), Appended { size: 513, added: 0, more: false });
}

#[tokio::test]
async fn in_a_backlog_tiles_are_full_and_one_mail_costs_a_fiftieth_of_a_write() {
    let log = Log::new().await;
    log.facts(1_300).await;
    assert_eq!(log.append().await.unwrap(), Appended { size: 1_024, added: 1_024, more: true });
    // Four tiles of entries, four of hashes, one above them, the head twice; and once the key.
    assert_eq!(log.names().await.len(), 12);
    assert_eq!(log.append_all().await, 1_300);
    log.is_one_history_of(1_300).await;
}

#[tokio::test]
async fn sixteen_appenders_at_once_write_one_history() {
    let log = Log::new().await;
    log.facts(250).await;
    for more in [3, 9, 40, 1] {
        log.facts(more).await;
        let appending = (0..16).map(|_| log.append());
        let appended: u64 =
            futures::future::join_all(appending).await.into_iter().map(|done| done.unwrap().added).sum();
        assert!(appended >= more);
    }
    log.is_one_history_of(303).await;
}

/// Whether an appender lived that dies at its call after so many.
async fn lives(log: &Log, calls: i64, has_effect: bool) -> bool {
    let (app, died) = dying(&log.world, calls, has_effect);
    let appender = app.appender();
    tokio::select! {
        appended = appender.append(log.firm, app.clock.now()) => appended.map(|_| true).unwrap(),
        () = died.notified() => false,
    }
}

#[tokio::test]
async fn an_appender_that_dies_at_any_call_leaves_a_history_that_the_next_one_goes_on_with() {
    for has_effect in [false, true] {
        let log = Log::new().await;
        let mut size = 250;
        log.facts(size).await;
        for calls in 0.. {
            assert!(calls < 40, "it makes far fewer calls");
            let lived = lives(&log, calls, has_effect).await;
            // The next one finds more facts than the one that died.
            size += 3;
            log.facts(3).await;
            assert_eq!(log.append_all().await, size);
            log.is_one_history_of(size).await;
            if lived {
                break;
            }
            size += 3;
            log.facts(3).await;
        }
    }
}

#[tokio::test]
async fn numbers_that_a_restored_table_gives_out_again_are_found_and_nothing_is_written() {
    let log = Log::new().await;
    log.facts(10).await;
    log.append_all().await;
    let before = (log.names().await, log.read("checkpoint").await);
    // The table is that of a time when there were seven facts.
    for number in 8..=10 {
        log.app().table.write(Write::discard(Key::fact(log.firm, number))).await.unwrap();
    }
    let error = log.append().await.unwrap_err();
    assert!(matches!(error, AppendError::Forked { number: 10 }) && error.is_alarm(), "{error}");
    for number in 8..=12 {
        let other = Fact { id: format!("other-{number}"), ..log.fact(number) };
        log.app().feed.record(log.firm, number, &other).await.unwrap();
    }
    let error = log.append().await.unwrap_err();
    assert!(matches!(error, AppendError::Forked { number: 10 }) && error.is_alarm(), "{error}");
    assert_eq!((log.names().await, log.read("checkpoint").await), before);
}

#[tokio::test]
async fn a_feed_goes_on_after_a_restore_also_where_numbers_below_its_counter_are_missing() {
    // The counter of the restored table, and the numbers whose facts were being written at that moment.
    for (counter, missing, first) in [(7, vec![5, 7], 5), (10, vec![9], 9), (12, vec![8, 10, 12], 8), (7, vec![], 8)] {
        let log = Log::new().await;
        log.facts(10).await;
        log.append_all().await;
        log.facts(2).await;
        let lost = missing.iter().copied().chain(counter + 1..=12);
        for number in lost {
            log.app().table.write(Write::discard(Key::fact(log.firm, number))).await.unwrap();
        }
        log.app().table.write(Write::discard(Key::feed_counter(log.firm))).await.unwrap();
        log.app().feed.take_numbers(log.firm, counter).await.unwrap();
        let (appender, now) = (log.app().appender(), log.world.clock.now());
        let resumed = appender.resume(log.firm, now).await.unwrap();
        assert_eq!(resumed, Resumed::Lost { first, last: 10 }, "{counter}");
        assert_eq!(appender.resume(log.firm, now).await.unwrap(), Resumed::Nothing, "{counter}");
        log.facts(1).await;
        log.world.clock.advance(GAP_PATIENCE * 2);
        log.append_all().await;
        let report = log.verify().await;
        // The messages of these facts were never stored: only the facts and the log are looked at.
        let is_of_log = |what: &str| what.contains("#FEED") || what.contains("/log/");
        let found: Vec<_> = report.findings().filter(|finding| is_of_log(&finding.what)).collect();
        assert!(found.is_empty(), "{counter}: {found:?}");
        let lost = missing.iter().filter(|number| **number <= 10).count() as u64 + 10_u64.saturating_sub(counter);
        assert_eq!(report.firms[0].facts_lost, lost, "{counter}");
    }
    // A reader that came before filled what was missing.
    let log = Log::new().await;
    log.facts(10).await;
    log.append_all().await;
    log.app().table.write(Write::discard(Key::fact(log.firm, 8))).await.unwrap();
    log.world.clock.advance(GAP_PATIENCE * 2);
    log.app().feed.stored_facts_after(log.firm, 0, 20, log.world.clock.now()).await.unwrap();
    log.app().table.write(Write::discard(Key::fact(log.firm, 9))).await.unwrap();
    let refused = log.app().appender().resume(log.firm, log.world.clock.now()).await.unwrap_err();
    assert!(matches!(refused, ResumeError::GivenOutAgain { number: 8 }), "{refused}");
}

#[tokio::test]
async fn a_log_that_is_not_as_it_was_written_is_not_appended_to() {
    type Found = fn(&AppendError) -> bool;
    let changes: [(&str, Found); 5] = [
        ("checkpoint", |error| matches!(error, AppendError::Checkpoint(_))),
        ("tile/entries/000.p/10", |error| matches!(error, AppendError::Edge)),
        ("tile/0/000.p/10", |error| matches!(error, AppendError::Edge)),
        ("checkpoints/10", |error| matches!(error, AppendError::Log(BucketError::Foreign { .. }))),
        // What another history left where this one goes on.
        ("tile/0/000.p/11", |error| matches!(error, AppendError::Log(BucketError::Foreign { .. }))),
    ];
    for (name, is_found) in changes {
        let log = Log::new().await;
        log.facts(10).await;
        log.append_all().await;
        log.facts(1).await;
        let mut bytes = if name.ends_with("11") { vec![0; 32 * 11] } else { log.read(name).await };
        let last = bytes.len() - 2;
        bytes[last] ^= 1;
        log.put(name, bytes).await;
        let head = log.read("checkpoint").await;
        let error = log.append().await.unwrap_err();
        assert!(is_found(&error) && error.is_alarm(), "{name}: {error}");
        assert_eq!(log.read("checkpoint").await, head);
    }
    let log = Log::new().await;
    log.facts(10).await;
    log.append_all().await;
    log.delete("checkpoint").await;
    let error = log.append().await.unwrap_err();
    assert!(matches!(error, AppendError::HeadMissing) && error.is_alarm(), "{error}");
}

#[tokio::test]
async fn a_key_is_replaced_also_where_nothing_comes() {
    let log = Log::new().await;
    let (old, new) = ("o".repeat(40), "n".repeat(40));
    let keys = async |lines: &str| log.app().secrets.write(EVIDENCE_KEY, &lines.into()).await.unwrap();
    keys(&old).await;
    log.facts(3).await;
    assert_eq!(log.append_all().await, 3);
    // The log has one entry more, which both sign, and that is all.
    keys(&format!("{old}\n{new}")).await;
    for _ in 0..2 {
        assert_eq!(log.append_all().await, 4);
    }
    keys(&new).await;
    assert_eq!(log.append_all().await, 4);
    log.facts(1).await;
    assert_eq!(log.append_all().await, 5);
    log.is_one_history_of(5).await;
}

#[tokio::test]
async fn a_key_is_replaced_by_checkpoints_that_both_sign() {
    let log = Log::new().await;
    let (old, new) = ("o".repeat(40), "n".repeat(40));
    for (number, lines) in (1..).zip([vec![&old], vec![&old, &new], vec![&new], vec![&new]]) {
        let lines: Vec<&str> = lines.into_iter().map(String::as_str).collect();
        log.app().secrets.write(EVIDENCE_KEY, &lines.join("\n").into()).await.unwrap();
        log.facts(1).await;
        assert_eq!(log.append_all().await, number);
        let (_, signers) = Checkpoint::open(
            log.firm,
            &log.read("checkpoint").await,
            &LogKeys::of(log.firm, &lines.join("\n").into()).unwrap().verifying(),
        )
        .unwrap();
        assert_eq!(signers.len(), lines.len());
    }
    log.is_one_history_of(4).await;
    // One that never signed together with the last one is no successor.
    log.app().secrets.write(EVIDENCE_KEY, &"x".repeat(40).into()).await.unwrap();
    log.facts(1).await;
    assert!(matches!(log.append().await, Err(AppendError::Checkpoint(_))));
}
