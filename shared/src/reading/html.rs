//! HTML that a stranger wrote, made anew of what is harmless.
//!
//! Nothing of the source gets through as it is: html5ever reads its tokens, and of those in the lists below tags are
//! written anew, with each attribute checked and quoted and each text escaped. So what comes out holds no element and
//! no attribute that is not listed, whatever a browser and the tokenizer may see differently in the source. It is
//! balanced, and no deeper than [`DEPTH_MAX`]. A tree of the source is never made: to make one costs the square of the
//! depth, and elements that a broken source leaves open are repeated in each paragraph.
//!
//! A sandbox around the page is the other wall; neither relies on the other.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    fmt::Write as _,
};

use html5ever::{
    Attribute,
    tendril::StrTendril,
    tokenizer::{
        BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts, states::RawKind,
    },
};
use url::Url;

/// How deep elements may lie in each other; tags of deeper ones are left out, and their text is not.
const DEPTH_MAX: usize = 128;
/// Attributes of one tag that are looked at.
const ATTRIBUTES_MAX: usize = 64;
/// Longest address of a link, in bytes.
const LINK_BYTES_MAX: usize = 2_048;
/// The tokenizer compares each attribute of a tag with all before it. Without a token in so many spaces, quotes and
/// slashes, the rest of the source is given up.
const SEPARATORS_MAX: usize = 8_192;
/// A page that is longer has no more images of the mail itself.
const PAGE_BYTES_MAX: usize = 8 << 20;
/// So many bytes are tokenized between two looks at that.
const STEP_BYTES: usize = 1_024;

/// Schemes that a link may have.
const LINKS: [&str; 4] = ["http", "https", "mailto", "tel"];

/// The images that a page may show.
#[derive(Debug, Default)]
pub struct Pictures {
    /// Addresses of images of the mail itself, by their content ids.
    pub own: HashMap<String, String>,
    /// Names of images of the mail itself that are too large to be shown, by their content ids. The page has the name
    /// in brackets in their place.
    pub left_out: HashMap<String, String>,
    /// Whether it may show images of the web, by https.
    pub remote: bool,
}

/// What a source came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Harmless HTML, to stand within a `body`.
    pub html: String,
    /// Its text, in lines.
    pub text: String,
    /// Images of the web that it would show.
    pub withheld: usize,
    /// Not all of the source is shown.
    pub is_cut: bool,
}

impl Cleaned {
    /// A plain text in lines, without what no text holds.
    pub(super) fn of_text(text: &str) -> Self {
        let lines = text.replace("\r\n", "\n").replace('\r', "\n");
        let text = lines.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
        Self { text, ..Self::default() }
    }
}

/// The source made harmless, with these images.
pub fn clean(source: &str, pictures: &Pictures) -> Cleaned {
    let tokenizer = Tokenizer::new(Writer::new(pictures), TokenizerOpts::default());
    let queue = BufferQueue::default();
    let mut rest = source;
    let mut is_cut = false;
    while !rest.is_empty() {
        let (step, after) = rest.split_at(rest.floor_char_boundary(STEP_BYTES.min(rest.len())));
        rest = after;
        let separators = step.bytes().filter(|byte| byte.is_ascii_whitespace() || b"/\"'=".contains(byte)).count();
        let held = tokenizer.sink.separators.get() + separators;
        tokenizer.sink.separators.set(held);
        if held > SEPARATORS_MAX {
            is_cut = true;
            break;
        }
        queue.push_back(StrTendril::from(step));
        let _ = tokenizer.feed(&queue);
    }
    if !is_cut {
        tokenizer.end();
    }
    let mut page = tokenizer.sink.page.into_inner();
    page.close_to(0);
    page.cleaned.is_cut |= is_cut;
    page.cleaned
}

/// A source that is longer is made lean before it is read.
pub(super) const LEAN_BYTES_MAX: usize = 64 << 10;
/// Runs of what is never shown that are left out.
const RUN_BYTES_MIN: usize = 1 << 10;

/// The source without long runs of what is never shown: pictures that are written into it, styles and comments. They
/// would take the room of what is. What is left is cleaned all the same.
pub(super) fn lean(source: &str) -> String {
    const RUNS: [(&str, Option<&str>); 3] = [(";base64,", None), ("<style", Some("</style")), ("<!--", Some("-->"))];
    let is_of_picture = |c: char| c.is_ascii_alphanumeric() || "+/=%".contains(c) || c.is_ascii_whitespace();
    let lower = source.to_ascii_lowercase();
    let (mut lean, mut from) = (String::with_capacity(source.len()), 0);
    // Where each kind of run comes next: none is looked for twice at one place.
    let mut next = RUNS.map(|(begin, _)| lower.find(begin));
    while let Some((kind, at)) = (0..RUNS.len()).filter_map(|kind| Some((kind, next[kind]?))).min_by_key(|(_, at)| *at)
    {
        let (begin, end) = RUNS[kind];
        let start = at + begin.len();
        let run = match end {
            Some(end) => lower[start..].find(end),
            None => lower[start..].find(|c| !is_of_picture(c)),
        };
        let end = run.map_or(lower.len(), |run| start + run);
        let kept = if end - start < RUN_BYTES_MIN { end } else { start };
        lean.push_str(&source[from..kept]);
        from = end;
        for (place, (begin, _)) in next.iter_mut().zip(RUNS) {
            if place.is_some_and(|place| place < from) {
                *place = lower[from..].find(begin).map(|place| from + place);
            }
        }
    }
    lean.push_str(&source[from..]);
    lean
}

/// The text of a source, and no HTML.
pub fn plain(source: &str) -> Cleaned {
    Cleaned { html: String::new(), ..clean(source, &Pictures::default()) }
}

/// A text within HTML.
pub fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    escape(text, &mut html);
    html
}

fn escape(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            '\n' | '\t' => html.push(c),
            c if c.is_control() => {}
            c => html.push(c),
        }
    }
}

/// What an element does to the text around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ElementShape {
    Inline,
    Block,
    /// Of a table.
    Cell,
    Table,
    /// It has no end tag.
    Void,
}

/// The elements that are written, all others are left out.
fn shape(name: &str) -> Option<ElementShape> {
    Some(match name {
        "a" | "abbr" | "b" | "bdi" | "bdo" | "big" | "cite" | "code" | "del" | "dfn" | "em" | "font" | "i" | "ins"
        | "kbd" | "mark" | "q" | "s" | "samp" | "small" | "span" | "strike" | "strong" | "sub" | "sup" | "tt" | "u"
        | "var" => ElementShape::Inline,
        "address" | "article" | "aside" | "blockquote" | "center" | "dd" | "div" | "dl" | "dt" | "figcaption"
        | "figure" | "footer" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "header" | "li" | "main" | "nav" | "ol"
        | "p" | "pre" | "section" | "ul" => ElementShape::Block,
        "table" | "thead" | "tbody" | "tfoot" | "tr" | "colgroup" => ElementShape::Table,
        "td" | "th" | "caption" => ElementShape::Cell,
        "br" | "col" | "hr" | "img" | "wbr" => ElementShape::Void,
        _ => return None,
    })
}

/// How the tokenizer goes on after a tag whose content is no HTML; that content is not shown.
fn raw(name: &str) -> Option<RawKind> {
    Some(match name {
        "script" => RawKind::ScriptData,
        "title" => RawKind::Rcdata,
        "style" | "iframe" | "noembed" | "noframes" => RawKind::Rawtext,
        _ => return None,
    })
}

/// The open elements that another start tag ends, and the ones beyond which it ends none.
fn ended_by(name: &str, shape: ElementShape) -> (&'static [&'static str], &'static [&'static str]) {
    match name {
        "li" => (&["li"], &["ul", "ol", "table", "td", "th"]),
        "dd" | "dt" => (&["dd", "dt"], &["dl", "table", "td", "th"]),
        "a" => (&["a"], &["table", "td", "th"]),
        "tr" => (&["tr"], &["table"]),
        "td" | "th" => (&["td", "th"], &["tr", "table"]),
        "thead" | "tbody" | "tfoot" => (&["thead", "tbody", "tfoot", "colgroup", "caption"], &["table"]),
        _ if matches!(shape, ElementShape::Block) || matches!(name, "table" | "hr") => {
            (&["p"], &["table", "td", "th", "caption"])
        }
        _ => (&[], &[]),
    }
}

/// The page as it is written.
struct HtmlPage<'a> {
    pictures: &'a Pictures,
    cleaned: Cleaned,
    open: Vec<String>,
    /// The element whose content is passed over.
    hidden: Option<String>,
    /// A space stands between what was written and what follows.
    has_space: bool,
}

struct Writer<'a> {
    page: RefCell<HtmlPage<'a>>,
    separators: Cell<usize>,
}

impl<'a> Writer<'a> {
    fn new(pictures: &'a Pictures) -> Self {
        let cleaned = Cleaned::default();
        let page = HtmlPage { pictures, cleaned, open: Vec::new(), hidden: None, has_space: false };
        Self { page: RefCell::new(page), separators: Cell::new(0) }
    }
}

impl TokenSink for Writer<'_> {
    type Handle = ();

    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
        if !matches!(token, Token::ParseError(_)) {
            self.separators.set(0);
        }
        let mut page = self.page.borrow_mut();
        match token {
            Token::CharacterTokens(text) => page.text(&text),
            Token::TagToken(Tag { kind: TagKind::EndTag, name, .. }) => page.end(&name),
            Token::TagToken(Tag { kind: TagKind::StartTag, name, attrs, .. }) => {
                if page.hidden.is_some() {
                    return TokenSinkResult::Continue;
                }
                if let Some(kind) = raw(&name) {
                    page.hidden = Some(name.to_string());
                    return TokenSinkResult::RawData(kind);
                }
                page.start(&name, &attrs);
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

impl HtmlPage<'_> {
    fn text(&mut self, text: &str) {
        if self.hidden.is_some() {
            return;
        }
        escape(text, &mut self.cleaned.html);
        let lines = &mut self.cleaned.text;
        if self.open.iter().any(|name| name == "pre") {
            lines.extend(text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')));
            return;
        }
        for c in text.chars() {
            if c.is_whitespace() {
                self.has_space = true;
            } else if !c.is_control() {
                if std::mem::take(&mut self.has_space) && !lines.is_empty() && !lines.ends_with(char::is_whitespace) {
                    lines.push(' ');
                }
                lines.push(c);
            }
        }
    }

    /// Ends a line of the text, and leaves one empty if `wide`.
    fn break_line(&mut self, wide: bool) {
        let lines = &mut self.cleaned.text;
        self.has_space = false;
        if lines.is_empty() {
            return;
        }
        if !lines.ends_with('\n') {
            lines.push('\n');
        }
        if wide && !lines.ends_with("\n\n") {
            lines.push('\n');
        }
    }

    fn start(&mut self, name: &str, attributes: &[Attribute]) {
        let Some(shape) = shape(name) else { return };
        match (name, shape) {
            ("br", _) => self.cleaned.text.push('\n'),
            ("p" | "table", _) => self.break_line(true),
            ("tr" | "hr", _) | (_, ElementShape::Block) => self.break_line(false),
            ("td" | "th", _) => self.has_space = true,
            _ => {}
        }
        let (ends, beyond) = ended_by(name, shape);
        let open = self.open.iter().rposition(|open| ends.contains(&open.as_str()) || beyond.contains(&open.as_str()));
        if let Some(at) = open.filter(|at| ends.contains(&self.open[*at].as_str())) {
            self.close_to(at);
        }
        if self.open.len() == DEPTH_MAX {
            self.cleaned.is_cut |= name == "img";
            return;
        }
        if let Some(left_out) = self.left_out(name, attributes) {
            self.text(&format!("[{left_out}]"));
            return;
        }
        let mut tag = format!("<{name}");
        let mut shows = false;
        for Attribute { name: attribute, value } in attributes.iter().take(ATTRIBUTES_MAX) {
            let value = match (name, &*attribute.local) {
                ("img", "src") => self.picture(value),
                (_, attribute) => checked(name, attribute, value),
            };
            if let Some(value) = value {
                shows |= matches!(&*attribute.local, "src" | "alt") && !value.is_empty();
                let _ = write!(tag, " {}=\"", &*attribute.local);
                escape(&value, &mut tag);
                tag.push('"');
            }
        }
        // What is left of a pixel that only tells the sender of a reader.
        if name == "img" && !shows {
            return;
        }
        if name == "a" {
            tag.push_str(" target=\"_blank\" rel=\"noopener noreferrer nofollow\"");
        }
        tag.push('>');
        self.cleaned.html.push_str(&tag);
        if shape != ElementShape::Void {
            self.open.push(name.to_owned());
        }
    }

    fn end(&mut self, name: &str) {
        if let Some(hidden) = &self.hidden {
            if hidden == name {
                self.hidden = None;
            }
            return;
        }
        let Some(shape) = shape(name).filter(|shape| *shape != ElementShape::Void) else { return };
        match (name, shape) {
            ("p" | "table", _) => self.break_line(true),
            (_, ElementShape::Block) => self.break_line(false),
            _ => {}
        }
        // What is in a cell ends no cell.
        let stays_within = matches!(shape, ElementShape::Inline | ElementShape::Block);
        let is_edge = |open: &str| stays_within && matches!(open, "td" | "th" | "caption" | "table");
        let found = self.open.iter().rposition(|open| open == name || is_edge(open));
        if let Some(at) = found.filter(|at| self.open[*at] == name) {
            self.close_to(at);
        }
    }

    fn close_to(&mut self, depth: usize) {
        while self.open.len() > depth {
            if let Some(name) = self.open.pop() {
                let _ = write!(self.cleaned.html, "</{name}>");
            }
        }
    }

    /// The name of an image of the mail itself that the page has no room for.
    fn left_out(&self, element: &str, attributes: &[Attribute]) -> Option<String> {
        let mut sources =
            attributes.iter().take(ATTRIBUTES_MAX).filter(|of| element == "img" && &*of.name.local == "src");
        by_id(&self.pictures.left_out, content_id(sources.next()?.value.trim())?).cloned()
    }

    /// The address of an image: one of the mail's own, or of the web if it may be.
    fn picture(&mut self, source: &str) -> Option<String> {
        let source = source.trim();
        if let Some(id) = content_id(source) {
            let own = by_id(&self.pictures.own, id)?;
            // One image may be shown a thousand times.
            let fits = self.cleaned.html.len() + own.len() <= PAGE_BYTES_MAX;
            self.cleaned.is_cut |= !fits;
            return fits.then(|| own.clone());
        }
        let url = (source.len() <= LINK_BYTES_MAX).then(|| Url::parse(source).ok()).flatten()?;
        match url.scheme() {
            "https" if self.pictures.remote => Some(url.into()),
            "http" | "https" => {
                self.cleaned.withheld += 1;
                None
            }
            _ => None,
        }
    }
}

/// The content id that the address of an image names.
fn content_id(source: &str) -> Option<&str> {
    let (scheme, id) = source.split_at_checked(4)?;
    scheme.eq_ignore_ascii_case("cid:").then_some(id)
}

fn by_id<'a>(images: &'a HashMap<String, String>, id: &str) -> Option<&'a String> {
    images.get(id).or_else(|| images.get(percent_encoding::percent_decode_str(id).decode_utf8_lossy().as_ref()))
}

/// The value of an attribute as it is written; none if the element may not have it, or not with this value.
fn checked(element: &str, attribute: &str, value: &str) -> Option<String> {
    let value = value.trim();
    let is_word =
        |max: usize| value.len() <= max && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_number = || {
        let digits = value.strip_suffix('%').unwrap_or(value);
        (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let fits = match (element, attribute) {
        (_, "title") | ("img", "alt") => return Some(value.chars().take(500).collect()),
        ("a", "href") => return link(value),
        (_, "dir") => matches!(value, "ltr" | "rtl" | "auto"),
        (_, "lang" | "align" | "valign") => is_word(20),
        ("ol" | "ul" | "li", "type") => is_word(10),
        ("table" | "td" | "th" | "tr" | "col" | "colgroup" | "img" | "hr", "width" | "height") => is_number(),
        ("table" | "img", "border" | "cellpadding" | "cellspacing") => is_number(),
        ("td" | "th", "colspan" | "rowspan") | ("col" | "colgroup", "span") => value.len() < 4 && is_number(),
        ("ol", "start") => is_number(),
        ("font", "size") => {
            is_number() || value.strip_prefix(['+', '-']).is_some_and(|n| matches!(n.as_bytes(), [b'0'..=b'9']))
        }
        ("font", "face") => value.len() <= 100 && value.chars().all(|c| c.is_alphanumeric() || " ,-".contains(c)),
        ("font", "color") | ("table" | "tr" | "td" | "th", "bgcolor") => {
            is_word(20)
                || value
                    .strip_prefix('#')
                    .is_some_and(|hex| hex.len() <= 8 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
        }
        _ => false,
    };
    fits.then(|| value.to_owned())
}

/// An address that a person may follow, as a URL is written.
fn link(value: &str) -> Option<String> {
    let url = (value.len() <= LINK_BYTES_MAX).then(|| Url::parse(value).ok()).flatten()?;
    LINKS.contains(&url.scheme()).then(|| url.into())
}
