//! The mark in Outlook: a category that shows what was received.

use crate::firm::Language;

/// Grey, in Graph's presets. Source: <https://learn.microsoft.com/graph/api/resources/outlookcategory>
pub const RECEIVED_COLOR: &str = "preset12";

/// The name of the grey category, in the firm's language.
pub fn received(language: Language) -> &'static str {
    match language {
        Language::Fr => "greffe : reçu",
        Language::Nl => "greffe: ontvangen",
        Language::De => "greffe: eingegangen",
        Language::En => "greffe: received",
    }
}

/// The categories a message shall have: its own and `mark`. None when it has the mark already.
pub fn with_mark(own: &[String], mark: &str) -> Option<Vec<String>> {
    let marked = own.iter().any(|category| category.eq_ignore_ascii_case(mark));
    (!marked).then(|| own.iter().cloned().chain([mark.to_owned()]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_persons_own_categories_are_left_alone() {
        let own = ["Urgent".to_owned(), "Client X".to_owned()];
        assert_eq!(with_mark(&own, "greffe: received").unwrap(), ["Urgent", "Client X", "greffe: received"]);
        assert_eq!(with_mark(&["GREFFE: received".to_owned()], "greffe: received"), None);
    }
}
