//! RFC 7636, with S256 made mandatory by FAPI 2.0 Security Profile section 5.3.2.2-5.

use conformance::host;
use conformance::tpp::flow::Ask;
use conformance::tpp::keys::sha256;
use conformance::tpp::mutate::{HONEST, Part, remove, set};

use crate::support::judge::{refused, refused_as, taken};
use crate::support::{embedded, identity};

/// PAR-08, PAR-09.
#[tokio::test]
async fn section_4_4_1_a_request_without_an_s256_challenge_is_refused() {
    let palm = embedded().await.palm();
    let absent = vec![remove(Part::PushForm, "code_challenge")];
    let nothing = vec![absent[0].clone(), remove(Part::PushForm, "code_challenge_method")];
    let methods = ["plain", "s256", "S512", ""]
        .map(|method| vec![set(Part::PushForm, "code_challenge_method", method)]);
    let unnamed = vec![remove(Part::PushForm, "code_challenge_method")];
    for mistakes in [absent, nothing, unnamed].into_iter().chain(methods) {
        let answer = palm.push(&identity(), &mistakes).await.unwrap();
        refused_as(&answer, 400, &["invalid_request"], &format!("{mistakes:?}"));
    }
}

/// T-AR-12.
#[tokio::test]
async fn section_4_2_a_challenge_that_is_no_sha_256_hash_is_refused() {
    let palm = embedded().await.palm();
    let good = sha256(b"x");
    let padded = format!("{good}=");
    for wrong in
        ["short", &good[1..], &padded, &format!("{good}A"), &good.replace(&good[..1], "+"), &" ".repeat(43)]
    {
        let answer = palm.push(&identity(), &[set(Part::PushForm, "code_challenge", wrong)]).await.unwrap();
        refused_as(&answer, 400, &["invalid_request"], wrong);
    }
}

/// TK-07: both ends of the length, and every character allowed.
#[tokio::test]
async fn section_4_1_a_verifier_of_43_to_128_characters_of_every_kind_works() {
    let world = embedded().await;
    let palm = world.palm();
    let kinds = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for verifier in [format!("{kinds}{}", &kinds[..62]), "-._~".repeat(11)[..43].to_owned()] {
        let ask = Ask { verifier, ..identity() };
        let code = world.code(&palm, &ask).await;
        taken(&palm.redeem(&ask, &code, HONEST).await.unwrap(), &ask.verifier);
    }
}

/// TK-07; a code whose verifier is not known is out in the wrong hands.
#[tokio::test]
async fn section_4_6_a_missing_or_wrong_verifier_is_invalid_grant() {
    let world = embedded().await;
    let palm = world.palm();
    let other = host::token();
    for mistake in [
        remove(Part::TokenForm, "code_verifier"),
        set(Part::TokenForm, "code_verifier", other.as_str()),
        set(Part::TokenForm, "code_verifier", other[..42].to_owned()),
        set(Part::TokenForm, "code_verifier", "v".repeat(129)),
    ] {
        let ask = identity();
        let code = world.code(&palm, &ask).await;
        let answer = palm.redeem(&ask, &code, std::slice::from_ref(&mistake)).await.unwrap();
        refused_as(&answer, 400, &["invalid_grant", "invalid_request"], &format!("{mistake:?}"));
    }
}

/// T-AR-12: the verifier of the same client's other flow.
#[tokio::test]
async fn section_4_6_the_verifier_of_another_flow_is_refused() {
    let world = embedded().await;
    let palm = world.palm();
    let (first, second) = (identity(), identity());
    let code = world.code(&palm, &first).await;
    refused(&palm.redeem(&second, &code, HONEST).await.unwrap(), 400, "invalid_grant");
}

/// The challenge itself, sent as the verifier, is what `plain` would take.
#[tokio::test]
async fn section_7_2_the_challenge_is_not_taken_for_the_verifier() {
    let world = embedded().await;
    let palm = world.palm();
    let ask = identity();
    let code = world.code(&palm, &ask).await;
    let shown = set(Part::TokenForm, "code_verifier", sha256(ask.verifier.as_bytes()));
    refused(&palm.redeem(&ask, &code, &[shown]).await.unwrap(), 400, "invalid_grant");
}
