//! What a part is, in the reader's words, and as which type its bytes are given out.

use std::collections::BTreeSet;

use serde::Serialize;
use utoipa::ToSchema;

use super::mail_head::PartHead;

/// What a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PartKind {
    /// Text, plain or HTML.
    Text,
    /// An image.
    Image,
    /// A message of its own.
    Message,
    /// An invitation or another calendar entry.
    Calendar,
    /// A message that S/MIME signed or encrypted. An encrypted one needs the recipient's key.
    Smime,
    /// A signature of S/MIME beside what it signs.
    SmimeSignature,
    /// A message that OpenPGP encrypted.
    Pgp,
    /// A signature of OpenPGP beside what it signs.
    PgpSignature,
    /// Microsoft Outlook rich text (winmail.dat).
    Winmail,
    /// A report on a delivery or a reading.
    Report,
    /// Any other file.
    File,
}

impl PartKind {
    /// By its head.
    pub(super) fn of(head: &PartHead) -> Self {
        let named = |ending: &str| head.name.as_ref().is_some_and(|name| name.to_lowercase().ends_with(ending));
        // A name says more than a type that is not there, or that can't be read.
        let unread = if head.name.is_some() { BYTES } else { "text/plain" };
        match head.content_type.as_deref().unwrap_or(unread) {
            "message/rfc822" | "message/global" => Self::Message,
            "text/calendar" | "application/ics" => Self::Calendar,
            "application/pkcs7-mime" | "application/x-pkcs7-mime" => Self::Smime,
            "application/pkcs7-signature" | "application/x-pkcs7-signature" => Self::SmimeSignature,
            "application/pgp-encrypted" => Self::Pgp,
            "application/pgp-signature" => Self::PgpSignature,
            "application/ms-tnef" | "application/vnd.ms-tnef" => Self::Winmail,
            "message/delivery-status"
            | "message/disposition-notification"
            | "message/feedback-report"
            | "message/global-delivery-status"
            | "message/global-disposition-notification" => Self::Report,
            kind if kind.starts_with("image/") => Self::Image,
            kind if kind.starts_with("text/") || kind.starts_with("multipart/") => Self::Text,
            _ if named("winmail.dat") => Self::Winmail,
            _ if named(".p7m") => Self::Smime,
            _ if named(".p7s") => Self::SmimeSignature,
            _ if named(".eml") => Self::Message,
            _ if named(".ics") => Self::Calendar,
            _ => Self::File,
        }
    }

    /// The ending of a file of this kind that came without a name.
    pub(super) fn ending(self, served: &str) -> &'static str {
        match self {
            Self::Message => "eml",
            Self::Calendar => "ics",
            Self::Smime => "p7m",
            Self::SmimeSignature => "p7s",
            Self::Pgp | Self::PgpSignature => "asc",
            Self::Winmail => "dat",
            Self::Text | Self::Report => "txt",
            Self::Image | Self::File => TYPES.iter().find(|(_, name)| *name == served).map_or("bin", |(end, _)| end),
        }
    }
}

/// The types that bytes of a mail are given out as, each with the ending of its files. Whatever is not here is bytes:
/// no browser may take it for a page. Texts are bytes too: Lambda's adapter takes each for UTF-8, and would change
/// those that are not.
const TYPES: [(&str, &str); 21] = [
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("pdf", "application/pdf"),
    ("eml", "message/rfc822"),
    ("zip", "application/zip"),
    ("rtf", "application/rtf"),
    ("doc", "application/msword"),
    ("xls", "application/vnd.ms-excel"),
    ("ppt", "application/vnd.ms-powerpoint"),
    ("msg", "application/vnd.ms-outlook"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("odt", "application/vnd.oasis.opendocument.text"),
    ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
    ("odp", "application/vnd.oasis.opendocument.presentation"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("jpeg", "image/jpeg"),
];

/// What bytes of no type of the list are given out as.
const BYTES: &str = "application/octet-stream";

/// All types that parts are given out as, each once.
pub fn served_types() -> BTreeSet<&'static str> {
    TYPES.iter().map(|(_, served)| *served).chain([BYTES]).collect()
}

/// The type that a part is given out as: its own if it is in the list, else by the ending of its name if its own says
/// nothing.
pub fn served_type(own: Option<&str>, name: Option<&str>) -> &'static str {
    let own = own.unwrap_or(BYTES);
    if let Some((_, known)) = TYPES.iter().find(|(_, known)| *known == own) {
        return known;
    }
    let says_nothing = matches!(own, BYTES | "application/x-unknown" | "application/force-download");
    let ending = name.and_then(|name| name.rsplit_once('.')).map(|(_, ending)| ending.to_lowercase());
    let by_name = ending.and_then(|ending| TYPES.iter().find(|(known, _)| *known == ending));
    by_name.filter(|_| says_nothing).map_or(BYTES, |(_, known)| known)
}

/// Whether bytes of this type may be shown within a page; all others are downloaded.
pub fn is_shown_inline(served: &str) -> bool {
    matches!(served, "image/png" | "image/jpeg" | "image/gif" | "image/webp")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_given_out_as_a_type_of_the_list_or_as_bytes() {
        for (own, name, served) in [
            (Some("application/pdf"), None, "application/pdf"),
            (Some("text/html"), Some("x.pdf"), BYTES),
            (Some("image/svg+xml"), Some("x.png"), BYTES),
            (Some("text/xml"), None, BYTES),
            (Some("application/octet-stream"), Some("Contrat.PDF"), "application/pdf"),
            (Some("application/octet-stream"), Some("x.html"), BYTES),
            (Some("application/octet-stream"), Some("x.svg"), BYTES),
            (None, Some("x.html"), BYTES),
            (None, Some("x.pdf"), "application/pdf"),
            (None, None, BYTES),
            (Some("text/plain"), Some("x.txt"), BYTES),
        ] {
            assert_eq!(served_type(own, name), served, "{own:?} {name:?}");
        }
    }
}
