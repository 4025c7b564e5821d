//! Text that a customer will read: bounded, and without characters that make it read as something else.

/// Whether the text has 1 to `max` characters, something to see, and nothing that hides, reorders or controls.
pub(crate) fn is_readable(text: &str, max: usize) -> bool {
    let mut length = 0_usize;
    let mut seen = false;
    for character in text.chars() {
        length += 1;
        seen |= !character.is_whitespace();
        if length > max || misleads(character) {
            return false;
        }
    }
    seen
}

/// Controls, embedded directions (Unicode UAX 9 section 2) and characters without width.
fn misleads(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_reads_as_something_else_is_refused() {
        assert!(is_readable("Date Palm Books LLC", 70));
        assert!(is_readable(
            "\u{645}\u{643}\u{62a}\u{628}\u{629} \u{627}\u{644}\u{646}\u{62e}\u{64a}\u{644}",
            70
        ));
        for bad in
            ["", " ", "a\u{202e}b", "a\u{2066}b", "zero\u{200b}width", "line\nbreak", "nul\0", "\u{feff}a"]
        {
            assert!(!is_readable(bad, 70), "{bad:?}");
        }
        assert!(is_readable(&"\u{645}".repeat(70), 70));
        assert!(!is_readable(&"a".repeat(71), 70));
    }
}
