//! The index of a firm: one index, whoever appends, and whoever dies; and made again when it is damaged.

use std::{collections::BTreeSet, pin::pin};

use local::provision::{BUCKET, INDEX_BUCKET};
use shared::{
    app::App,
    aws::table::{Key, Write},
    base::{
        digest::Digest,
        id::{FirmId, FolderId, ImmutableId, MailboxId, MessageId},
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
        find::{FoundMails, READ_ABOVE_INDEX, Search, SearchCache, SearchWords},
        index_head::IndexHead,
        indexer::{IndexedFacts, IndexingError},
        words::Phrases,
    },
};
use tests::World;

use crate::dying::{dying, waiting};

struct Words {
    world: World,
    firm: FirmId,
}

impl Words {
    async fn new() -> Self {
        let world = World::new().await;
        let firm = FirmId::draw(&world.host.app.random);
        Self { world, firm }
    }

    fn app(&self) -> &App {
        &self.world.host.app
    }

    fn s3(&self) -> aws_sdk_s3::Client {
        aws_sdk_s3::Client::new(&self.world.host.machine.aws)
    }

    /// So many mails more. Each says its number, and every fifth one `bail`. Before each, a fact about something else.
    async fn mails(&self, count: u64) {
        let first = self.app().feed.take_numbers(self.firm, 2 * count).await.unwrap();
        for number in (first..first + 2 * count).step_by(2) {
            let at = self.world.clock.now();
            let void = Fact { id: format!("void-{number}"), at, what: FactEvent::Void };
            self.app().feed.record(self.firm, number, &void).await.unwrap();
            self.mail(number + 1).await;
        }
    }

    async fn mail(&self, number: u64) {
        let at = self.world.clock.now();
        let mailbox: MailboxId = "6f9619ff-8b86-4011-b42d-00c04fc964ff".parse().unwrap();
        let immutable_id: ImmutableId = format!("AAk{number}").parse().unwrap();
        let id = MessageId::of(mailbox, &immutable_id);
        let word = if (number / 2).is_multiple_of(5) { "bail" } else { "note" };
        let mime = format!("From: b@x.example\r\nSubject: Mail {number}\r\n\r\nLe {word} dit n{number}\r\n");
        let body = mime.clone().into_bytes().into();
        self.s3().put_object().bucket(BUCKET).key(archive::key(self.firm, id)).body(body).send().await.unwrap();
        let (sha256, bytes) = (Digest::of(mime.as_bytes()), mime.len() as u64);
        let original = Original { sha256, bytes, archived_at: at, number, until: KeptUntil::Ever };
        let folder: FolderId = "AQMk".parse().unwrap();
        let message = Message {
            id,
            immutable_id,
            folder,
            lies_in: None,
            conversation: None,
            received_at: at,
            subject: format!("Mail {number}"),
            from: Some("b@x.example".to_owned()),
            recipient_domain: None,
            internet_message_id: None,
            has_attachments: false,
            page: "p".to_owned(),
            filing: None,
            trouble: None,
            seen: None,
            state: MessageState::Marked(original),
        };
        self.app().table.write(Write::insert(Key::message(self.firm, id), &message)).await.unwrap();
        let (subject, from, mail) = (message.subject.clone(), message.from.clone(), message.facts());
        let archived_at = Some(at);
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
        self.app().feed.record(self.firm, number, &Fact { id: format!("mail-{number}"), at, what }).await.unwrap();
    }

    async fn append(&self) -> Result<IndexedFacts, IndexingError> {
        self.app().indexer().append(self.firm, self.world.clock.now()).await
    }

    async fn head(&self) -> IndexHead {
        self.app().indexes.head(self.firm).await.unwrap().unwrap().head.unwrap()
    }

    async fn objects(&self) -> Vec<String> {
        let prefix = format!("firms/{}/index/", self.firm);
        let page = self.s3().list_objects_v2().bucket(INDEX_BUCKET).prefix(&prefix).send().await.unwrap();
        page.contents().iter().map(|object| object.key().unwrap().to_owned()).collect()
    }

    async fn find(&self, q: &str, after: Option<u64>) -> FoundMails {
        let filter = MessageFilter::default();
        let app = self.app();
        let registry = MessageSource { table: &app.table, feed: &app.feed, firm: self.firm, filter: &filter };
        // A process that has just started.
        let cache = SearchCache::default();
        let search = Search { registry, archive: &app.archive, store: &app.indexes, cache: &cache };
        let words = SearchWords { phrases: Phrases::read(q), ..SearchWords::default() };
        search.find(&words, (after, 100), self.world.clock.now()).await.unwrap()
    }

    async fn numbers(&self, q: &str) -> Vec<u64> {
        let (mut numbers, mut after) = (Vec::new(), None);
        loop {
            let found = self.find(q, after).await;
            numbers.extend(found.items.iter().map(|found| found.message.original().unwrap().number));
            after = found.next;
            if after.is_none() {
                return numbers;
            }
        }
    }

    /// What ought to be found: all mails that say `bail`, up to that number of the feed.
    async fn answers_for(&self, last: u64) {
        let all: Vec<u64> = (1..=last / 2).map(|n| 2 * n).collect();
        let expected: Vec<u64> = all.iter().copied().filter(|number| (number / 2).is_multiple_of(5)).rev().collect();
        assert_eq!(self.numbers("bail ").await, expected);
        assert_eq!(self.numbers("mail").await, all.into_iter().rev().collect::<Vec<_>>());
    }

    /// The index is whole: it goes up to that number, has each mail once, and names each object that is there.
    async fn is_one_index_of(&self, last: u64) {
        let head = self.head().await;
        assert_eq!((head.upto, head.mails()), (last, last / 2));
        let named = head.segments.iter().map(|segment| &segment.name).chain(&head.replaced);
        let mut named: Vec<String> = named.map(|name| format!("firms/{}/index/{name}", self.firm)).collect();
        named.push(format!("firms/{}/index/head", self.firm));
        named.sort();
        assert_eq!(self.objects().await, named);
        self.answers_for(last).await;
    }
}

#[tokio::test]
async fn an_index_follows_its_feed_and_its_segments_stay_few() {
    let words = Words::new().await;
    assert_eq!(words.append().await.unwrap(), IndexedFacts { upto: 0, added: 0, more: false });
    assert_eq!(words.objects().await, [""; 0]);
    for (count, upto) in [(1, 2), (16, 34), (3, 40), (300, 640)] {
        words.mails(count).await;
        if 2 * count <= READ_ABOVE_INDEX {
            words.answers_for(upto).await;
        }
        assert_eq!(words.append().await.unwrap(), IndexedFacts { upto, added: 2 * count, more: false });
        words.is_one_index_of(upto).await;
        assert_eq!(words.head().await.segments.len(), 1);
    }
    // What was merged goes with the next append, so that a search that has begun still finds it.
    assert_eq!(words.append().await.unwrap().added, 0);
    assert_eq!(words.objects().await.len(), 2);
}

#[tokio::test]
async fn sixteen_indexers_at_once_make_one_index() {
    let words = Words::new().await;
    let mut last = 0;
    for more in [20, 3, 9, 1] {
        words.mails(more).await;
        last += 2 * more;
        let appending = futures::future::join_all((0..16).map(|_| words.append())).await;
        let added: u64 = appending.into_iter().map(|done| done.unwrap().added).sum();
        assert_eq!(added, 2 * more);
        words.is_one_index_of(last).await;
    }
}

/// Whether an indexer lived that dies at its call after so many.
async fn lives(words: &Words, calls: i64, has_effect: bool) -> bool {
    let (app, died) = dying(&words.world, calls, has_effect);
    let indexer = app.indexer();
    tokio::select! {
        appended = indexer.append(words.firm, app.clock.now()) => appended.map(|_| true).unwrap(),
        () = died.notified() => false,
    }
}

#[tokio::test]
async fn an_indexer_that_dies_at_any_call_leaves_an_index_that_answers_right_and_the_next_one_goes_on() {
    for has_effect in [false, true] {
        let words = Words::new().await;
        let mut last = 0;
        for calls in 0.. {
            assert!(calls < 40, "it makes far fewer calls");
            words.mails(3).await;
            last += 6;
            let lived = lives(&words, calls, has_effect).await;
            words.answers_for(last).await;
            while words.append().await.unwrap().more {}
            let head = words.head().await;
            assert_eq!((head.upto, head.mails()), (last, last / 2));
            words.answers_for(last).await;
            if lived {
                break;
            }
        }
    }
}

impl Words {
    /// Erases the fact of a mail, as an erasure does before it turns to the index.
    async fn void(&self, number: u64) {
        let now = self.world.clock.now();
        self.app().feed.void_fact(self.firm, number, Digest::of(b"entry"), now).await.unwrap();
    }

    /// The index is whole, and has none of the mails with these numbers.
    async fn has_forgotten(&self, numbers: &BTreeSet<u64>, last: u64) {
        let head = self.head().await;
        assert_eq!((head.upto, head.mails()), (last, last / 2 - numbers.len() as u64));
        let named = head.segments.iter().map(|segment| format!("firms/{}/index/{}", self.firm, segment.name));
        let named: BTreeSet<String> = named.chain([format!("firms/{}/index/head", self.firm)]).collect();
        assert_eq!(self.objects().await.into_iter().collect::<BTreeSet<_>>(), named);
        let left: Vec<u64> = (1..=last / 2).map(|n| 2 * n).filter(|number| !numbers.contains(number)).rev().collect();
        assert_eq!(self.numbers("mail").await, left);
        assert_eq!(self.find("mail", None).await.complete_to, None, "nothing is to be made again");
    }
}

#[tokio::test]
async fn what_is_forgotten_takes_only_the_segments_that_have_it() {
    let words = Words::new().await;
    for count in [1_030, 7] {
        words.mails(count).await;
        while words.append().await.unwrap().more {}
    }
    let before = words.head().await;
    assert_eq!(before.segments.iter().map(|segment| segment.mails).collect::<Vec<_>>(), [1_030, 7]);
    let forgotten = BTreeSet::from([2_066, 2_070]);
    for number in &forgotten {
        words.void(*number).await;
    }
    // A number of something else is in each segment's stretch.
    let asked = forgotten.iter().copied().chain([3, 2_073, 9_999]).collect();
    words.app().indexer().forget(words.firm, &asked).await.unwrap();
    words.has_forgotten(&forgotten, 2_074).await;
    let after = words.head().await;
    assert_eq!(after.segments[0], before.segments[0], "it stays as it was");
    assert_ne!(after.segments[1].name, before.segments[1].name);
    // All of the second segment, and then new mail.
    let all: BTreeSet<u64> = (2_062..=2_074).step_by(2).collect();
    for number in &all {
        words.void(*number).await;
    }
    words.app().indexer().forget(words.firm, &all).await.unwrap();
    words.has_forgotten(&all, 2_074).await;
    assert_eq!(words.head().await.segments, before.segments[..1]);
    words.mails(3).await;
    while words.append().await.unwrap().more {}
    words.has_forgotten(&all, 2_080).await;
}

#[tokio::test]
async fn a_kill_at_any_call_leaves_an_index_that_answers_right_and_forgets_the_next_time() {
    for has_effect in [false, true] {
        let (words, mut forgotten) = (Words::new().await, BTreeSet::new());
        words.mails(40).await;
        while words.append().await.unwrap().more {}
        for calls in 0.. {
            assert!(calls < 20, "it makes far fewer calls");
            let number = 4 + 2 * u64::try_from(calls).unwrap();
            words.void(number).await;
            forgotten.insert(number);
            let (app, died) = dying(&words.world, calls, has_effect);
            let indexer = app.indexer();
            let lived = tokio::select! {
                done = indexer.forget(words.firm, &forgotten) => done.map(|()| true).unwrap(),
                () = died.notified() => false,
            };
            assert_eq!(words.numbers("mail").await.len(), 40 - forgotten.len());
            words.app().indexer().forget(words.firm, &forgotten).await.unwrap();
            words.has_forgotten(&forgotten, 80).await;
            if lived {
                break;
            }
        }
    }
}

#[tokio::test]
async fn an_indexer_that_read_a_mail_before_it_was_erased_does_not_bring_it_back() {
    let (words, mut forgotten, mut last) = (Words::new().await, BTreeSet::new(), 0);
    for calls in 0.. {
        assert!(calls < 40, "it makes far fewer calls");
        words.mails(3).await;
        last += 6;
        let (app, waits, goes_on) = waiting(&words.world, calls);
        let indexer = app.indexer();
        let mut appending = pin!(indexer.append(words.firm, app.clock.now()));
        let lived = tokio::select! {
            done = &mut appending => done.map(|_| true).unwrap(),
            () = waits.notified() => false,
        };
        words.void(last).await;
        forgotten.insert(last);
        words.app().indexer().forget(words.firm, &forgotten).await.unwrap();
        if lived {
            break;
        }
        goes_on.notify_one();
        appending.await.unwrap();
        while words.append().await.unwrap().more {}
        let head = words.head().await;
        assert_eq!((head.upto, head.mails()), (last, last / 2 - forgotten.len() as u64), "after {calls} calls");
        assert_eq!(words.numbers("mail").await.len() as u64, head.mails());
    }
}

#[tokio::test]
async fn an_index_that_is_deleted_or_damaged_is_made_again_and_answers_the_same() {
    let words = Words::new().await;
    words.mails(60).await;
    while words.append().await.unwrap().more {}
    words.is_one_index_of(120).await;
    for object in words.objects().await {
        words.s3().delete_object().bucket(INDEX_BUCKET).key(object).send().await.unwrap();
    }
    words.answers_for(120).await;
    words
        .world
        .host
        .app
        .indexer()
        .follow(
            &words.app().table,
            words.firm,
            &words.world.clock,
            &shared::aws::worker::Deadline::before(u64::MAX, words.world.clock.clone()),
        )
        .await
        .unwrap();
    words.is_one_index_of(120).await;
    type Damage = fn(&mut Vec<u8>);
    let damages: [(&str, Damage); 4] = [
        ("head", |bytes| bytes.truncate(20)),
        ("segment", |bytes| bytes[100] ^= 1),
        ("segment", |bytes| *bytes.last_mut().unwrap() ^= 1),
        ("segment", Vec::clear),
    ];
    for (object, damage) in damages {
        let name = if object == "head" { "head".to_owned() } else { words.head().await.segments[0].name.clone() };
        let key = format!("firms/{}/index/{name}", words.firm);
        let found = words.s3().get_object().bucket(INDEX_BUCKET).key(&key).send().await.unwrap();
        let mut bytes = found.body.collect().await.unwrap().to_vec();
        damage(&mut bytes);
        if bytes.is_empty() {
            words.s3().delete_object().bucket(INDEX_BUCKET).key(&key).send().await.unwrap();
        } else {
            words.s3().put_object().bucket(INDEX_BUCKET).key(&key).body(bytes.into()).send().await.unwrap();
        }
        // The answer says that it is not complete, and what was found is due.
        let found = words.find("bail ", None).await;
        if object == "segment" {
            assert_eq!((found.items.len(), found.complete_to), (0, Some(0)), "{object}");
        }
        words.world.host.index().await;
        let head = words.head().await;
        assert_eq!((head.upto, head.mails()), (120, 60), "{object}");
        words.answers_for(120).await;
    }
}

#[tokio::test]
async fn far_behind_an_answer_says_up_to_which_number_it_is_complete() {
    let words = Words::new().await;
    words.world.host.index().await;
    words.mails(150).await;
    let due = async || words.app().table.due_indexes(words.world.clock.now()).await.unwrap();
    assert_eq!(due().await, []);
    let found = words.find("n2", None).await;
    assert_eq!(found.complete_to, Some(200));
    assert_eq!(due().await, [words.firm], "it follows at once");
    // What a fact says is found all the same.
    assert_eq!(words.find("mail 300", None).await.items.len(), 1);
    assert_eq!(words.numbers("n300").await, [0; 0]);
    assert_eq!(words.numbers("n200").await, [200]);
    while words.append().await.unwrap().more {}
    assert_eq!(words.find("n2", None).await.complete_to, None);
    assert_eq!(words.numbers("n300").await, [300]);
}
