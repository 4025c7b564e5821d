//! Reads the forms of a page, as a browser without script would.

/// A form and its fields, in the order of the page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form {
    /// Where it goes; empty means the address of the page itself.
    pub action: String,
    /// `get` or `post`, lower case.
    pub method: String,
    /// Everything that could be sent; a disabled control cannot.
    pub fields: Vec<Field>,
}

/// One control of a form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Field {
    /// `id`, for people and tests.
    pub id: String,
    /// `name`, for the server; controls without one are never sent.
    pub name: String,
    /// `hidden`, `text`, `password`, `checkbox`, `radio`, `submit`, `button`, `select`, `textarea`.
    pub kind: String,
    /// What would be sent.
    pub value: String,
    /// What decides whether it is sent.
    pub state: State,
}

/// Whether a control takes part in what is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum State {
    /// Sent: text, hidden, ticked.
    #[default]
    On,
    /// Not sent: an empty tick box.
    Off,
}

impl Form {
    /// Types into the control with this id or name. False when the form has none.
    #[must_use]
    pub fn fill(&mut self, which: &str, value: &str) -> bool {
        let found = self.fields.iter_mut().find(|field| field.is(which));
        found.map(|field| value.clone_into(&mut field.value)).is_some()
    }

    /// Ticks the boxes of this name that `wanted` accepts by value, and clears the others. Of a group of radio
    /// buttons only one can be on: the first that is accepted.
    pub fn tick(&mut self, name: &str, wanted: impl Fn(&str) -> bool) {
        let mut chosen = false;
        for field in self.fields.iter_mut().filter(|field| field.name == name && field.is_tick()) {
            let on = wanted(&field.value) && !(chosen && field.kind == "radio");
            chosen |= on;
            field.state = if on { State::On } else { State::Off };
        }
    }

    /// Whether the form has a control with this id or name.
    pub fn has(&self, which: &str) -> bool {
        self.fields.iter().any(|field| field.is(which))
    }

    /// What is sent when the button with this id or name is pressed: every control that is on, and of the buttons that
    /// one.
    pub fn press(&self, button: &str) -> Vec<(String, String)> {
        let pressed = self.fields.iter().position(|field| field.is_button() && field.is(button));
        let sent = |(at, field): &(usize, &Field)| {
            !field.name.is_empty() && field.state == State::On && (!field.is_button() || Some(*at) == pressed)
        };
        let fields = self.fields.iter().enumerate().filter(sent);
        fields.map(|(_, field)| (field.name.clone(), field.value.clone())).collect()
    }
}

impl Field {
    fn is(&self, which: &str) -> bool {
        self.id == which || self.name == which
    }

    fn is_button(&self) -> bool {
        matches!(self.kind.as_str(), "submit" | "button" | "image" | "reset")
    }

    fn is_tick(&self) -> bool {
        matches!(self.kind.as_str(), "checkbox" | "radio")
    }
}

/// Every form of a page.
pub fn forms(page: &str) -> Vec<Form> {
    let mut forms = Vec::new();
    let mut open: Option<Form> = None;
    for tag in tags(page) {
        match (tag.name.as_str(), &mut open) {
            ("form", _) => {
                forms.extend(open.take());
                let method = tag.attribute("method").unwrap_or_else(|| "get".into()).to_ascii_lowercase();
                open = Some(Form {
                    action: tag.attribute("action").unwrap_or_default(),
                    method,
                    ..Form::default()
                });
            }
            ("/form", _) => forms.extend(open.take()),
            ("input" | "button" | "textarea" | "select", Some(form))
                if tag.attribute("disabled").is_none() =>
            {
                form.fields.push(field(&tag));
            }
            ("option", Some(form)) => choose(form, &tag),
            _ => {}
        }
    }
    forms.extend(open);
    forms
}

/// The form that holds a control with this id or name.
pub fn form_with(page: &str, which: &str) -> Option<Form> {
    forms(page).into_iter().find(|form| form.has(which))
}

/// The text inside the element with this id, tags removed and spaces joined.
pub fn text_of(page: &str, id: &str) -> Option<String> {
    let all: Vec<Tag> = tags(page).collect();
    let at = all.iter().position(|tag| tag.attribute("id").as_deref() == Some(id))?;
    let first = all.get(at)?;
    let mut depth = 1_usize;
    let mut text = first.text_after.clone();
    for tag in all.get(at + 1..)? {
        if tag.name == first.name {
            depth += 1;
        } else if tag.name.strip_prefix('/') == Some(first.name.as_str()) {
            depth -= 1;
            if depth == 0 {
                break;
            }
        }
        text.push(' ');
        text.push_str(&tag.text_after);
    }
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn field(tag: &Tag) -> Field {
    let default_kind = match tag.name.as_str() {
        "button" => "submit",
        "input" => "text",
        other => other,
    };
    let kind = match tag.name.as_str() {
        "input" | "button" => {
            tag.attribute("type").unwrap_or_else(|| default_kind.into()).to_ascii_lowercase()
        }
        other => other.to_owned(),
    };
    let ticked = matches!(kind.as_str(), "checkbox" | "radio");
    let on = !ticked || tag.attribute("checked").is_some();
    let value = match tag.name.as_str() {
        "textarea" => tag.text_after.clone(),
        _ => tag.attribute("value").unwrap_or_else(|| if ticked { "on".into() } else { String::new() }),
    };
    Field {
        id: tag.attribute("id").unwrap_or_default(),
        name: tag.attribute("name").unwrap_or_default(),
        kind,
        value,
        state: if on { State::On } else { State::Off },
    }
}

/// The first option of a list counts until one is marked as selected.
fn choose(form: &mut Form, option: &Tag) {
    let value = option.attribute("value").unwrap_or_else(|| option.text_after.trim().to_owned());
    if let Some(list) = form.fields.last_mut().filter(|field| field.kind == "select")
        && (list.value.is_empty() || option.attribute("selected").is_some())
    {
        list.value = value;
    }
}

struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
    text_after: String,
}

impl Tag {
    fn attribute(&self, name: &str) -> Option<String> {
        self.attributes.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone())
    }
}

fn tags(page: &str) -> impl Iterator<Item = Tag> {
    let mut rest = page;
    std::iter::from_fn(move || {
        loop {
            let at = rest.find('<')?;
            let after = rest.get(at + 1..)?;
            if let Some(comment) = after.strip_prefix("!--") {
                rest = comment.split_once("-->").map_or("", |(_, more)| more);
                continue;
            }
            if !after.starts_with(|letter: char| letter == '/' || letter.is_ascii_alphabetic()) {
                rest = after;
                continue;
            }
            let (tag, more) = read_tag(after);
            rest = more;
            return Some(tag);
        }
    })
}

fn read_tag(after: &str) -> (Tag, &str) {
    let end = after.find(|letter: char| letter == '>' || letter.is_ascii_whitespace()).unwrap_or(after.len());
    let (name, mut rest) = after.split_at(end);
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start_matches(|letter: char| letter.is_ascii_whitespace() || letter == '/');
        if rest.is_empty() {
            break;
        }
        if let Some(more) = rest.strip_prefix('>') {
            rest = more;
            break;
        }
        let (attribute, more) = read_attribute(rest);
        attributes.push(attribute);
        rest = more;
    }
    let text = rest.split('<').next().unwrap_or_default();
    (
        Tag { name: name.trim_end_matches('/').to_ascii_lowercase(), attributes, text_after: decode(text) },
        rest,
    )
}

fn read_attribute(from: &str) -> ((String, String), &str) {
    let stop = |letter: char| matches!(letter, '=' | '>' | '/') || letter.is_ascii_whitespace();
    // a stray `=` is part of the name, so that every call moves forward
    let end = from.char_indices().skip(1).find(|(_, letter)| stop(*letter)).map_or(from.len(), |(at, _)| at);
    let (name, rest) = from.split_at(end);
    let name = name.to_ascii_lowercase();
    let Some(value) = rest.trim_start().strip_prefix('=').map(str::trim_start) else {
        return ((name, String::new()), rest);
    };
    for quote in ['"', '\''] {
        if let Some(inside) = value.strip_prefix(quote) {
            let (text, more) = inside.split_once(quote).unwrap_or((inside, ""));
            return ((name, decode(text)), more);
        }
    }
    let end = value.find(|letter: char| letter == '>' || letter.is_ascii_whitespace()).unwrap_or(value.len());
    let (text, more) = value.split_at(end);
    ((name, decode(text)), more)
}

/// Character references that escaping writes; unknown ones stay as they are.
fn decode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, reference) = rest.split_at(at);
        out.push_str(before);
        let named =
            reference.find(';').and_then(|end| Some((reference.get(1..end)?, reference.get(end + 1..)?)));
        match named.and_then(|(name, more)| Some((character(name)?, more))) {
            Some((letter, more)) => {
                out.push(letter);
                rest = more;
            }
            None => {
                out.push('&');
                rest = reference.get(1..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}

fn character(name: &str) -> Option<char> {
    let number = match name.strip_prefix('#') {
        Some(digits) => match digits.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => digits.parse().ok()?,
        },
        None => {
            return match name {
                "amp" => Some('&'),
                "lt" => Some('<'),
                "gt" => Some('>'),
                "quot" => Some('"'),
                "apos" => Some('\''),
                "nbsp" => Some('\u{a0}'),
                _ => None,
            };
        }
    };
    char::from_u32(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<!doctype html><title>a < b</title><!-- <form id=no> -->
        <p id="error">Wrong <b>name</b> or&nbsp;password &lt;1&gt;</p><p>after</p>
        <form method="POST" action="/login?a=1&amp;b=2"><input type=hidden name=csrf value="x&#x2f;y&#47;&quot;"/>
        <input id=username name="username" value='o&apos;b'><input disabled name=ghost value=1>
        <input type=checkbox name=accounts value=A1 checked><input type=checkbox name=accounts value=A2>
        <select name=lang><option value=en>E<option value=ar selected>A</select><textarea name=note>n &amp; m</textarea>
        <button id=approve name=decision value=yes>Yes</button><button id="deny" name="decision" value="no">No</button>
        </form><form><input name=q></form>"#;

    fn press(form: &Form, button: &str) -> String {
        form.press(button).iter().map(|(name, value)| format!("{name}={value};")).collect()
    }

    #[test]
    fn a_form_sends_what_a_browser_would_send() {
        let form = form_with(PAGE, "approve").unwrap();
        assert_eq!((form.method.as_str(), form.action.as_str()), ("post", "/login?a=1&b=2"));
        let sent = "csrf=x/y/\";username=o'b;accounts=A1;lang=ar;note=n & m;decision=no;";
        assert_eq!(press(&form, "deny"), sent);
        assert_eq!(forms(PAGE).len(), 2);
        assert_eq!(forms(PAGE)[1].method, "get");
    }

    #[test]
    fn filling_and_ticking_change_what_is_sent() {
        let mut form = form_with(PAGE, "username").unwrap();
        assert!(form.fill("username", "amal"));
        assert!(!form.fill("absent", "x"));
        form.tick("accounts", |account| account == "A2");
        assert_eq!(
            press(&form, "approve"),
            "csrf=x/y/\";username=amal;accounts=A2;lang=ar;note=n & m;decision=yes;"
        );
    }

    #[test]
    fn of_radio_buttons_one_is_sent_and_a_disabled_one_never() {
        let page = "<form><input type=radio name=r value=1 disabled><input type=radio name=r value=2>\
                    <input type=radio name=r value=3 checked></form>";
        let mut form = forms(page).remove(0);
        form.tick("r", |_| true);
        assert_eq!(press(&form, ""), "r=2;");
    }

    #[test]
    fn the_text_of_an_element_is_read_without_its_tags() {
        assert_eq!(text_of(PAGE, "error").unwrap(), "Wrong name or password <1>");
        assert_eq!(text_of(PAGE, "absent"), None);
    }

    #[test]
    fn broken_pages_end_the_reading_and_not_the_test() {
        for page in [
            "<",
            "<form",
            "<form a=",
            "<form><input name='",
            "<a ==>",
            "&#xZZ; <p id=error>&#x110000;",
            "<!--",
        ] {
            let _forms = forms(page);
            let _text = text_of(page, "error");
        }
    }
}
