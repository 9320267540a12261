//! The marks in Outlook: one category on each mail that was received, another one once it is filed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{base::language::Language, mail::message::Message};

/// Grey and green, in Graph's presets. Source: <https://learn.microsoft.com/graph/api/resources/outlookcategory>
pub const RECEIVED_COLOR: Color = Color(Some(12));
const FILED_COLOR: Color = Color(Some(4));
/// Graph has `preset0` to this one.
const PRESET_MAX: u8 = 24;
/// Longest name of a category that is taken, in characters.
const NAME_CHARS_MAX: usize = 100;
/// How many names that are no longer in use are known by, to be taken off again; the oldest are forgotten first.
const FORMER_MAX: usize = 20;

/// A category's colour, as Graph spells it: `preset0` to `preset24`, or `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(value_type = String, example = "preset12")]
#[serde(try_from = "String", into = "String")]
pub struct Color(Option<u8>);

impl Color {
    /// One of Graph's presets.
    pub(crate) const fn preset(number: u8) -> Self {
        Self(Some(number))
    }
}

impl TryFrom<String> for Color {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let preset = text.strip_prefix("preset").and_then(|number| number.parse().ok()).filter(|n| *n <= PRESET_MAX);
        let color = if text == "none" { Some(Self(None)) } else { preset.map(|preset| Self(Some(preset))) };
        color.filter(|color| color.to_string() == text).ok_or("a colour is none, or preset0 to preset24")
    }
}

impl From<Color> for String {
    fn from(color: Color) -> Self {
        color.to_string()
    }
}

impl std::fmt::Display for Color {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(preset) => write!(f, "preset{preset}"),
            None => f.write_str("none"),
        }
    }
}

/// The name of a category: 1 to 100 characters, no control characters, and no comma or semicolon, by which Outlook divides
/// names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(value_type = String, example = "greffe: received")]
#[serde(try_from = "String", into = "String")]
pub struct CategoryName(String);

impl TryFrom<String> for CategoryName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let name = text.trim();
        let fits = (1..=NAME_CHARS_MAX).contains(&name.chars().count())
            && !name.chars().any(|c| c.is_control() || c == ',' || c == ';');
        if !fits {
            return Err("a category's name has 1 to 100 characters, no control characters, no comma and no semicolon");
        }
        Ok(Self(name.to_owned()))
    }
}

impl From<CategoryName> for String {
    fn from(name: CategoryName) -> Self {
        name.0
    }
}

impl CategoryName {
    /// Outlook takes no notice of case in the names of categories.
    pub fn is(&self, name: &str) -> bool {
        self.0.to_lowercase() == name.to_lowercase()
    }
}

/// One mark: a category of Outlook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// The category's name, which is the mark.
    pub name: CategoryName,
    /// Its colour. A category that is there before keeps the one that the person gave it.
    pub color: Color,
}

impl Mark {
    /// One of a name and colour that we chose.
    pub(crate) fn of(name: &str, color: Color) -> Self {
        Self { name: CategoryName(name.to_owned()), color }
    }
}

/// A firm's two marks. Their names differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// Of a mail that was received.
    pub received: Mark,
    /// Of a mail that is filed.
    pub filed: Mark,
    /// Names that were used before: they are taken off where another mark is set.
    #[serde(default)]
    former: Vec<CategoryName>,
}

impl Marks {
    /// Marks of these names and colours; none if one name can't be told from the other.
    pub fn new(received: Mark, filed: Mark) -> Option<Self> {
        (!received.name.is(&filed.name.0)).then(|| Self { received, filed, former: Vec::new() })
    }

    /// Grey and green, named in this language.
    pub fn of(language: Language) -> Self {
        let (received, filed) = match language {
            Language::French => ("greffe : reçu", "greffe : classé"),
            Language::Dutch => ("greffe: ontvangen", "greffe: geklasseerd"),
            Language::German => ("greffe: eingegangen", "greffe: abgelegt"),
            Language::English => ("greffe: received", "greffe: filed"),
        };
        Self { received: Mark::of(received, RECEIVED_COLOR), filed: Mark::of(filed, FILED_COLOR), former: Vec::new() }
    }

    /// These marks in the place of others, whose names are remembered.
    pub fn instead_of(mut self, before: Self) -> Self {
        let known = before.former.into_iter().chain([before.received.name, before.filed.name]);
        let mut former: Vec<CategoryName> = known.filter(|name| !self.has(&name.0)).collect();
        let forgotten = former.len().saturating_sub(FORMER_MAX);
        former.drain(..forgotten);
        self.former = former;
        self
    }

    /// Whether this is the name of one of the marks, now or before.
    fn has(&self, name: &str) -> bool {
        [&self.received.name, &self.filed.name].into_iter().chain(&self.former).any(|ours| ours.is(name))
    }

    /// The categories that a message with these of its own shall have: the person's, and the one mark that shows how far it
    /// is. None when it is so already.
    pub fn on(&self, message: &Message, own: &[String]) -> Option<Vec<String>> {
        let mark = if message.dossier().is_some() { &self.filed.name } else { &self.received.name };
        let (ours, persons): (Vec<&String>, Vec<&String>) = own.iter().partition(|name| self.has(name));
        let so_already = matches!(ours.as_slice(), [only] if mark.is(only));
        (!so_already).then(|| persons.into_iter().chain([&mark.0]).cloned().collect())
    }
}

/// The marks whose categories a mailbox's master list has, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptMarks {
    /// The two.
    pub marks: [Mark; 2],
    /// When the list was looked at: the person may have changed it since.
    pub seen_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::message::tests::message;

    fn marks(received: &str, filed: &str) -> Marks {
        let mark = |name: &str| Mark { name: CategoryName::try_from(name.to_owned()).unwrap(), color: RECEIVED_COLOR };
        Marks::new(mark(received), mark(filed)).unwrap()
    }

    fn own(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_persons_own_categories_are_left_alone_and_one_mark_stands_beside_them() {
        let marks = marks("Received", "Filed");
        let (open, filed) = (message(None), message(Some("D1")));
        for (message, before, after) in [
            (&open, &["Urgent", "Client X"][..], Some(&["Urgent", "Client X", "Received"][..])),
            (&open, &["RECEIVED"], None),
            (&open, &["Filed", "Urgent"], Some(&["Urgent", "Received"])),
            (&filed, &["Received", "Urgent"], Some(&["Urgent", "Filed"])),
            (&filed, &["Urgent", "filed"], None),
            (&filed, &["Filed", "Received"], Some(&["Filed"])),
            (&filed, &[], Some(&["Filed"])),
        ] {
            assert_eq!(marks.on(message, &own(before)), after.map(own), "{before:?}");
        }
    }

    #[test]
    fn a_mark_under_its_former_name_gives_way_to_the_new_one() {
        let marks = marks("In", "Done").instead_of(marks("Received", "Filed").instead_of(marks("A", "B")));
        assert_eq!(marks.on(&message(None), &own(&["Received", "Urgent"])), Some(own(&["Urgent", "In"])));
        // A name that is used again is no former one.
        let again = self::marks("Received", "Done").instead_of(marks);
        assert_eq!(again.on(&message(None), &own(&["Received"])), None);
        let many = (0..30).fold(again, |before, n| self::marks(&format!("r{n}"), &format!("f{n}")).instead_of(before));
        assert_eq!(many.former.len(), FORMER_MAX);
    }

    #[test]
    fn a_colour_has_one_spelling_and_two_marks_have_two_names() {
        for text in ["none", "preset0", "preset24"] {
            assert_eq!(Color::try_from(text.to_owned()).unwrap().to_string(), text);
        }
        for text in ["", "preset25", "Preset4", "preset04", "preset+4", "green", "preset-1"] {
            assert!(Color::try_from(text.to_owned()).is_err(), "{text}");
        }
        let mark = |name: &str| Mark { name: CategoryName::try_from(name.to_owned()).unwrap(), color: RECEIVED_COLOR };
        assert_eq!(Marks::new(mark("Reçu"), mark("REÇU")), None);
    }
}
