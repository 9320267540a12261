//! Pages of lists.

use std::{fmt::Display, str::FromStr};

use axum::{extract::FromRequestParts, http::request::Parts};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use shared::{
    app::App,
    aws::table::{Key, Table},
    base::{id::FirmId, name_order::name_order},
    problem::{Code, Problem},
};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{
    error::{Answer, Failure, invalid},
    extract::{Query, QueryNames, Takes, field_names, given, given_word},
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

/// Sorts a list that comes whole; without `sort` it stays as it is, by id.
pub(crate) fn sorted<V: Item>(sort: Option<Sort>, mut all: Vec<V>) -> Vec<V> {
    if let Some(sort) = sort {
        all.sort_by_cached_key(|item| (Rank::of(sort, item).0, item.id().to_string()));
    }
    all
}

/// In which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Order {
    /// The oldest first.
    Asc,
    /// The newest first.
    Desc,
}

/// Which part of a list, and in which order: what its own filters have beside them. [`Listed`] reads both.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// `id` (default); `name`: by name, of a mailbox by address; `newest` or `oldest`: by creation. Use the same for
    /// all pages of a list.
    #[serde(default, deserialize_with = "given_word")]
    #[param(inline)]
    pub sort: Option<Sort>,
    /// `next` of the previous page. Omit it for the first page. Items that are renamed or deleted meanwhile make no
    /// other item come twice or not at all.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<String>, pattern = "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}([.][0-9a-f]{0,136})?$")]
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
    pub part: PageQuery,
}

impl<F: DeserializeOwned> Takes for Listed<F> {
    const QUERY: Option<QueryNames> = Some(|| [field_names::<F>(), field_names::<PageQuery>()].concat());
}

impl<F: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Listed<F> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Query(part) = Query::from_request_parts(parts, state).await?;
        let Query(filter) = Query::from_request_parts(parts, state).await?;
        Ok(Self { filter, part })
    }
}

/// What a list has: a firm, or a thing of a firm.
pub(crate) trait Item: DeserializeOwned {
    /// Its id.
    type Id: FromStr<Err: Display> + Display + Clone;
    fn id(&self) -> Self::Id;
    /// What a person looks for it by.
    fn name(&self) -> &str;
    fn created_at(&self) -> Timestamp;
}

/// Which part of a list whose items have numbers.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct NumberedPageQuery {
    /// `next` of the previous page. Omit it for the first page.
    #[serde(default, deserialize_with = "given")]
    pub after: Option<u64>,
    /// 1 to 100, default 50.
    #[serde(default, deserialize_with = "given")]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    pub limit: Option<Limit>,
}

/// Most bytes of a name that its rank is made of.
const RANK_BYTES_MAX: usize = 64;

/// What an item is sorted by, in hex: such texts are in the order of the bytes. Items of one rank come by their ids.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Rank(String);

impl Rank {
    /// The rank of an item in this order; empty where it comes by its id only.
    fn of<V: Item>(sort: Sort, item: &V) -> Self {
        // Nanoseconds since the earliest time that the type has, so that none is negative.
        let age = || item.created_at().as_nanosecond().wrapping_sub(i128::MIN).cast_unsigned();
        let rank = match sort {
            Sort::Id => String::new(),
            Sort::Name => {
                let (plain, exact) = name_order(item.name());
                let bytes = [plain.as_bytes(), b"\0", exact.as_bytes()].concat();
                bytes.iter().take(RANK_BYTES_MAX).map(|byte| format!("{byte:02x}")).collect()
            }
            Sort::Oldest => format!("{:032x}", age()),
            Sort::Newest => format!("{:032x}", !age()),
        };
        Self(format!("{}{rank}", Self::beginning(sort)))
    }

    /// How the ranks of an order begin, so that a place in one is not taken for a place in another.
    fn beginning(sort: Sort) -> &'static str {
        match sort {
            Sort::Id => "",
            Sort::Name => "01",
            Sort::Oldest => "02",
            Sort::Newest => "03",
        }
    }
}

/// Where a page ended: the id of its last item, its list and, where that was sorted, the rank that it had. Pages of
/// older versions ended without the list, and those of versions before them with the id alone.
pub(crate) struct Cursor {
    id: Uuid,
    list: Option<String>,
    rank: Option<Rank>,
}

impl FromStr for Cursor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (id, rest) = text.split_once('.').map_or((text, ""), |(id, rest)| (id, rest));
        let id = Uuid::try_parse(id).map_err(|_| NO_CURSOR)?;
        let is_hex = rest.bytes().all(|byte| byte.is_ascii_digit() || b"abcdef".contains(&byte));
        if !is_hex || rest.len() > LIST_CHARS + 2 * (1 + RANK_BYTES_MAX) {
            return Err(NO_CURSOR);
        }
        let (list, rank) = match rest.split_at_checked(LIST_CHARS) {
            Some((list, rank)) if is_list(list) => (Some(list.to_owned()), rank),
            _ => (None, rest),
        };
        Ok(Self { id, list, rank: Some(rank).filter(|rank| !rank.is_empty()).map(|rank| Rank(rank.to_owned())) })
    }
}

impl Cursor {
    /// Itself, if it is of that list.
    ///
    /// Errors: it is of another list.
    fn of_list(self, prefix: &Key) -> Answer<Self> {
        self.list.as_deref().map_or(Ok(()), |name| check_list(name, prefix)).map(|()| self)
    }

    /// Its place among those of a list.
    ///
    /// Errors: it is of another list, or of this one in another order; or it has no rank, and its item is not in the
    /// list: its place in the order went with it.
    fn place<'a>(
        self,
        (prefix, sort): (&Key, Sort),
        mut all: impl Iterator<Item = &'a (Rank, String)>,
    ) -> Answer<(Rank, String)> {
        let Self { id, list, rank } = self.of_list(prefix)?;
        let id = id.to_string();
        match rank {
            Some(rank) if rank.0.starts_with(Rank::beginning(sort)) => Ok((rank, id)),
            Some(_) => Err(of_another_order()),
            None if list.is_some() => Err(of_another_order()),
            None => all.find(|(_, other)| *other == id).cloned().ok_or_else(|| {
                let detail = "after: the list has no such item. If it was deleted, read the list from its first page.";
                Problem::new(Code::PositionUnknown, detail).into()
            }),
        }
    }

    /// Its id in a list that comes by ids.
    ///
    /// Errors: it is of another list, or of this one in another order.
    fn by_id(self, prefix: &Key) -> Answer<Uuid> {
        let Self { id, rank, .. } = self.of_list(prefix)?;
        rank.map_or(Ok(id), |_| Err(of_another_order()))
    }
}

fn of_another_order() -> Failure {
    let detail = "after: this is the `next` of a page with another `sort`. Use one `sort` for all pages.";
    Problem::new(Code::PositionUnknown, detail).into()
}

const NO_CURSOR: &str = "not the `next` of a page";

/// What the name of a list begins with in a cursor, and its length. No rank begins so.
const LIST: char = 'f';
const LIST_CHARS: usize = 6;

/// What a cursor calls the list of the items under `prefix`.
fn list(prefix: &Key) -> String {
    format!("{LIST}{}", &prefix.digest().to_string()[..LIST_CHARS - LIST.len_utf8()])
}

/// Whether a part of a cursor is the name of a list.
fn is_list(part: &str) -> bool {
    part.len() == LIST_CHARS && part.starts_with(LIST) && part.bytes().all(|byte| b"0123456789abcdef".contains(&byte))
}

fn check_list(name: &str, prefix: &Key) -> Answer<()> {
    match name == list(prefix) {
        true => Ok(()),
        false => Err(Problem::new(Code::PositionUnknown, "after: this is the `next` of another list.").into()),
    }
}

/// The `next` of a page of the items under `prefix` that ended at this place.
pub(crate) fn next_at(place: &str, prefix: &Key) -> String {
    format!("{place}.{}", list(prefix))
}

/// The place that a [`next_at`] names. Those of older versions are the place alone.
///
/// Errors: it is of another list.
pub(crate) fn place_of<'a>(cursor: &'a str, prefix: &Key) -> Answer<&'a str> {
    match cursor.rsplit_once('.') {
        Some((place, name)) if is_list(name) => check_list(name, prefix).map(|()| place),
        _ => Ok(cursor),
    }
}

/// That the feed has no such position.
pub(crate) fn ahead(field: &str) -> Failure {
    Problem::new(Code::PositionUnknown, format!("{field}: the feed does not go so far.")).into()
}

/// Whether the feed of a firm has the position that a list of its numbers goes on below.
///
/// Errors: it does not go so far, or the table does not answer.
pub(crate) async fn in_feed(app: &App, firm: FirmId, after: Option<u64>) -> Answer<()> {
    match after {
        Some(after) if after > app.feed.last_number(firm).await? => Err(ahead("after")),
        _ => Ok(()),
    }
}

/// Most items that one request examines for a page of those that are wanted.
const EXAMINED_MAX: usize = 1_000;
/// Items of one reading meanwhile.
const EXAMINED_PAGE: usize = 100;

impl<T> Page<T> {
    /// The one item of a list that is known by a name, if it is wanted: there is no further page.
    pub fn of(item: Option<T>, wanted: Option<impl Fn(&T) -> bool>) -> Self {
        let item = item.filter(|item| wanted.is_none_or(|wanted| wanted(item)));
        Self { items: item.into_iter().collect(), next: None }
    }

    /// Shows each item.
    pub fn map<V>(self, show: impl Fn(T) -> V) -> Page<V> {
        Page { items: self.items.into_iter().map(show).collect(), next: self.next }
    }
}

/// Most items of a list that is sorted by anything but its ids.
const SORTED_MAX: usize = 10_000;

/// Errors: a list with so many items can't be sorted.
fn check_length(items: usize) -> Answer<()> {
    if items > SORTED_MAX {
        return Err(invalid(format!("sort: a list of more than {SORTED_MAX} comes by `id` only")));
    }
    Ok(())
}

/// One page of a list that has no ids but names, sorted by them: the place of an item follows from its name alone.
///
/// Errors: the list is longer than [`SORTED_MAX`].
pub(crate) fn page_by_name<T>(
    all: Vec<T>,
    name: impl Fn(&T) -> &str,
    (after, limit): (Option<&str>, Limit),
    wanted: Option<impl Fn(&T) -> bool>,
) -> Answer<Page<T>> {
    check_length(all.len())?;
    let mut all: Vec<_> = all.into_iter().map(|item| (name_order(name(&item)), item)).collect();
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    let after = after.map(name_order);
    let rest = all.into_iter().filter(|(place, item)| {
        after.as_ref().is_none_or(|after| place > after) && wanted.as_ref().is_none_or(|wanted| wanted(item))
    });
    let mut items: Vec<T> = rest.map(|(_, item)| item).take(limit.get() + 1).collect();
    let has_more = items.len() > limit.get();
    items.truncate(limit.get());
    let next = items.last().filter(|_| has_more).map(|last| name(last).to_owned());
    Ok(Page { items, next })
}

impl PageQuery {
    /// Those of the items under `prefix` that are wanted, all of them without `wanted`; `key` makes the key of an id.
    ///
    /// By id, it examines as many as [`examined`] does.
    ///
    /// Errors: `after` is not of this list, a sorted list is too long, or the table does not answer.
    pub async fn read<V: Item>(
        self,
        table: &Table,
        prefix: &Key,
        key: impl Fn(V::Id) -> Key,
        wanted: Option<impl Fn(&V) -> bool>,
    ) -> Answer<Page<V>> {
        if self.sort.is_some_and(|sort| sort != Sort::Id) {
            let all = table.query_all::<V>(prefix).await?.into_iter().map(|row| row.value).collect();
            return self.cut(prefix, all, wanted);
        }
        let read = |after: Option<V::Id>, at_once| {
            let edge = after.map(&key);
            async move {
                let page = table.query::<V>(prefix, edge.as_ref(), at_once).await?;
                let rows = page.rows.into_iter().map(|row| (row.value.id(), row.value));
                Ok((rows.collect(), page.next.is_some()))
            }
        };
        self.by_id(prefix, read, wanted).await
    }

    /// Those that are wanted of a list that comes by its ids; `read` is as of [`examined`].
    ///
    /// Errors: `after` is not of the list under `prefix`, or those of `read`.
    pub async fn by_id<T, I, F>(
        self,
        prefix: &Key,
        read: impl Fn(Option<I>, usize) -> F,
        wanted: Option<impl Fn(&T) -> bool>,
    ) -> Answer<Page<T>>
    where
        I: FromStr<Err: Display> + Display + Clone,
        F: Future<Output = Answer<(Vec<(I, T)>, bool)>>,
    {
        let after = self.after.map(|cursor| cursor.by_id(prefix)).transpose()?;
        let (items, next) = examined(parse(after)?, self.limit.unwrap_or_default(), read, wanted).await?;
        Ok(Page { items, next: next.map(|id| next_at(&id.to_string(), prefix)) })
    }

    /// This part of a whole list, in its order: of those under `prefix`. Two items that sort alike come by their ids.
    ///
    /// Errors: the list is longer than [`SORTED_MAX`], or `after` is not of it, or the item that it names is gone.
    pub fn cut<V: Item>(self, prefix: &Key, all: Vec<V>, wanted: Option<impl Fn(&V) -> bool>) -> Answer<Page<V>> {
        check_length(all.len())?;
        let (sort, limit) = (self.sort.unwrap_or_default(), self.limit.unwrap_or_default().get());
        let all = all.into_iter().map(|item| ((Rank::of(sort, &item), item.id().to_string()), item));
        let mut all: Vec<_> = all.collect();
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        let after =
            self.after.map(|cursor| cursor.place((prefix, sort), all.iter().map(|(place, _)| place))).transpose()?;
        let rest = all.into_iter().filter(|(place, item)| {
            after.as_ref().is_none_or(|after| place > after) && wanted.as_ref().is_none_or(|wanted| wanted(item))
        });
        let mut page: Vec<_> = rest.take(limit + 1).collect();
        let has_more = page.len() > limit;
        page.truncate(limit);
        let next = page.last().filter(|_| has_more);
        let next = next.map(|((Rank(rank), id), _)| format!("{id}.{}{rank}", list(prefix)));
        Ok(Page { items: page.into_iter().map(|(_, item)| item).collect(), next })
    }
}

/// At most `limit` items of a list behind a place, and the place behind which the next page begins; none at the end.
/// Where only some are `wanted`, it goes on until the page is full and another one is found, and examines
/// [`EXAMINED_MAX`] items at most: then the page may have few or none although more follow.
///
/// `read` gives at most so many items behind a place, each with its own place, and tells whether more follow.
pub(crate) async fn examined<T, C: Clone, F: Future<Output = Answer<(Vec<(C, T)>, bool)>>>(
    mut place: Option<C>,
    limit: Limit,
    read: impl Fn(Option<C>, usize) -> F,
    wanted: Option<impl Fn(&T) -> bool>,
) -> Answer<(Vec<T>, Option<C>)> {
    let (mut items, mut count) = (Vec::new(), 0);
    let at_once = if wanted.is_some() { EXAMINED_PAGE } else { limit.get() };
    loop {
        let (rows, has_more) = read(place.clone(), at_once).await?;
        count += rows.len();
        for (at, item) in rows {
            if wanted.as_ref().is_none_or(|wanted| wanted(&item)) {
                if items.len() == limit.get() {
                    return Ok((items, place));
                }
                items.push(item);
            }
            place = Some(at);
        }
        if !has_more {
            return Ok((items, None));
        }
        if wanted.is_none() || count >= EXAMINED_MAX {
            return Ok((items, place));
        }
    }
}

fn parse<T: FromStr<Err: Display>>(after: Option<Uuid>) -> Answer<Option<T>> {
    let after = after.map(|id| id.to_string().parse());
    after.transpose().map_err(|error| invalid(format!("after: {error}")))
}
