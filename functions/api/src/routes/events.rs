//! The feed: what happened, read by cursor, of one firm or of all.

use std::{collections::BTreeSet, str::FromStr, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{HeaderMap, header},
};
use serde::{Deserialize, Serialize};
use shared::{
    app::App,
    base::telemetry::ErrorChain,
    firm::{
        fact::{FactEvent, NumberedFact},
        feed::FeedError,
        joint_feed::{self, FirmEvent, JointCursor},
        waiting_calls::{WAIT_SECONDS_MAX, WaitingCall},
    },
};
use utoipa::{IntoParams, ToSchema};

use super::paging::{Order, ahead, in_feed};
use crate::{
    auth::{Caller, FirmScope, Operator},
    error::Answer,
    extract::{Json, Query, given, given_word, given_words},
    field::{Limit, WantedType},
};

/// Most events that one look examines for some that can be listed.
const LOOKED_AT_MAX: usize = 1_000;
/// Events of one reading while it looks for more than the first ones.
const LOOKED_PAGE: usize = 100;
/// How often a call that waits looks.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// After how many looks a call that waits asks whether its key is still valid.
const LOOKS_PER_KEY: u32 = 5;

/// How long a call waits for events, in seconds.
#[derive(Debug, Clone, Copy)]
struct WaitSeconds(Duration);

impl FromStr for WaitSeconds {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let seconds = text.parse().ok().filter(|seconds: &u8| *seconds <= WAIT_SECONDS_MAX);
        seconds.map(|seconds| Self(Duration::from_secs(seconds.into()))).ok_or("a call waits 0 to 20 seconds")
    }
}

/// Which events.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// `next` of the previous page; the number of the last event that you have will do, too. Omit it for the first
    /// page.
    #[serde(default, deserialize_with = "given")]
    after: Option<u64>,
    /// 1 to 100, default 50.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<Limit>,
    /// How many seconds the call waits for an event if there is none yet: 0 to 20, default 0. One call of a key waits
    /// at a time; another one is answered at once.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<u32>, minimum = 0, maximum = 20)]
    wait: Option<WaitSeconds>,
    /// Only events of these types: repeat the parameter, or separate them by commas. A request examines at most 1,000
    /// events, so a page may have few or none and still not be the last. You are at the end when `next` equals
    /// `after`.
    #[serde(default, deserialize_with = "given_words")]
    #[param(value_type = Option<Vec<WantedType>>, max_items = 40)]
    r#type: Option<BTreeSet<WantedType>>,
    /// `asc`, the default, has the oldest first. `desc` has the newest first: then `after` is the number below which to
    /// go on, `next` is 0 at the end, and the call does not wait.
    #[serde(default, deserialize_with = "given_word")]
    #[param(inline)]
    order: Option<Order>,
}

/// Which events of all firms.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AllEventsQuery {
    /// `next` of the previous page. Omit it for the first page.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, pattern = "^[0-9]{1,19}[.][0-9]{1,19}$")]
    after: Option<JointCursor>,
    /// 1 to 100, default 50.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<Limit>,
    /// How many seconds the call waits for an event if there is none yet: 0 to 20, default 0. One call of a key waits
    /// at a time; another one is answered at once.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<u32>, minimum = 0, maximum = 20)]
    wait: Option<WaitSeconds>,
    /// Only events of these types: repeat the parameter, or separate them by commas. A request examines at most 1,000
    /// events, so a page may have few or none and still not be the last. You are at the end when `next` equals
    /// `after`.
    #[serde(default, deserialize_with = "given_words")]
    #[param(value_type = Option<Vec<WantedType>>, max_items = 40)]
    r#type: Option<BTreeSet<WantedType>>,
}

/// Events, oldest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventsPage {
    items: Vec<NumberedFact>,
    /// The last number of this page. Pass it as `after` of the next request.
    next: u64,
}

/// Lists the events of a firm's feed, oldest first.
///
/// Pass `next` of each page as `after` of the next request, and you read every event exactly once. With `wait`, the
/// call waits for the next event if there is none yet (long polling).
#[utoipa::path(
    get, path = "/v1/firms/{firm}/events", tag = "events", operation_id = "list_events", params(EventsQuery),
    responses((status = 200, body = EventsPage))
)]
pub(super) async fn list(
    firm: FirmScope,
    caller: Caller,
    headers: HeaderMap,
    State(app): State<Arc<App>>,
    Query(part): Query<EventsQuery>,
) -> Answer<Json<EventsPage>> {
    let (app, firm, limit) = (&*app, firm.id(), part.limit.unwrap_or_default().get());
    let wanted = part.r#type;
    let wanted =
        wanted.map(|wanted| move |event: &NumberedFact| wanted.contains(&WantedType(event.fact.what.event_type())));
    let (items, next) = match part.order {
        Some(Order::Desc) => {
            in_feed(app, firm, part.after).await?;
            let read = |before, at_once| async move {
                let events = app.feed.facts_before(firm, before, at_once).await?;
                let next = events.last().map_or(0, |last| last.number);
                let events = events.into_iter().filter(|event| event.fact.what != FactEvent::Void);
                Ok((events.map(|event| (event.number, event)).collect(), next))
            };
            only(part.after.unwrap_or(u64::MAX), limit, read, wanted.as_ref()).await?
        }
        Some(Order::Asc) | None => {
            let after = part.after.unwrap_or(0);
            let read = |after, at_once| async move {
                let (events, next) = app.feed.facts_after(firm, after, at_once, app.clock.now()).await?;
                Ok((events.into_iter().map(|event| (event.number, event)).collect(), next))
            };
            let read = |after| only(after, limit, &read, wanted.as_ref());
            let (items, next) = waited(app, (&caller, &headers), part.wait, after, read).await?;
            if next == after && after > app.feed.last_number(firm).await? {
                return Err(ahead("after"));
            }
            (items, next)
        }
    };
    Ok(Json(EventsPage { items, next }))
}

/// Events of all firms.
#[derive(Serialize, ToSchema)]
pub(crate) struct AllEventsPage {
    items: Vec<FirmEvent>,
    /// Pass it as `after` of the next request.
    next: String,
}

/// Lists the events of all firms.
///
/// Pass `next` of each page as `after` of the next request, and you read every event of every firm exactly once. Events
/// of one firm are in order. Between firms there is no order.
#[utoipa::path(
    get, path = "/v1/events", tag = "events", operation_id = "list_all_events", params(AllEventsQuery),
    responses((status = 200, body = AllEventsPage))
)]
pub(super) async fn list_all(
    _: Operator,
    caller: Caller,
    headers: HeaderMap,
    State(app): State<Arc<App>>,
    Query(part): Query<AllEventsQuery>,
) -> Answer<Json<AllEventsPage>> {
    let (app, limit) = (&*app, part.limit.unwrap_or_default().get());
    let wanted = part.r#type;
    let wanted =
        wanted.map(|wanted| move |event: &FirmEvent| wanted.contains(&WantedType(event.event.fact.what.event_type())));
    let read = |after, at_once| async move {
        let (events, next) = joint_feed::events_after((&app.table, &app.feed), after, at_once, app.clock.now()).await?;
        Ok((events.into_iter().map(|(event, place)| (place, event)).collect(), next))
    };
    let after = part.after.unwrap_or_default();
    let read = |after| only(after, limit, &read, wanted.as_ref());
    let (items, next) = waited(app, (&caller, &headers), part.wait, after, read).await?;
    if next == after && after.is_ahead(&app.table).await? {
        return Err(ahead("after"));
    }
    Ok(Json(AllEventsPage { items, next: next.to_string() }))
}

/// At most `limit` events after `cursor`, and where to go on. Numbers without an event are passed over, and where only
/// some are `wanted`, the others: it looks at [`LOOKED_AT_MAX`] numbers at most.
async fn only<T, C: Copy + PartialEq, F: Future<Output = Result<(Vec<(C, T)>, C), FeedError>>>(
    mut cursor: C,
    limit: usize,
    read: impl Fn(C, usize) -> F,
    wanted: Option<&impl Fn(&T) -> bool>,
) -> Result<(Vec<T>, C), FeedError> {
    let (mut items, mut looked_at) = (Vec::new(), 0);
    let mut at_once = if wanted.is_some() { LOOKED_PAGE } else { limit };
    loop {
        let (events, next) = read(cursor, at_once).await?;
        for (place, event) in events {
            if wanted.is_none_or(|is_wanted| is_wanted(&event)) {
                items.push(event);
            }
            if items.len() == limit {
                return Ok((items, place));
            }
        }
        looked_at += at_once;
        let is_end = next == cursor;
        cursor = next;
        if is_end || looked_at >= LOOKED_AT_MAX || wanted.is_none() && !items.is_empty() {
            return Ok((items, cursor));
        }
        at_once = LOOKED_PAGE;
    }
}

/// What `read` finds after `cursor`, and where to go on; where it finds nothing, it looks again as long as the call may
/// wait, and its key is valid: the gate refuses the answer otherwise.
async fn waited<T, C: Copy, F: Future<Output = Result<(Vec<T>, C), FeedError>>>(
    app: &App,
    (caller, headers): (&Caller, &HeaderMap),
    wait: Option<WaitSeconds>,
    cursor: C,
    read: impl Fn(C) -> F,
) -> Answer<(Vec<T>, C)> {
    let (mut items, mut next) = read(cursor).await?;
    let Some(WaitSeconds(wait)) = wait.filter(|wait| items.is_empty() && !wait.0.is_zero()) else {
        return Ok((items, next));
    };
    let (clients, most) = ((&app.table, &app.random), app.config.waiting_calls_max);
    let call = WaitingCall::begin(clients, &caller.name(), (app.clock.now(), wait), most).await?;
    let Some(call) = call else { return Ok((items, next)) };
    let credentials = headers.get(header::AUTHORIZATION);
    let is_valid =
        async |looks: u32| !looks.is_multiple_of(LOOKS_PER_KEY) || Caller::of(app, credentials).await.is_ok();
    let mut looks = 1;
    while items.is_empty() && call.goes_on(app.clock.now()) && is_valid(looks).await {
        app.clock.sleep(LOOK_AGAIN).await;
        (items, next) = read(next).await?;
        looks += 1;
    }
    if let Err(error) = call.end(&app.table).await {
        tracing::warn!(error = %ErrorChain(&error), "a call that waited is taken for waiting until its time is over");
    }
    Ok((items, next))
}
