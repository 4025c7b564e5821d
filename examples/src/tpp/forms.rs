//! A small, strict reader of HTML forms, for pages that work without script.
//!
//! It knows `form`, `input`, `button` and the text of elements with an id. What it does not know for certain it
//! refuses: an unclosed tag, a repeated attribute, a form inside a form.

use std::collections::BTreeMap;

/// Why a page cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FormFault {
    /// The page ends inside a tag, a comment or a script.
    #[error("the page ends inside a tag")]
    Unclosed,
    /// An attribute without a closing quote, or given twice.
    #[error("an attribute is malformed or repeated")]
    Attribute,
    /// A form within a form, or one that is never closed.
    #[error("forms are nested or not closed")]
    Nesting,
}

/// A form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Form {
    /// Where it goes, as written.
    pub(crate) action: String,
    /// `get` or `post`.
    pub(crate) method: String,
    controls: Vec<Control>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Control {
    id: String,
    name: String,
    kind: String,
    value: String,
    is_disabled: bool,
    is_ticked: bool,
}

impl Form {
    /// Whether a control has this id.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.controls.iter().any(|control| control.id == id)
    }

    /// Types into the control of this id. None when the form has no such control.
    pub(crate) fn fill(&mut self, id: &str, value: &str) -> Option<()> {
        let control = self.controls.iter_mut().find(|control| control.id == id && !control.is_disabled)?;
        value.clone_into(&mut control.value);
        Some(())
    }

    /// Ticks every check box of this name, or the first radio button. Says how many are ticked.
    pub(crate) fn tick(&mut self, name: &str) -> usize {
        let mut ticked = 0;
        let usable = |control: &&mut Control| control.name == name && !control.is_disabled;
        for control in self.controls.iter_mut().filter(usable) {
            control.is_ticked = match control.kind.as_str() {
                "checkbox" => true,
                "radio" => ticked == 0,
                _ => continue,
            };
            ticked += usize::from(control.is_ticked);
        }
        ticked
    }

    /// What is sent when the button of this id is pressed: of the buttons, that one alone. None without such a button.
    pub(crate) fn press(&self, button: &str) -> Option<Vec<(String, String)>> {
        let pressed =
            self.controls.iter().find(|control| control.id == button && control.kind == "submit")?;
        let is_sent = |control: &&Control| {
            !control.name.is_empty()
                && !control.is_disabled
                && match control.kind.as_str() {
                    "submit" => std::ptr::eq(*control, pressed),
                    "checkbox" | "radio" => control.is_ticked,
                    "button" | "reset" | "image" | "file" => false,
                    _ => true,
                }
        };
        let sent = self.controls.iter().filter(is_sent);
        Some(sent.map(|control| (control.name.clone(), control.value.clone())).collect())
    }
}

/// The first form that holds a control of this id.
pub(crate) fn form_with(page: &str, id: &str) -> Result<Option<Form>, FormFault> {
    Ok(forms(page)?.into_iter().find(|form| form.has(id)))
}

/// All forms of a page.
fn forms(page: &str) -> Result<Vec<Form>, FormFault> {
    let mut forms = Vec::new();
    let mut open: Option<Form> = None;
    for tag in tags(page)? {
        match tag.name.as_str() {
            "form" if open.is_some() => return Err(FormFault::Nesting),
            "form" => {
                let method = tag.attribute("method").to_ascii_lowercase();
                let action = tag.attribute("action").to_owned();
                open = Some(Form { action, method, controls: Vec::new() });
            }
            "/form" => forms.push(open.take().ok_or(FormFault::Nesting)?),
            "input" | "button" => {
                if let Some(form) = &mut open {
                    form.controls.push(control(&tag));
                }
            }
            _ => {}
        }
    }
    if open.is_some() { Err(FormFault::Nesting) } else { Ok(forms) }
}

/// The text directly after the opening tag of the element with this id, or of the first element of this name.
pub(crate) fn text_of(page: &str, id_or_name: &str) -> Option<String> {
    let all = tags(page).ok()?;
    let start = all.iter().position(|tag| tag.attribute("id") == id_or_name || tag.name == id_or_name)?;
    let mut words = Vec::new();
    let opening = all.get(start)?;
    let closing = format!("/{}", opening.name);
    for tag in all.get(start..)? {
        if tag.name == closing {
            break;
        }
        words.extend(tag.text_after.split_ascii_whitespace().map(str::to_owned));
    }
    (!words.is_empty()).then(|| words.join(" "))
}

fn control(tag: &Tag) -> Control {
    let default_kind = if tag.name == "button" { "submit" } else { "text" };
    let kind = match tag.attribute("type") {
        "" => default_kind.to_owned(),
        kind => kind.to_ascii_lowercase(),
    };
    let can_tick = kind == "checkbox" || kind == "radio";
    let value = match tag.attributes.get("value") {
        Some(value) => value.clone(),
        None if can_tick => "on".to_owned(),
        None => String::new(),
    };
    Control {
        id: tag.attribute("id").to_owned(),
        name: tag.attribute("name").to_owned(),
        value,
        is_disabled: tag.attributes.contains_key("disabled"),
        is_ticked: can_tick && tag.attributes.contains_key("checked"),
        kind,
    }
}

struct Tag {
    name: String,
    attributes: BTreeMap<String, String>,
    text_after: String,
}

impl Tag {
    fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

fn tags(page: &str) -> Result<Vec<Tag>, FormFault> {
    let mut found: Vec<Tag> = Vec::new();
    let mut rest = page;
    while let Some((text, after)) = rest.split_once('<') {
        if let Some(last) = found.last_mut() {
            last.text_after.push_str(&decode(text));
        }
        if let Some(comment) = after.strip_prefix("!--") {
            rest = comment.split_once("-->").ok_or(FormFault::Unclosed)?.1;
            continue;
        }
        let (tag, after_tag) = read_tag(after)?;
        rest = after_tag;
        if tag.name == "script" || tag.name == "style" {
            let closing = format!("</{}", tag.name);
            let end = after_tag.to_ascii_lowercase().find(&closing).ok_or(FormFault::Unclosed)?;
            rest = after_tag.get(end..).unwrap_or_default();
        }
        found.push(tag);
    }
    if let Some(last) = found.last_mut() {
        last.text_after.push_str(&decode(rest));
    }
    Ok(found)
}

/// Reads from after `<` to after `>`.
fn read_tag(text: &str) -> Result<(Tag, &str), FormFault> {
    let ends = |byte: u8| byte.is_ascii_whitespace() || byte == b'>';
    let (name, mut rest) = split_where(text, ends).ok_or(FormFault::Unclosed)?;
    let mut attributes = BTreeMap::new();
    loop {
        rest = rest.trim_ascii_start();
        if let Some(after) = rest.strip_prefix('>') {
            let name = name.trim_end_matches('/').to_ascii_lowercase();
            return Ok((Tag { name, attributes, text_after: String::new() }, after));
        }
        if let Some(after) = rest.strip_prefix('/') {
            rest = after;
            continue;
        }
        let (attribute, after) = split_where(rest, |byte| ends(byte) || byte == b'=' || byte == b'/')
            .ok_or(FormFault::Unclosed)?;
        let (value, after) = read_value(after.trim_ascii_start())?;
        rest = after;
        let is_new = attributes.insert(attribute.to_ascii_lowercase(), value).is_none();
        if attribute.is_empty() || !is_new {
            return Err(FormFault::Attribute);
        }
    }
}

/// The value after an attribute's name, empty when there is none.
fn read_value(text: &str) -> Result<(String, &str), FormFault> {
    let Some(text) = text.strip_prefix('=') else {
        return Ok((String::new(), text));
    };
    let text = text.trim_ascii_start();
    for quote in ['"', '\''] {
        if let Some(quoted) = text.strip_prefix(quote) {
            let (value, after) = quoted.split_once(quote).ok_or(FormFault::Attribute)?;
            return Ok((decode(value), after));
        }
    }
    let (value, after) =
        split_where(text, |byte| byte.is_ascii_whitespace() || byte == b'>').ok_or(FormFault::Unclosed)?;
    Ok((decode(value), after))
}

fn split_where(text: &str, stop: impl Fn(u8) -> bool) -> Option<(&str, &str)> {
    text.split_at_checked(text.bytes().position(stop)?)
}

/// Character references: the five named ones that templates write, and numbers. Others stay as they are.
fn decode(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        decoded.push_str(before);
        let reference = after.split_once(';').and_then(|(name, after)| Some((character(name)?, after)));
        match reference {
            Some((character, after)) => {
                decoded.push(character);
                rest = after;
            }
            None => {
                decoded.push('&');
                rest = after;
            }
        }
    }
    decoded.push_str(rest);
    decoded
}

fn character(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<!doctype html><!-- <form> --><style>a > b { }</style><p id="error">Wrong &amp; again</p>
        <form method="POST" action="/login?a=1&amp;b=2">
        <input type=hidden name="csrf" value="t&#x2f;1"><input id='username' name="username" required value="">
        <input id="password" name="password" type="password"><button id="sign-in" type="submit">Sign in</button></form>
        <form method="post" action="/decide">
        <input type="checkbox" name="accounts" value="a1"><input type="checkbox" name="accounts" value="a2" disabled>
        <input type="checkbox" name="accounts" value="a3">
        <button id="approve" name="decision" value="approve">Yes</button>
        <button id="deny" name="decision" value="deny">No</button></form>"#;

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn a_login_form_is_filled_and_sent_with_its_hidden_fields() {
        let mut form = form_with(PAGE, "sign-in").unwrap().unwrap();
        assert_eq!((form.action.as_str(), form.method.as_str()), ("/login?a=1&b=2", "post"));
        form.fill("username", "mariam").unwrap();
        form.fill("password", "p").unwrap();
        let sent = form.press("sign-in").unwrap();
        assert_eq!(sent, [pair("csrf", "t/1"), pair("username", "mariam"), pair("password", "p")]);
        assert_eq!(form.fill("otp", "1"), None);
    }

    #[test]
    fn every_enabled_check_box_is_ticked_and_only_the_pressed_button_is_sent() {
        let mut form = form_with(PAGE, "approve").unwrap().unwrap();
        assert_eq!(form.press("approve").unwrap(), [pair("decision", "approve")]);
        assert_eq!(form.tick("accounts"), 2);
        assert_eq!(
            form.press("approve").unwrap(),
            [pair("accounts", "a1"), pair("accounts", "a3"), pair("decision", "approve")]
        );
        assert_eq!(form.press("sign-in"), None);
    }

    #[test]
    fn of_radio_buttons_the_first_enabled_one_is_chosen() {
        let page = r#"<form><input type="radio" name="accounts" value="r0" disabled><input type="radio" name="accounts"
            value="r1"><input type="radio" name="accounts" value="r2" checked><button id="approve"></button></form>"#;
        let mut form = form_with(page, "approve").unwrap().unwrap();
        assert_eq!(form.tick("accounts"), 1);
        assert_eq!(form.press("approve").unwrap(), [pair("accounts", "r1")]);
    }

    #[test]
    fn malformed_pages_are_refused() {
        for (page, fault) in [
            ("<form><input name=a", FormFault::Unclosed),
            ("<form><!-- x", FormFault::Unclosed),
            ("<script>var a;", FormFault::Unclosed),
            ("<form action=\"/x>", FormFault::Attribute),
            ("<form><input name=a name=b></form>", FormFault::Attribute),
            ("<form><form></form></form>", FormFault::Nesting),
            ("<form><input name=a>", FormFault::Nesting),
            ("</form>", FormFault::Nesting),
        ] {
            assert_eq!(forms(page).unwrap_err(), fault, "{page}");
        }
    }

    #[test]
    fn tags_in_comments_scripts_and_attribute_values_are_no_tags() {
        let page = r#"<!-- <form action=/evil> --><script>"<form>"</script><form action="/a?b=<form>"><button id=x></button></form>"#;
        assert_eq!(forms(page).unwrap().len(), 1);
        assert_eq!(form_with(page, "x").unwrap().unwrap().action, "/a?b=<form>");
    }

    #[test]
    fn the_text_of_a_message_is_found_by_its_id() {
        assert_eq!(text_of(PAGE, "error").as_deref(), Some("Wrong & again"));
        assert_eq!(text_of("<h1>No <b>way</b></h1><p>x", "h1").as_deref(), Some("No way"));
        assert_eq!(text_of(PAGE, "nothing"), None);
    }

    #[test]
    fn unknown_references_stay_as_they_are() {
        assert_eq!(decode("a &copy; b & c &#x41;&#66;&#xD800;"), "a &copy; b & c AB&#xD800;");
    }
}
