//! What a browser sees at the address of greffe on one machine: what runs here, and where to look.

use std::fmt::Write as _;

use axum::{
    http::header,
    response::{Html, IntoResponse, Response},
};
use shared::base::headers::guarded;

/// A place worth looking at: its address, and what is there.
pub type Link = (String, String);

const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'";

/// The page, with the links of whoever started this greffe. Texts are ours: there is nothing to escape.
pub(crate) fn page(links: &[Link]) -> Response {
    let mut places = String::new();
    for (address, what) in links {
        // Writing to a string never fails.
        let _ = write!(places, "<li><a href=\"{address}\">{address}</a>: {what}</li>");
    }
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>greffe</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\">\
         <link rel=\"icon\" href=\"data:,\">\
         <style>body{{font:1rem/1.6 system-ui,sans-serif;max-width:40rem;margin:12vh auto;padding:0 1rem;\
         overflow-wrap:anywhere;color:light-dark(#1d2026,#e8e6e1);background:light-dark(#f6f5f1,#17181b)}}\
         a{{color:light-dark(#2f4a8a,#a9bdf5)}}</style></head>\
         <body><main><h1>greffe runs here</h1>\
         <p>greffe archives the mail of a firm's Microsoft 365 mailboxes. This address is for programs: each request needs an API \
         key. The terminal that started greffe shows where the key is.</p>\
         <ul>{places}<li><a href=\"/openapi.json\">/openapi.json</a>: every operation of the API</li></ul>\
         <p>The guides are in the folder <code>docs/</code> of the source: <code>integrator.md</code> for the API, \
         <code>administrator.md</code> for connecting a firm, <code>operator.md</code> for running greffe.</p>\
         </main></body></html>"
    );
    let headers = [(header::CONTENT_SECURITY_POLICY, POLICY), (header::CACHE_CONTROL, "no-store")];
    guarded((headers, Html(page)).into_response())
}
