//! Highlights: the words of a mail that matched a search.

use std::ops::Range;

use crate::search::words::{Phrases, words};

/// Characters around a marked word that a passage shows.
const AROUND_CHARS: usize = 80;
/// Passages of one text that are shown.
const PASSAGES_MAX: usize = 5;

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextPiece {
    /// What it says.
    pub text: String,
    /// It is what was searched for.
    pub is_match: bool,
}

/// The text with what was searched for marked; none if it has none of it.
pub fn marked(text: &str, phrases: &Phrases) -> Option<Vec<TextPiece>> {
    let places = places(text, phrases);
    (!places.is_empty()).then(|| runs(text, 0..text.len(), &places))
}

/// The passages of a long text in which what was searched for stands, the first ones.
pub fn passages(text: &str, phrases: &Phrases) -> Vec<Vec<TextPiece>> {
    let places = places(text, phrases);
    let mut passages: Vec<Range<usize>> = Vec::new();
    for place in &places {
        let around = before(text, place.start)..after(text, place.end);
        let is_full = passages.len() == PASSAGES_MAX;
        match passages.last_mut().filter(|last| around.start <= last.end) {
            Some(last) => last.end = around.end,
            None if is_full => break,
            None => passages.push(around),
        }
    }
    passages.into_iter().map(|passage| runs(text, passage, &places)).collect()
}

/// Where what was searched for stands, in order, without overlap.
fn places(text: &str, phrases: &Phrases) -> Vec<Range<usize>> {
    let words = words(text);
    let mut places: Vec<Range<usize>> = Vec::new();
    let mut from = 0;
    while let Some(rest) = words.get(from..).filter(|rest| !rest.is_empty()) {
        let longest = phrases.0.iter().filter(|phrase| phrase.begins(rest)).map(|phrase| phrase.words.len()).max();
        if let Some(length) = longest {
            places.push(rest[0].place.start..rest[length - 1].place.end);
        }
        from += longest.unwrap_or(1);
    }
    places
}

fn runs(text: &str, within: Range<usize>, places: &[Range<usize>]) -> Vec<TextPiece> {
    let (mut runs, mut at) = (Vec::new(), within.start);
    let mut push = |from: usize, to: usize, is_match| {
        if from < to {
            runs.push(TextPiece { text: text[from..to].to_owned(), is_match });
        }
    };
    for place in places.iter().filter(|place| within.start <= place.start && place.end <= within.end) {
        push(at, place.start, false);
        push(place.start, place.end, true);
        at = place.end;
    }
    push(at, within.end, false);
    runs
}

fn before(text: &str, at: usize) -> usize {
    text[..at].char_indices().rev().nth(AROUND_CHARS - 1).map_or(0, |(index, _)| index)
}

fn after(text: &str, at: usize) -> usize {
    text[at..].char_indices().nth(AROUND_CHARS).map_or(text.len(), |(index, _)| at + index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(runs: &[TextPiece]) -> String {
        runs.iter().map(|run| if run.is_match { format!("[{}]", run.text) } else { run.text.clone() }).collect()
    }

    #[test]
    fn words_are_marked_as_the_mail_writes_them_and_phrases_as_a_whole() {
        let marked = |text: &str, wanted: &str| marked(text, &Phrases::read(wanted)).map(|runs| shown(&runs));
        assert_eq!(marked("La Facture d'été n° 7", "facture ete").as_deref(), Some("La [Facture] d'[été] n° 7"));
        assert_eq!(marked("bail commercial, bail", "\"bail commercial\"").as_deref(), Some("[bail commercial], bail"));
        assert_eq!(marked("Überweisungen", "uberw").as_deref(), Some("[Überweisungen]"));
        assert_eq!(marked("請求書です", "求書").as_deref(), Some("請[求書]です"));
        assert_eq!(marked("rien", "facture"), None);
    }

    #[test]
    fn passages_show_what_is_around_and_are_few() {
        let text = format!("{} bail {}", "é".repeat(500), "x ".repeat(500));
        let all = passages(&text, &Phrases::read("bail "));
        assert_eq!(all.len(), 1);
        assert!(shown(&all[0]).contains("é [bail] x"));
        assert!(shown(&all[0]).chars().count() < 3 * AROUND_CHARS);
        let text = format!("bail{} ", " x".repeat(200)).repeat(20);
        assert_eq!(passages(&text, &Phrases::read("bail ")).len(), PASSAGES_MAX);
    }
}
