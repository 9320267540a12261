//! The texts of the pages: one catalogue a language, in `texts/`. Numbers, sizes and times are written as people of
//! that language write them.

use std::{borrow::Borrow, sync::LazyLock};

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use shared::base::language::Language;

type Bundle = FluentBundle<FluentResource>;

macro_rules! bundles {
    ($($name:ident = $language:ident, $file:literal;)*) => {
        $(static $name: LazyLock<Bundle> = LazyLock::new(|| {
            let mut bundle = bundle(Language::$language, include_str!(concat!("../texts/", $file)));
            bundle.set_formatter(Some(|value, _| match value {
                FluentValue::Number(number) => Some(grouped(Language::$language, number.value as i64)),
                _ => None,
            }));
            bundle
        });)*

        fn bundle_of(language: Language) -> &'static Bundle {
            match language {
                $(Language::$language => &$name,)*
            }
        }
    };
}

bundles! {
    ENGLISH = English, "en.ftl";
    FRENCH = French, "fr.ftl";
    DUTCH = Dutch, "nl.ftl";
    GERMAN = German, "de.ftl";
}

fn bundle(language: Language, text: &str) -> Bundle {
    // A test reads all four.
    let resource = FluentResource::try_new(text.to_owned()).expect("a catalogue is Fluent");
    let mut bundle = Bundle::new_concurrent(vec![language.tag().parse().expect("a tag of ours")]);
    // Values stand in elements of their own, which keep the direction of text apart.
    bundle.set_use_isolating(false);
    bundle.add_resource(resource).expect("a key stands once in a catalogue");
    bundle
}

/// A number with its thousands apart.
fn grouped(language: Language, number: i64) -> String {
    let mark = match language {
        Language::English => ',',
        Language::French => '\u{202f}',
        Language::Dutch | Language::German => '.',
    };
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(mark);
        }
        text.push(digit);
    }
    if number < 0 { format!("−{text}") } else { text }
}

/// A number as pages have it: a template hands on references.
pub(crate) trait Amount {
    fn amount(&self) -> i64;
}

macro_rules! amounts {
    ($($number:ty),*) => { $(
        impl Amount for $number {
            fn amount(&self) -> i64 {
                i64::try_from(*self).unwrap_or(i64::MAX)
            }
        }
    )* };
}

amounts!(i64, u64, u32, usize);

impl<T: Amount> Amount for &T {
    fn amount(&self) -> i64 {
        (*self).amount()
    }
}

/// The texts in one language.
#[derive(Debug, Clone)]
pub(crate) struct Texts {
    pub language: Language,
    /// The zone in which times are shown.
    pub zone: TimeZone,
}

impl Texts {
    pub(crate) fn new(language: Language) -> Self {
        Self { language, zone: TimeZone::UTC }
    }

    /// Its tag, for HTML.
    pub(crate) fn tag(&self) -> &'static str {
        self.language.tag()
    }

    /// A text.
    pub(crate) fn say(&self, key: &str) -> String {
        self.format(key, None)
    }

    /// A text with a number `n`.
    pub(crate) fn say_n(&self, key: &str, n: impl Amount) -> String {
        let mut args = FluentArgs::new();
        args.set("n", n.amount());
        self.format(key, Some(&args))
    }

    /// A text with a `name`.
    pub(crate) fn say_name(&self, key: &str, name: &str) -> String {
        let mut args = FluentArgs::new();
        args.set("name", name);
        self.format(key, Some(&args))
    }

    /// A text with a number `n` and a `name`.
    pub(crate) fn say_n_name(&self, key: &str, n: impl Amount, name: &str) -> String {
        let mut args = FluentArgs::new();
        args.set("n", n.amount());
        args.set("name", name);
        self.format(key, Some(&args))
    }

    /// A text with two names, `a` and `b`.
    pub(crate) fn say_two(&self, key: &str, a: &str, b: &str) -> String {
        let mut args = FluentArgs::new();
        args.set("a", a);
        args.set("b", b);
        self.format(key, Some(&args))
    }

    fn format(&self, key: &str, args: Option<&FluentArgs<'_>>) -> String {
        let bundle = bundle_of(self.language);
        match bundle.get_message(key).and_then(|message| message.value()) {
            Some(pattern) => bundle.format_pattern(pattern, args, &mut Vec::new()).into_owned(),
            // A test holds keys and catalogues together.
            None => key.to_owned(),
        }
    }

    /// The colon between a name and what is said of it.
    pub(crate) fn colon(&self) -> &'static str {
        if self.language == Language::French { "\u{202f}:" } else { ":" }
    }

    /// A number.
    pub(crate) fn number(&self, number: impl Amount) -> String {
        grouped(self.language, number.amount())
    }

    /// A size, with one digit behind the point from a megabyte on.
    pub(crate) fn size(&self, bytes: impl Amount) -> String {
        let bytes = bytes.amount().unsigned_abs();
        let (kilo, mega) = match self.language {
            Language::French => ("Ko", "Mo"),
            _ => ("KB", "MB"),
        };
        if bytes < 1_000_000 {
            return format!("{}\u{a0}{kilo}", bytes.div_ceil(1_000));
        }
        let tenths = bytes / 100_000;
        let point = if self.language == Language::English { '.' } else { ',' };
        format!("{}{point}{}\u{a0}{mega}", self.number(tenths / 10), tenths % 10)
    }

    /// A day, such as 29/11/2026.
    pub(crate) fn day(&self, time: impl Borrow<Timestamp>) -> String {
        self.written(*time.borrow(), "")
    }

    /// A day and a time of day.
    pub(crate) fn time(&self, time: impl Borrow<Timestamp>) -> String {
        self.written(*time.borrow(), " %H:%M")
    }

    /// A day that stands in no zone, with its time of day if `timed`.
    pub(crate) fn local(&self, time: DateTime, timed: bool) -> String {
        time.strftime(&self.pattern(if timed { " %H:%M" } else { "" })).to_string()
    }

    fn written(&self, time: Timestamp, rest: &str) -> String {
        time.to_zoned(self.zone.clone()).strftime(&self.pattern(rest)).to_string()
    }

    fn pattern(&self, rest: &str) -> String {
        let day = match self.language {
            Language::English => "%-d %b %Y",
            Language::French => "%d/%m/%Y",
            Language::Dutch => "%d-%m-%Y",
            Language::German => "%d.%m.%Y",
        };
        format!("{day}{rest}")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    const FILES: [(&str, &str); 4] = [
        ("en", include_str!("../texts/en.ftl")),
        ("fr", include_str!("../texts/fr.ftl")),
        ("nl", include_str!("../texts/nl.ftl")),
        ("de", include_str!("../texts/de.ftl")),
    ];

    /// The keys of a catalogue, each with the variables in its text.
    fn keys(text: &str) -> BTreeMap<String, BTreeSet<String>> {
        let (mut keys, mut last) = (BTreeMap::<String, BTreeSet<String>>::new(), String::new());
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let Some((key, _)) = line.split_once(" =").filter(|_| !line.starts_with([' ', '}'])) {
                last = key.to_owned();
                assert!(keys.insert(last.clone(), BTreeSet::new()).is_none(), "{key} stands twice");
            }
            let names = line.split('$').skip(1).map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric()).next());
            keys.entry(last.clone()).or_default().extend(names.flatten().map(str::to_owned));
        }
        keys.remove("");
        keys
    }

    /// The keys that the pages use: those in quotes behind `say`, and those that begin with a listed word.
    fn used() -> BTreeSet<String> {
        fn read(dir: &std::path::Path, text: &mut String) {
            for entry in std::fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => read(&path, text),
                    false => text.push_str(&std::fs::read_to_string(path).unwrap()),
                }
            }
        }
        let (root, mut text) = (std::path::Path::new(env!("CARGO_MANIFEST_DIR")), String::new());
        read(&root.join("src"), &mut text);
        read(&root.join("templates"), &mut text);
        let calls = ["say(\"", "say_n(\"", "say_name(\"", "say_n_name(\"", "say_two(\"", "key(\""];
        calls
            .iter()
            .flat_map(|call| text.split(call).skip(1))
            .filter_map(|rest| rest.split('"').next())
            .map(str::to_owned)
            .filter(|key| key.chars().all(|c| c.is_ascii_lowercase() || c == '-' || c.is_ascii_digit()))
            .collect()
    }

    #[test]
    fn every_text_is_there_in_four_languages_with_the_same_variables() {
        let english = keys(FILES[0].1);
        for (tag, text) in FILES {
            let here = keys(text);
            let missing: Vec<_> = english.keys().filter(|key| !here.contains_key(*key)).collect();
            let extra: Vec<_> = here.keys().filter(|key| !english.contains_key(*key)).collect();
            assert!(missing.is_empty() && extra.is_empty(), "{tag}: missing {missing:?}, not in English {extra:?}");
            for (key, variables) in &here {
                assert_eq!(variables, &english[key], "{tag}: {key}");
            }
            let _ = Texts::new(Language::of_tag(tag).unwrap()).say("home");
        }
    }

    #[test]
    fn every_text_that_a_page_uses_is_in_the_catalogues_and_no_other() {
        let (used, there) = (used(), keys(FILES[0].1).into_keys().collect::<BTreeSet<_>>());
        assert_eq!(used.difference(&there).collect::<Vec<_>>(), Vec::<&String>::new(), "used, and in no catalogue");
        assert_eq!(there.difference(&used).collect::<Vec<_>>(), Vec::<&String>::new(), "in a catalogue, and not used");
    }

    #[test]
    fn french_has_a_narrow_space_that_does_not_break_before_its_marks() {
        let (_, french) = FILES[1];
        for line in french.lines().filter(|line| !line.starts_with('#')) {
            for mark in [" :", " ;", " ?", " !", " »", "« "] {
                assert!(!line.contains(mark), "{line}");
            }
        }
    }

    #[test]
    fn numbers_sizes_and_times_are_written_as_people_write_them() {
        let all = [Language::English, Language::French, Language::Dutch, Language::German].map(Texts::new);
        let numbers = all.each_ref().map(|texts| texts.number(1_234_567_i64));
        assert_eq!(numbers, ["1,234,567", "1\u{202f}234\u{202f}567", "1.234.567", "1.234.567"]);
        assert_eq!(all[0].number(-12_i64), "−12");
        assert_eq!(
            all.each_ref().map(|texts| texts.size(2_345_678_u64)),
            ["2.3\u{a0}MB", "2,3\u{a0}Mo", "2,3\u{a0}MB", "2,3\u{a0}MB"]
        );
        assert_eq!(all[0].size(1_u64), "1\u{a0}KB");
        let time: Timestamp = "2026-03-02T08:05:00Z".parse().unwrap();
        let times = all.each_ref().map(|texts| texts.time(time));
        assert_eq!(times, ["2 Mar 2026 08:05", "02/03/2026 08:05", "02-03-2026 08:05", "02.03.2026 08:05"]);
        let paris = Texts { zone: TimeZone::get("Europe/Paris").unwrap(), ..Texts::new(Language::French) };
        assert_eq!(paris.time(time), "02/03/2026 09:05");
        // What stands in no zone is not moved.
        assert_eq!(paris.local("2026-03-02T08:05".parse().unwrap(), true), "02/03/2026 08:05");
        assert_eq!(paris.local("2026-03-02T00:00".parse().unwrap(), false), "02/03/2026");
    }
}
