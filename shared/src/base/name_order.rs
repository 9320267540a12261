//! The order of names: case and accents do not separate, so that "Émile" stands beside "Emile".

/// What names are sorted by: first without case and accents, then as they are. It knows the letters of the languages of
/// Western and Central Europe; other letters come by their code points.
pub fn name_order(name: &str) -> (String, String) {
    let lower = name.to_lowercase();
    let mut plain = String::with_capacity(lower.len());
    for letter in lower.chars() {
        match without_accent(letter) {
            Some(letters) => plain.push_str(letters),
            None => plain.push(letter),
        }
    }
    (plain, name.to_owned())
}

/// Source: <https://www.unicode.org/charts/collation/> (Latin)
fn without_accent(letter: char) -> Option<&'static str> {
    Some(match letter {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ì' | 'í' | 'î' | 'ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => "i",
        'ĺ' | 'ļ' | 'ľ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => "o",
        'œ' => "oe",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ț' => "t",
        'ù' | 'ú' | 'û' | 'ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => "u",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        // Accents that stand by themselves behind their letter.
        '\u{300}'..='\u{36f}' => "",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_accents_do_not_separate_names() {
        let mut names = ["zoé", "Émile", "emil", "Emile", "Œuvre", "odile", "Straße", "Strasse 2", "E\u{301}mile B"];
        names.sort_by_key(|name| name_order(name));
        let sorted = ["emil", "Emile", "Émile", "E\u{301}mile B", "odile", "Œuvre", "Straße", "Strasse 2", "zoé"];
        assert_eq!(names, sorted);
    }
}
