use ring::rand::SystemRandom;

use sfv::ListEntry;

use super::shown::parameter;
use super::*;
use crate::jose::SigningKey;
use crate::jose::{Alg, PublicJwk};
use crate::policy::profiles::FAPI2_SECURITY;
use crate::rules::fapi2_message_signing::{REQUEST_COVERED, REQUEST_FRESH, RESPONSE_COVERED, RESPONSE_FRESH};
use crate::vocabulary::time::Seconds;

const NOW: Timestamp = Timestamp::from_seconds(1_784_000_000);
const BODY: &[u8] = br#"{"amount":"10.00"}"#;
const URI: &str = "https://bank.example/payments?x=1";

/// A client or a resource server: one key, and the set others know it by.
struct Party {
    key: SigningKey,
    kid: KeyId,
    keys: JwkSet,
}

impl Party {
    fn new() -> Self {
        let random = SystemRandom::new();
        let der = SigningKey::generate_es256(&random).unwrap();
        let key = SigningKey::from_pkcs8_der(Alg::Es256, &der, &random).unwrap();
        let kid = KeyId::new("k1").unwrap();
        let keys = JwkSet::new(vec![key.public(&kid)]);
        Self { key, kid, keys }
    }

    fn sign(&self, prepared: Prepared) -> SignatureFields {
        let signature = self.key.sign(&SystemRandom::new(), prepared.base()).unwrap();
        prepared.seal(&signature)
    }
}

const PLAIN: &[Field<'static>] =
    &[("authorization", b"DPoP token"), ("dpop", b"proof"), ("content-type", b"application/json")];

const fn request<'a>(fields: &'a [Field<'a>]) -> RequestMessage<'a> {
    RequestMessage { method: "POST", target_uri: URI, fields, body: BODY }
}

fn with<'a>(fields: &[Field<'a>], made: &'a SignatureFields) -> Vec<Field<'a>> {
    let mut all = fields.to_vec();
    all.extend(made.content_digest.as_ref().map(|digest| (CONTENT_DIGEST, digest.as_bytes())));
    all.push((SIGNATURE_INPUT, made.signature_input.as_bytes()));
    all.push((SIGNATURE, made.signature.as_bytes()));
    all
}

fn rule(outcome: Result<VerifiedMessage, Refusal>) -> RuleId {
    outcome.unwrap_err().rule
}

fn signed(client: &Party) -> SignatureFields {
    client.sign(prepare_request(&request(PLAIN), &client.kid, NOW).unwrap())
}

#[test]
fn rfc_9421_appendix_b_2_6_the_base_and_the_signature_are_those_of_the_document() {
    let fields: &[Field<'_>] = &[
        ("date", b"Tue, 20 Apr 2021 02:07:55 GMT"),
        ("content-type", b"application/json"),
        ("content-length", b"18"),
    ];
    let request = RequestMessage {
        method: "POST",
        target_uri: "https://example.com/foo?param=Value&Pet=dog",
        fields,
        body: br#"{"hello": "world"}"#,
    };
    let input = "sig=(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\");created=1618884473;keyid=\"test-key-ed25519\"";
    let mut read = Parser::new(input).parse::<Dictionary>().unwrap();
    let Some(ListEntry::InnerList(covered)) = read.swap_remove("sig") else { panic!("an inner list") };
    let base = base(&covered, &Exchange { request, response: None }).unwrap();
    assert_eq!(
        base,
        "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@method\": POST\n\"@path\": /foo\n\"@authority\": example.com\n\
         \"content-type\": application/json\n\"content-length\": 18\n\"@signature-params\": (\"date\" \"@method\" \
         \"@path\" \"@authority\" \"content-type\" \"content-length\");created=1618884473;keyid=\"test-key-ed25519\""
    );
    let key = br#"{"kty":"OKP","crv":"Ed25519","kid":"test-key-ed25519","x":"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"}"#;
    let keys = JwkSet::new(vec![PublicJwk::read(key).unwrap()]);
    use base64::Engine as _;
    let signature = base64::engine::general_purpose::STANDARD
        .decode("wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==")
        .unwrap();
    let shown = Shown { covered, signature };
    assert_eq!(
        shown.verified(&base, &keys, &FAPI2_SECURITY).unwrap().created,
        Timestamp::from_seconds(1_618_884_473)
    );
}

#[test]
fn rfc_9530_appendix_d_1_the_digest_is_that_of_the_document() {
    assert_eq!(
        content_digest(b"{\"hello\": \"world\"}\n"),
        "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"
    );
}

#[test]
fn section_5_6_1_what_a_client_signs_is_verified() {
    let client = Party::new();
    let made = signed(&client);
    assert_eq!(
        made.signature_input,
        "sig=(\"@method\" \"@target-uri\" \"authorization\" \"dpop\" \"content-digest\")\
         ;created=1784000000;keyid=\"k1\";tag=\"fapi-2-request\""
    );
    let fields = with(PLAIN, &made);
    let verified = verify_request(&request(&fields), &client.keys, &FAPI2_SECURITY, NOW).unwrap();
    assert_eq!((verified.key, verified.created), (Some(client.kid), NOW));
}

#[test]
fn section_5_6_1_2_2_any_change_of_what_is_covered_breaks_the_signature() {
    let client = Party::new();
    let made = signed(&client);
    let fields = with(PLAIN, &made);
    let honest = request(&fields);
    let verify = |message: &RequestMessage<'_>| verify_request(message, &client.keys, &FAPI2_SECURITY, NOW);
    assert_eq!(rule(verify(&RequestMessage { method: "PUT", ..honest })), rfc9421::VERIFIES);
    let elsewhere = RequestMessage { target_uri: "https://bank.example/payments?x=2", ..honest };
    assert_eq!(rule(verify(&elsewhere)), rfc9421::VERIFIES);
    for name in ["authorization", "dpop"] {
        let changed: Vec<Field<'_>> = fields
            .iter()
            .map(|(known, value)| (*known, if *known == name { b"DPoP other".as_slice() } else { value }))
            .collect();
        assert_eq!(rule(verify(&request(&changed))), rfc9421::VERIFIES, "{name}");
    }
    assert_eq!(rule(verify(&RequestMessage { body: b"{}", ..honest })), rfc9421::DIGEST);
}

#[test]
fn section_5_6_1_2_3_a_request_without_a_signature_is_refused() {
    let client = Party::new();
    let outcome = verify_request(&request(PLAIN), &client.keys, &FAPI2_SECURITY, NOW);
    let refusal = outcome.unwrap_err();
    assert_eq!((refusal.rule, refusal.reason.clone()), (rfc9421::ONE, MessageReason::Missing.into()));
    assert_eq!(refusal.reason.wire(crate::At::Resource).status, 401);
}

#[test]
fn section_5_6_1_2_4_a_signature_with_another_tag_does_not_count() {
    let client = Party::new();
    let mut made = signed(&client);
    made.signature_input = made.signature_input.replace(REQUEST_TAG, "app-1");
    let fields = with(PLAIN, &made);
    let outcome = verify_request(&request(&fields), &client.keys, &FAPI2_SECURITY, NOW);
    assert_eq!(outcome.unwrap_err().reason, MessageReason::Missing.into());
}

#[test]
fn rfc_9421_section_4_3_two_signatures_with_the_tag_are_ambiguous() {
    let client = Party::new();
    let mut made = signed(&client);
    made.signature_input =
        format!("{0}, other={1}", made.signature_input, made.signature_input.trim_start_matches("sig="));
    let fields = with(PLAIN, &made);
    let outcome = verify_request(&request(&fields), &client.keys, &FAPI2_SECURITY, NOW);
    assert_eq!(outcome.unwrap_err().reason, MessageReason::Repeated.into());
}

#[test]
fn section_5_6_1_2_5_every_component_that_must_be_covered_is_missed() {
    let client = Party::new();
    for gone in ["\"@method\" ", "\"@target-uri\" ", "\"authorization\" ", "\"dpop\" ", " \"content-digest\""]
    {
        let mut made = signed(&client);
        made.signature_input = made.signature_input.replace(gone, "");
        let fields = with(PLAIN, &made);
        let outcome = verify_request(&request(&fields), &client.keys, &FAPI2_SECURITY, NOW);
        assert_eq!(rule(outcome), REQUEST_COVERED.id, "{gone}");
    }
}

#[test]
fn section_5_6_1_2_6_a_signature_is_good_for_a_minute_and_ten_seconds_ahead() {
    let client = Party::new();
    let made = signed(&client);
    let fields = with(PLAIN, &made);
    let at = |now| verify_request(&request(&fields), &client.keys, &FAPI2_SECURITY, now);
    assert!(at(NOW.plus(Seconds::new(60))).is_ok());
    assert_eq!(rule(at(NOW.plus(Seconds::new(61)))), REQUEST_FRESH.id);
    assert!(at(NOW.minus(Seconds::new(10))).is_ok());
    assert_eq!(rule(at(NOW.minus(Seconds::new(11)))), REQUEST_FRESH.id);
    let mut without = signed(&client);
    without.signature_input = without.signature_input.replace(";created=1784000000", "");
    let outcome = verify_request(&request(&with(PLAIN, &without)), &client.keys, &FAPI2_SECURITY, NOW);
    assert_eq!(rule(outcome), REQUEST_FRESH.id);
    let mut over = signed(&client);
    over.signature_input = over.signature_input.replace(";keyid", ";expires=1783999999;keyid");
    let outcome = verify_request(&request(&with(PLAIN, &over)), &client.keys, &FAPI2_SECURITY, NOW);
    assert_eq!(rule(outcome), REQUEST_FRESH.id);
}

#[test]
fn rfc_9421_section_3_3_7_the_algorithm_is_that_of_the_key() {
    let client = Party::new();
    for alg in ["hmac-sha256", "rsa-v1_5-sha256", "rsa-pss-sha512", "ed25519", "none"] {
        let mut made = signed(&client);
        made.signature_input = format!("{};alg=\"{alg}\"", made.signature_input);
        let fields = with(PLAIN, &made);
        let outcome = verify_request(&request(&fields), &client.keys, &FAPI2_SECURITY, NOW);
        assert_eq!(rule(outcome), rfc9421::ALGORITHM, "{alg}");
    }
}

#[test]
fn rfc_9421_section_3_2_the_key_is_one_of_the_senders() {
    let (client, other) = (Party::new(), Party::new());
    let made = signed(&client);
    let fields = with(PLAIN, &made);
    assert_eq!(rule(verify_request(&request(&fields), &other.keys, &FAPI2_SECURITY, NOW)), rfc9421::VERIFIES);
    let mut renamed = signed(&client);
    renamed.signature_input = renamed.signature_input.replace("\"k1\"", "\"k2\"");
    let outcome = verify_request(&request(&with(PLAIN, &renamed)), &client.keys, &FAPI2_SECURITY, NOW);
    assert_eq!(rule(outcome), rfc9421::KEY);
}

#[test]
fn rfc_9530_section_2_an_unknown_digest_alone_is_no_digest_and_a_wrong_one_beside_a_right_one_is_wrong() {
    let right = content_digest(BODY);
    let judge = |value: &str| digest::judge(&[(CONTENT_DIGEST, value.as_bytes())], BODY);
    assert!(judge(&right).is_ok());
    assert!(judge(&format!("unixsum=:AA==:, {right}")).is_ok());
    for wrong in ["", "md5=:AA==:", "sha-256=1", "sha-256=:AA==:", &format!("{right}, sha-512=:AA==:")] {
        assert_eq!(judge(wrong).unwrap_err().rule, rfc9421::DIGEST, "{wrong}");
    }
}

#[test]
fn rfc_9421_section_2_malformed_and_foreign_components_are_refused() {
    let client = Party::new();
    for (from, to) in [
        ("\"@method\"", "\"@method\" \"@method\""),
        ("\"@method\"", "\"@method\" \"@status\""),
        ("\"@method\"", "\"@method\" \"@method\";req"),
        ("\"@method\"", "\"@method\" \"content-type\";sf"),
        ("\"@method\"", "\"@method\" \"x-absent\""),
        ("\"@method\"", "\"@method\" token"),
        ("(\"@method\"", "((\"@method\""),
    ] {
        let mut made = signed(&client);
        made.signature_input = made.signature_input.replacen(from, to, 1);
        let fields = with(PLAIN, &made);
        let outcome = verify_request(&request(&fields), &client.keys, &FAPI2_SECURITY, NOW);
        let refusal = outcome.unwrap_err();
        assert_eq!(refusal.reason, MessageReason::Malformed.into(), "{to}");
        assert_eq!(refusal.rule, rfc9421::COMPONENTS, "{to}");
    }
}

#[test]
fn section_5_6_2_a_response_is_tied_to_its_request() {
    let (client, bank) = (Party::new(), Party::new());
    let made = signed(&client);
    let asked = with(PLAIN, &made);
    let request = request(&asked);
    let answer: &[Field<'_>] = &[("content-type", b"application/json")];
    let response = ResponseMessage { status: 201, fields: answer, body: b"{\"id\":1}" };
    let sealed = bank.sign(prepare_response(&response, &request, &bank.kid, NOW).unwrap());
    let fields = with(answer, &sealed);
    let response = ResponseMessage { fields: &fields, ..response };
    let verify = |response: &ResponseMessage<'_>, request: &RequestMessage<'_>| {
        verify_response(response, request, &bank.keys, &FAPI2_SECURITY, NOW)
    };
    assert!(verify(&response, &request).is_ok());
    assert_eq!(rule(verify(&ResponseMessage { status: 200, ..response }, &request)), rfc9421::VERIFIES);
    assert_eq!(rule(verify(&ResponseMessage { body: b"{}", ..response }, &request)), rfc9421::DIGEST);
    let other = RequestMessage { method: "PUT", ..request };
    assert_eq!(rule(verify(&response, &other)), rfc9421::VERIFIES);
    let resigned = signed(&client);
    let asked_again = with(PLAIN, &resigned);
    assert_eq!(
        rule(verify(&response, &RequestMessage { fields: &asked_again, ..request })),
        rfc9421::VERIFIES,
        "a response to another signature of the same request"
    );
}

#[test]
fn rfc_9421_section_5_1_what_we_ask_for_is_what_we_verify() {
    let asked = accept_signature(&request(PLAIN));
    let mut read = Parser::new(&asked).parse::<Dictionary>().unwrap();
    let Some(ListEntry::InnerList(list)) = read.swap_remove("sig") else { panic!("an inner list") };
    let named: Vec<String> = list.items.iter().map(component::identifier).collect();
    assert_eq!(named, request_components(&request(PLAIN)).into_iter().collect::<Vec<_>>());
    assert_eq!(parameter(&list, "tag"), Some(REQUEST_TAG));
}

#[test]
fn debug_shows_neither_token_nor_content() {
    let client = Party::new();
    let fields: &[Field<'_>] = &[("authorization", b"Bearer hunter2")];
    let request = RequestMessage { method: "POST", target_uri: URI, fields, body: b"hunter2" };
    let response = ResponseMessage { status: 200, fields, body: b"hunter2" };
    let prepared = prepare_request(&request, &client.kid, NOW).unwrap();
    assert!(std::str::from_utf8(prepared.base()).unwrap().contains("hunter2"));
    let shown = format!("{request:?} {response:?} {prepared:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("104, 117, 110"), "{shown}");
}

/// An honest signed answer to an honest signed request, of which a test changes the parameters of the signature.
fn answered(change: impl Fn(&str) -> String) -> Result<VerifiedMessage, Refusal> {
    let (client, bank) = (Party::new(), Party::new());
    let made = signed(&client);
    let asked = with(PLAIN, &made);
    let request = request(&asked);
    let answer: &[Field<'_>] = &[("content-type", b"application/json")];
    let response = ResponseMessage { status: 201, fields: answer, body: b"{\"id\":1}" };
    let mut sealed = bank.sign(prepare_response(&response, &request, &bank.kid, NOW).unwrap());
    sealed.signature_input = change(&sealed.signature_input);
    let fields = with(answer, &sealed);
    verify_response(
        &ResponseMessage { fields: &fields, ..response },
        &request,
        &bank.keys,
        &FAPI2_SECURITY,
        NOW,
    )
}

#[test]
fn section_5_6_2_2_3_every_component_that_a_response_must_cover_is_missed() {
    assert!(answered(str::to_owned).is_ok());
    for needed in RESPONSE_COVERS {
        let gone = |input: &str| {
            let list = input.replacen(&format!("{needed} "), "", 1);
            if list == input { input.replacen(&format!(" {needed}"), "", 1) } else { list }
        };
        assert_eq!(rule(answered(gone)), RESPONSE_COVERED.id, "{needed}");
    }
}

#[test]
fn section_5_6_2_2_3_a_response_is_good_for_a_minute_and_says_since_when() {
    let created = |seconds: i64| {
        move |input: &str| {
            input.replace("created=1784000000", &format!("created={}", NOW.seconds() + seconds))
        }
    };
    for seconds in [-61, 11] {
        assert_eq!(rule(answered(created(seconds))), RESPONSE_FRESH.id, "{seconds}");
    }
    for seconds in [-60, 10] {
        assert_eq!(rule(answered(created(seconds))), rfc9421::VERIFIES, "fresh, and another signature");
    }
    assert_eq!(rule(answered(|input| input.replace(";created=1784000000", ""))), RESPONSE_FRESH.id);
}

#[test]
fn rfc_9421_section_2_3_a_parameter_of_another_type_is_refused_and_never_taken_for_absent() {
    let client = Party::new();
    for (from, to) in [
        (";created=1784000000", ";created=\"1784000000\""),
        (";created=1784000000", ";created=1784000000.0"),
        (";keyid", ";expires=\"never\";keyid"),
        (";keyid=\"k1\"", ";keyid=k1"),
        (";keyid=\"k1\"", ";keyid=:azE=:"),
    ] {
        let mut made = signed(&client);
        made.signature_input = made.signature_input.replacen(from, to, 1);
        let fields = with(PLAIN, &made);
        let outcome = verify_request(&request(&fields), &client.keys, &FAPI2_SECURITY, NOW);
        assert_eq!(rule(outcome), rfc9421::PARAMETERS, "{to}");
    }
}

#[test]
fn rfc_9421_section_7_what_is_covered_is_bounded_in_number_and_size() {
    let client = Party::new();
    let refused = |made: &SignatureFields| {
        let fields = with(PLAIN, made);
        verify_request(&request(&fields), &client.keys, &FAPI2_SECURITY, NOW).unwrap_err()
    };
    let mut many = signed(&client);
    let names: String = (0..limits::SIGNATURE_COMPONENTS).map(|index| format!("\"x-{index}\" ")).collect();
    many.signature_input = many.signature_input.replacen("(\"@method\"", &format!("({names}\"@method\""), 1);
    assert_eq!(refused(&many).rule, rfc9421::COMPONENTS);
    let mut long = signed(&client);
    let padding = "x".repeat(limits::HEADER_VALUE_BYTES);
    long.signature_input = format!("pad=(\"{padding}\"), {}", long.signature_input);
    assert_eq!(refused(&long).rule, rfc9421::COMPONENTS);
}

#[test]
fn rfc_9421_section_2_1_no_value_hides_what_is_signed() {
    let client = Party::new();
    for hidden in [b"DPoP a\nb".as_slice(), b"DPoP \xe2\x80\xae", b"DPoP \x01", b"DPoP \x7f", b"DPoP \xff"] {
        let fields: &[Field<'_>] = &[("authorization", hidden), ("dpop", b"proof")];
        let outcome = prepare_request(&request(fields), &client.kid, NOW);
        assert_eq!(outcome.map(|_| ()).unwrap_err().rule, rfc9421::COMPONENTS, "{hidden:?}");
    }
}

#[test]
fn rfc_9530_a_digest_of_an_empty_body_must_be_covered_and_right() {
    let client = Party::new();
    let digest = content_digest(b"");
    let fields: Vec<Field<'_>> = [PLAIN, &[(CONTENT_DIGEST, digest.as_bytes())]].concat();
    let empty = RequestMessage { body: b"", ..request(&fields) };
    let bare = RequestMessage { fields: PLAIN, ..empty };
    let uncovering = client.sign(prepare_request(&bare, &client.kid, NOW).unwrap());
    let shown = with(&fields, &uncovering);
    let verify = |fields: &[Field<'_>]| {
        verify_request(&RequestMessage { fields, ..empty }, &client.keys, &FAPI2_SECURITY, NOW)
    };
    assert_eq!(rule(verify(&shown)), REQUEST_COVERED.id);
    assert!(verify(&with(PLAIN, &uncovering)).is_ok(), "a request without content needs none");
}
