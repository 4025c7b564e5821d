//! The text of an approval page, as the browser got it: what the customer agrees to, word for word.

/// The text inside the element `agreed` of a page that [`Pages::consent`](super::Pages::consent) made: a line for each
/// block, nothing of the markup. Accounts and buttons stand outside of it. `None` when the page has no such element.
pub(crate) fn agreed_text(html: &str) -> Option<String> {
    let start = html.find("<div class=\"agreed\" id=\"agreed\">")?;
    let mut text = String::new();
    let mut depth = 0_usize;
    let mut rest = html.get(start..)?;
    while let Some(open) = rest.find('<') {
        text.push_str(&decoded(rest.get(..open)?));
        let close = open + rest.get(open..)?.find('>')?;
        let tag = rest.get(open + 1..close)?;
        let name = tag.trim_start_matches('/').split([' ', '\n']).next().unwrap_or_default();
        if name == "div" {
            depth = if tag.starts_with('/') { depth.checked_sub(1)? } else { depth + 1 };
        }
        if !matches!(name, "bdi" | "span" | "a" | "code") {
            text.push('\n');
        }
        rest = rest.get(close + 1..)?;
        if depth == 0 {
            return Some(lines(&text));
        }
    }
    None
}

/// One line for each block, with single spaces, as a reader sees it.
fn lines(text: &str) -> String {
    let blocks =
        text.split('\n').map(|line| line.split([' ', '\t', '\u{a0}']).filter(|word| !word.is_empty()));
    let lines = blocks.map(|words| words.collect::<Vec<_>>().join(" "));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The characters that the templates escape; `&` last.
fn decoded(text: &str) -> String {
    let named =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#x27;", "'"), ("&#x2f;", "/")];
    let plain = named.iter().fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain));
    plain.replace("&amp;", "&").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_what_stands_between_the_tags_of_the_element_and_nothing_after_it() {
        let html = "<p>before</p><div class=\"agreed\" id=\"agreed\">\n<h1><bdi>Pay &amp;lt; &#39;x&#39;</bdi>?</h1>\n<div><p>one\n  two</p>\
                    </div></div><form>after</form>";
        assert_eq!(agreed_text(html).unwrap(), "Pay &lt; 'x'?\none two");
        assert_eq!(agreed_text("<div id=\"other\">x</div>"), None);
        assert_eq!(agreed_text("<div class=\"agreed\" id=\"agreed\">never closed"), None);
    }
}
