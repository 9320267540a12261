//! A person's Outlook, for whoever tries things out: folders, mails with their categories in colour, a way to move a
//! mail, delete it, or make a folder; and what the calendar, To Do and the contacts have. The page works without
//! script.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Form, Path, Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use axum::{Router, http::StatusCode};
use jiff::Timestamp;
use rusqlite::{Connection, params};
use serde::Deserialize;
use serde_json::Value;

use crate::directory::{self, Account};
use crate::entra::page::{escape, html_with};
use crate::error::{Error, Result};
use crate::mailbox::{self, Folder};
use crate::message::Message;
use crate::mime::Mail;
use crate::words::Words;
use crate::world::{Microsoft365, World};

/// Mails that a page shows, the newest first.
const MAILS_SHOWN: usize = 100;

pub(crate) fn router(world: Arc<World>) -> Router {
    Router::new().route("/outlook/{address}", get(show).post(act)).with_state(world)
}

/// Which folder, or what else; the Inbox where nothing is named.
#[derive(Deserialize)]
struct Which {
    #[serde(default)]
    folder: String,
    beside: Option<Beside>,
}

/// Lists of tasks or folders of contacts, by name; one without a name is the person's own.
type Lists = Vec<(String, Vec<Value>)>;

/// What a person has beside mail.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Beside {
    Calendar,
    Todo,
    Contacts,
}

impl Beside {
    /// Each with its name in an address and its title.
    fn all(words: &Words) -> [(Self, &'static str, &'static str); 3] {
        [
            (Self::Calendar, "calendar", words.calendar),
            (Self::Todo, "todo", words.todo),
            (Self::Contacts, "contacts", words.contacts),
        ]
    }

    fn read(self, microsoft: &Microsoft365, address: &str) -> Result<Lists> {
        match self {
            Self::Calendar => Ok(vec![(String::new(), microsoft.event_items(address)?)]),
            Self::Todo => microsoft.task_items(address),
            Self::Contacts => microsoft.contact_items(address),
        }
    }
}

/// What a person does.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum PageDeed {
    Move { message: String, to: String },
    Delete { message: String },
    MakeFolder { parent: String, name: String },
    Receive { from: String, subject: String, text: String },
}

/// What a page shows.
struct Shown {
    account: Account,
    accounts: Vec<Account>,
    folders: Vec<(usize, Folder, usize)>,
    folder: Folder,
    mails: Vec<Message>,
    /// Name and colour of the categories of the mailbox.
    colors: BTreeMap<String, String>,
    /// What is shown in place of mails.
    beside: Option<(Beside, Lists)>,
}

async fn show(
    State(world): State<Arc<World>>,
    Path(address): Path<String>,
    Query(which): Query<Which>,
    words: &'static Words,
) -> Response {
    let read = tokio::task::spawn_blocking(move || {
        let mut shown = world.store.read(|db| read(db, &address, &which.folder))?;
        let beside = |beside: Beside| Ok::<_, Error>((beside, beside.read(&Microsoft365(world), &address)?));
        shown.beside = which.beside.map(beside).transpose()?;
        Ok::<_, Error>(shown)
    })
    .await;
    match read {
        Ok(Ok(shown)) => html_with(words, StatusCode::OK, ("Outlook", STYLE), &page(words, &shown)),
        Ok(Err(error)) => (StatusCode::NOT_FOUND, error.to_string()).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn read(db: &Connection, address: &str, folder: &str) -> Result<Shown> {
    let account = directory::account(db, address)?;
    let folder = mailbox::folder(db, &account.id, if folder.is_empty() { "inbox" } else { folder })?;
    let mut statement = db.prepare_cached("SELECT * FROM folders WHERE mailbox = ? AND NOT hidden ORDER BY name")?;
    let all: Vec<Folder> = statement.query_map([&account.id], Folder::from_row)?.collect::<rusqlite::Result<_>>()?;
    let root = mailbox::folder(db, &account.id, "msgfolderroot")?;
    let mut folders = Vec::new();
    below(&all, &root.id, 0, &mut |depth, folder| {
        let mails = db.query_row("SELECT count(*) FROM messages WHERE folder = ?", [&folder.id], |row| row.get(0));
        folders.push((depth, folder.clone(), mails.unwrap_or(0)));
    });
    let newest = "SELECT * FROM messages WHERE folder = ? ORDER BY received DESC, id DESC LIMIT ?";
    let mut statement = db.prepare_cached(newest)?;
    let mails = statement.query_map(params![folder.id, MAILS_SHOWN as i64], Message::from_row)?;
    let mails = mails.collect::<rusqlite::Result<_>>()?;
    let mut statement = db.prepare_cached("SELECT name, color FROM categories WHERE mailbox = ?")?;
    let colors = statement.query_map([&account.id], |row| Ok((row.get("name")?, row.get("color")?)))?;
    let colors = colors.collect::<rusqlite::Result<_>>()?;
    let accounts = directory::accounts(db, None)?;
    Ok(Shown { account, accounts, folders, folder, mails, colors, beside: None })
}

/// The folders below `parent`, each before those below it.
fn below(all: &[Folder], parent: &str, depth: usize, visit: &mut impl FnMut(usize, &Folder)) {
    for folder in all.iter().filter(|folder| folder.parent.as_deref() == Some(parent)) {
        visit(depth, folder);
        below(all, &folder.id, depth + 1, visit);
    }
}

async fn act(
    State(world): State<Arc<World>>,
    Path(address): Path<String>,
    Query(which): Query<Which>,
    Form(deed): Form<PageDeed>,
) -> Response {
    let microsoft = Microsoft365(world);
    let mailbox = address.clone();
    let done = tokio::task::spawn_blocking(move || deed.carry_out(&microsoft, &mailbox)).await;
    match done {
        Ok(Ok(())) => Redirect::to(&way(&address, &which.folder)).into_response(),
        Ok(Err(error)) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

impl PageDeed {
    fn carry_out(self, microsoft: &Microsoft365, address: &str) -> Result<()> {
        match self {
            Self::Move { message, to } => drop(microsoft.move_message(address, &message, &to)?),
            Self::Delete { message } => drop(microsoft.move_message(address, &message, "deleteditems")?),
            Self::MakeFolder { parent, name } if !name.trim().is_empty() => {
                drop(microsoft.create_folder(address, &parent, name.trim())?);
            }
            Self::MakeFolder { .. } => return Err(Error::unknown("name of a folder", "")),
            Self::Receive { from, subject, text } => {
                let line = |text: &str| text.replace(['\r', '\n'], " ");
                let id = microsoft.0.uuid();
                let head = format!("From: {}\r\nTo: {address}\r\nSubject: {}\r\n", line(&from), line(&subject));
                let kind = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n";
                let mime = format!("{head}Message-ID: <{id}@example.org>\r\n{kind}\r\n{text}\r\n");
                drop(microsoft.deliver(address, "inbox", Mail::new(mime, microsoft.now()))?);
            }
        }
        Ok(())
    }
}

fn way(address: &str, folder: &str) -> String {
    let folder = form_urlencoded::byte_serialize(folder.as_bytes()).collect::<String>();
    format!("/outlook/{address}?folder={folder}")
}

const STYLE: &str = "body{max-width:none;margin:0;padding:1rem 1.5rem}\
    main{display:grid;grid-template-columns:15rem minmax(0,1fr);gap:1rem 2rem}main>p,main>h1{grid-column:1/-1;margin:0}\
    nav ul{list-style:none;padding:0;margin:0}nav a{display:block;padding:.25rem .5rem;color:inherit;text-decoration:none}\
    nav a[aria-current]{background:light-dark(#e9edf8,#262e47);font-weight:600}\
    table{border-collapse:collapse;width:100%;table-layout:fixed;background:light-dark(#fff,#202226)}\
    th{width:40%}td:nth-child(2){width:19%}td:nth-child(3){width:8rem}\
    td,th{text-align:left;padding:.45rem .6rem;border-bottom:1px solid light-dark(#d9d6cd,#373a41);vertical-align:top;\
    overflow-wrap:anywhere}td form{display:inline}td select{max-width:9rem}td button{padding:.3rem .7rem}\
    .category{display:inline-block;padding:.05rem .6rem;border-radius:1rem;margin:0 .3rem .2rem 0;border:1px solid #0003}\
    .subject{display:-webkit-inline-box;-webkit-box-orient:vertical;-webkit-line-clamp:2;overflow:hidden}\
    @media(max-width:60rem){main{grid-template-columns:minmax(0,1fr)}\
    tr,th,td,td:nth-child(n){display:block;width:auto;padding:.2rem .6rem;border:0}\
    tr{border-bottom:1px solid light-dark(#d9d6cd,#373a41);padding:.4rem 0}}";

/// A mail comes from outside.
fn receive(words: &Words) -> String {
    let Words { receive_a_mail, from, subject, text, a_question, may_i_ask, receive_it, .. } = words;
    format!(
        "<h2>{receive_a_mail}</h2>\n<form method=\"post\"><input type=\"hidden\" name=\"do\" value=\"receive\">\
         <p><label>{from}<br><input name=\"from\" value=\"client@acme.example\"></label></p>\
         <p><label>{subject}<br><input name=\"subject\" value=\"{a_question}\"></label></p>\
         <p><label>{text}<br><textarea name=\"text\" rows=\"3\">{may_i_ask}</textarea></label></p>\
         <p><button>{receive_it}</button></p></form>\n"
    )
}

/// The colour of a category, and one that is read on it.
/// Source: <https://learn.microsoft.com/graph/api/resources/outlookcategory>
fn paint(color: &str) -> (&'static str, &'static str) {
    match color {
        "preset0" => ("#e8b0b4", "#1b1b1b"),
        "preset1" => ("#f5c9a0", "#1b1b1b"),
        "preset3" => ("#fdee9a", "#1b1b1b"),
        "preset4" => ("#a8dba8", "#10320f"),
        "preset7" => ("#a9c7f0", "#1b1b1b"),
        "preset12" => ("#c9cdd3", "#1b1b1b"),
        "preset13" => ("#6b7078", "#ffffff"),
        "preset19" => ("#2f7d32", "#ffffff"),
        _ => ("#e4e6ea", "#1b1b1b"),
    }
}

fn page(words: &Words, shown: &Shown) -> String {
    let Shown { account, accounts, folders, folder, mails, colors, beside } = shown;
    let address = &account.address;
    let mut page = String::from("<p>");
    for other in accounts {
        page += &format!("<a href=\"/outlook/{0}\">{0}</a> · ", escape(&other.address));
    }
    let Words { what_happens, folders: heading, new_folder, make, no_mail, .. } = words;
    page += &format!("<a href=\"/admin\">{what_happens}</a></p>\n<nav aria-label=\"{heading}\"><ul>\n");
    for (depth, other, count) in folders {
        let here = if other.id == folder.id && beside.is_none() { " aria-current=\"page\"" } else { "" };
        let indent = "&emsp;".repeat(*depth);
        let to = escape(&way(address, &other.id));
        page +=
            &format!("<li><a href=\"{to}\"{here}>{indent}{} <small>{count}</small></a></li>\n", escape(&other.name));
    }
    for (part, name, title) in Beside::all(words) {
        let here = if beside.as_ref().is_some_and(|(at, _)| *at == part) { " aria-current=\"page\"" } else { "" };
        page += &format!("<li><a href=\"/outlook/{}?beside={name}\"{here}>{title}</a></li>\n", escape(address));
    }
    page += "</ul>\n";
    if let Some((at, parts)) = beside {
        let title = Beside::all(words).into_iter().find(|(part, ..)| part == at).map_or("", |(.., title)| title);
        page += &format!("</nav>\n<section><h2>{title} <small>{}</small></h2>\n", escape(address));
        for (name, items) in parts {
            page += &listed(words, (name, items), colors);
        }
        return page + "</section>";
    }
    page += "<form method=\"post\"><input type=\"hidden\" name=\"do\" value=\"make_folder\">";
    page += &format!("<input type=\"hidden\" name=\"parent\" value=\"{}\">", escape(&folder.id));
    page += &format!(
        "<p><label>{new_folder}<br><input name=\"name\" required maxlength=\"255\"></label> <button>{make}</button></p></form>\n"
    );
    page += &receive(words);
    page += "</nav>\n";
    page += &format!("<section><h2>{} <small>{}</small></h2>\n", escape(&folder.name), escape(address));
    if mails.is_empty() {
        page += &format!("<p>{no_mail}</p>");
    }
    page += "<table><tbody>\n";
    for mail in mails {
        page += &row(words, mail, (folders, folder), colors);
    }
    page += "</tbody></table></section>";
    page
}

fn row(
    words: &Words,
    mail: &Message,
    (folders, here): (&[(usize, Folder, usize)], &Folder),
    colors: &BTreeMap<String, String>,
) -> String {
    let Words { folder: label, r#move, delete, .. } = words;
    let id = escape(&mail.immutable_id);
    let categories: String = mail.categories.iter().map(|name| category(name, colors)).collect();
    let others = folders.iter().filter(|(_, folder, _)| folder.id != here.id);
    let options: String = others
        .map(|(_, folder, _)| format!("<option value=\"{}\">{}</option>", escape(&folder.id), escape(&folder.name)))
        .collect();
    let subject = mail.properties.subject.clone().unwrap_or_default();
    let from = mail.properties.from.as_ref().map(|from| from.address.clone()).unwrap_or_default();
    format!(
        "<tr><th scope=\"row\">{} <span class=\"subject\">{}</span></th><td>{}</td><td>{}</td><td>\
         <form method=\"post\"><input type=\"hidden\" name=\"do\" value=\"move\"><input type=\"hidden\" name=\"message\" value=\"{id}\">\
         <select name=\"to\" aria-label=\"{label}\">{options}</select> <button>{move}</button></form> \
         <form method=\"post\"><input type=\"hidden\" name=\"do\" value=\"delete\"><input type=\"hidden\" name=\"message\" value=\"{id}\">\
         <button>{delete}</button></form></td></tr>\n",
        categories,
        escape(&subject),
        escape(&from),
        shown_at(mail.received),
    )
}

/// Events, tasks or contacts of one list.
fn listed(words: &Words, (name, items): (&str, &[Value]), colors: &BTreeMap<String, String>) -> String {
    let heading = if name.is_empty() { String::new() } else { format!("<h3>{}</h3>\n", escape(name)) };
    if items.is_empty() {
        return format!("{heading}<p>{}</p>\n", words.nothing);
    }
    let rows: String = items.iter().map(|item| item_row(item, colors)).collect();
    format!("{heading}<table><tbody>\n{rows}</tbody></table>\n")
}

fn item_row(item: &Value, colors: &BTreeMap<String, String>) -> String {
    let text = |pointer: &str| item.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let title = ["/subject", "/title", "/displayName"].into_iter().find_map(text).unwrap_or_default();
    let times = ["/start/dateTime", "/dueDateTime/dateTime", "/emailAddresses/0/address"];
    let about = times.into_iter().find_map(text).unwrap_or_default();
    // Graph writes seven digits behind the second.
    let about = about
        .split_once('.')
        .filter(|(time, _)| time.contains('T'))
        .map_or(about.clone(), |(time, _)| time.trim_end_matches(":00").replace('T', " "));
    let names = item["categories"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let categories: String = names.map(|name| category(name, colors)).collect();
    format!("<tr><th scope=\"row\">{categories} {}</th><td>{}</td></tr>\n", escape(&title), escape(&about))
}

fn category(name: &str, colors: &BTreeMap<String, String>) -> String {
    let (ground, ink) = paint(colors.get(name).map_or("", String::as_str));
    format!("<span class=\"category\" style=\"background:{ground};color:{ink}\">{}</span>", escape(name))
}

fn shown_at(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M").to_string()
}
