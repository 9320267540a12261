//! Calendar events.

use jiff::civil::DateTime;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::{
    client::{Call, Graph, GraphUser, segment},
    error::GraphError,
    extended,
};
use crate::id::EventId;

/// An event to be made in the default calendar: free, without a reminder and without attendees, so nobody is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent<'a> {
    /// Its title.
    pub subject: &'a str,
    /// Its beginning, UTC.
    pub start: DateTime,
    /// Its end, UTC.
    pub end: DateTime,
    /// Ours: by it the event is found again, and by it Graph knows the same request when it comes twice.
    pub mark: &'a str,
}

impl Graph {
    /// Makes an event. When the answer was lost it may be there all the same: [`Graph::events_marked`] tells.
    /// Source: <https://learn.microsoft.com/graph/api/user-post-events>
    pub async fn create_event(&self, user: &GraphUser, event: &NewEvent<'_>) -> Result<EventId, GraphError> {
        let time = |time: DateTime| json!({ "dateTime": time.to_string(), "timeZone": "UTC" });
        let call = Call {
            method: Method::POST,
            headers: &[("prefer", r#"IdType="ImmutableId""#)],
            body: Some(json!({
                "subject": event.subject,
                "start": time(event.start),
                "end": time(event.end),
                "showAs": "free",
                "isReminderOn": false,
                "transactionId": event.mark,
                "singleValueExtendedProperties": extended::property(event.mark),
            })),
            repeatable: false,
            ..self.get(&format!("{}/events", user.path()), "make an event".to_owned())
        };
        self.json::<WireEvent>(call).await.map(|event| event.id)
    }

    /// The events that carry `mark`.
    pub async fn events_marked(&self, user: &GraphUser, mark: &str) -> Result<Vec<EventId>, GraphError> {
        self.marked(user, "events", mark).await
    }

    /// Deletes an event; one that is not there is deleted.
    /// Source: <https://learn.microsoft.com/graph/api/event-delete>
    pub async fn delete_event(&self, user: &GraphUser, id: &EventId) -> Result<(), GraphError> {
        let path = format!("{}/events/{}", user.path(), segment(id.as_str()));
        self.delete(&path, format!("delete event {id}")).await
    }
}

#[derive(Deserialize)]
struct WireEvent {
    id: EventId,
}
