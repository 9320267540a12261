//! What the simulated Microsoft does wrong on demand. Faults live in memory: a restart is a repair.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use uuid::Uuid;

/// How often a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// So many times, then never again.
    N(u32),
    /// Until [`Faults::clear`].
    Forever,
}

/// What happens to `$value` of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueFault {
    /// An error answer: 404 because the item moved, 500, 504 after Graph's own time limit.
    Status(u16),
    /// The connection breaks after so many bytes of the body.
    CutAfter(u64),
    /// Nothing more comes after so many bytes, and the connection stays open.
    StallAfter(u64),
    /// The body differs from other reads by one header field, as Outlook makes the MIME anew at each read.
    OtherBytes,
}

/// What one kind of request answers instead of the truth, for one thing or for all.
#[derive(Debug, Clone, PartialEq)]
pub enum Scripted {
    /// An error with this status, and perhaps with `Retry-After` in seconds.
    Status(u16, Option<u32>),
    /// 200 with a page of HTML, as a proxy in between sends it.
    Garbage,
    /// The connection breaks in the middle of the body.
    Half,
    /// A page that brings nothing, and a next link that leads to itself.
    Endless,
    /// A page of delta that is behind: it tells of nothing, and its delta link is the one that was asked with.
    Behind,
    /// The truth, but in the entries of the page with this id, or in all, this property has another value.
    Property(Option<String>, &'static str, serde_json::Value),
    /// The truth, but wherever this text stands in the body, that one stands instead.
    Text(String, String),
    /// The truth, but each entry of the page stands in it twice.
    Twice,
    /// The truth with one more header, or another value of it.
    Header(&'static str, String),
    /// This answer, word for word: status, headers, body.
    Raw(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// The truth, later by so much real time.
    Late(Duration),
    /// No answer ever: the connection stays open. A batch waits for the answer of each of its parts.
    Silent,
    /// The truth, of which half comes before the connection breaks.
    Cut,
    /// The request is carried out, and this is answered all the same.
    Done(Box<Scripted>),
}

/// The form of `Retry-After` beside a 429; facts: whole seconds, fractions, or nothing at all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RetryAfter {
    /// Whole seconds.
    Whole(u32),
    /// Seconds with a fraction, as `2.128` in Microsoft's own example.
    Fractional(f64),
    /// No header.
    Missing,
}

impl RetryAfter {
    pub(crate) fn header(self) -> Option<String> {
        match self {
            Self::Whole(seconds) => Some(seconds.to_string()),
            Self::Fractional(seconds) => Some(format!("{seconds:.3}")),
            Self::Missing => None,
        }
    }
}

/// What happens to change notifications when they are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeFault {
    /// They are lost.
    Drop,
    /// They come twice.
    Duplicate,
    /// They come later by this much of the injected clock.
    Delay(SignedDuration),
}

/// What the admin consent page answers instead of the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentFault {
    /// The redirect names another tenant than the one whose admin consented.
    ForgedTenant(Uuid),
}

#[derive(Default)]
struct Script {
    value: HashMap<String, Strike<ValueFault>>,
    kind: HashMap<String, Strike<u16>>,
    scripted: Vec<(String, Option<String>, Strike<Scripted>)>,
    conflict: HashMap<String, Strike<()>>,
    gone: HashMap<String, Strike<()>>,
    throttle: HashMap<String, Strike<RetryAfter>>,
    token: Option<Strike<u32>>,
    authorize: Option<Strike<u32>>,
    challenge: Option<String>,
    notices: Option<Strike<NoticeFault>>,
    consent: Option<Strike<ConsentFault>>,
    roles_delay: SignedDuration,
    credentials_delay: SignedDuration,
    app_policy: Option<&'static str>,
    removals_last: bool,
    withhold_refresh: bool,
    unauthorized: Option<Strike<()>>,
    latency: Duration,
}

struct Strike<T> {
    what: T,
    left: Times,
}

impl<T: Clone> Strike<T> {
    fn new(what: T, left: Times) -> Self {
        Self { what, left }
    }

    /// The fault, if it strikes now.
    fn strike(&mut self) -> Option<T> {
        match &mut self.left {
            Times::Forever => Some(self.what.clone()),
            Times::N(0) => None,
            Times::N(left) => {
                *left -= 1;
                Some(self.what.clone())
            }
        }
    }
}

/// The script of faults of one simulated world.
#[derive(Default)]
pub struct Faults(Mutex<Script>);

impl Faults {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `$value` of the message with this immutable id goes wrong.
    pub fn value(&self, immutable_id: &str, fault: ValueFault, times: Times) {
        self.script().value.insert(immutable_id.to_owned(), Strike::new(fault, times));
    }

    /// Requests of one kind (the names in [`crate::Requests::by_kind`]) answer this status, before anything is done.
    pub fn fail(&self, kind: &str, status: u16, times: Times) {
        self.script().kind.insert(kind.to_owned(), Strike::new(status, times));
    }

    /// Requests of one kind (the names in [`crate::Requests::by_kind`]) go wrong; only those that name `thing`, if one
    /// is given: the id of a folder or a message as it stands in the path, or a text of the request's body. What was
    /// scripted for the same before ends.
    /// `batch` is a whole batch; `token`, `keys` and `configuration` are the sign-in service's.
    pub fn answer(&self, kind: &str, thing: Option<&str>, fault: Scripted, times: Times) {
        self.end_answer(kind, thing);
        self.script().scripted.push((kind.to_owned(), thing.map(str::to_owned), Strike::new(fault, times)));
    }

    /// What [`Faults::answer`] began is over.
    pub fn end_answer(&self, kind: &str, thing: Option<&str>) {
        self.script().scripted.retain(|(of, about, _)| of != kind || about.as_deref() != thing);
    }

    /// Requests of one kind are carried out and then answered with 504: what timed out may have worked.
    pub fn lose_answer(&self, kind: &str, times: Times) {
        self.answer(kind, None, Scripted::Done(Box::new(Scripted::Status(504, None))), times);
    }

    /// PATCH of the message with this immutable id answers 412 `ErrorIrresolvableConflict`.
    pub fn conflict(&self, immutable_id: &str, times: Times) {
        self.script().conflict.insert(immutable_id.to_owned(), Strike::new((), times));
    }

    /// Delta requests of a mailbox that carry a token answer 410 `SyncStateNotFound`, also in the middle of paging.
    pub fn delta_gone(&self, address: &str, times: Times) {
        self.script().gone.insert(address.to_ascii_lowercase(), Strike::new((), times));
    }

    /// Requests to a mailbox answer 429 with this `Retry-After`.
    pub fn throttle(&self, address: &str, retry_after: RetryAfter, times: Times) {
        let strike = Strike::new(retry_after, times);
        self.script().throttle.insert(address.to_ascii_lowercase(), strike);
    }

    /// The token endpoint answers this AADSTS code.
    pub fn token(&self, aadsts: u32, times: Times) {
        self.script().token = Some(Strike::new(aadsts, times));
    }

    /// Whoever signs in is sent back with this AADSTS code.
    pub fn authorize(&self, aadsts: u32, times: Times) {
        self.script().authorize = Some(Strike::new(aadsts, times));
    }

    /// Graph challenges every token with these claims until one is asked for with them (claims-challenge).
    pub fn challenge(&self, claims: &str) {
        self.script().challenge = Some(claims.to_owned());
    }

    /// Change notifications go wrong; counted per notice.
    pub fn notices(&self, fault: NoticeFault, times: Times) {
        self.script().notices = Some(Strike::new(fault, times));
    }

    /// The admin consent page goes wrong.
    pub fn consent(&self, fault: ConsentFault, times: Times) {
        self.script().consent = Some(Strike::new(fault, times));
    }

    /// Application permissions granted from now on count only after this much of the injected clock.
    pub fn delay_roles(&self, delay: SignedDuration) {
        self.script().roles_delay = delay;
    }

    /// Credentials added to an app from now on are known to the token endpoint only after this much of the injected
    /// clock.
    pub fn delay_credentials(&self, delay: SignedDuration) {
        self.script().credentials_delay = delay;
    }

    /// The tenant's app management policy refuses new credentials with this code.
    pub fn app_policy(&self, code: Option<&'static str>) {
        self.script().app_policy = code;
    }

    /// Delta pages tell removals after everything else: a mail that left a folder and came back between two rounds
    /// looks gone.
    pub fn tell_removals_last(&self, last: bool) {
        self.script().removals_last = last;
    }

    /// The token endpoint issues no refresh token, as where `offline_access` was not granted.
    pub fn withhold_refresh_tokens(&self, withhold: bool) {
        self.script().withhold_refresh = withhold;
    }

    /// Graph answers 401 `InvalidAuthenticationToken` to every request, whatever its token.
    pub fn refuse_tokens(&self, times: Times) {
        self.script().unauthorized = Some(Strike::new((), times));
    }

    /// Every Graph request takes this long at least, in real time.
    pub fn latency(&self, latency: Duration) {
        self.script().latency = latency;
    }

    /// Repairs everything.
    pub fn clear(&self) {
        *self.script() = Script::default();
    }

    pub(crate) fn next_value(&self, immutable_id: &str) -> Option<ValueFault> {
        self.script().value.get_mut(immutable_id)?.strike()
    }

    pub(crate) fn next_failure(&self, kind: &str) -> Option<u16> {
        self.script().kind.get_mut(kind)?.strike()
    }

    pub(crate) fn next_scripted(&self, kind: &str, thing: Option<&str>, body: &[u8]) -> Option<Scripted> {
        let says = |text: &str| body.windows(text.len()).any(|part| part == text.as_bytes());
        let mut script = self.script();
        let is_meant = |about: &str| Some(about) == thing || says(about);
        let meant =
            script.scripted.iter_mut().filter(|(of, about, _)| of == kind && about.as_deref().is_none_or(is_meant));
        meant.filter_map(|(.., strike)| strike.strike()).next()
    }

    pub(crate) fn next_conflict(&self, immutable_id: &str) -> bool {
        self.script().conflict.get_mut(immutable_id).is_some_and(|strike| strike.strike().is_some())
    }

    pub(crate) fn next_gone(&self, address: &str) -> bool {
        let address = address.to_ascii_lowercase();
        self.script().gone.get_mut(&address).is_some_and(|strike| strike.strike().is_some())
    }

    pub(crate) fn next_throttle(&self, address: &str) -> Option<RetryAfter> {
        self.script().throttle.get_mut(&address.to_ascii_lowercase())?.strike()
    }

    pub(crate) fn next_token(&self) -> Option<u32> {
        self.script().token.as_mut()?.strike()
    }

    pub(crate) fn next_authorize(&self) -> Option<u32> {
        self.script().authorize.as_mut()?.strike()
    }

    pub(crate) fn current_challenge(&self) -> Option<String> {
        self.script().challenge.clone()
    }

    pub(crate) fn meet_challenge(&self, claims: &str) {
        self.script().challenge.take_if(|challenge| challenge == claims);
    }

    pub(crate) fn next_notice(&self) -> Option<NoticeFault> {
        self.script().notices.as_mut()?.strike()
    }

    pub(crate) fn next_consent(&self) -> Option<ConsentFault> {
        self.script().consent.as_mut()?.strike()
    }

    pub(crate) fn roles_delay(&self) -> SignedDuration {
        self.script().roles_delay
    }

    pub(crate) fn credentials_delay(&self) -> SignedDuration {
        self.script().credentials_delay
    }

    pub(crate) fn current_app_policy(&self) -> Option<&'static str> {
        self.script().app_policy
    }

    pub(crate) fn withholds_refresh_tokens(&self) -> bool {
        self.script().withhold_refresh
    }

    pub(crate) fn next_unauthorized(&self) -> bool {
        self.script().unauthorized.as_mut().is_some_and(|strike| strike.strike().is_some())
    }

    pub(crate) fn removals_last(&self) -> bool {
        self.script().removals_last
    }

    pub(crate) fn current_latency(&self) -> Duration {
        self.script().latency
    }
}
