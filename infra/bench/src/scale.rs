//! The deployment as coded, for many mailboxes: a simulation of events, because no machine here has 100,000 mailboxes.
//! Its constants are those of the code; what AWS and Microsoft take is assumed, and stands below.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    time::Duration,
};

use delta_poll::{FOLLOW_PAUSE, MAILBOXES_AT_ONCE, OUTAGE_PAUSE_MAX, SILENCE_SPREAD};
use jiff::Timestamp;
use local::host::MAIL_BATCH;
use shared::{
    access::silent_tenant::Silence,
    base::{id::MailboxId, random::Random},
    graph::SILENCE_MAX,
    mail::mailbox_share::ExcessRounds,
};

use super::Row;

/// Mails of one mailbox in the hour of a Monday that is the busiest: forty a day come to 6.1.
const MAILS_AN_HOUR: f64 = 6.1;
/// Mailboxes of one tenant.
const TENANT: usize = 20;
/// Mailboxes of the tenant that hangs.
const LARGE_TENANT: usize = 500;
/// The median of what Graph takes for a request; one in a hundred takes five times as long.
const GRAPH_MS: f64 = 150.0;
/// The spread that this comes to, in the logarithm.
const GRAPH_SPREAD: f64 = 0.7;
/// What a round takes beside Graph: reads, writes and the PUT of a mail, one after the other.
const OWN_MS: f64 = 120.0;
/// What a job takes that is done already, or whose mailbox waits.
const SEEN_MS: f64 = 20.0;
/// An answer is late after so long.
const LATE_MS: f64 = 1_000.0;
/// From a notice to a function that has its job.
const QUEUE_MS: f64 = 100.0;
/// Folders of a mailbox that a round reads, one after the other.
const FOLDERS: u32 = 2;
/// So long is simulated; what arrives in the last quarter of an hour counts.
const SIMULATED: Duration = Duration::from_secs(45 * 60);
/// Simulated time where Graph is away for an hour first.
const SIMULATED_LONG: Duration = Duration::from_secs(90 * 60);
const COUNTED: Duration = Duration::from_secs(15 * 60);
/// Mailboxes that are switched on at once, a tenth of all at most: within ten minutes before what counts.
const TAKEN_IN: usize = 1_000;
/// Folders whose first page the first round of one reads, and its tree.
const FIRST_REQUESTS: u32 = 16;
/// A firm that floods: its mailboxes, and how many times as much mail as usual comes to each.
const FLOODED: usize = 100;
const FLOOD: f64 = 100.0;
/// SQS hands out what is among the first so many jobs of a FIFO queue.
/// Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>
const JOBS_IN_SIGHT: usize = 120_000;

/// Mailboxes, and how many functions the mail queue keeps busy, as docs/operator.md advises.
const ADVICE: [(usize, usize); 5] = [(1_000, 4), (3_000, 8), (10_000, 22), (30_000, 64), (100_000, 210)];

/// What goes on beside new mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    None,
    /// Graph takes requests of one tenant and says nothing.
    Hangs,
    /// Graph answers 503 to everybody for a quarter of an hour, which ends a quarter before what counts.
    Outage,
    /// Graph is away for an hour.
    LongOutage,
    /// Some mailboxes are switched on; their older mail has functions of its own.
    Intake,
    /// One firm gets far more mail than others. Only the others' counts.
    Flood,
}

impl Trouble {
    fn simulated(self) -> At {
        ms(if self == Self::LongOutage { SIMULATED_LONG } else { SIMULATED })
    }

    /// What arrives from then on counts.
    fn counts_from(self) -> At {
        self.simulated() - ms(COUNTED)
    }

    /// Until when Graph is away.
    fn outage_ends(self) -> At {
        match self {
            Self::Outage | Self::LongOutage => self.counts_from() - ms(COUNTED),
            _ => 0,
        }
    }
}

/// What is simulated for each, in the order of the table.
const TROUBLES: [(Trouble, &str); 6] = [
    (Trouble::None, ""),
    (Trouble::Hangs, "while one tenant of 500 mailboxes hangs"),
    (Trouble::Outage, "a quarter of an hour after an outage of as long"),
    (Trouble::LongOutage, "a quarter of an hour after an outage of an hour"),
    (Trouble::Intake, "while 1,000 mailboxes, or a tenth, are switched on"),
    (Trouble::Flood, "while 100 mailboxes of one firm get a hundred times as much: those of others"),
];

/// The table of docs/operator.md.
pub(super) fn table() -> Vec<Row> {
    let mut rows = Vec::new();
    for (mailboxes, functions) in ADVICE {
        let mut told = Vec::new();
        let mut longest = 0;
        for (trouble, _) in TROUBLES {
            let mut world = World::new(mailboxes, functions, trouble);
            world.run();
            longest = longest.max(world.longest_queue);
            told.push(format!("{:.1}; {:.1}", world.delay(0.5), world.delay(0.99)));
        }
        let what =
            format!("{mailboxes} mailboxes, MailConcurrency {functions}: seconds from notice to archive, median; p99");
        for ((_, during), told) in TROUBLES.into_iter().zip(told) {
            let what = if during.is_empty() { what.clone() } else { format!("- {during}") };
            rows.push(Row::new(what, told, "p99 ≤ 10"));
        }
        rows.push(Row::new(format!("- most jobs in the queue, of {JOBS_IN_SIGHT} in sight"), longest.to_string(), ""));
    }
    rows
}

/// Milliseconds since the beginning.
type At = u64;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A mail arrives, and its notice.
    Arrives(usize),
    /// A mailbox is switched on.
    Begins(usize),
    /// The schedule queues what is due.
    Ticks,
    /// A function is done with its batch.
    Ends(usize),
}

#[derive(Debug, Clone, Default)]
struct Mailbox {
    /// When the mails arrived that are not archived.
    waiting: Vec<At>,
    /// Jobs behind the one that a function holds.
    parked: VecDeque<At>,
    held: bool,
    /// Its first round is yet to come.
    is_new: bool,
    due: At,
    round_began: At,
    beyond: ExcessRounds,
    /// A round waits so long because Graph does not answer; doubled each time.
    pause: At,
    waits_until: At,
}

struct World {
    now: At,
    trouble: Trouble,
    dice: Dice,
    events: BinaryHeap<Reverse<(At, u64, Event)>>,
    sent: u64,
    mailboxes: Vec<Mailbox>,
    names: Vec<MailboxId>,
    silences: Vec<Option<Silence>>,
    /// Jobs of mailboxes that no function holds, and when each was sent.
    queue: VecDeque<(usize, At)>,
    parked: usize,
    longest_queue: usize,
    /// What each function holds.
    batches: Vec<Vec<usize>>,
    idle: Vec<usize>,
    delays: Vec<u32>,
}

impl World {
    fn new(count: usize, functions: usize, trouble: Trouble) -> Self {
        let random = Random::seeded(1);
        let mut world = Self {
            now: 0,
            trouble,
            dice: Dice(0x9e37_79b9_7f4a_7c15),
            events: BinaryHeap::new(),
            sent: 0,
            mailboxes: vec![Mailbox::default(); count],
            names: (0..count).map(|_| MailboxId::draw(&random)).collect(),
            silences: vec![None; count / TENANT + 2],
            queue: VecDeque::new(),
            parked: 0,
            longest_queue: 0,
            batches: vec![Vec::new(); functions],
            idle: (0..functions).rev().collect(),
            delays: Vec::new(),
        };
        for mailbox in 0..count {
            world.mailboxes[mailbox].due = (world.dice.draw() * ms(FOLLOW_PAUSE) as f64) as At;
            world.arrive_later(mailbox);
        }
        world.take_in();
        world.at(0, Event::Ticks);
        world
    }

    fn run(&mut self) {
        while let Some(Reverse((at, _, event))) = self.events.pop() {
            if at > self.trouble.simulated() {
                return self.count_the_rest();
            }
            self.now = at;
            match event {
                Event::Arrives(mailbox) => {
                    self.mailboxes[mailbox].waiting.push(at);
                    self.send(mailbox);
                    self.arrive_later(mailbox);
                }
                Event::Begins(mailbox) => {
                    self.mailboxes[mailbox].is_new = true;
                    self.send(mailbox);
                }
                Event::Ticks => {
                    // One that is due still is queued again after five minutes.
                    for mailbox in 0..self.mailboxes.len() {
                        if self.mailboxes[mailbox].due <= at {
                            self.mailboxes[mailbox].due = at + 300_000;
                            self.send(mailbox);
                        }
                    }
                    self.at(60_000, Event::Ticks);
                }
                Event::Ends(function) => {
                    for mailbox in std::mem::take(&mut self.batches[function]) {
                        let held = &mut self.mailboxes[mailbox];
                        held.held = false;
                        // They were sent long ago, so that they are next.
                        let parked = std::mem::take(&mut held.parked);
                        self.parked -= parked.len();
                        parked.into_iter().rev().for_each(|sent| self.queue.push_front((mailbox, sent)));
                    }
                    self.idle.push(function);
                }
            }
            self.longest_queue = self.longest_queue.max(self.queue.len() + self.parked);
            self.begin();
        }
    }

    /// Gives idle functions batches, as long as there are jobs of mailboxes that no other holds.
    fn begin(&mut self) {
        while !self.queue.is_empty() {
            let Some(function) = self.idle.pop() else { return };
            let mut batch: Vec<(usize, At)> = Vec::new();
            let most = usize::try_from(MAIL_BATCH).unwrap_or(MAILBOXES_AT_ONCE).min(MAILBOXES_AT_ONCE);
            let mut jobs = 0;
            while jobs < most
                && let Some((mailbox, sent)) = self.queue.pop_front()
            {
                match batch.iter_mut().find(|(held, _)| *held == mailbox) {
                    // One round serves them all.
                    Some((_, newest)) => *newest = sent.max(*newest),
                    None if self.mailboxes[mailbox].held => {
                        self.park(mailbox, sent);
                        continue;
                    }
                    None => batch.push((mailbox, sent)),
                }
                jobs += 1;
            }
            if batch.is_empty() {
                self.idle.push(function);
                return;
            }
            let mut takes = 0.0f64;
            for (mailbox, sent) in &batch {
                self.mailboxes[*mailbox].held = true;
                takes = takes.max(self.round(*mailbox, *sent));
            }
            self.batches[function] = batch.into_iter().map(|(mailbox, _)| mailbox).collect();
            self.at((QUEUE_MS + takes) as At, Event::Ends(function));
        }
    }

    /// One round: how long it takes, in milliseconds.
    fn round(&mut self, mailbox: usize, sent: At) -> f64 {
        let began = self.now + QUEUE_MS as At;
        let tenant = self.tenant(mailbox);
        let now = timestamp(began);
        let state = &self.mailboxes[mailbox];
        if state.round_began > sent || state.waits_until > began {
            return SEEN_MS;
        }
        let name = self.names[mailbox];
        if let Some(wait) = self.silences[tenant].as_ref().and_then(|silence| silence.waits(name, now)) {
            let spread = self.dice.draw() * ms(SILENCE_SPREAD) as f64;
            self.put_off(mailbox, began + ms(wait) + spread as At);
            return SEEN_MS;
        }
        if let Some(probed) = self.silences[tenant].as_ref().and_then(|silence| silence.probed(name, now)) {
            self.silences[tenant] = Some(probed);
        }
        let fails = match self.trouble {
            Trouble::Hangs => tenant == 0,
            _ => began < self.trouble.outage_ends(),
        };
        if fails {
            // The second folder in a row that fails is the mailbox's matter.
            let takes = match self.trouble {
                // It is begun when the answer of the first one is late.
                Trouble::Hangs => LATE_MS + ms(SILENCE_MAX) as f64,
                _ => OWN_MS + 2.0 * (3.0 * self.graph() + 750.0),
            };
            let after = timestamp(began + takes as At);
            self.silences[tenant] = Some(Silence::after(self.silences[tenant].as_ref(), name, after));
            let state = &mut self.mailboxes[mailbox];
            state.pause = (state.pause * 2).clamp(30_000, ms(OUTAGE_PAUSE_MAX));
            let until = began + takes as At + state.pause;
            self.put_off(mailbox, until);
            return takes;
        }
        self.silences[tenant] = None;
        let last = Some(timestamp(self.mailboxes[mailbox].round_began));
        if let Some(wait) = self.mailboxes[mailbox].beyond.wait(last, timestamp(sent), now) {
            self.put_off(mailbox, began + ms(wait));
            return SEEN_MS;
        }
        let requests = if std::mem::take(&mut self.mailboxes[mailbox].is_new) { FIRST_REQUESTS } else { FOLDERS };
        let mut reads = OWN_MS / 2.0 + (0..requests).map(|_| self.graph()).sum::<f64>();
        let seen_until = began + reads as At;
        let state = &mut self.mailboxes[mailbox];
        let found = state.waiting.iter().take_while(|at| **at <= seen_until).count();
        let waiting = state.waiting.split_off(found);
        let found = std::mem::replace(&mut state.waiting, waiting);
        (state.round_began, state.pause) = (began, 0);
        if !found.is_empty() {
            reads += OWN_MS / 2.0 + (found.len().div_ceil(4) as f64) * self.graph();
            let archived = began + reads as At;
            let (counts, is_troubles) = (self.trouble.counts_from(), self.is_troubles(mailbox));
            let counted = found.iter().filter(|at| **at >= counts && !is_troubles);
            self.delays.extend(counted.map(|at| u32::try_from(archived - at).unwrap_or(u32::MAX)));
            reads += self.graph();
        }
        let beyond = self.mailboxes[mailbox].beyond.after(last, now, timestamp(began + reads as At));
        self.mailboxes[mailbox].beyond = beyond;
        // A notice does not move the time of the poll.
        if self.mailboxes[mailbox].due <= self.now + 300_000 {
            let pause = ms(FOLLOW_PAUSE) as f64;
            self.mailboxes[mailbox].due = began + (pause * (0.9 + 0.2 * self.dice.draw())) as At;
        }
        reads
    }

    /// What was not archived at the end has waited since it arrived.
    fn count_the_rest(&mut self) {
        let (counts, end) = (self.trouble.counts_from(), self.trouble.simulated());
        for mailbox in 0..self.mailboxes.len() {
            if self.is_troubles(mailbox) {
                continue;
            }
            let waiting = self.mailboxes[mailbox].waiting.iter().filter(|at| **at >= counts);
            self.delays.extend(waiting.map(|at| u32::try_from(end - at).unwrap_or(u32::MAX)));
        }
    }

    fn put_off(&mut self, mailbox: usize, at: At) {
        let state = &mut self.mailboxes[mailbox];
        (state.due, state.waits_until) = (at, at);
    }

    /// Whether it is one of those that make the trouble for others.
    fn is_troubles(&self, mailbox: usize) -> bool {
        match self.trouble {
            Trouble::Hangs => self.tenant(mailbox) == 0,
            Trouble::Flood => mailbox < FLOODED,
            _ => false,
        }
    }

    /// Has some mailboxes switched on, in the ten minutes before what counts.
    fn take_in(&mut self) {
        if self.trouble == Trouble::Intake {
            for mailbox in 0..TAKEN_IN.min(self.mailboxes.len() / 10) {
                let at = self.trouble.counts_from() - (self.dice.draw() * 600_000.0) as At;
                self.at(at, Event::Begins(mailbox));
            }
        }
    }

    fn tenant(&self, mailbox: usize) -> usize {
        match mailbox {
            mailbox if mailbox < LARGE_TENANT && self.trouble == Trouble::Hangs => 0,
            mailbox => 1 + mailbox / TENANT,
        }
    }

    fn send(&mut self, mailbox: usize) {
        match self.mailboxes[mailbox].held {
            true => self.park(mailbox, self.now),
            false => self.queue.push_back((mailbox, self.now)),
        }
    }

    fn park(&mut self, mailbox: usize, sent: At) {
        self.mailboxes[mailbox].parked.push_back(sent);
        self.parked += 1;
    }

    fn arrive_later(&mut self, mailbox: usize) {
        let floods = self.trouble == Trouble::Flood && self.is_troubles(mailbox);
        let mails = if floods { FLOOD * MAILS_AN_HOUR } else { MAILS_AN_HOUR };
        let pause = -self.dice.draw().ln() * 3_600_000.0 / mails;
        self.at(pause as At, Event::Arrives(mailbox));
    }

    /// What one request to Graph takes.
    fn graph(&mut self) -> f64 {
        GRAPH_MS * (GRAPH_SPREAD * self.dice.normal()).exp()
    }

    fn at(&mut self, later: At, event: Event) {
        self.sent += 1;
        self.events.push(Reverse((self.now + later, self.sent, event)));
    }

    /// Seconds from notice to archive that this share of the mails took at most.
    fn delay(&mut self, share: f64) -> f64 {
        self.delays.sort_unstable();
        let place = (self.delays.len() as f64 * share) as usize;
        self.delays.get(place.min(self.delays.len().saturating_sub(1))).map_or(f64::NAN, |ms| f64::from(*ms) / 1e3)
    }
}

fn ms(time: Duration) -> At {
    At::try_from(time.as_millis()).unwrap_or(At::MAX)
}

fn timestamp(at: At) -> Timestamp {
    Timestamp::from_millisecond(i64::try_from(at).unwrap_or(i64::MAX)).unwrap_or(Timestamp::MAX)
}

/// Draws equal numbers in each run. Source: Steele, Lea, Flood: Fast splittable pseudorandom number generators (2014)
struct Dice(u64);

impl Dice {
    /// Above 0, and 1 at most.
    fn draw(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (((z ^ (z >> 31)) >> 11) as f64 + 1.0) / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.draw().ln()).sqrt() * (std::f64::consts::TAU * self.draw()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_the_advised_settings_a_hanging_tenant_an_outage_and_an_intake_slow_nobody_down_and_a_flood_little() {
        let (mailboxes, functions) = ADVICE[0];
        for (trouble, _) in TROUBLES {
            let mut world = World::new(mailboxes, functions, trouble);
            world.run();
            let delays = [0.5, 0.99].map(|share| world.delay(share));
            // Ten times the mail of all others together is too much for four functions.
            let most = if trouble == Trouble::Flood { [4.0, 15.0] } else { [2.0, 10.0] };
            assert!(delays[0] < most[0] && delays[1] < most[1], "{trouble:?}: {delays:?}");
        }
    }

    #[test]
    fn too_few_functions_show() {
        let mut world = World::new(3_000, 1, Trouble::None);
        world.run();
        assert!(world.delay(0.99) > 60.0);
    }
}
