//! Names of files as a stranger gave them, made fit to be shown and to be saved.

/// Longest name that is given on, in characters; its ending stays.
const NAME_CHARS_MAX: usize = 120;
const ENDING_CHARS_MAX: usize = 12;

/// Names that Windows takes for devices, whatever their ending.
/// Source: <https://learn.microsoft.com/windows/win32/fileio/naming-a-file>
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];

/// What turns the direction of a text, has no width, or ends a line: none is part of a name.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The name without path, control and direction characters, and without what file systems refuse; none if nothing is
/// left.
pub fn safe_name(name: &str) -> Option<String> {
    let visible: String = name.chars().filter(|c| !is_hidden(*c)).collect();
    let last = visible.rsplit(['/', '\\']).find(|part| !part.trim().is_empty())?;
    let plain = last.replace(['<', '>', ':', '"', '|', '?', '*'], "_");
    let plain = plain.trim_matches(|c: char| c.is_whitespace() || c == '.');
    let stem = plain.split('.').next().unwrap_or_default().trim_end().to_lowercase();
    let device = stem.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_device = DEVICES.contains(&device) && stem.len() <= device.len() + 1;
    let plain = if is_device { format!("_{plain}") } else { plain.to_owned() };
    let short = shortened(&plain);
    (!short.is_empty()).then_some(short)
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= NAME_CHARS_MAX {
        return name.to_owned();
    }
    let ending = name.rsplit_once('.').map(|(_, ending)| ending).filter(|e| e.chars().count() <= ENDING_CHARS_MAX);
    let ending = ending.map(|ending| format!(".{ending}")).unwrap_or_default();
    let stem = name.chars().take(NAME_CHARS_MAX - ending.chars().count()).collect::<String>();
    stem.trim_end().to_owned() + &ending
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_brings_no_path_no_control_and_no_direction_with_it() {
        for (given, safe) in [
            ("Facture 7.pdf", "Facture 7.pdf"),
            ("définitif – 中文.docx", "définitif – 中文.docx"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\ada\\x.pdf", "x.pdf"),
            ("a/b/", "b"),
            ("invoice\u{202e}fdp.exe", "invoicefdp.exe"),
            ("a\r\nX: y\r\n\r\nb", "aX_ yb"),
            ("a\0b\u{200b}.txt", "ab.txt"),
            ("x:y?.txt", "x_y_.txt"),
            ("...", ""),
            ("", ""),
            ("/", ""),
            (" .hidden. ", "hidden"),
            ("CON.txt", "_CON.txt"),
            ("lpt1", "_lpt1"),
            ("console.txt", "console.txt"),
        ] {
            assert_eq!(safe_name(given).unwrap_or_default(), safe, "{given:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_ending() {
        let long = safe_name(&format!("{}.pdf", "é".repeat(5_000))).unwrap();
        assert!(long.ends_with("é.pdf") && long.chars().count() == NAME_CHARS_MAX, "{long}");
        let long = safe_name(&format!("a.{}", "é".repeat(5_000))).unwrap();
        assert_eq!(long.chars().count(), NAME_CHARS_MAX);
    }
}
