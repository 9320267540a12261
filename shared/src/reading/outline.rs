//! Which parts of a mail are its text, and which are attachments.
//! Source: RFC 8621, section 4.1.4, whose names for both are the ones here

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use super::{
    charset::{decoded, of_page},
    html::{Cleaned, LEAN_BYTES_MAX, Pictures, clean, escaped, lean, plain},
    kind::{PartKind, is_shown_inline, served_type},
    mail_head::MailHead,
    scan::{HEAD_BYTES_MAX, MailPart, Scanned, Scanner},
    transfer::TransferDecoder,
};

/// Most of one text that is read, in bytes of the original, where a mail has few. Most of it may be pictures.
const FEW_TEXTS_BYTES_MAX: u64 = 8 << 20;
/// So many texts are few.
const FEW_TEXTS: usize = 2;
/// The same, where a mail has many texts.
const TEXT_BYTES_MAX: u64 = 2 << 20;
/// Most of one text that is shown, without what is never shown of it.
const SHOWN_BYTES_MAX: usize = 2 << 20;
/// A plain text that is shorter may only say that there is another one, in HTML.
const PLAIN_BYTES_MIN: usize = 500;
/// That one is so many times as long.
const TIMES_AS_LONG: usize = 4;
/// The images that a page shows may have so many bytes together: an answer of Lambda holds 6 MB.
const PICTURES_BYTES_MAX: u64 = 2 << 20;
/// Most texts of one mail that are shown.
const TEXTS_MAX: usize = 32;

/// A mail's head, and its parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    /// The head.
    pub head: MailHead,
    /// All parts, in their order; the first is the mail itself.
    pub parts: Vec<MailPart>,
    /// There are more parts.
    pub is_cut: bool,
    text: Vec<usize>,
    html: Vec<usize>,
    attachments: Vec<usize>,
}

/// A part that is given out on its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its number among the mail's attachments, from 1.
    pub number: usize,
    /// The name of its file, safe to save under; made up where the mail names none.
    pub name: String,
    /// What it is.
    pub kind: PartKind,
    /// The type as which its bytes are given out.
    pub served: &'static str,
    /// The length of its bytes.
    pub bytes: u64,
    /// By which id the mail's own HTML shows it.
    pub content_id: Option<String>,
}

#[derive(Default)]
struct Chosen {
    text: Vec<usize>,
    html: Vec<usize>,
    attachments: Vec<usize>,
}

impl Outline {
    /// Of an original.
    pub fn of(original: &[u8]) -> Self {
        let mut scanner = Scanner::new();
        scanner.feed(original);
        Self::new(scanner.finish())
    }

    /// Of a mail whose parts were found.
    pub fn new(Scanned { parts, head, is_cut }: Scanned) -> Self {
        let mut within = BTreeMap::<usize, Vec<usize>>::new();
        for (index, part) in parts.iter().enumerate() {
            if let Some(parent) = part.parent {
                within.entry(parent).or_default().push(index);
            }
        }
        let mut chosen = Chosen::default();
        choose(&parts, &within, (&[0], ""), (true, true), false, &mut chosen);
        let Chosen { mut text, mut html, mut attachments } = chosen;
        if text.is_empty() && html.is_empty() {
            // A text that nothing calls one: better shown than offered as a file.
            let is_text = |index: &usize| {
                let part = &parts[*index];
                PartKind::of(&part.about) == PartKind::Text && part.about.name.is_none()
            };
            (text, attachments) = attachments.into_iter().partition(is_text);
        }
        // A page is never empty where a text is shown.
        if html.is_empty() {
            html.clone_from(&text);
        }
        let is_cut = is_cut || text.len().max(html.len()) > TEXTS_MAX;
        text.truncate(TEXTS_MAX);
        html.truncate(TEXTS_MAX);
        let charset = text.iter().chain(&html).find_map(|index| parts[*index].about.charset.as_deref());
        let mut read = MailHead::read(&head, charset);
        read.is_cut |= parts.first().is_some_and(|mail| mail.head.end > HEAD_BYTES_MAX as u64);
        Self { head: read, is_cut, text, html, attachments, parts }
    }

    /// The images that the mail's HTML may show, and those that are too large for a page together with them.
    pub fn pictures(&self) -> (Vec<Attachment>, Vec<Attachment>) {
        let mut left = PICTURES_BYTES_MAX;
        let own = self.attachments().filter(|found| is_shown_inline(found.served) && found.content_id.is_some());
        own.partition(|found| {
            let fits = found.bytes <= left;
            left -= if fits { found.bytes } else { 0 };
            fits
        })
    }

    /// All attachments, in their order.
    pub fn attachments(&self) -> impl Iterator<Item = Attachment> {
        (1..=self.attachments.len()).filter_map(|number| Some(self.attachment(number)?.0))
    }

    /// The attachment with that number, and the part that it is.
    pub fn attachment(&self, number: usize) -> Option<(Attachment, &MailPart)> {
        let part = &self.parts[*self.attachments.get(number.checked_sub(1)?)?];
        let (about, kind) = (&part.about, PartKind::of(&part.about));
        let served = match kind {
            PartKind::Message => "message/rfc822",
            _ => served_type(about.content_type.as_deref(), about.name.as_deref()),
        };
        let name = about.name.clone().unwrap_or_else(|| {
            let noun = if kind == PartKind::Message { "message" } else { "attachment" };
            format!("{noun}-{number}.{}", kind.ending(served))
        });
        let content_id = about.content_id.clone();
        Some((Attachment { number, name, kind, served, bytes: part.bytes, content_id }, part))
    }

    /// Where the texts lie that [`Outline::text`] and [`Outline::html`] ask for.
    pub fn texts(&self) -> impl Iterator<Item = Range<u64>> {
        let all: BTreeSet<usize> = self.text.iter().chain(&self.html).copied().collect();
        all.into_iter().map(|index| self.shown(index))
    }

    /// The mail's text, and whether there is more of it: the plain one if it says anything, else that of its HTML.
    /// `bytes`: those of the original in a range.
    pub fn text<'a>(&self, bytes: impl Fn(Range<u64>) -> &'a [u8]) -> (String, bool) {
        let (text, is_cut) = self.text_of(&self.text, &bytes);
        let said = text.trim().len();
        if said >= PLAIN_BYTES_MIN || self.html == self.text {
            return (text, is_cut);
        }
        let (other, is_other_cut) = self.text_of(&self.html, &bytes);
        if other.trim().len() > said * TIMES_AS_LONG { (other, is_other_cut) } else { (text, is_cut) }
    }

    fn text_of<'a>(&self, parts: &[usize], bytes: &impl Fn(Range<u64>) -> &'a [u8]) -> (String, bool) {
        let (mut text, mut is_cut) = (String::new(), self.is_cut);
        for index in parts {
            let (source, is_more) = self.decoded(*index, bytes);
            let piece = if self.is_html(*index) { plain(&source) } else { Cleaned::of_text(&source) };
            is_cut |= is_more || piece.is_cut;
            if !text.is_empty() {
                text.push_str("\n\n");
            }
            text.push_str(piece.text.trim_end());
        }
        (text, is_cut)
    }

    /// The mail's HTML, cleaned, or its text as HTML. `bytes`: those of the original in a range. `most`: bytes that are
    /// read of each text.
    pub fn html<'a>(&self, bytes: impl Fn(Range<u64>) -> &'a [u8], pictures: &Pictures, most: usize) -> Cleaned {
        let mut page = Cleaned::default();
        for index in &self.html {
            let (mut source, mut is_more) = self.decoded(*index, &bytes);
            is_more |= source.len() > most;
            source.truncate(source.floor_char_boundary(most));
            let piece = if self.is_html(*index) {
                clean(&source, pictures)
            } else {
                Cleaned { html: format!("<pre>{}</pre>", escaped(&source)), ..Cleaned::default() }
            };
            page.html.push_str(&piece.html);
            page.withheld += piece.withheld;
            page.is_cut |= is_more || piece.is_cut;
        }
        page.is_cut |= self.is_cut;
        page
    }

    fn is_html(&self, index: usize) -> bool {
        self.parts[index].about.content_type.as_deref() == Some("text/html")
    }

    /// What is shown of a text.
    fn shown(&self, index: usize) -> Range<u64> {
        let body = &self.parts[index].body;
        let are_few = self.text.len().max(self.html.len()) <= FEW_TEXTS;
        let most = if are_few { FEW_TEXTS_BYTES_MAX } else { TEXT_BYTES_MAX };
        body.start..body.end.min(body.start + most)
    }

    /// The text of a part, and whether there is more of it.
    fn decoded<'a>(&self, index: usize, bytes: impl Fn(Range<u64>) -> &'a [u8]) -> (String, bool) {
        let (MailPart { body, about, .. }, shown) = (&self.parts[index], self.shown(index));
        let is_more = shown.end < body.end;
        let bytes = TransferDecoder::all(about.transfer, bytes(shown));
        let page = self.is_html(index).then(|| of_page(&bytes)).flatten();
        let mut text = decoded(&bytes, about.charset.as_deref(), page.as_deref());
        if self.is_html(index) && text.len() > LEAN_BYTES_MAX {
            text = lean(&text);
        }
        if !self.is_html(index) {
            text = about.flow.joined(text);
        }
        let is_longer = text.len() > SHOWN_BYTES_MAX;
        text.truncate(text.floor_char_boundary(SHOWN_BYTES_MAX));
        (text, is_more || is_longer)
    }
}

/// Sorts the parts `of` a multipart with that subtype. `takes`: whether text and HTML are still to be found, which a
/// part of an alternative decides.
fn choose(
    parts: &[MailPart],
    within: &BTreeMap<usize, Vec<usize>>,
    (of, subtype): (&[usize], &str),
    takes: (bool, bool),
    in_alternative: bool,
    chosen: &mut Chosen,
) {
    let (mut takes_text, mut takes_html) = takes;
    let (text_before, html_before) = (chosen.text.len(), chosen.html.len());
    for (place, index) in of.iter().enumerate() {
        let about = &parts[*index].about;
        let kind = about.content_type.as_deref();
        if let Some(inner) = within.get(index) {
            let subtype = kind.and_then(|kind| kind.strip_prefix("multipart/")).unwrap_or_default();
            let in_alternative = in_alternative || subtype == "alternative";
            choose(parts, within, (inner, subtype), (takes_text, takes_html), in_alternative, chosen);
            continue;
        }
        let is_html = kind == Some("text/html");
        // A multipart in which no part was found is a text.
        let is_plain = kind.is_none_or(|kind| kind == "text/plain" || kind.starts_with("multipart/"));
        let is_body = (is_html || is_plain)
            && !about.is_attachment
            && (place == 0 || subtype != "related" && about.name.is_none())
            // A type that can't be read, and a name: a file.
            && (kind.is_some() || about.name.is_none());
        if !is_body {
            chosen.attachments.push(*index);
            continue;
        }
        if subtype == "alternative" {
            if is_html && takes_html {
                chosen.html.push(*index);
            } else if is_plain && takes_text {
                chosen.text.push(*index);
            }
            continue;
        }
        if in_alternative {
            takes_html &= !is_plain;
            takes_text &= !is_html;
        }
        if takes_text {
            chosen.text.push(*index);
        }
        if takes_html {
            chosen.html.push(*index);
        }
        if !takes_text && !takes_html {
            chosen.attachments.push(*index);
        }
    }
    if subtype == "alternative" && takes == (true, true) {
        let (text_found, html_found) = (chosen.text.len() > text_before, chosen.html.len() > html_before);
        match (text_found, html_found) {
            (false, true) => chosen.text.extend_from_slice(&chosen.html[html_before..]),
            (true, false) => chosen.html.extend_from_slice(&chosen.text[text_before..]),
            _ => {}
        }
    }
}
