//! Pages of lists and of changes: each entry is read by itself, and a list is read to its end.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, value::RawValue};
use url::Url;

use super::{
    client::{Call, Graph, Link},
    graph_error::GraphError,
    json::read_json,
};

/// The longest link that is followed. Graph's have up to some thousand characters, and ours is stored in an item.
const LINK_CHARS_MAX: usize = 16 << 10;
/// Pages of one list: more of them have no end.
const LIST_PAGES_MAX: usize = 1_000;

/// How a page ends: exactly one of both, as Graph sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageEnd {
    /// More pages of this round.
    More(Link),
    /// The round is complete; the next one starts here.
    RoundComplete(Link),
}

/// A page of a list or of changes. What one entry lacks or spells otherwise costs the others nothing.
#[derive(Debug, Deserialize)]
#[serde(from = "Wire")]
pub(crate) struct WirePage {
    /// Its entries, as far as they are JSON that can be read.
    pub entries: Vec<Value>,
    /// How many others it has.
    pub unreadable: usize,
    /// Where the list goes on.
    pub next_link: Option<String>,
    /// Where its changes go on.
    pub delta_link: Option<String>,
    /// How many entries the whole list has, if Graph counted them.
    pub count: Option<u64>,
}

#[derive(Deserialize)]
struct Wire {
    value: Vec<WireEntry>,
    #[serde(rename = "@odata.nextLink")]
    next_link: Option<String>,
    #[serde(rename = "@odata.deltaLink")]
    delta_link: Option<String>,
    #[serde(default, rename = "@odata.count")]
    count: Option<WireEntry>,
}

impl From<Wire> for WirePage {
    fn from(wire: Wire) -> Self {
        let Wire { value, next_link, delta_link, count } = wire;
        let all = value.len();
        let entries: Vec<Value> = value.into_iter().filter_map(|WireEntry(entry)| entry).collect();
        let count = count.and_then(|WireEntry(count)| count?.as_u64());
        Self { unreadable: all - entries.len(), entries, next_link, delta_link, count }
    }
}

/// One entry; none if it is no JSON that can be read.
pub(super) struct WireEntry(pub Option<Value>);

impl<'de> Deserialize<'de> for WireEntry {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(from)?;
        Ok(Self(read_json(raw.get().as_bytes()).or_else(|_| readable_properties(&raw)).ok()))
    }
}

/// An object without the properties that can't be read, such as one that is nested too deep or a number out of range.
///
/// Errors: it is no object, or an annotation such as `@removed` can't be read, which says what the object stands for.
fn readable_properties(entry: &RawValue) -> Result<Value, serde_json::Error> {
    let mut readable = Map::new();
    for (name, value) in serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(entry.get())? {
        match read_json(value.get().as_bytes()) {
            Ok(value) => drop(readable.insert(name, value)),
            Err(error) if name.starts_with('@') => return Err(error),
            Err(_) => {}
        }
    }
    Ok(Value::Object(readable))
}

/// A list, read to its end.
pub(super) struct WholeList {
    /// Its entries, as far as they can be read.
    pub entries: Vec<Value>,
    /// Whether there were others.
    pub has_unreadable: bool,
    /// Where its changes go on.
    pub delta_link: Option<Link>,
}

impl Graph {
    /// Reads a list or what changed in it, from `url` to its end.
    ///
    /// Errors: Graph refuses or does not answer, there is no access token, or the pages have no end.
    pub(super) async fn list(
        &self,
        mut url: Url,
        headers: &[(&'static str, &str)],
        attempted: &str,
    ) -> Result<WholeList, GraphError> {
        let mut listed = WholeList { entries: Vec::new(), has_unreadable: false, delta_link: None };
        let mut followed = HashSet::from([url.clone()]);
        for _ in 0..LIST_PAGES_MAX {
            let page: WirePage = self.json(Call { url, headers, ..self.get("", attempted.to_owned()) }).await?;
            listed.entries.extend(page.entries);
            listed.has_unreadable |= page.unreadable > 0;
            let Some(next) = page.next_link else {
                listed.delta_link = page.delta_link.map(|link| self.admit(link, attempted)).transpose()?;
                return Ok(listed);
            };
            url = self.link(&self.admit(next, attempted)?, attempted)?;
            if !followed.insert(url.clone()) {
                break;
            }
        }
        Err(GraphError::Unreadable { attempted: attempted.to_owned(), source: "its pages have no end".into() })
    }

    /// Takes a link that Graph gave, if it can be followed and stored: it leads to the configured Graph and is not too
    /// long. So what is stored is not refused for ever.
    pub(super) fn admit(&self, link: String, attempted: &str) -> Result<Link, GraphError> {
        if link.len() > LINK_CHARS_MAX {
            let source = "its link is too long".into();
            return Err(GraphError::Unreadable { attempted: attempted.to_owned(), source });
        }
        let link = Link::new(link);
        self.link(&link, attempted)?;
        Ok(link)
    }

    /// How a page of changes ends: it has exactly one link.
    pub(super) fn page_end(
        &self,
        next: Option<String>,
        delta: Option<String>,
        attempted: &str,
    ) -> Result<PageEnd, GraphError> {
        match (next, delta) {
            (Some(next), None) => Ok(PageEnd::More(self.admit(next, attempted)?)),
            (None, Some(delta)) => Ok(PageEnd::RoundComplete(self.admit(delta, attempted)?)),
            _ => {
                let source = "a page must have exactly one link".into();
                Err(GraphError::Unreadable { attempted: attempted.to_owned(), source })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_that_is_nested_too_deep_or_out_of_range_costs_the_others_nothing() {
        let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
        let page = format!(r#"{{"value":[{{"id":1}},{deep},{{"id":"\ud83d"}},1e999,null],"@odata.count":-1}}"#);
        let page: WirePage = read_json(page.as_bytes()).unwrap();
        assert_eq!((page.entries.len(), page.unreadable, page.count), (3, 2, None));
        let page = format!(
            r#"{{"value":[{{"id":1,"to":{deep},"subject":"\ud83d","size":1e999}},{{"id":2,"@removed":1e999}}]}}"#
        );
        let page: WirePage = read_json(page.as_bytes()).unwrap();
        assert_eq!(page.entries, [serde_json::json!({ "id": 1, "subject": "\u{fffd}" })]);
        assert_eq!(page.unreadable, 1);
    }
}
