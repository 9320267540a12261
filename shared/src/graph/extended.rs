//! The extended property by which an event or a contact of ours is found again: Outlook never shows it.
//! Source: <https://learn.microsoft.com/graph/api/resources/extended-properties-overview>

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{
    client::{Graph, GraphUser, Link, query_value},
    error::GraphError,
};

/// The name of the property, under a namespace of our own. The name is case-sensitive, the value is not.
const PROPERTY: &str = "String {5b1a77f6-0f6c-4b53-9d36-6e1f2a0c7d41} Name GreffeId";
/// The property that all of one member's items have in common: by it they are listed.
const OWNER: &str = "String {5b1a77f6-0f6c-4b53-9d36-6e1f2a0c7d41} Name GreffeMember";
/// Pages of what carries one mark that are read at most.
const PAGES_MAX: usize = 10;

/// What a POST carries for the item to be found by `mark`.
pub(super) fn property(mark: &str) -> Value {
    json!([{ "id": PROPERTY, "value": mark }])
}

/// The same for an item that is one of `owner`'s.
pub(super) fn properties(mark: &str, owner: &str) -> Value {
    json!([{ "id": PROPERTY, "value": mark }, { "id": OWNER, "value": owner }])
}

/// The query option that finds what carries `mark`.
pub(super) fn with_mark(mark: &str) -> String {
    filter(PROPERTY, mark)
}

/// The query option that finds all that is `owner`'s.
pub(super) fn of_owner(owner: &str) -> String {
    filter(OWNER, owner)
}

/// `value`: hex digits and hyphens, which need no quoting.
fn filter(property: &str, value: &str) -> String {
    let filter = format!("singleValueExtendedProperties/Any(ep: ep/id eq '{property}' and ep/value eq '{value}')");
    format!("$filter={}", query_value(&filter))
}

#[derive(Deserialize)]
struct WirePage<I> {
    value: Vec<WireItem<I>>,
    #[serde(rename = "@odata.nextLink")]
    next_link: Option<String>,
}

#[derive(Deserialize)]
struct WireItem<I> {
    id: I,
}

impl Graph {
    /// The ids of what carries `mark` in `collection` (`events`, `contacts`).
    pub(super) async fn marked<I: DeserializeOwned>(
        &self,
        user: &GraphUser,
        collection: &str,
        mark: &str,
    ) -> Result<Vec<I>, GraphError> {
        let attempted = format!("find what is ours among the {collection}");
        let path = format!("{}/{collection}?$select=id&{}", user.path(), with_mark(mark));
        let mut call = self.get(&path, attempted.clone());
        let mut ids = Vec::new();
        for _ in 0..PAGES_MAX {
            call.headers = &[("prefer", r#"IdType="ImmutableId""#)];
            let page: WirePage<I> = self.json(call).await?;
            ids.extend(page.value.into_iter().map(|item| item.id));
            let Some(next) = page.next_link else { break };
            call = self.get("", attempted.clone());
            call.url = self.link(&Link::new(next), &attempted)?;
        }
        Ok(ids)
    }
}
