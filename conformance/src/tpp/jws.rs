//! A token before and after it is signed. Members keep their order and may repeat, which no JSON library allows.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::tpp::keys::Key;
use crate::{Doing as _, Trouble};

/// Named values in the order they are sent: a JOSE header, claims, or a form.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Members(Vec<(String, Value)>);

impl Members {
    /// Members in this order.
    pub fn of<V: Into<Value>>(members: impl IntoIterator<Item = (&'static str, V)>) -> Self {
        Self(members.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect())
    }

    /// The first value of this name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// Replaces the value in its place, or adds it at the end.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        match self.0.iter_mut().find(|(own, _)| own == name) {
            Some((_, old)) => *old = value.into(),
            None => self.add(name, value),
        }
    }

    /// Adds a member, whether or not the name is there already.
    pub fn add(&mut self, name: &str, value: impl Into<Value>) {
        self.0.push((name.to_owned(), value.into()));
    }

    /// Removes every member of this name.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(own, _)| own != name);
    }

    /// Appends all of another.
    pub fn extend(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    /// A JSON object, repeated members included.
    pub fn to_json(&self) -> String {
        let members: Vec<String> =
            self.0.iter().map(|(name, value)| format!("{}:{value}", json!(name))).collect();
        format!("{{{}}}", members.join(","))
    }

    /// Form fields; a value that is no text is sent as its JSON.
    pub fn to_form(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        self.0.iter().map(|(name, value)| (name.clone(), text(value))).collect()
    }
}

/// Header and claims of a token that is not yet signed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Draft {
    /// JOSE header.
    pub header: Members,
    /// Claims.
    pub claims: Members,
}

impl Draft {
    /// Compact serialisation (RFC 7515 section 7.1), signed by the algorithm that the header names.
    ///
    /// # Errors
    /// When the key cannot sign by that algorithm.
    pub fn sign(&self, key: &Key) -> Result<String, Trouble> {
        let alg = self.header.get("alg").and_then(Value::as_str).unwrap_or(key.alg().name());
        let input = self.input();
        let signature = key.sign_as(alg, input.as_bytes())?;
        Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// As [`Self::sign`], by the key's own algorithm whatever the header says.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn sign_despite_header(&self, key: &Key) -> Result<String, Trouble> {
        let input = self.input();
        Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(key.sign(input.as_bytes())?)))
    }

    fn input(&self) -> String {
        let part = |members: &Members| URL_SAFE_NO_PAD.encode(members.to_json());
        format!("{}.{}", part(&self.header), part(&self.claims))
    }
}

/// Header and claims of a compact token, read without checking anything.
///
/// # Errors
/// When it does not have three parts of JSON.
pub fn peek(compact: &str) -> Result<(Value, Value), Trouble> {
    let mut parts = compact.split('.');
    let mut next = || -> Result<Value, Trouble> {
        let part = parts.next().doing("find a part of a token")?;
        let bytes = URL_SAFE_NO_PAD.decode(part).doing("decode a part of a token")?;
        serde_json::from_slice(&bytes).doing("read a part of a token")
    };
    Ok((next()?, next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_order_and_may_repeat() {
        let mut members = Members::of([("b", json!(1)), ("a", json!("x\""))]);
        members.set("b", 2);
        members.add("a", json!(["y"]));
        assert_eq!(members.to_json(), r#"{"b":2,"a":"x\"","a":["y"]}"#);
        assert_eq!(
            members.to_form(),
            [("b", "2"), ("a", "x\""), ("a", "[\"y\"]")].map(|(n, v)| (n.into(), v.into()))
        );
        members.remove("a");
        assert_eq!(members.to_json(), r#"{"b":2}"#);
    }
}
