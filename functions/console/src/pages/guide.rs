//! The guide for administrators. `build.rs` makes it of docs/administrator.md. It is public, because it says nothing of
//! a firm.

use askama::Template;
use axum::response::Response;

use crate::{
    session::ConsoleRequest,
    shell::{Shell, page as render},
};

const GUIDE: &str = include_str!(concat!(env!("OUT_DIR"), "/guide.html"));
const CONTENTS: &str = include_str!(concat!(env!("OUT_DIR"), "/guide_contents.html"));

#[derive(Template)]
#[template(path = "guide.html")]
struct GuidePage {
    s: Shell,
    contents: &'static str,
    guide: &'static str,
}

/// The guide.
pub(crate) async fn page(request: ConsoleRequest) -> Response {
    render(&GuidePage { s: Shell::of_request(&request), contents: CONTENTS, guide: GUIDE })
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// The texts between `before` and the next quotation mark.
    fn quoted<'a>(text: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
        text.split(before).skip(1).filter_map(|rest| rest.split('"').next())
    }

    #[test]
    fn each_section_that_a_page_names_is_in_the_guide() {
        let mut named = 0;
        for template in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("templates")).unwrap() {
            let path = template.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            for section in quoted(&text, "let section = \"").filter(|section| !section.is_empty()) {
                named += 1;
                assert!(GUIDE.contains(&format!(" id=\"{section}\"")), "{}: {section}", path.display());
            }
        }
        assert!(named > 20, "{named} pages name a section");
    }

    #[test]
    fn every_link_of_the_guide_leads_somewhere_and_it_loads_nothing() {
        let links: Vec<&str> = quoted(GUIDE, "href=\"").chain(quoted(CONTENTS, "href=\"")).collect();
        assert!(links.len() > 20, "{links:?}");
        for link in links {
            match link.strip_prefix('#') {
                Some(section) => assert!(GUIDE.contains(&format!(" id=\"{section}\"")), "{link}"),
                None => assert!(link.starts_with("https://"), "{link}"),
            }
        }
        for loads in ["<img", "<script", "style=", "src="] {
            assert!(!GUIDE.contains(loads), "{loads}");
        }
    }
}
