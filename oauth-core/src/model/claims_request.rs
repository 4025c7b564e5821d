//! `claims` (OpenID Connect Core section 5.5): what a client wants to be told besides what the scope opens, and what must
//! hold of the sign-in.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::json;
use crate::limits;

/// Claims that can be asked for one by one (OpenID Connect Core section 5.1), besides `sub`, `acr` and `auth_time`.
pub(crate) const TELLABLE: &[&str] = &[
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "email",
    "email_verified",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
    "phone_number_verified",
    "address",
    "updated_at",
];

/// What was asked for, as far as there is such a thing. Voluntary and essential claims are told alike where the bank knows
/// them; only `acr` and `sub` can stand in the way of an approval.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimsRequest {
    /// Told by userinfo.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub userinfo: Vec<String>,
    /// Told in the ID token.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub id_token: Vec<String>,
    /// One of these must be how the customer signed in (section 5.5.1.1); any will do when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acr: Vec<String>,
    /// The customer must be one of these; anybody will do when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sub: Vec<String>,
}

/// The parameter as read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ClaimsAsked {
    pub(crate) request: ClaimsRequest,
    /// `acr` values that are wished for and not demanded: they count as `acr_values`.
    pub(crate) acr_wished: Vec<String>,
}

/// Not what section 5.5 describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClaimsMalformed;

impl ClaimsRequest {
    /// Whether nothing was asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl ClaimsAsked {
    /// Reads the parameter of a form.
    pub(crate) fn read(text: &str) -> Result<Self, ClaimsMalformed> {
        match json::read_value(text.as_bytes()) {
            Ok(Value::Object(members)) => Self::from_members(&members),
            Ok(_) | Err(_) => Err(ClaimsMalformed),
        }
    }

    /// Takes the members of an already parsed value, as found in a request object. Sections and members of a claim that we
    /// do not know are ignored, as section 5.5 says.
    pub(crate) fn from_members(members: &Map<String, Value>) -> Result<Self, ClaimsMalformed> {
        let mut asked = Self::default();
        asked.request.userinfo = asked.section(members.get("userinfo"))?;
        asked.request.id_token = asked.section(members.get("id_token"))?;
        Ok(asked)
    }

    /// The names of one section; what it demands of the sign-in is noted.
    fn section(&mut self, section: Option<&Value>) -> Result<Vec<String>, ClaimsMalformed> {
        let wanted = match section {
            None => return Ok(Vec::new()),
            Some(Value::Object(wanted)) if wanted.len() <= limits::CLAIMS_COUNT => wanted,
            Some(_) => return Err(ClaimsMalformed),
        };
        let mut names = Vec::new();
        for (name, member) in wanted {
            let (need, values) = member_of(member)?;
            match name.as_str() {
                "acr" if need == Need::Essential => self.request.acr.extend(texts(values)?),
                "acr" => self.acr_wished.extend(texts(values)?),
                "sub" => self.request.sub.extend(texts(values)?),
                known if TELLABLE.contains(&known) => names.push(name.clone()),
                _ => {}
            }
        }
        Ok(names)
    }
}

/// How much a claim is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Voluntary,
    Essential,
}

/// `null`, or an object with `essential`, `value` and `values`.
fn member_of(member: &Value) -> Result<(Need, Vec<&Value>), ClaimsMalformed> {
    let Value::Object(member) = member else {
        return if member.is_null() { Ok((Need::Voluntary, Vec::new())) } else { Err(ClaimsMalformed) };
    };
    let need = match member.get("essential") {
        None | Some(Value::Bool(false)) => Need::Voluntary,
        Some(Value::Bool(true)) => Need::Essential,
        Some(_) => return Err(ClaimsMalformed),
    };
    let mut values: Vec<&Value> = member.get("value").into_iter().collect();
    match member.get("values") {
        None => {}
        Some(Value::Array(several)) if several.len() <= limits::CLAIMS_COUNT => values.extend(several),
        Some(_) => return Err(ClaimsMalformed),
    }
    Ok((need, values))
}

fn texts(values: Vec<&Value>) -> Result<Vec<String>, ClaimsMalformed> {
    let text = |value: &Value| value.as_str().map(str::to_owned).ok_or(ClaimsMalformed);
    values.into_iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_sorted_by_where_it_is_told_and_what_it_demands() {
        let text = r#"{"userinfo": {"email": null, "unheard_of": {"essential": true}, "sub": {"value": "cus-1"}},
            "id_token": {"name": {"essential": true}, "auth_time": {"essential": true},
            "acr": {"essential": true, "values": ["a", "b"], "more": 1}}, "elsewhere": 3}"#;
        let asked = ClaimsAsked::read(text).unwrap();
        assert_eq!(asked.request.userinfo, ["email"]);
        assert_eq!(asked.request.id_token, ["name"]);
        assert_eq!(
            (asked.request.acr, asked.request.sub),
            (vec!["a".into(), "b".into()], vec!["cus-1".into()])
        );
        let wished = ClaimsAsked::read(r#"{"id_token": {"acr": {"value": "a"}}}"#).unwrap();
        assert_eq!((wished.acr_wished, wished.request), (vec!["a".to_owned()], ClaimsRequest::default()));
    }

    #[test]
    fn what_is_not_as_section_5_5_describes_is_refused() {
        let many: Vec<String> =
            (0..=limits::CLAIMS_COUNT).map(|index| format!("\"c{index}\": null")).collect();
        let many = format!("{{\"userinfo\": {{{}}}}}", many.join(","));
        for text in [
            "",
            "[]",
            "null",
            r#"{"userinfo": null}"#,
            r#"{"userinfo": []}"#,
            r#"{"userinfo": {"email": true}}"#,
            r#"{"userinfo": {"email": {"essential": "yes"}}}"#,
            r#"{"userinfo": {"email": {"values": "a"}}}"#,
            r#"{"id_token": {"acr": {"essential": true, "value": 1}}}"#,
            r#"{"id_token": {"acr": null, "acr": null}}"#,
            r#"{"userinfo": {}} {}"#,
            &many,
        ] {
            assert_eq!(ClaimsAsked::read(text), Err(ClaimsMalformed), "{text}");
        }
    }
}
