//! The pages of the sign-in service: plain HTML without script, for keyboards as for pointers.

use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

use crate::directory::Account;

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
pub(super) fn question(question: &Question<'_>) -> String {
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
    let whom = if question.for_organization { "for your organisation" } else { "on your behalf" };
    format!(
        "<form method=\"post\">\n<fieldset><legend>Choose an account</legend>\n{accounts}</fieldset>\n\
         <h2>{app} asks to do this {whom}</h2>\n<ul>\n{permissions}</ul>\n\
         <p><button name=\"action\" value=\"accept\">Accept</button>\n\
         <button name=\"action\" value=\"cancel\" formnovalidate>Cancel</button></p>\n</form>",
        app = escape(question.app)
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
    html(StatusCode::OK, "Working…", &form)
}

pub(super) fn error(text: &str) -> String {
    format!("<p role=\"alert\">{}</p>", escape(text))
}

/// What all pages look like, in light and dark.
const STYLE: &str = "*{box-sizing:border-box}body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:2rem auto;\
    padding:0 1rem;color:light-dark(#1b1b1b,#eee);background:light-dark(#fff,#1c1e22)}a{color:light-dark(#0f6cbd,#8cbff2)}\
    h1{font-size:1.5rem;line-height:1.25}button{font:inherit;padding:.5rem 1.5rem}\
    :focus-visible{outline:3px solid #0f6cbd;outline-offset:2px}";

pub(crate) fn html(status: StatusCode, title: &str, main: &str) -> Response {
    html_with(status, title, "", main)
}

/// The same with rules of style of its own.
pub(crate) fn html_with(status: StatusCode, title: &str, style: &str, main: &str) -> Response {
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <meta name=\"color-scheme\" content=\"light dark\"><link rel=\"icon\" href=\"data:,\"><style>{STYLE}{style}</style>\n\
         </head>\n<body>\n<main>\n<p>Simulated Microsoft 365</p>\n<h1>{title}</h1>\n{main}\n</main>\n</body>\n</html>\n"
    );
    let headers = [("content-type", "text/html; charset=utf-8"), ("cache-control", "no-store, no-cache")];
    (status, headers, page).into_response()
}

pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
