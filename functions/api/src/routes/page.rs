//! Pages of lists.

use std::{fmt::Display, str::FromStr};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use shared::aws::table::{Key, Table};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{
    error::{Answer, invalid},
    extract::given,
    field::Limit,
};

/// One page of a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Pass this as `after` to read the next page; null on the last page.
    pub next: Option<String>,
}

/// Which part of a list whose items are found by an id.
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
    /// The one item of a list that is known by a name, or none: there is no further page.
    pub fn of(item: Option<T>) -> Self {
        Self { items: item.into_iter().collect(), next: None }
    }
}

impl Part {
    /// This part of a list, as a query with more parameters has it.
    pub fn new(after: Option<Cursor>, limit: Option<Limit>) -> Self {
        Self { after, limit }
    }

    /// Those of the values that are `wanted`. A page may have few or none although more follow: a request looks at
    /// [`LOOKED_AT_MAX`] values at most.
    pub async fn read_wanted<T: FromStr<Err: Display> + Display, V: DeserializeOwned>(
        self,
        table: &Table,
        prefix: &Key,
        key: impl FnOnce(T) -> Key,
        id: impl Fn(&V) -> T,
        wanted: impl Fn(&V) -> bool,
    ) -> Answer<Page<V>> {
        let after =
            self.after.map(|Cursor(id)| id.to_string().parse().map_err(|error| invalid(format!("after: {error}"))));
        let (limit, mut items) = (self.limit.unwrap_or_default().get(), Vec::new());
        let (mut edge, mut looked_at) = (after.transpose()?.map(key), 0);
        loop {
            let page = table.query::<V>(prefix, edge.as_ref(), LOOKED_AT_ONCE).await?;
            let (in_page, mut at) = (page.rows.len(), None);
            for (n, row) in page.rows.into_iter().enumerate() {
                at = Some(id(&row.value).to_string());
                if wanted(&row.value) {
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

    /// The values whose keys begin with `prefix`; `key` makes the key of an id, `id` tells a value's.
    pub async fn read<T: FromStr<Err: Display> + Display, V: DeserializeOwned>(
        self,
        table: &Table,
        prefix: &Key,
        key: impl FnOnce(T) -> Key,
        id: impl FnOnce(&V) -> T,
    ) -> Answer<Page<V>> {
        let after =
            self.after.map(|Cursor(id)| id.to_string().parse().map_err(|error| invalid(format!("after: {error}"))));
        let limit = self.limit.unwrap_or_default().get();
        let page = table.query::<V>(prefix, after.transpose()?.map(key).as_ref(), limit).await?;
        let next = page.next.and_then(|_| page.rows.last().map(|row| id(&row.value).to_string()));
        Ok(Page { items: page.rows.into_iter().map(|row| row.value).collect(), next })
    }
}
