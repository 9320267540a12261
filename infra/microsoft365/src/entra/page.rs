//! The pages of the sign-in service: plain HTML without script, for keyboards as for pointers.

use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

use crate::directory::Account;
use crate::words::{ENGLISH, Words};

/// What a person is asked.
pub(super) struct Question<'a> {
    pub app: &'a str,
    /// Accounts to choose from.
    pub accounts: &'a [Account],
    /// The one that is chosen beforehand.
    pub hint: Option<&'a str>,
    pub permissions: &'a [String],
    pub for_organization: bool,
}

/// A page with choice of account, the list of permissions and two buttons. The form posts `account` and `action`
/// (`accept` or `cancel`) to the page's own URL.
pub(super) fn question(words: &Words, question: &Question<'_>) -> String {
    let mut accounts = String::new();
    for (at, account) in question.accounts.iter().enumerate() {
        let chosen = match question.hint {
            Some(hint) => account.address.eq_ignore_ascii_case(hint),
            None => at == 0,
        };
        let checked = if chosen { " checked" } else { "" };
        let (address, name) = (escape(&account.address), escape(&account.name));
        accounts += &format!(
            "<p><label><input type=\"radio\" name=\"account\" value=\"{address}\" required{checked}> {name} ({address})</label></p>\n"
        );
    }
    let permissions: String =
        question.permissions.iter().map(|name| format!("<li><code>{}</code></li>\n", escape(name))).collect();
    let asks = if question.for_organization { words.asks_for_organization } else { words.asks_for_person };
    let asks = asks.replace("{}", &escape(question.app));
    let Words { choose_an_account, accept, cancel, .. } = words;
    format!(
        "<form method=\"post\">\n<fieldset><legend>{choose_an_account}</legend>\n{accounts}</fieldset>\n\
         <h2>{asks}</h2>\n<ul>\n{permissions}</ul>\n\
         <p><button name=\"action\" value=\"accept\">{accept}</button>\n\
         <button name=\"action\" value=\"cancel\" formnovalidate>{cancel}</button></p>\n</form>"
    )
}

/// A page that posts a code or an error back to the client: `response_mode=form_post`.
pub(super) fn form_post(redirect_uri: &str, fields: &[(&str, String)]) -> Response {
    let inputs: String = fields
        .iter()
        .map(|(name, value)| format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">\n", escape(value)))
        .collect();
    let form = format!(
        "<form method=\"post\" action=\"{}\">\n{inputs}<button autofocus>Continue</button>\n</form>",
        escape(redirect_uri)
    );
    html(&ENGLISH, StatusCode::OK, "Working…", &form)
}

pub(super) fn error(text: &str) -> String {
    format!("<p role=\"alert\">{}</p>", escape(text))
}

/// What all pages look like, in light and dark.
const STYLE: &str = "*{box-sizing:border-box}body{font:1rem/1.5 system-ui,sans-serif;max-width:38rem;margin:2rem auto;\
    padding:0 1rem;color:light-dark(#1d2026,#e8e6e1);background:light-dark(#f6f5f1,#17181b);overflow-wrap:anywhere}\
    a{color:light-dark(#2f4a8a,#a9bdf5)}h1{font-size:1.6rem;line-height:1.25}h2{font-size:1.15rem;margin:1.6rem 0 .5rem}\
    h3{font-size:1rem;margin:1.2rem 0 .4rem}small{color:light-dark(#565b66,#a9adb6);font-weight:400}\
    button,input,select,textarea{font:inherit;color:inherit;border:1px solid light-dark(#80848d,#80848d);border-radius:4px;\
    background:light-dark(#fff,#202226);padding:.4rem .6rem;max-width:100%}\
    button{cursor:pointer;padding:.4rem 1rem;font-weight:600;color:light-dark(#2f4a8a,#a9bdf5);border-color:currentColor}\
    fieldset{border:1px solid light-dark(#d9d6cd,#373a41);border-radius:4px;margin:0 0 1rem}\
    :focus-visible{outline:3px solid light-dark(#2f4a8a,#a9bdf5);outline-offset:2px}";

pub(crate) fn html(words: &Words, status: StatusCode, title: &str, main: &str) -> Response {
    html_with(words, status, (title, ""), main)
}

/// A page with its own style rules.
pub(crate) fn html_with(words: &Words, status: StatusCode, (title, style): (&str, &str), main: &str) -> Response {
    let Words { language, simulated, .. } = words;
    let page = format!(
        "<!doctype html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <meta name=\"color-scheme\" content=\"light dark\"><link rel=\"icon\" href=\"data:,\"><style>{STYLE}{style}</style>\n\
         </head>\n<body>\n<main>\n<p>{simulated}</p>\n<h1>{title}</h1>\n{main}\n</main>\n</body>\n</html>\n"
    );
    let headers = [("content-type", "text/html; charset=utf-8"), ("cache-control", "no-store, no-cache")];
    (status, headers, page).into_response()
}

pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
