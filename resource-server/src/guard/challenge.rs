//! `WWW-Authenticate` (RFC 6750 section 3, RFC 9449 section 7.1): what the caller should bring next time.

use oauth_core::{At, Constraint, Reason, Refusal, Seconds, TokenReason};

use super::needs::Authentication;

/// The challenges for a refusal. Without a token there is one for every scheme on offer, and none says what was
/// wrong; otherwise it is the scheme the token should have come with.
pub(super) fn for_token(refusal: &Refusal, shown: Option<Constraint>, side: &Side<'_>) -> Vec<String> {
    let wire = refusal.reason.wire(At::Resource);
    let error = format!("error=\"{}\", error_description=\"{}\"", wire.code.as_str(), wire.description);
    match (&refusal.reason, shown) {
        (Reason::Token(TokenReason::Missing), _) | (_, None) => {
            side.offered.iter().map(|scheme| write(*scheme, None, side)).collect()
        }
        (Reason::Token(TokenReason::Scheme), Some(shown)) => vec![write(other(shown), Some(&error), side)],
        (Reason::Proof(_), Some(_)) => vec![write(Constraint::Dpop, Some(&error), side)],
        (_, Some(shown)) => vec![write(shown, Some(&error), side)],
    }
}

/// RFC 6750 section 3.1 `insufficient_scope`.
pub(super) fn for_scope(needed: &str, shown: Option<Constraint>, side: &Side<'_>) -> Vec<String> {
    let error = format!("error=\"insufficient_scope\", scope=\"{needed}\"");
    vec![write(shown.unwrap_or(Constraint::Mtls), Some(&error), side)]
}

/// RFC 9470 section 3 `insufficient_user_authentication`.
pub(super) fn for_authentication(
    needed: &Authentication,
    shown: Option<Constraint>,
    side: &Side<'_>,
) -> Vec<String> {
    let wire = Reason::from(TokenReason::Authentication).wire(At::Resource);
    let mut error = format!("error=\"{}\", error_description=\"{}\"", wire.code.as_str(), wire.description);
    if !needed.acr_values.is_empty() {
        error.push_str(&format!(", acr_values=\"{}\"", needed.acr_values.join(" ")));
    }
    if let Some(age) = needed.max_age.map(Seconds::get) {
        error.push_str(&format!(", max_age=\"{age}\""));
    }
    vec![write(shown.unwrap_or(Constraint::Mtls), Some(&error), side)]
}

/// What a challenge says of this resource server.
pub(super) struct Side<'a> {
    /// The schemes on offer.
    pub(super) offered: &'a [Constraint],
    /// Algorithms of proofs, separated by spaces.
    pub(super) algs: &'a str,
    /// Where its metadata is (RFC 9728 section 5.1).
    pub(super) metadata: Option<&'a str>,
}

/// The scheme of an `Authorization` header, in any case (RFC 9110 section 11.1).
pub(super) fn scheme_of(authorization: Option<&str>) -> Option<Constraint> {
    let scheme = authorization?.split(' ').next()?;
    if scheme.eq_ignore_ascii_case("dpop") {
        Some(Constraint::Dpop)
    } else if scheme.eq_ignore_ascii_case("bearer") {
        Some(Constraint::Mtls)
    } else {
        None
    }
}

fn write(scheme: Constraint, error: Option<&str>, side: &Side<'_>) -> String {
    let name = match scheme {
        Constraint::Dpop => "DPoP",
        Constraint::Mtls => "Bearer",
    };
    let algs = (scheme == Constraint::Dpop).then(|| format!("algs=\"{}\"", side.algs));
    let metadata = side.metadata.map(|address| format!("resource_metadata=\"{address}\""));
    let parameters: Vec<String> = error.map(str::to_owned).into_iter().chain(algs).chain(metadata).collect();
    // RFC 9110 section 11.4: a scheme alone is a challenge.
    if parameters.is_empty() { name.to_owned() } else { format!("{name} {}", parameters.join(", ")) }
}

const fn other(shown: Constraint) -> Constraint {
    match shown {
        Constraint::Dpop => Constraint::Mtls,
        Constraint::Mtls => Constraint::Dpop,
    }
}

#[cfg(test)]
mod tests {
    use oauth_core::{ProofReason, RuleId};

    use super::*;

    const BOTH: Side<'static> =
        Side { offered: &[Constraint::Dpop, Constraint::Mtls], algs: "ES256 PS256", metadata: None };

    fn challenges(reason: impl Into<Reason>, shown: Option<Constraint>) -> Vec<String> {
        for_token(&Refusal { rule: RuleId("x"), reason: reason.into() }, shown, &BOTH)
    }

    #[test]
    fn rfc_6750_section_3_1_without_a_token_no_error_is_named() {
        assert_eq!(challenges(TokenReason::Missing, None), ["DPoP algs=\"ES256 PS256\"", "Bearer"]);
    }

    #[test]
    fn rfc_9449_section_7_1_a_bad_proof_is_told_in_the_dpop_scheme_with_the_algorithms() {
        let told = challenges(ProofReason::Replayed, Some(Constraint::Dpop)).remove(0);
        assert!(told.starts_with("DPoP error=\"invalid_dpop_proof\""), "{told}");
        assert!(told.ends_with("algs=\"ES256 PS256\""), "{told}");
    }

    #[test]
    fn a_token_in_the_wrong_scheme_is_told_the_right_one() {
        let told = challenges(TokenReason::Scheme, Some(Constraint::Mtls)).remove(0);
        assert!(told.starts_with("DPoP error=\"invalid_token\""), "{told}");
    }

    #[test]
    fn rfc_9728_section_5_1_every_challenge_says_where_the_metadata_is() {
        let side = Side { metadata: Some("https://rs.example/m"), ..BOTH };
        for challenge in
            for_token(&Refusal { rule: RuleId("x"), reason: TokenReason::Missing.into() }, None, &side)
        {
            assert!(challenge.ends_with("resource_metadata=\"https://rs.example/m\""), "{challenge}");
        }
    }

    #[test]
    fn rfc_9470_section_3_the_challenge_says_how_to_sign_in() {
        let needed = Authentication { acr_values: &["urn:a", "urn:b"], max_age: Some(Seconds::new(300)) };
        let told = for_authentication(&needed, Some(Constraint::Mtls), &BOTH).remove(0);
        assert!(told.starts_with("Bearer error=\"insufficient_user_authentication\""), "{told}");
        assert!(told.ends_with("acr_values=\"urn:a urn:b\", max_age=\"300\""), "{told}");
    }
}
