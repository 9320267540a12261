//! The extended property by which a pushed event or contact is found again: Outlook never shows it.
//! Source: <https://learn.microsoft.com/graph/api/resources/extended-properties-overview>

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{
    client::{Graph, GraphUser, query_value},
    graph_error::GraphError,
};

/// The name of the property, under a namespace of our own. The name is case-sensitive, the value is not.
const PROPERTY: &str = "String {5b1a77f6-0f6c-4b53-9d36-6e1f2a0c7d41} Name GreffeId";
/// The property that all of one member's items have in common: by it they are listed.
const OWNER: &str = "String {5b1a77f6-0f6c-4b53-9d36-6e1f2a0c7d41} Name GreffeMember";

/// What a POST carries for the item to be found by `tag`.
pub(super) fn property(tag: &str) -> Value {
    json!([{ "id": PROPERTY, "value": tag }])
}

/// The extended properties of an item that belongs to `owner`.
pub(super) fn properties(tag: &str, owner: &str) -> Value {
    json!([{ "id": PROPERTY, "value": tag }, { "id": OWNER, "value": owner }])
}

/// The query option that finds what carries `tag`.
pub(super) fn with_tag(tag: &str) -> String {
    filter(PROPERTY, tag)
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

impl Graph {
    /// The ids of what carries `tag` in `collection` (`events`, `contacts`).
    pub(super) async fn tagged<I: DeserializeOwned>(
        &self,
        user: &GraphUser,
        collection: &str,
        tag: &str,
    ) -> Result<Vec<I>, GraphError> {
        let attempted = format!("find what is ours among the {collection}");
        let path = format!("{}/{collection}?$select=id&{}", user.path(), with_tag(tag));
        let listed = self.list(self.url(&path), &[("prefer", r#"IdType="ImmutableId""#)], &attempted).await?;
        let id = |mut entry: Value| serde_json::from_value(entry.get_mut("id")?.take()).ok();
        Ok(listed.entries.into_iter().filter_map(id).collect())
    }
}
