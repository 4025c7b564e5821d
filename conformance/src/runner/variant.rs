//! Which of the ways that a profile leaves open is run.

use std::fmt;

use serde_json::{Value, json};

use crate::Trouble;
use crate::runner::plan::Plan;
use crate::tpp::config::{Authentication, Constraint, Entry};

/// A choice among the ways that a profile leaves open, in the words of the public conformance suite.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variant {
    client: Option<String>,
    authentication: Option<Authentication>,
    constraint: Option<Constraint>,
    pub(crate) openid: Option<Openid>,
    pub(crate) request: Option<Form>,
    pub(crate) answer: Option<Form>,
}

/// Whether identity is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Openid {
    Connect,
    Plain,
}

/// How a request or an answer travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As parameters.
    Plain,
    /// In a signed token.
    Signed,
}

impl Variant {
    /// Reads `client_auth_type=…,sender_constrain=…,openid=…,fapi_request_method=…,fapi_response_mode=…,client=…`.
    ///
    /// # Errors
    /// For an unknown name or value.
    pub fn read(text: &str) -> Result<Self, Trouble> {
        let mut read = Self::default();
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("client", id)) => read.client = Some(id.to_owned()),
                Some(("client_auth_type", "private_key_jwt")) => {
                    read.authentication = Some(Authentication::PrivateKeyJwt);
                }
                Some(("client_auth_type", "mtls")) => {
                    read.authentication = Some(Authentication::TlsClientAuth)
                }
                Some(("sender_constrain", "dpop")) => read.constraint = Some(Constraint::Dpop),
                Some(("sender_constrain", "mtls")) => read.constraint = Some(Constraint::Mtls),
                Some(("openid", "openid_connect")) => read.openid = Some(Openid::Connect),
                Some(("openid", "plain_oauth")) => read.openid = Some(Openid::Plain),
                Some(("fapi_request_method", "unsigned")) => read.request = Some(Form::Plain),
                Some(("fapi_request_method", "signed_non_repudiation")) => read.request = Some(Form::Signed),
                Some(("fapi_response_mode", "plain_response")) => read.answer = Some(Form::Plain),
                Some(("fapi_response_mode", "jarm")) => read.answer = Some(Form::Signed),
                Some(_) | None => return Err(Trouble::new(format!("{pair} is no part of a variant"))),
            }
        }
        Ok(read)
    }

    /// Whether it speaks of this client.
    pub(crate) fn fits(&self, id: &str, entry: &Entry) -> bool {
        let by_key = |method: Authentication| method == Authentication::PrivateKeyJwt;
        self.client.as_deref().is_none_or(|wanted| wanted == id)
            && self
                .authentication
                .is_none_or(|wanted| by_key(wanted) == by_key(entry.token_endpoint_auth_method))
            && self.constraint.is_none_or(|wanted| wanted == entry.sender_constraint)
    }

    /// With what the plan and the metadata decide where the command line left it open.
    pub(crate) fn settled(&self, plan: &Plan, metadata: &Value) -> Self {
        let lists = |name: &str, value: &str| {
            metadata.get(name).and_then(Value::as_array).is_some_and(|all| all.iter().any(|one| one == value))
        };
        let demanded = metadata.get("require_signed_request_object") == Some(&json!(true));
        let signed = plan.signs_requests() || demanded;
        let only_signed =
            lists("response_modes_supported", "jwt") && !lists("response_modes_supported", "query");
        let answers = plan.signs_requests() && lists("response_modes_supported", "jwt") || only_signed;
        let form = |signs| if signs { Form::Signed } else { Form::Plain };
        Self {
            request: Some(self.request.unwrap_or(form(signed))),
            answer: Some(self.answer.unwrap_or(form(answers))),
            openid: Some(self.openid.unwrap_or(Openid::Connect)),
            ..self.clone()
        }
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let openid = match self.openid {
            Some(Openid::Plain) => "plain_oauth",
            Some(Openid::Connect) | None => "openid_connect",
        };
        let request = if self.request == Some(Form::Signed) { "signed_non_repudiation" } else { "unsigned" };
        let answer = if self.answer == Some(Form::Signed) { "jarm" } else { "plain_response" };
        write!(out, "{openid}, {request}, {answer}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variant_is_read_in_the_words_of_the_public_suite_and_nothing_else() {
        let read = Variant::read("client_auth_type=mtls, sender_constrain=dpop,openid=plain_oauth").unwrap();
        assert_eq!((read.constraint, read.openid), (Some(Constraint::Dpop), Some(Openid::Plain)));
        assert_eq!(read.to_string(), "plain_oauth, unsigned, plain_response");
        assert!(Variant::read("sender_constrain=bearer").is_err() && Variant::read("x").is_err());
        assert_eq!(Variant::read("").unwrap(), Variant::default());
    }
}
