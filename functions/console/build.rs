//! Makes a page of the guide for administrators, `docs/administrator.md`: what the console shows of it. See
//! `functions/api/link.rs` for how the function is linked.

#[path = "../api/link.rs"]
mod link;

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

fn main() {
    link::without_unwind_tables();
    let source = variable("CARGO_MANIFEST_DIR").join("../../docs/administrator.md");
    println!("cargo::rerun-if-changed={}", source.display());
    let text = fs::read_to_string(&source).expect("docs/administrator.md can be read");
    let (contents, guide) = pages(&text);
    let target = variable("OUT_DIR");
    fs::write(target.join("guide.html"), guide).expect("OUT_DIR can be written");
    fs::write(target.join("guide_contents.html"), contents).expect("OUT_DIR can be written");
}

fn variable(name: &str) -> PathBuf {
    Path::new(&env::var_os(name).expect("cargo sets it")).to_owned()
}

/// The contents, as a list of links, and the guide itself without its title.
///
/// Pictures are left out: they show the pages that a reader has at hand. So are links to files that nothing serves.
fn pages(markdown: &str) -> (String, String) {
    let events: Vec<Event<'_>> = Parser::new_ext(markdown, Options::ENABLE_TABLES).collect();
    let mut guide = Guide::default();
    let mut events = events.into_iter().peekable();
    while let Some(event) = events.next() {
        match event {
            // A picture has a paragraph of its own.
            Event::Start(Tag::Paragraph) if matches!(events.peek(), Some(Event::Start(Tag::Image { .. }))) => {
                events.by_ref().find(|event| matches!(event, Event::End(TagEnd::Paragraph)));
            }
            Event::Start(Tag::Heading { level, .. }) => {
                let inside = events.by_ref().take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))));
                let inside: Vec<Event<'_>> = inside.collect();
                guide.heading(level, inside);
            }
            other => guide.take(other),
        }
    }
    let mut page = String::new();
    html::push_html(&mut page, guide.events.into_iter());
    // A cell without words heads nothing.
    (guide.contents, page.replace("<th></th>", "<td></td>"))
}

/// The guide, as far as it was read.
#[derive(Default)]
struct Guide<'a> {
    events: Vec<Event<'a>>,
    contents: String,
    /// What the last heading says.
    title: String,
    /// How often each address stands, as a second one of a name gets a number.
    anchors: BTreeMap<String, usize>,
    is_in_dropped_link: bool,
}

impl<'a> Guide<'a> {
    /// A heading with the address that GitHub gives it, and its place in the contents.
    fn heading(&mut self, level: HeadingLevel, inside: Vec<Event<'a>>) {
        if level == HeadingLevel::H1 {
            return;
        }
        let words = inside.iter().filter_map(|event| match event {
            Event::Text(text) | Event::Code(text) => Some(&**text),
            _ => None,
        });
        self.title = words.collect();
        let anchor = anchor(&self.title);
        let count = self.anchors.entry(anchor.clone()).or_default();
        let anchor = if *count == 0 { anchor } else { format!("{anchor}-{count}") };
        *count += 1;
        let class = if level == HeadingLevel::H2 { "" } else { " class=\"below\"" };
        self.contents += &format!("<li{class}><a href=\"#{anchor}\">{}</a></li>\n", escaped(&self.title));
        self.html(format!("<{level} id=\"{anchor}\">"));
        self.events.extend(inside);
        self.html(format!("</{level}>\n"));
    }

    fn take(&mut self, event: Event<'a>) {
        match event {
            // What is wider than the window is moved by keys, too.
            Event::Start(Tag::Table(columns)) => {
                let name = escaped(&self.title);
                self.html(format!("<div class=\"scroll\" role=\"group\" tabindex=\"0\" aria-label=\"{name}\">"));
                self.events.push(Event::Start(Tag::Table(columns)));
            }
            Event::End(TagEnd::Table) => {
                self.events.push(event);
                self.html("</div>\n".to_owned());
            }
            Event::Start(Tag::CodeBlock(_)) => self.html("<pre tabindex=\"0\">".to_owned()),
            Event::End(TagEnd::CodeBlock) => self.html("</pre>\n".to_owned()),
            Event::Start(Tag::Link { ref dest_url, .. }) if !is_served(dest_url) => self.is_in_dropped_link = true,
            Event::End(TagEnd::Link) if self.is_in_dropped_link => self.is_in_dropped_link = false,
            other => self.events.push(other),
        }
    }

    fn html(&mut self, html: String) {
        self.events.push(Event::Html(CowStr::from(html)));
    }
}

/// Whether a link leads somewhere from the page.
fn is_served(address: &str) -> bool {
    address.starts_with('#') || address.starts_with("https://")
}

/// The address of a heading: its words in small letters, with hyphens between them.
fn anchor(title: &str) -> String {
    let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
