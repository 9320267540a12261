//! The marks in Outlook: one category on each mail that was received, another one once it is filed.

use serde::{Deserialize, Serialize};

use crate::{
    base::language::Language,
    graph::{CategoryName, Color, Mark},
};

/// Grey and green, in Graph's presets. Source: <https://learn.microsoft.com/graph/api/resources/outlookcategory>
pub const RECEIVED_COLOR: Color = Color::preset(12);
const FILED_COLOR: Color = Color::preset(4);
/// How many names that are no longer in use are known by, to be taken off again; the oldest are forgotten first.
const FORMER_MAX: usize = 20;

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
        (!received.name.is(filed.name.as_str())).then(|| Self { received, filed, former: Vec::new() })
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

    /// Whether they are called and coloured as in this language.
    pub fn are_of(&self, language: Language) -> bool {
        let own = Self::of(language);
        (&self.received, &self.filed) == (&own.received, &own.filed)
    }

    /// These marks in the place of others, whose names are remembered.
    pub fn instead_of(mut self, before: Self) -> Self {
        let known = before.former.into_iter().chain([before.received.name, before.filed.name]);
        let mut former: Vec<CategoryName> = known.filter(|name| !self.has(name.as_str())).collect();
        let forgotten = former.len().saturating_sub(FORMER_MAX);
        former.drain(..forgotten);
        self.former = former;
        self
    }

    /// Whether this is the name of one of the marks, now or before.
    fn has(&self, name: &str) -> bool {
        [&self.received.name, &self.filed.name].into_iter().chain(&self.former).any(|ours| ours.is(name))
    }

    /// The categories that a message with these of its own shall have, filed or not: the person's, and the one mark
    /// that shows how far it is. None when it is so already.
    pub fn on(&self, is_filed: bool, own: &[String]) -> Option<Vec<String>> {
        let mark = if is_filed { &self.filed.name } else { &self.received.name };
        let (ours, persons): (Vec<&String>, Vec<&String>) = own.iter().partition(|name| self.has(name));
        let so_already = matches!(ours.as_slice(), [only] if mark.is(only));
        (!so_already).then(|| persons.into_iter().chain([&mark.as_str().to_owned()]).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let (open, filed) = (false, true);
        for (is_filed, before, after) in [
            (open, &["Urgent", "Client X"][..], Some(&["Urgent", "Client X", "Received"][..])),
            (open, &["RECEIVED"], None),
            (open, &["Filed", "Urgent"], Some(&["Urgent", "Received"])),
            (filed, &["Received", "Urgent"], Some(&["Urgent", "Filed"])),
            (filed, &["Urgent", "filed"], None),
            (filed, &["Filed", "Received"], Some(&["Filed"])),
            (filed, &[], Some(&["Filed"])),
        ] {
            assert_eq!(marks.on(is_filed, &own(before)), after.map(own), "{before:?}");
        }
    }

    #[test]
    fn a_mark_under_its_former_name_gives_way_to_the_new_one() {
        let marks = marks("In", "Done").instead_of(marks("Received", "Filed").instead_of(marks("A", "B")));
        assert_eq!(marks.on(false, &own(&["Received", "Urgent"])), Some(own(&["Urgent", "In"])));
        // A name that is used again is no former one.
        let again = self::marks("Received", "Done").instead_of(marks);
        assert_eq!(again.on(false, &own(&["Received"])), None);
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
