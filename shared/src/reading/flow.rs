//! Plain text whose lines flow.

use serde::{Deserialize, Serialize};

/// Whether the lines of a plain text are its own, or only wrapped for the transport.
/// Source: <https://www.rfc-editor.org/rfc/rfc3676>
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LineFlow {
    /// Each line is a line.
    #[default]
    Fixed,
    /// A line that ends with a space goes on in the next one.
    Flowed,
    /// And this space is not part of the text, as languages that separate no words need it.
    FlowedWithoutSpace,
}

impl LineFlow {
    /// `format` and `delsp`: the parameters of `Content-Type`.
    pub(super) fn named(format: Option<&str>, delsp: Option<&str>) -> Self {
        let says = |parameter: Option<&str>, word| parameter.is_some_and(|said| said.trim().eq_ignore_ascii_case(word));
        match (says(format, "flowed"), says(delsp, "yes")) {
            (false, _) => Self::Fixed,
            (true, false) => Self::Flowed,
            (true, true) => Self::FlowedWithoutSpace,
        }
    }

    /// The text with its own lines alone. Quoted lines keep their depth; the line before a signature stays one.
    pub(super) fn joined(self, text: String) -> String {
        if self == Self::Fixed {
            return text;
        }
        let mut joined = String::with_capacity(text.len());
        let mut goes_on_at = None;
        for line in text.lines() {
            let unquoted = line.trim_start_matches('>');
            let depth = line.len() - unquoted.len();
            // A program writes it before a line that begins with a space, a `>` or `From `.
            let said = unquoted.strip_prefix(' ').unwrap_or(unquoted);
            let is_signature = said == "-- ";
            if goes_on_at != Some(depth) || is_signature {
                if !joined.is_empty() {
                    joined.push('\n');
                }
                joined.push_str(&line[..depth]);
                if depth > 0 {
                    joined.push(' ');
                }
            }
            let goes_on = said.ends_with(' ') && !is_signature;
            goes_on_at = goes_on.then_some(depth);
            let is_dropped = goes_on && self == Self::FlowedWithoutSpace;
            joined.push_str(if is_dropped { &said[..said.len() - 1] } else { said });
        }
        joined
    }
}
