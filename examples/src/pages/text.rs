//! Making strangers' text safe to look at, and strangers' addresses safe to follow.

use std::fmt::Write as _;

use minijinja::value::Rest;
use minijinja::{Error, ErrorKind, Value};

/// Characters beyond which a value gets a bounded box of its own, so that it cannot push anything out of view.
pub(super) const LONG_CHARS: usize = 280;
/// Characters of a view's text in a title.
const TITLE_CHARS: usize = 80;

/// Template filter: the text escaped, isolated from the direction of what surrounds it, and with every character
/// that has no shape of its own or moves its neighbours replaced by its code point in a box.
pub(super) fn visible(text: String) -> Value {
    let mut html = String::with_capacity(text.len() + 32);
    html.push_str(if text.chars().count() > LONG_CHARS {
        "<bdi class=\"long\" role=\"group\" aria-label=\"Long text\" tabindex=\"0\">"
    } else {
        "<bdi>"
    });
    html.push_str(&bare(&text));
    html.push_str("</bdi>");
    Value::from_safe_string(html)
}

/// Template filter: a sentence of the bank's in which others' values stand between the marks that isolate a direction
/// (Unicode UAX 9 section 2.4): each pair of marks becomes an element, everything else is as [`visible`] shows it.
pub(super) fn told(text: String) -> Value {
    if text.chars().count() > LONG_CHARS {
        return visible(text);
    }
    let mut html = String::with_capacity(text.len() + 64);
    let mut open = false;
    let text = unbroken(&text);
    for (index, piece) in text.split('\u{2068}').enumerate() {
        let inside = (index > 0).then(|| piece.split_once('\u{2069}')).flatten();
        match inside {
            Some((isolated, after)) => {
                html.push_str(&visible(isolated.to_owned()).to_string());
                html.push_str(&bare(after));
            }
            None => {
                open |= index > 0;
                html.push_str(&bare(piece));
            }
        }
    }
    // a mark without its other half is no mark of ours
    if open { visible(text) } else { Value::from_safe_string(format!("<bdi>{html}</bdi>")) }
}

/// An amount stays on one line: no line is broken between a currency and its number.
fn unbroken(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    let mut capitals = 0_usize;
    while let Some(character) = rest.next() {
        let number_follows = rest.peek().is_some_and(char::is_ascii_digit);
        kept.push(if character == ' ' && capitals == 3 && number_follows { '\u{a0}' } else { character });
        capitals = if character.is_ascii_uppercase() { capitals.saturating_add(1) } else { 0 };
    }
    kept
}

/// Template filter: several lines, each as [`visible`] shows it.
pub(super) fn lines(text: String) -> Value {
    let shown: Vec<String> = text.split('\n').map(|line| visible(line.to_owned()).to_string()).collect();
    Value::from_safe_string(shown.join("\n"))
}

/// As [`visible`] shows it, without the element around it.
fn bare(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        if is_deceptive(character) {
            push(&mut html, format_args!("<span class=\"codepoint\">U+{:04X}</span>", u32::from(character)));
        } else {
            escape(&mut html, character);
        }
    }
    html
}

/// Template filter: words of ours with values in the places of `{}`, each as [`visible`] shows it; one that is a piece of a
/// page already stands as it is.
pub(super) fn fill(words: String, values: Rest<Value>) -> Value {
    let mut html = String::with_capacity(words.len() + 64);
    let mut values = values.0.into_iter();
    for (index, piece) in words.split("{}").enumerate() {
        if let Some(value) = (index > 0).then(|| values.next()).flatten() {
            let shown = if value.is_safe() { value } else { visible(value.to_string()) };
            html.push_str(&shown.to_string());
        }
        piece.chars().for_each(|character| escape(&mut html, character));
    }
    Value::from_safe_string(html)
}

/// Template filter: as [`visible`], for attributes and titles, where no element can stand.
pub(super) fn visible_text(text: String) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        if is_deceptive(character) {
            push(&mut plain, format_args!("[U+{:04X}]", u32::from(character)));
        } else {
            plain.push(character);
        }
    }
    plain
}

/// Template filter: as [`visible_text`], cut to what a window's title can hold.
pub(super) fn short(text: String) -> String {
    let mut characters = text.chars();
    let mut cut: String = characters.by_ref().take(TITLE_CHARS).collect();
    if characters.next().is_some() {
        cut.push('…');
    }
    visible_text(cut)
}

/// Template filter: a sentence as [`told`] shows it, where no element can stand.
pub(super) fn told_text(text: String) -> String {
    text.chars().filter(|character| !matches!(character, '\u{2068}' | '\u{2069}')).collect()
}

/// Template filter: an address a link may lead to. A path of this server, `https`, `http` to this machine (RFC 8252
/// section 7.3), or an application's own scheme, which RFC 8252 section 7.1 builds from a domain name.
pub(super) fn href(address: String) -> Result<String, Error> {
    if is_local_path(&address) || super::csp::ReturnOrigin::of(&address).is_ok() {
        Ok(address)
    } else {
        Err(Error::new(ErrorKind::InvalidOperation, "a link leads where no link may lead"))
    }
}

/// Template filter: a path of this server, the only place a form may be posted to.
pub(super) fn local(path: String) -> Result<String, Error> {
    if is_local_path(&path) {
        Ok(path)
    } else {
        Err(Error::new(ErrorKind::InvalidOperation, "a form is posted to another server"))
    }
}

/// `//host` and `/\host` are other servers to a browser, and it drops tabs and line breaks before it looks.
fn is_local_path(address: &str) -> bool {
    let mut bytes = address.bytes();
    bytes.next() == Some(b'/')
        && !matches!(bytes.next(), Some(b'/' | b'\\'))
        && address.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Controls, characters of bidirectional formatting, and characters that show nothing. The joiners among them are
/// at home in some scripts, yet two payees may differ by nothing else. No-break spaces are left: money uses them.
fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'
                | '\u{1160}'
                | '\u{1680}'
                | '\u{17b4}'
                | '\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{2000}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{205f}'..='\u{206f}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{e000}'..='\u{f8ff}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
                | '\u{f0000}'..='\u{10ffff}'
        )
}

fn escape(html: &mut String, character: char) {
    match character {
        '&' => html.push_str("&amp;"),
        '<' => html.push_str("&lt;"),
        '>' => html.push_str("&gt;"),
        '"' => html.push_str("&quot;"),
        '\'' => html.push_str("&#39;"),
        plain => html.push(plain),
    }
}

/// Writing to a string cannot fail.
fn push(out: &mut String, piece: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(piece);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn direction_overrides_joiners_and_controls_are_shown_as_code_points() {
        let shown = visible("pay\u{202e}Adam\u{200d}\u{0}\n\u{2066}".to_owned()).to_string();
        assert_eq!(
            shown,
            "<bdi>pay<span class=\"codepoint\">U+202E</span>Adam<span class=\"codepoint\">U+200D</span>\
             <span class=\"codepoint\">U+0000</span><span class=\"codepoint\">U+000A</span>\
             <span class=\"codepoint\">U+2066</span></bdi>"
        );
        assert_eq!(visible_text("a\u{202e}b\u{feff}".to_owned()), "a[U+202E]b[U+FEFF]");
    }

    #[test]
    fn what_a_sentence_isolates_is_an_element_and_a_mark_without_its_other_half_is_shown() {
        let shown = |text: &str| told(text.to_owned()).to_string();
        assert_eq!(
            shown("ادفع \u{2068}AED 1 <b>\u{2069} الآن"),
            "<bdi>ادفع <bdi>AED\u{a0}1 &lt;b&gt;</bdi> الآن</bdi>"
        );
        assert_eq!(shown("Pay AED 1.00 to A 2"), "<bdi>Pay AED\u{a0}1.00 to A 2</bdi>");
        assert_eq!(shown("a\u{202e}b"), "<bdi>a<span class=\"codepoint\">U+202E</span>b</bdi>");
        assert!(shown("a\u{2068}b").contains("U+2068"));
        assert!(shown("a\u{2069}b").contains("U+2069"));
    }

    #[test]
    fn letters_of_every_script_are_left_alone() {
        for text in ["مكتبة النخيل", "Société Générale", "東京", "AED\u{a0}149.90", "Ñandú 🏦"]
        {
            assert_eq!(visible(text.to_owned()).to_string(), format!("<bdi>{text}</bdi>"));
        }
    }

    #[test]
    fn a_link_leads_to_this_server_to_https_or_to_an_application() {
        for good in [
            "/my/consents",
            "https://tpp.example/cb?code=1",
            "http://127.0.0.1:4711/cb",
            "ae.example.app:/cb",
        ] {
            assert_eq!(href(good.to_owned()).unwrap(), good);
        }
        for bad in [
            "javascript:alert(1)",
            "java\nscript:alert(1)",
            "data:text/html,x",
            "//evil.example/",
            "/\\evil.example",
            "/\t/evil.example",
            "http://tpp.example/cb",
            "",
            "my/consents",
        ] {
            assert!(href(bad.to_owned()).is_err(), "{bad:?} was let through");
        }
    }

    #[test]
    fn a_form_is_posted_to_this_server_only() {
        assert!(local("/login".to_owned()).is_ok());
        assert!(local("https://tpp.example/".to_owned()).is_err());
        assert!(local("//tpp.example/".to_owned()).is_err());
    }
}
