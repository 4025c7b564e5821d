//! The tidy test, tested: each check is fed what it must refuse beside what it must let pass.

use super::*;

fn file(path: &str, raw: &str) -> Source {
    Source::new(path, raw)
}

fn exported() -> BTreeMap<String, String> {
    reexports(&file(
        "oauth-core/src/lib.rs",
        "pub use server::{AuthorizationServer, Other as Renamed};\npub use vocabulary::id::ClientId;\nmod server;",
    ))
}

#[test]
fn a_rule_that_uses_an_endpoint() {
    let bad = "use crate::endpoint::push::Pushed;\n";
    assert_eq!(layers(&file("oauth-core/src/rules/x.rs", bad), &exported()).len(), 1);
    assert!(layers(&file("oauth-core/src/server.rs", bad), &exported()).is_empty());
}

#[test]
fn a_group_a_root_name_and_an_inline_path_from_below() {
    let path = "oauth-core/src/model/client.rs";
    for bad in [
        "use crate::{vocabulary::id::{ClientId, KeyId}, rules::Rule};",
        "use crate::Renamed;",
        "fn f() { crate::store::memory::open() }",
        "use crate::nowhere::X;",
    ] {
        assert_eq!(layers(&file(path, bad), &exported()).len(), 1, "{bad}");
    }
    assert!(layers(&file(path, "use crate::{ClientId, policy::Policy};"), &exported()).is_empty());
    assert!(layers(&file(path, "// use crate::store::X;\npub(crate) struct A;"), &exported()).is_empty());
}

#[test]
fn more_than_a_case_or_a_context_from_above() {
    let complaints = |path: &str, code: &str| layers(&file(path, code), &exported()).len();
    let rules = "oauth-core/src/rules/x.rs";
    assert_eq!(complaints(rules, "use crate::endpoint::push::{PushCase, answer};"), 1);
    assert_eq!(complaints(rules, "use crate::endpoint::{push::PushCase, token::code::RedeemCase};"), 0);
    assert_eq!(complaints(rules, "use crate::server::Context;"), 1);
    assert_eq!(complaints("oauth-core/src/endpoint/x.rs", "use crate::server::{Context, other};"), 1);
    assert_eq!(complaints("oauth-core/src/model/x.rs", "use crate::server::Context;"), 1);
}

#[test]
fn an_inline_module_of_the_root_by_what_it_lifts() {
    let lib = file("oauth-core/src/lib.rs", "mod wire;\npub mod json { pub use crate::wire::json::read; }");
    assert_eq!(reexports(&lib).get("json").map(String::as_str), Some("wire"));
}

#[test]
fn an_adapter_that_reaches_too_far() {
    assert_eq!(layers(&file("oauth-core/src/store/sql.rs", "use crate::rules::Rule;"), &exported()).len(), 1);
    assert_eq!(layers(&file("oauth-core/src/http/body.rs", "use crate::model::X;"), &exported()).len(), 1);
    assert_eq!(layers(&file("oauth-core/src/server.rs", "use crate::store::X;"), &exported()).len(), 1);
    assert!(
        layers(&file("oauth-core/src/http/body.rs", "use crate::AuthorizationServer;"), &exported())
            .is_empty()
    );
    assert_eq!(layers(&file("oauth-core/src/util.rs", ""), &exported()).len(), 1);
}

#[test]
fn a_dependency_against_the_line() {
    let manifest = |name: &str, rest: &str| format!("[package]\nname = \"{name}\"\n{rest}");
    for (name, rest) in [
        ("oauth-core", "[dependencies]\nrar-consent = {}"),
        ("rar-consent", "[dev-dependencies]\nresource-server = {}"),
        ("conformance", "[dependencies]\nmandate-examples = {}"),
        ("conformance", "[dev-dependencies]\noauth-core = {}"),
        ("something-else", ""),
    ] {
        assert_eq!(dependency_line(&manifest(name, rest)).len(), 1, "{name} {rest}");
    }
    assert!(
        dependency_line(&manifest("rar-consent", "[dependencies]\noauth-core = {}\nserde = \"1\""))
            .is_empty()
    );
}

#[test]
fn a_profile_named_in_the_engine() {
    let bad = "fn f() { if policy.name == PLAIN_OAUTH.name {} }";
    assert_eq!(profile_names(&file("oauth-core/src/endpoint/push.rs", bad)).len(), 1);
    assert!(profile_names(&file("oauth-core/src/policy/profiles.rs", bad)).is_empty());
    let list = "pub use policy::{Policy, FAPI2_SECURITY};";
    assert!(profile_names(&file("oauth-core/src/lib.rs", list)).is_empty());
    assert_eq!(
        profile_names(&file("oauth-core/src/lib.rs", "static P: &Policy = &FAPI2_SECURITY;")).len(),
        1
    );
    assert!(
        profile_names(&file("oauth-core/src/rules/x.rs", "/// [`FAPI2_SECURITY`]\nfn f() {}")).is_empty()
    );
}

#[test]
fn a_clock_outside_its_port() {
    let bad = "fn f() { std::time::SystemTime::now(); }";
    assert_eq!(ambient_reads(&file("oauth-core/src/server.rs", bad)).len(), 1);
    assert!(ambient_reads(&file("oauth-core/src/port/clock.rs", bad)).is_empty());
    assert_eq!(
        ambient_reads(&file("oauth-core/src/port/clock.rs", "fn f() { SystemRandom::new(); }")).len(),
        1
    );
    assert!(
        ambient_reads(&file(
            "oauth-core/src/server.rs",
            "#[cfg(test)]\nmod tests { fn f() { Utc::now(); } }"
        ))
        .is_empty()
    );
}

#[test]
fn a_function_of_71_lines_and_a_file_of_401() {
    let body = |lines: usize| {
        format!("fn f<const N: usize>(a: [u8; 2])\n{{\n// why\n{}}}\n", "  a();\n".repeat(lines))
    };
    assert_eq!(long_functions(&file("x.rs", &body(71))).len(), 1);
    assert!(long_functions(&file("x.rs", &body(70))).is_empty());
    let reasoned = format!("#[expect(clippy::too_many_lines, reason = \"a table\")]\n{}", body(71));
    assert!(long_functions(&file("x.rs", &reasoned)).is_empty());
    assert_eq!(long_file(&file("x.rs", &"\n".repeat(401))).len(), 1);
    let tested = format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", "\n".repeat(400), "\n".repeat(99));
    assert!(long_file(&file("x.rs", &tested)).is_empty());
}

#[test]
fn a_file_of_rules_without_its_document() {
    assert_eq!(citation(&file("oauth-core/src/rules/x.rs", "//! Some rules.\n")).len(), 1);
    assert_eq!(citation(&file("oauth-core/src/rules/x.rs", "use a;\n//! RFC 9126\n")).len(), 1);
    assert!(citation(&file("rar-consent/src/rules/rfc9396.rs", "//! RFC 9396: details.\n")).is_empty());
    assert!(citation(&file("oauth-core/src/rules/mod.rs", "//! Rules.\n")).is_empty());
}

#[test]
fn a_rule_id_twice_or_out_of_shape() {
    let a = file(
        "a.rs",
        "const A: RuleId = RuleId(\"RFC9126-2.1-2\"); const B: RuleId = RuleId(\"FAPI2SP-5.3.2.1-13-max_age\");",
    );
    assert!(rule_ids(std::slice::from_ref(&a)).is_empty());
    let again = file("b.rs", "const A: RuleId = RuleId(\"RFC9126-2.1-2\");");
    assert_eq!(rule_ids(&[a, again]).len(), 1);
    for bad in
        ["rfc9126-2.1", "RFC9126", "RFC 9126-2", "RFC9126-2..1", "RFC9126-2-A", "RFC9126-2-", "A-1-2-3-4"]
    {
        assert!(!well_formed_id(bad), "{bad}");
    }
}

#[test]
fn a_bool_in_a_public_signature() {
    for bad in [
        "pub fn f(a: u8, strict: bool) {}",
        "impl A { pub async fn f<T: Fn(u8) -> bool>(&self,\n strict: &bool) {} }",
        "pub const fn f(strict: Option<bool>) {}",
    ] {
        assert_eq!(bool_parameters(&file("x.rs", bad)).len(), 1, "{bad}");
    }
    for good in
        ["fn f(a: bool) {}", "pub fn f(a: fn(u8) -> bool) -> bool { true }", "pub(crate) fn f(a: bool) {}"]
    {
        assert!(bool_parameters(&file("x.rs", good)).is_empty(), "{good}");
    }
}

#[test]
fn a_wildcard_in_a_table_to_the_wire() {
    let bad = "fn f() { match a { R::A(_) => { 1 }, _ => 2 } }";
    assert_eq!(wildcard_arms(&file("oauth-core/src/refusal/code.rs", bad)).len(), 1);
    assert_eq!(wildcard_arms(&file("resource-server/src/dialect/obp/error.rs", bad)).len(), 1);
    assert!(wildcard_arms(&file("oauth-core/src/model/grant.rs", bad)).is_empty());
    assert!(wildcard_arms(&file("oauth-core/src/refusal/code.rs", "match a { R::A(_) => 1 }")).is_empty());
    let letters = "fn f() { R::A; match a { 'x' => 1, _ => 2 } }";
    assert!(wildcard_arms(&file("oauth-core/src/refusal/code.rs", letters)).is_empty());
}
