//! Parser errors in plain words: which field is wrong and what it must be. A position is given only for text that is
//! not JSON. Values are not repeated, because one of them may be a secret.

/// Errors of the standard library's numbers, and what belongs there.
const STANDARD: [(&str, &str); 9] = [
    // serde_json's, where one of some words belongs.
    ("expected value", "a text belongs here"),
    ("invalid digit found in string", WHOLE_NUMBER),
    ("cannot parse integer from empty string", WHOLE_NUMBER),
    ("number too large to fit in target type", "the number is too large"),
    ("number too small to fit in target type", "the number is too small"),
    ("provided string was not `true` or `false`", "true or false belongs here"),
    ("invalid float literal", "a number belongs here"),
    ("number out of range", "the number is too large"),
    ("invalid unicode code point", "the text holds a character that is none"),
];
const WHOLE_NUMBER: &str = "a whole number belongs here";
const DAY: &str = "a date such as 2026-03-02 belongs here, without a time";
const WHOLE_NUMBER_KIND: &str = "a whole number";
/// What jiff's errors say somewhere, whatever part of a date they are about. Times are read by `field::Moment`.
const DATES: [&str; 8] =
    ["civil date", "expected ", "failed to ", "parsed ", "parsing ", "required range", "end of input", "digit"];
/// Of half of a surrogate pair (RFC 8259, section 8.2).
const HALF: &str = "the text holds half of a character, such as \\ud800";

/// An error of serde, `path: ` before it where it has one, in plain words.
pub(crate) fn plain(error: &str) -> String {
    let (text, _) = split_position(error);
    let starts = ["invalid type: ", "invalid value: ", "invalid length ", "unknown variant ", "unknown field "];
    let Some((at, start)) = starts.iter().filter_map(|start| Some((text.find(start)?, *start))).min() else {
        // A field stands first, also one that is not there.
        return match text.split_once("missing field `").and_then(|(at, rest)| Some((at, rest.strip_suffix('`')?))) {
            Some((at, field)) => format!("{}{field}: it is missing", at.replace(": ", ".")),
            // Its path may name it already.
            None => {
                match text.split_once("duplicate field `").and_then(|(at, rest)| Some((at, rest.strip_suffix('`')?))) {
                    Some((at, field)) => {
                        let path = at.trim_end_matches(": ");
                        let named = path == field || path.ends_with(&format!(".{field}"));
                        let dot = if path.is_empty() || named { "" } else { "." };
                        format!("{path}{dot}{}: it is there twice", if named { "" } else { field })
                    }
                    None => custom(text),
                }
            }
        };
    };
    let (path, said) = (&text[..at], &text[at + start.len()..]);
    let (came, expected) =
        said.rsplit_once(", expected ").or(said.rsplit_once(", there are no ")).unwrap_or((said, ""));
    let words = match start {
        "unknown field " => match expected {
            "" | "fields" => format!("unknown field {came}"),
            fields => format!("unknown field {came}: there is {}", choice(fields)),
        },
        "unknown variant " => format!("{came} is not {}", choice(expected)),
        "invalid length " => format!("{} belongs here, and a list of another length came", belongs(expected)),
        _ if belongs(expected) == WHOLE_NUMBER_KIND && came.starts_with("integer") => {
            "the number is too small or too large".to_owned()
        }
        _ => format!("{} belongs here, and {} came", belongs(expected), kind(came)),
    };
    format!("{path}{words}")
}

/// Text that is no JSON: where, and what is wrong there.
pub(crate) fn not_json(error: &str, body: &[u8]) -> String {
    if body.starts_with("\u{feff}".as_bytes()) {
        return "The body is not JSON: it begins with a byte order mark. Leave that out.".to_owned();
    }
    if str::from_utf8(body).is_err() {
        return "The body is not JSON: it is not UTF-8.".to_owned();
    }
    let (text, position) = split_position(error);
    let is_end = position.is_some_and(|(line, column)| at(body, line, column) == Some(&b'}'));
    let what = match text {
        "key must be a string" if is_end => "there is a comma too many",
        "trailing characters" => "something follows after its end",
        "trailing comma" => "there is a comma too many",
        _ if text.starts_with("EOF") => "the text ends too early",
        _ if text.starts_with("control character") => {
            "a text holds a control character as it is, such as a line end: write it as \\n"
        }
        "key must be a string" => "a name stands without quotation marks",
        "recursion limit exceeded" => "it is nested too deeply",
        "number out of range" => "the number is too large",
        _ => "something else is expected, such as a comma, a quotation mark or a closing bracket",
    };
    match position {
        Some((line, column)) => format!("The body is not JSON: in line {line}, at character {column}, {what}."),
        None => format!("The body is not JSON: {what}."),
    }
}

/// The byte at a parser's position.
fn at(body: &[u8], line: u64, column: u64) -> Option<&u8> {
    let index = |number: u64| usize::try_from(number).ok()?.checked_sub(1);
    body.split(|byte| *byte == b'\n').nth(index(line)?)?.get(index(column)?)
}

/// The text before a parser's position.
pub(crate) fn without_position(text: &str) -> &str {
    split_position(text).0
}

/// The text before a parser's position, and that position.
fn split_position(text: &str) -> (&str, Option<(u64, u64)>) {
    let split = || {
        let (before, position) = text.rsplit_once(" at line ")?;
        let (line, column) = position.split_once(" column ")?;
        Some((before, (line.parse().ok()?, column.parse().ok()?)))
    };
    split().map_or((text, None), |(before, position)| (before, Some(position)))
}

/// A message of a type's own, which is plain already unless a library wrote it.
fn custom(text: &str) -> String {
    let (path, said) = match text.split_once(": ") {
        Some((path, said)) if !path.contains(' ') => (&text[..path.len() + 2], said),
        _ => ("", text),
    };
    if let Some((_, words)) = STANDARD.iter().find(|(error, _)| said.ends_with(error)) {
        return format!("{path}{words}");
    }
    if said.contains("hex escape") {
        return format!("{path}{HALF}");
    }
    // What begins with a quotation mark is ours, and repeats what came.
    match !said.starts_with('\'') && DATES.iter().any(|words| said.contains(words)) {
        true => format!("{path}{DAY}"),
        false => text.to_owned(),
    }
}

fn choice(expected: &str) -> String {
    match expected.strip_prefix("one of ") {
        Some(several) => format!("one of {several}"),
        None => expected.to_owned(),
    }
}

/// What a parser expects, as people call it.
fn belongs(expected: &str) -> String {
    let numbers = ["u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize"];
    let starts = |words: &[&str]| words.iter().any(|word| expected.starts_with(word));
    match expected {
        _ if numbers.contains(&expected) || numbers.iter().any(|n| expected == format!("a nonzero {n}")) => {
            WHOLE_NUMBER_KIND.to_owned()
        }
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "unit" | "null" => "null".to_owned(),
        "a timestamp string" => "a time such as 2026-03-02T08:00:00Z".to_owned(),
        "a date string" => "a date such as 2026-03-02".to_owned(),
        _ if starts(&["struct ", "tuple struct ", "internally tagged enum ", "a map", "map"]) => "an object".to_owned(),
        _ if starts(&["a sequence", "sequence", "a tuple", "an array"]) => "a list".to_owned(),
        _ if starts(&["a string", "a borrowed string", "string", "enum ", "variant ", "field ", "a character"]) => {
            "a text".to_owned()
        }
        other => other.to_owned(),
    }
}

/// What came, as people call it, without its value.
fn kind(came: &str) -> &'static str {
    match came.split(' ').next().unwrap_or_default() {
        "null" | "unit" | "Option" => "null",
        "boolean" => "true or false",
        "integer" => "a number",
        "floating" => "a number with a decimal point",
        "string" | "character" | "byte" => "a text",
        "sequence" => "a list",
        "map" => "an object",
        _ => "something else",
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, de::DeserializeOwned};
    use serde_json::json;

    use super::*;
    use crate::field::Moment;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Color {
        Red,
        Blue,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only what refuses it is looked at")]
    struct Inner {
        color: Color,
        count: Option<u32>,
    }

    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only what refuses it is looked at")]
    struct Outer {
        list: Vec<Inner>,
        on: Option<bool>,
        at: Option<Moment>,
        day: Option<jiff::civil::Date>,
        rate: Option<f64>,
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only what refuses it is looked at")]
    struct Named {
        name: String,
    }

    fn said<T: DeserializeOwned>(text: &str) -> String {
        let mut json = serde_json::Deserializer::from_str(text);
        match serde_path_to_error::deserialize::<_, T>(&mut json) {
            Ok(_) => panic!("{text} is read"),
            Err(error) => plain(&error.to_string()),
        }
    }

    #[test]
    fn what_is_one_of_several_is_an_object() {
        let said = plain("target: invalid type: integer `5`, expected internally tagged enum ErasureTarget");
        assert_eq!(said, "target: an object belongs here, and a number came");
    }

    #[test]
    fn whatever_does_not_fit_is_said_with_its_field_and_in_plain_words() {
        for (body, words) in [
            (json!([]), "an object belongs here, and a list of another length came"),
            (json!("x"), "an object belongs here, and a text came"),
            (json!({}), "list: it is missing"),
            (json!({ "list": [{}] }), "list[0].color: it is missing"),
            (json!({ "list": {} }), "list: a list belongs here, and an object came"),
            (json!({ "list": [{ "color": "green" }] }), "list[0].color: `green` is not `red` or `blue`"),
            (json!({ "list": [{ "color": 7 }] }), "list[0].color: a text belongs here"),
            (
                json!({ "list": [{ "color": "red" }, { "color": "red", "count": "a secret" }] }),
                "list[1].count: a whole number belongs here, and a text came",
            ),
            (
                json!({ "list": [{ "color": "red", "count": -1 }] }),
                "list[0].count: the number is too small or too large",
            ),
            (json!({ "list": [{ "tone": 1 }] }), "list[0].tone: unknown field `tone`: there is `color` or `count`"),
            (json!({ "list": [], "on": "yes" }), "on: true or false belongs here, and a text came"),
            (json!({ "list": [], "rate": [] }), "rate: a number belongs here, and a list came"),
            (json!({ "list": [], "at": 7 }), "at: a text belongs here, and a number came"),
        ] {
            assert_eq!(said::<Outer>(&body.to_string()), words, "{body}");
        }
    }

    #[test]
    fn a_text_that_is_no_json_is_told_why() {
        for (body, words) in [
            (&b"{\"a\":1,}"[..], "a comma too many"),
            (b"{\n \"a\": 1,\n}", "a comma too many"),
            (b"{a:1}", "without quotation marks"),
            (b"\xef\xbb\xbf{}", "a byte order mark"),
            (b"\xff\xfe{}", "not UTF-8"),
            (b"{", "ends too early"),
        ] {
            let error = serde_json::from_slice::<serde::de::IgnoredAny>(body).unwrap_err();
            let said = not_json(&error.to_string(), body);
            assert!(said.contains(words), "{words}: {said}");
        }
    }

    #[test]
    fn a_field_that_is_there_twice_is_named() {
        assert_eq!(said::<Named>(r#"{"name":"a","name":"b"}"#), "name: it is there twice");
        let inner = r#"{"list":[{"color":"red","count":1,"count":2}]}"#;
        assert_eq!(said::<Outer>(inner), "list[0].count: it is there twice");
        assert_eq!(said::<Outer>(r#"{"list":[],"list":[]}"#), "list: it is there twice");
    }

    #[test]
    fn a_date_or_a_time_that_is_none_is_told_with_the_one_form_that_belongs_there() {
        let at = "at: a time with its zone belongs here, such as 2026-03-02T08:00:00Z";
        for text in ["", "x", "2026", "2026-03-02", "2026-03-02T08:00:00", "2026-02-30T00:00:00Z", "2026-03-02T25:00Z"]
        {
            assert_eq!(said::<Outer>(&json!({ "list": [], "at": text }).to_string()), at, "{text}");
        }
        assert_eq!(said::<Named>(r#"{"name":"\ud800"}"#), format!("name: {HALF}"));
        for day in ["", "x", "2026", "2026-13-01", "2026-02-30", "02/03/2026", "2026-03-02x", "2026-03-02T08:00:00Z"] {
            assert_eq!(said::<Outer>(&json!({ "list": [], "day": day }).to_string()), format!("day: {DAY}"), "{day}");
        }
    }

    #[test]
    fn no_text_whatever_is_answered_with_a_parsers_position_at_its_end_or_with_words_of_rust() {
        let whole = r#"{"list":[{"color":"red","count":1}],"on":true,"at":"2026-03-02T08:00:00Z"}"#;
        for at in 0..whole.len() {
            for put in ["", "}", "]", ",", "\"", "x", "\n", "-", "[[", "null", "1e999"] {
                let text = format!("{}{put}{}", &whole[..at], &whole[(at + put.len()).min(whole.len())..]);
                let mut json = serde_json::Deserializer::from_str(&text);
                let words = match serde_json::from_str::<serde::de::IgnoredAny>(&text) {
                    Err(error) => not_json(&error.to_string(), text.as_bytes()),
                    Ok(_) => match serde_path_to_error::deserialize::<_, Outer>(&mut json) {
                        Err(error) => plain(&error.to_string()),
                        Ok(_) => continue,
                    },
                };
                let foreign = ["struct", "variant", " column ", "enum", "u32", "f64", " digit", "parse", "Option"];
                assert!(!foreign.iter().any(|word| words.contains(word)), "{text}: {words}");
            }
        }
    }
}
