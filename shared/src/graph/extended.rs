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
/// Pages of what carries one mark that are read at most.
const PAGES_MAX: usize = 10;

/// What a POST carries for the item to be found by `mark`.
pub(super) fn property(mark: &str) -> Value {
    json!([{ "id": PROPERTY, "value": mark }])
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
        let filter = format!("singleValueExtendedProperties/Any(ep: ep/id eq '{PROPERTY}' and ep/value eq '{mark}')");
        let path = format!("{}/{collection}?$select=id&$filter={}", user.path(), query_value(&filter));
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
