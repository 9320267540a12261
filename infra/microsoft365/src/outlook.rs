//! A person's Outlook, for whoever tries things out: folders, mails with their categories in colour, and a way to move
//! a mail, delete it, or make a folder. The page works without script.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Form, Path, Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use axum::{Router, http::StatusCode};
use jiff::Timestamp;
use rusqlite::{Connection, params};
use serde::Deserialize;

use crate::directory::{self, Account};
use crate::entra::page::{escape, html_with};
use crate::error::{Error, Result};
use crate::mailbox::{self, Folder};
use crate::message::Message;
use crate::mime::Mail;
use crate::world::{Microsoft365, World};

/// Mails that a page shows, the newest first.
const MAILS_SHOWN: usize = 100;

pub(crate) fn router(world: Arc<World>) -> Router {
    Router::new().route("/outlook/{address}", get(show).post(act)).with_state(world)
}

/// Which folder; the Inbox where none is named.
#[derive(Deserialize)]
struct Which {
    #[serde(default)]
    folder: String,
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
}

async fn show(State(world): State<Arc<World>>, Path(address): Path<String>, Query(which): Query<Which>) -> Response {
    let read = tokio::task::spawn_blocking(move || world.store.read(|db| read(db, &address, &which.folder))).await;
    match read {
        Ok(Ok(shown)) => html_with(StatusCode::OK, "Outlook", STYLE, &page(&shown)),
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
    Ok(Shown { account, accounts, folders, folder, mails, colors })
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
    nav a[aria-current]{background:light-dark(#eaf2fb,#2b3b4d);font-weight:600}\
    table{border-collapse:collapse;width:100%;table-layout:fixed}th{width:44%}td:nth-child(2){width:21%}\
    td:nth-child(3){width:9.5rem}td,th{text-align:left;padding:.45rem .6rem;border-bottom:1px solid light-dark(#ddd,#444);\
    vertical-align:top;overflow-wrap:anywhere}form{display:inline}select,input,textarea{font:inherit;padding:.3rem;max-width:100%}\
    button{padding:.3rem .8rem}.category{display:inline-block;padding:.05rem .6rem;border-radius:1rem;margin:0 .3rem .2rem 0;\
    border:1px solid #0003}@media(max-width:50rem){main{grid-template-columns:minmax(0,1fr)}\
    tr,th,td,td:nth-child(n){display:block;width:auto;padding:.2rem 0;border:0}tr{border-bottom:1px solid light-dark(#ddd,#444)}}";

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

fn page(shown: &Shown) -> String {
    let Shown { account, accounts, folders, folder, mails, colors } = shown;
    let address = &account.address;
    let mut page = String::from("<p>");
    for other in accounts {
        page += &format!("<a href=\"/outlook/{0}\">{0}</a> · ", escape(&other.address));
    }
    page += "<a href=\"/admin\">what happens here</a></p>\n<nav aria-label=\"Folders\"><ul>\n";
    for (depth, other, count) in folders {
        let here = if other.id == folder.id { " aria-current=\"page\"" } else { "" };
        let indent = "&emsp;".repeat(*depth);
        let to = escape(&way(address, &other.id));
        page +=
            &format!("<li><a href=\"{to}\"{here}>{indent}{} <small>{count}</small></a></li>\n", escape(&other.name));
    }
    page += "</ul>\n<form method=\"post\"><input type=\"hidden\" name=\"do\" value=\"make_folder\">";
    page += &format!("<input type=\"hidden\" name=\"parent\" value=\"{}\">", escape(&folder.id));
    page += "<p><label>New folder below this one<br><input name=\"name\" required maxlength=\"255\"></label> <button>Make</button></p></form></nav>\n";
    page += &format!("<section><h2>{} <small>{}</small></h2>\n", escape(&folder.name), escape(address));
    if mails.is_empty() {
        page += "<p>No mail lies here.</p>";
    }
    page += "<table><tbody>\n";
    for mail in mails {
        page += &row(mail, folders, folder, colors);
    }
    page += "</tbody></table>\n<h3>Receive a mail</h3>\n<form method=\"post\"><input type=\"hidden\" name=\"do\" value=\"receive\">";
    page += "<p><label>From <input name=\"from\" value=\"client@acme.example\"></label> <label>Subject <input name=\"subject\" value=\"A question\"></label></p>\
        <p><label>Text<br><textarea name=\"text\" rows=\"3\" cols=\"50\">May I ask something?</textarea></label></p><p><button>Receive it</button></p></form></section>";
    page
}

fn row(mail: &Message, folders: &[(usize, Folder, usize)], here: &Folder, colors: &BTreeMap<String, String>) -> String {
    let id = escape(&mail.immutable_id);
    let categories: String = mail.categories.iter().map(|name| category(name, colors)).collect();
    let others = folders.iter().filter(|(_, folder, _)| folder.id != here.id);
    let options: String = others
        .map(|(_, folder, _)| format!("<option value=\"{}\">{}</option>", escape(&folder.id), escape(&folder.name)))
        .collect();
    let subject = mail.properties.subject.clone().unwrap_or_default();
    let from = mail.properties.from.as_ref().map(|from| from.address.clone()).unwrap_or_default();
    format!(
        "<tr><th scope=\"row\">{} {}</th><td>{}</td><td>{}</td><td>\
         <form method=\"post\"><input type=\"hidden\" name=\"do\" value=\"move\"><input type=\"hidden\" name=\"message\" value=\"{id}\">\
         <select name=\"to\" aria-label=\"Folder\">{options}</select> <button>Move</button></form> \
         <form method=\"post\"><input type=\"hidden\" name=\"do\" value=\"delete\"><input type=\"hidden\" name=\"message\" value=\"{id}\">\
         <button>Delete</button></form></td></tr>\n",
        categories,
        escape(&subject),
        escape(&from),
        shown_at(mail.received),
    )
}

fn category(name: &str, colors: &BTreeMap<String, String>) -> String {
    let (ground, ink) = paint(colors.get(name).map_or("", String::as_str));
    format!("<span class=\"category\" style=\"background:{ground};color:{ink}\">{}</span>", escape(name))
}

fn shown_at(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M").to_string()
}
