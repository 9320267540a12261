//! Words: how texts are taken apart, the same way in mails and in what is searched for.

use std::{cell::RefCell, ops::Range};

use icu_normalizer::{DecomposingNormalizer, DecomposingNormalizerBorrowed};
use tantivy::tokenizer::{AsciiFoldingFilter, RemoveLongFilter, TextAnalyzer, Token, TokenStream, Tokenizer};

/// Bytes of the longest word that is indexed.
const WORD_BYTES_MAX: usize = 64;
/// Words that one search may ask for; what follows is left out.
const WORDS_MAX: usize = 16;
/// Letters that the beginning of a word must have.
const PREFIX_CHARS_MIN: usize = 2;

/// Words that stand one after another: a phrase, or a single word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase {
    /// The words, folded.
    pub words: Vec<String>,
    /// The last word is the beginning of one.
    pub is_prefix: bool,
}

/// What is searched for: all of these phrases.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Phrases(pub Vec<Phrase>);

/// A word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// In lower case, without accents.
    pub folded: String,
    /// Where it stands, in bytes.
    pub place: Range<usize>,
    /// Which word it is.
    pub position: usize,
}

impl Phrases {
    /// Of what a person types: words, and phrases between quotes. What is joined, such as an address or `2026/117`, is
    /// a phrase too. A last word that nothing follows may be the beginning of one.
    pub fn read(text: &str) -> Self {
        let mut phrases = Vec::new();
        for (index, piece) in text.split('"').enumerate() {
            let is_quoted = index % 2 == 1;
            let chunks: Vec<&str> = if is_quoted { vec![piece] } else { piece.split_whitespace().collect() };
            for chunk in chunks {
                let words: Vec<String> = words(chunk).into_iter().map(|word| word.folded).collect();
                if !words.is_empty() {
                    phrases.push(Phrase { words, is_prefix: false });
                }
            }
        }
        let mut left = WORDS_MAX;
        phrases.retain_mut(|phrase| {
            phrase.words.truncate(left);
            left -= phrase.words.len();
            !phrase.words.is_empty()
        });
        let is_open = text.chars().next_back().is_some_and(is_of_word);
        if let Some(last) = phrases.last_mut().filter(|_| is_open) {
            let letters = last.words.last().map_or(0, |word| word.chars().count());
            last.is_prefix = letters >= PREFIX_CHARS_MIN;
        }
        Self(phrases)
    }

    /// Whether nothing is searched for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Phrase {
    /// Whether `words` begin with it.
    pub(super) fn begins(&self, words: &[Word]) -> bool {
        let last = self.words.len() - 1;
        words.len() > last
            && self.words.iter().zip(words).enumerate().all(|(index, (wanted, word))| {
                let follows = word.position == words[0].position + index;
                let fits = if self.is_prefix && index == last {
                    word.folded.starts_with(wanted)
                } else {
                    word.folded == *wanted
                };
                follows && fits
            })
    }
}

/// The words of a text, in their order.
pub(super) fn words(text: &str) -> Vec<Word> {
    thread_local! {
        static ANALYZER: RefCell<TextAnalyzer> = RefCell::new(analyzer());
    }
    ANALYZER.with_borrow_mut(|analyzer| {
        let (mut stream, mut words) = (analyzer.token_stream(text), Vec::new());
        while let Some(token) = stream.next() {
            let place = token.offset_from..token.offset_to;
            words.push(Word { folded: token.text.clone(), place, position: token.position });
        }
        words
    })
}

/// What takes texts apart in the index.
pub(super) fn analyzer() -> TextAnalyzer {
    TextAnalyzer::builder(Splitter).filter(RemoveLongFilter::limit(WORD_BYTES_MAX)).filter(AsciiFoldingFilter).build()
}

/// Splits where neither a letter nor a digit stands. Scripts that write no spaces have a word for each character, so
/// what is searched for in them is a phrase.
#[derive(Debug, Clone)]
struct Splitter;

struct Split<'a> {
    text: &'a str,
    at: usize,
    token: Token,
}

impl Tokenizer for Splitter {
    type TokenStream<'a> = Split<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Split<'a> {
        Split { text, at: 0, token: Token::default() }
    }
}

impl TokenStream for Split<'_> {
    fn advance(&mut self) -> bool {
        self.token.text.clear();
        self.token.position = self.token.position.wrapping_add(1);
        let start = self.text[self.at..].find(char::is_alphanumeric);
        let Some(start) = start.map(|start| self.at + start) else { return false };
        let mut end = start;
        for c in self.text[start..].chars() {
            if !is_of_word(c) || (end > start && is_word_alone(c)) {
                break;
            }
            end += c.len_utf8();
            if is_word_alone(c) {
                self.token.text.push(c);
                break;
            }
            fold(c, &mut self.token.text);
        }
        (self.token.offset_from, self.token.offset_to, self.at) = (start, end, end);
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || is_silent(c)
}

/// Adds a letter in lower case, without its accents.
/// Source: Unicode Standard Annex 15, canonical decomposition
fn fold(c: char, folded: &mut String) {
    const NORMALIZER: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizer::new_nfd();
    if c.is_ascii() {
        folded.push(c.to_ascii_lowercase());
        return;
    }
    let letters = NORMALIZER.normalize_iter(c.to_lowercase()).filter(|letter| !is_silent(*letter));
    // A sigma at the end of a word.
    folded.extend(letters.map(|letter| if letter == 'ς' { 'σ' } else { letter }));
}

/// What changes no word: an accent that stands after its letter, as Apple's programs write it; points of Hebrew and
/// Arabic; where a word may be broken, and what joins letters.
fn is_silent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{487}' | '\u{591}'..='\u{5bd}' | '\u{5bf}'..='\u{5c7}')
        || matches!(c, '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6ed}')
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// Thai, Lao, Myanmar, Khmer; kana, Bopomofo, Han and Hangul.
fn is_word_alone(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}')
        || matches!(c, '\u{3040}'..='\u{318f}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}')
        || matches!(c, '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> Vec<String> {
        words(text).into_iter().map(|word| word.folded).collect()
    }

    #[test]
    fn case_and_accents_make_no_difference_however_an_accent_is_written() {
        assert_eq!(folded("Résumé, RESUME; re\u{301}sume\u{301}"), ["resume"; 3]);
        assert_eq!(folded("Straße Œuvre Ærø naïve Łódź"), ["strasse", "oeuvre", "aero", "naive", "lodz"]);
        assert_eq!(folded("l'avocat Σίσυφος ΟΔΥΣΣΕΥΣ"), ["l", "avocat", "σισυφοσ", "οδυσσευσ"]);
        assert_eq!(folded("İstanbul istanbul"), ["istanbul"; 2]);
        assert_eq!(folded("Ёлка елка Счёт"), ["елка", "елка", "счет"]);
        assert_eq!(folded("العربيّة العربية"), ["العربية"; 2]);
        assert_eq!(folded("שָׁלוֹם שלום"), ["שלום"; 2]);
    }

    #[test]
    fn where_a_word_may_be_broken_it_is_one_word() {
        assert_eq!(folded("Ver\u{ad}gleich ver\u{200b}gleich \u{200b}vergleich"), ["vergleich"; 3]);
        assert_eq!(words("\u{301}a").first().map(|word| word.place.clone()), Some(2..3));
    }

    #[test]
    fn scripts_without_spaces_have_a_word_for_each_character() {
        assert_eq!(folded("請求書2026年"), ["請", "求", "書", "2026", "年"]);
        assert_eq!(words("a 中文").iter().map(|word| word.place.clone()).collect::<Vec<_>>(), [0..1, 2..5, 5..8]);
    }

    #[test]
    fn what_is_typed_is_words_and_phrases_and_the_last_word_may_go_on() {
        let read = |text: &str| {
            let phrases = Phrases::read(text).0.into_iter();
            phrases.map(|p| format!("{}{}", p.words.join("+"), if p.is_prefix { "*" } else { "" })).collect::<Vec<_>>()
        };
        assert_eq!(read("Facture dup"), ["facture", "dup*"]);
        assert_eq!(read("facture dup "), ["facture", "dup"]);
        assert_eq!(read("\"bail commercial\" Liège"), ["bail+commercial", "liege*"]);
        assert_eq!(read("\"bail commercial\""), ["bail+commercial"]);
        assert_eq!(read("\"bail comm"), ["bail+comm*"]);
        assert_eq!(read("ada@x.example"), ["ada+x+example*"]);
        assert_eq!(read("a"), ["a"]);
        assert_eq!(read(" \"\" -- !"), [""; 0]);
        assert_eq!(read(&"mot ".repeat(40)).len(), WORDS_MAX);
    }
}
