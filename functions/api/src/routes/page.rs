//! Pages of lists.

use std::{
    cmp::Reverse,
    fmt::{self, Display},
    str::FromStr,
};

use axum::{extract::FromRequestParts, http::request::Parts};
use jiff::Timestamp;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, DeserializeOwned, Visitor},
    forward_to_deserialize_any,
};
use shared::{
    aws::table::{Key, Table},
    base::{id::ExternalId, name_order::name_order},
    problem::{Code, Problem},
};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{
    error::{Answer, Failure, invalid},
    extract::{Query, given, given_word},
    field::Limit,
    wording::plain,
};

/// One page of a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Pass this as `after` to read the next page; null on the last page.
    pub next: Option<String>,
}

/// In which order a list comes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sort {
    /// By id: the cheapest.
    #[default]
    Id,
    /// By name, or by address where there is no name; case and accents make no difference.
    Name,
    /// What was created last comes first.
    Newest,
    /// What was created first comes first.
    Oldest,
}

/// Which part of a list that has no filters and no other order than that of its ids.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Part {
    /// `next` of the previous page. Omit it for the first page.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, format = "uuid")]
    after: Option<Cursor>,
    /// 1 to 100, default 50.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<Limit>,
}

/// Which part of a list, and in which order: what its own filters have beside them. [`Listed`] reads both.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SortedPart {
    /// Only the one with this id of your own.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, max_length = 128, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$")]
    pub external_id: Option<ExternalId>,
    /// `id` (default); `name`: by name, of a mailbox by address; `newest` or `oldest`: by creation. Use the same for
    /// all pages of a list.
    #[serde(default, deserialize_with = "given_word")]
    #[param(inline)]
    pub sort: Option<Sort>,
    /// `next` of the previous page. Omit it for the first page.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, format = "uuid")]
    after: Option<Cursor>,
    /// 1 to 100, default 50.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<Limit>,
}

/// The query of a list: its own filters, and which part of it.
pub(crate) struct Listed<F> {
    /// The filters.
    pub filter: F,
    /// The part.
    pub part: SortedPart,
}

impl<F: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Listed<F> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Query(given) = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await?;
        let names = [field_names::<F>(), field_names::<SortedPart>()].concat();
        // Either struct passes over the other's parameters, so none of them sees one that nobody knows.
        if let Some((unknown, _)) = given.iter().find(|(name, _)| !names.contains(&name.as_str())) {
            let names = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            return Err(invalid(plain(&format!("{unknown}: unknown field `{unknown}`, expected one of {names}"))));
        }
        let Query(part) = Query::from_request_parts(parts, state).await?;
        let Query(filter) = Query::from_request_parts(parts, state).await?;
        Ok(Self { filter, part })
    }
}

/// The names of a struct's fields, as serde reads them. The description of the API has them too, and would be linked.
fn field_names<T: DeserializeOwned>() -> &'static [&'static str] {
    T::deserialize(FieldNames).err().map_or(&[], |Found(names)| names)
}

/// Asked for a struct, it answers with the names of its fields.
struct FieldNames;

#[derive(Debug)]
struct Found(&'static [&'static str]);

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the names of the fields")
    }
}

impl std::error::Error for Found {}

impl de::Error for Found {
    fn custom<T: Display>(_: T) -> Self {
        Self(&[])
    }
}

impl<'de> Deserializer<'de> for FieldNames {
    type Error = Found;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Found> {
        Err(Found(&[]))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Found> {
        Err(Found(names))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// What a list has: a firm, or a thing of a firm.
pub(crate) trait Item: DeserializeOwned {
    /// Its id.
    type Id: FromStr<Err: Display> + Display;
    fn id(&self) -> Self::Id;
    /// What a person looks for it by.
    fn name(&self) -> &str;
    fn created_at(&self) -> Timestamp;
}

/// Which part of a list whose items have numbers.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct NumberedPart {
    /// `next` of the previous page. Omit it for the first page.
    #[serde(default, deserialize_with = "given")]
    pub after: Option<u64>,
    /// 1 to 100, default 50.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    pub limit: Option<Limit>,
}

/// Where a page ended: the id of its last item.
pub(crate) struct Cursor(Uuid);

impl FromStr for Cursor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::try_parse(text).map(Self).map_err(|_| "not the `next` of a page")
    }
}

/// Most items that one request looks at for a page of those that are wanted.
const LOOKED_AT_MAX: usize = 1_000;
/// Items of one reading while it looks.
const LOOKED_AT_ONCE: usize = 100;

impl<T> Page<T> {
    /// The one item of a list that is known by a name, if it is wanted: there is no further page.
    pub fn of(item: Option<T>, wanted: Option<impl Fn(&T) -> bool>) -> Self {
        let item = item.filter(|item| wanted.is_none_or(|wanted| wanted(item)));
        Self { items: item.into_iter().collect(), next: None }
    }
}

/// Most items of a list that is sorted by anything but its ids.
const SORTED_MAX: usize = 10_000;

impl SortedPart {
    /// Those of the items under `prefix` that are wanted, all of them without `wanted`; `key` makes the key of an id.
    ///
    /// With `wanted`, a page by id may have few items or none although more follow: a request looks at
    /// [`LOOKED_AT_MAX`] items at most.
    pub async fn read<V: Item>(
        self,
        table: &Table,
        prefix: &Key,
        key: impl FnOnce(V::Id) -> Key,
        wanted: Option<impl Fn(&V) -> bool>,
    ) -> Answer<Page<V>> {
        if self.sort.is_some_and(|sort| sort != Sort::Id) {
            let all = table.query_all::<V>(prefix).await?.into_iter().map(|row| row.value).collect();
            return self.cut(all, wanted);
        }
        let (limit, mut items) = (self.limit.unwrap_or_default().get(), Vec::new());
        let at_once = if wanted.is_some() { LOOKED_AT_ONCE } else { limit };
        let (mut edge, mut looked_at) = (parse(self.after)?.map(key), 0);
        loop {
            let page = table.query::<V>(prefix, edge.as_ref(), at_once).await?;
            let (in_page, mut at) = (page.rows.len(), None);
            for (n, row) in page.rows.into_iter().enumerate() {
                at = Some(row.value.id().to_string());
                if wanted.as_ref().is_none_or(|wanted| wanted(&row.value)) {
                    items.push(row.value);
                }
                if items.len() == limit {
                    let next = at.filter(|_| n + 1 < in_page || page.next.is_some());
                    return Ok(Page { items, next });
                }
            }
            looked_at += in_page;
            if page.next.is_none() || looked_at >= LOOKED_AT_MAX {
                return Ok(Page { items, next: at.filter(|_| page.next.is_some()) });
            }
            edge = page.next;
        }
    }

    /// This part of a whole list, in its order. Two items that sort alike come by their ids.
    pub fn cut<V: Item>(self, mut all: Vec<V>, wanted: Option<impl Fn(&V) -> bool>) -> Answer<Page<V>> {
        if all.len() > SORTED_MAX {
            return Err(invalid(format!("sort: a list of more than {SORTED_MAX} comes by `id` only")));
        }
        all.sort_by_cached_key(|item| item.id().to_string());
        match self.sort.unwrap_or_default() {
            Sort::Id => {}
            Sort::Name => all.sort_by_cached_key(|item| name_order(item.name())),
            Sort::Newest => all.sort_by_key(|item| Reverse(item.created_at())),
            Sort::Oldest => all.sort_by_key(Item::created_at),
        }
        let mut from = 0;
        if let Some(Cursor(after)) = &self.after {
            let place = all.iter().position(|item| item.id().to_string() == after.to_string());
            // Its place in the order went with it.
            let gone =
                || Problem::new(Code::PositionUnknown, "after: it is deleted. Read the list from its first page.");
            from = 1 + place.ok_or_else(gone)?;
        }
        let limit = self.limit.unwrap_or_default().get();
        let rest = all.into_iter().skip(from).filter(|item| wanted.as_ref().is_none_or(|wanted| wanted(item)));
        let mut items: Vec<V> = rest.take(limit + 1).collect();
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| has_more).map(|item| item.id().to_string());
        Ok(Page { items, next })
    }

    /// The same part of a list that comes by its ids.
    pub fn by_id(self) -> Part {
        Part { after: self.after, limit: self.limit }
    }
}

impl Part {
    /// The values whose keys begin with `prefix`; `key` makes the key of an id, `id` tells a value's.
    pub async fn read<T: FromStr<Err: Display> + Display, V: DeserializeOwned>(
        self,
        table: &Table,
        prefix: &Key,
        key: impl FnOnce(T) -> Key,
        id: impl FnOnce(&V) -> T,
    ) -> Answer<Page<V>> {
        let (after, limit) = (parse(self.after)?.map(key), self.limit.unwrap_or_default().get());
        let page = table.query::<V>(prefix, after.as_ref(), limit).await?;
        let next = page.next.and_then(|_| page.rows.last().map(|row| id(&row.value).to_string()));
        Ok(Page { items: page.rows.into_iter().map(|row| row.value).collect(), next })
    }
}

fn parse<T: FromStr<Err: Display>>(after: Option<Cursor>) -> Answer<Option<T>> {
    let after = after.map(|Cursor(id)| id.to_string().parse());
    after.transpose().map_err(|error| invalid(format!("after: {error}")))
}
