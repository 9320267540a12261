//! The pages that a person sees at the end of a sign-in: plain HTML, without script, that loads nothing.

use std::fmt::{self, Display, Write as _};

use axum::{
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use shared::{
    base::language::Language,
    problem::{Problem, Text},
};

/// The address of a page here holds a state or a ticket: it is told to nobody.
pub(crate) const REFERRER_POLICY: (HeaderName, &str) = (header::REFERRER_POLICY, "no-referrer");

const STYLE: &str = ":root{color-scheme:light dark;--ground:light-dark(#f6f5f1,#17181b);--sheet:light-dark(#fff,#202226);\
    --ink:light-dark(#1d2026,#e8e6e1);--quiet:light-dark(#565b66,#a9adb6);\
    --line:light-dark(#d9d6cd,#373a41);--accent:light-dark(#2f4a8a,#a9bdf5)}body{margin:0;\
    font:100%/1.55 system-ui,sans-serif;background:var(--ground);color:var(--ink)}main{max-width:38rem;\
    margin:8vh auto;padding:2rem;background:var(--sheet);border:1px solid var(--line);border-radius:6px;\
    overflow-wrap:anywhere}h1{font-size:1.4rem;line-height:1.3;font-weight:600;margin:0 0 1rem}\
    dt{color:var(--quiet);font-size:.9rem}dd{margin:0 0 .7rem}a{color:var(--accent)}\
    @media(max-width:42rem){main{margin:1rem}}";
/// Nothing may be loaded, run, framed or sent; the one style is allowed by its digest.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'sha256-p+t1jlOZtf5tgym+9VnOABTMdtYh6mD8LrrWjY/Vi0A='; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// "Connected to {connector} via {address}".
pub(crate) fn connected(language: Language, connector: &str, address: &str) -> Response {
    let (connector, address) = (Escaped(connector), Escaped(address));
    let (sentence, close, console) = match language {
        Language::English => {
            (format!("Connected to {connector} via {address}"), "You may close this page.", "Back to the console")
        }
        Language::French => {
            (format!("Connecté à {connector} via {address}"), "Vous pouvez fermer cette page.", "Revenir à la console")
        }
        Language::Dutch => {
            (format!("Verbonden met {connector} via {address}"), "U mag deze pagina sluiten.", "Terug naar de console")
        }
        Language::German => (
            format!("Verbunden mit {connector} über {address}"),
            "Sie können diese Seite schließen.",
            "Zurück zur Konsole",
        ),
    };
    let body = format!("<p>{close}</p><p><a href=\"/console\">{console}</a></p>");
    html(language, StatusCode::OK, &sentence, &body)
}

/// What a problem means, what to do next, and what Microsoft said.
pub(crate) fn problem(language: Language, status: StatusCode, problem: &Problem) -> Response {
    let Text { meaning, next_action } = problem.code.text(language);
    let [to_do, code, message] = match language {
        Language::English => ["What to do", "Microsoft's code", "Microsoft's message"],
        Language::French => ["Que faire", "Code de Microsoft", "Message de Microsoft"],
        Language::Dutch => ["Wat te doen", "Code van Microsoft", "Bericht van Microsoft"],
        Language::German => ["Was tun", "Code von Microsoft", "Meldung von Microsoft"],
    };
    let rows = [
        (to_do, Some(next_action)),
        (code, problem.microsoft_code.as_deref()),
        (message, problem.microsoft_message.as_deref()),
    ];
    // What was wrong this time is told in English only.
    let mut body = format!("<p lang=\"en\">{}</p><dl>", Escaped(&problem.detail));
    for (name, text) in rows {
        if let Some(text) = text {
            // Writing to a string never fails.
            let _ = write!(body, "<dt>{name}</dt><dd>{}</dd>", Escaped(text));
        }
    }
    body.push_str("</dl>");
    html(language, status, &Escaped(meaning).to_string(), &body)
}

/// A page; `title` and `body` are HTML already.
fn html(language: Language, status: StatusCode, title: &str, body: &str) -> Response {
    let lang = language.tag();
    let page = format!(
        "<!doctype html><html lang=\"{lang}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title}</title><style>{STYLE}</style></head>\
         <body><main><h1>{title}</h1>{body}</main></body></html>"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::VARY, "Accept, Accept-Language"),
        REFERRER_POLICY,
    ];
    (status, headers, page).into_response()
}

/// Text that HTML shows as it is.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    use sha2::{Digest as _, Sha256};
    use shared::problem::Code;

    use super::*;

    async fn text(response: Response) -> String {
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[test]
    fn the_policy_allows_the_style_that_the_pages_have() {
        let digest = BASE64_STANDARD.encode(Sha256::digest(STYLE));
        assert!(CONTENT_SECURITY_POLICY.contains(&format!("'sha256-{digest}'")), "{digest}");
    }

    #[tokio::test]
    async fn what_a_person_typed_is_shown_and_never_run() {
        let page = text(connected(Language::English, "<script>alert('x')</script> & \"Sons\"", "a@b.example")).await;
        let shown =
            "Connected to &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;Sons&quot; via a@b.example";
        assert!(page.contains(&format!("<h1>{shown}</h1>")), "{page}");
        assert!(!page.contains("<script"));
    }

    #[tokio::test]
    async fn a_problem_says_what_to_do_and_keeps_microsofts_code() {
        let declined = Problem::new(Code::SignInDeclined, "The sign-in ended.")
            .from_microsoft("access_denied", Some("<b>declined</b>".to_owned()));
        let response = problem(Language::English, StatusCode::BAD_REQUEST, &declined);
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        let page = text(response).await;
        for part in ["Microsoft did not complete", "Open the connector", "access_denied", "&lt;b&gt;declined"] {
            assert!(page.contains(part), "{part}: {page}");
        }
    }
}
