//! Just enough of an HTML reader to hold the pages to their promises. It refuses what is not balanced.

#[derive(Debug, Clone)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    /// Text inside, with character references resolved.
    pub(super) text: String,
    /// Positions of the elements around it, outermost first.
    pub(super) inside: Vec<usize>,
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

pub(super) struct Page {
    pub(super) html: String,
    pub(super) elements: Vec<Element>,
}

const VOID: [&str; 4] = ["meta", "link", "input", "br"];

impl Page {
    pub(super) fn read(html: String) -> Self {
        let mut elements: Vec<Element> = Vec::new();
        let mut open: Vec<usize> = Vec::new();
        let mut rest = html.strip_prefix("<!doctype html>").expect("a doctype");
        while let Some(start) = rest.find('<') {
            let text = unescape(&rest[..start]);
            open.iter().for_each(|at| elements[*at].text.push_str(&text));
            rest = &rest[start + 1..];
            let end = tag_end(rest);
            let tag = &rest[..end];
            rest = &rest[end + 1..];
            if let Some(name) = tag.strip_prefix('/') {
                let at = open.pop().expect("nothing is open");
                assert_eq!(elements[at].name, name, "closed in the wrong order");
            } else {
                let element = element(tag, open.clone());
                if !VOID.contains(&element.name.as_str()) {
                    open.push(elements.len());
                }
                elements.push(element);
            }
        }
        assert!(open.is_empty(), "left open: {open:?}");
        Self { html, elements }
    }

    pub(super) fn all(&self, name: &str) -> Vec<&Element> {
        self.elements.iter().filter(|element| element.name == name).collect()
    }

    pub(super) fn one(&self, name: &str) -> &Element {
        let all = self.all(name);
        assert_eq!(all.len(), 1, "<{name}> stands {} times", all.len());
        all[0]
    }

    pub(super) fn by_id(&self, id: &str) -> Option<&Element> {
        self.elements.iter().find(|element| element.attribute("id") == Some(id))
    }

    pub(super) fn within<'page>(&'page self, outer: &Element, name: &str) -> Vec<&'page Element> {
        let position = self.elements.iter().position(|element| std::ptr::eq(element, outer)).unwrap();
        self.elements
            .iter()
            .filter(|element| element.name == name && element.inside.contains(&position))
            .collect()
    }
}

/// Position of the `>` that ends a tag, quoted values skipped.
fn tag_end(rest: &str) -> usize {
    let mut quoted = false;
    rest.char_indices()
        .find(|(_, character)| {
            quoted ^= *character == '"';
            *character == '>' && !quoted
        })
        .expect("a tag without an end")
        .0
}

fn element(tag: &str, inside: Vec<usize>) -> Element {
    let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
    assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "a strange tag: <{tag}>");
    let mut attributes = Vec::new();
    while !rest.is_empty() {
        let key_end = rest.find(['=', ' ']).unwrap_or(rest.len());
        let key = rest[..key_end].to_owned();
        rest = &rest[key_end..];
        let mut value = String::new();
        if let Some(after) = rest.strip_prefix("=\"") {
            let end = after.find('"').expect("an attribute without an end");
            value = unescape(&after[..end]);
            rest = &after[end + 1..];
        }
        attributes.push((key, value));
        rest = rest.strip_prefix(' ').unwrap_or(rest);
    }
    Element { name: name.to_owned(), attributes, text: String::new(), inside }
}

fn unescape(text: &str) -> String {
    let pairs =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#x27;", "'"), ("&#x2f;", "/")];
    pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to)).replace("&amp;", "&")
}
