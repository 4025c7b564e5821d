//! What stands in the dependency tree, held against `deny.toml` without any tool beyond cargo.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde::Deserialize;

use crate::source;

#[test]
fn every_licence_is_on_the_list() {
    nothing(unlicensed(&tree().packages, &rules()));
}

#[test]
fn no_banned_crate_is_in_the_tree() {
    nothing(banned(&tree().packages, &rules()));
}

#[test]
fn every_crate_comes_from_the_registry_or_from_here() {
    nothing(foreign(&tree().packages, &rules()));
}

#[test]
fn the_engine_reaches_neither_rsa_nor_a_second_json_web_key_library() {
    let tree = tree();
    let reached = tree.reach("oauth-core");
    assert!(reached.contains("ring"), "the walk finds what is known to be there");
    for name in ["rsa", "openidconnect", "oauth2", "jsonwebtoken"] {
        assert!(!reached.contains(name), "oauth-core reaches {name}");
    }
}

#[derive(Deserialize)]
struct Tree {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    license: Option<String>,
    source: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Edge>,
}

#[derive(Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    kind: Option<String>,
}

impl Tree {
    /// Names of the packages that a crate pulls in as normal dependencies.
    fn reach(&self, from: &str) -> BTreeSet<&str> {
        let names: BTreeMap<&str, &str> =
            self.packages.iter().map(|package| (package.id.as_str(), package.name.as_str())).collect();
        let edges: BTreeMap<&str, &[Edge]> =
            self.resolve.nodes.iter().map(|node| (node.id.as_str(), node.deps.as_slice())).collect();
        let mut waiting: Vec<&str> =
            names.iter().filter(|(_, name)| **name == from).map(|(id, _)| *id).collect();
        let mut seen = BTreeSet::new();
        while let Some(id) = waiting.pop() {
            if seen.insert(id) {
                let normal = edges.get(id).into_iter().copied().flatten();
                waiting.extend(
                    normal
                        .filter(|edge| edge.dep_kinds.iter().any(|kind| kind.kind.is_none()))
                        .map(|edge| edge.pkg.as_str()),
                );
            }
        }
        seen.into_iter().filter_map(|id| names.get(id).copied()).collect()
    }
}

#[derive(Deserialize)]
struct Rules {
    licenses: Licenses,
    bans: Bans,
    sources: Sources,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
    exceptions: Vec<Exception>,
}

#[derive(Deserialize)]
struct Exception {
    #[serde(rename = "crate")]
    name: String,
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: Vec<String>,
}

fn tree() -> Tree {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--offline", "--format-version", "1"])
        .current_dir(source::top())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata answers in its documented form")
}

fn rules() -> Rules {
    let text = std::fs::read_to_string(source::top().join("deny.toml")).expect("deny.toml exists");
    toml::from_str(&text).expect("deny.toml has the sections read here")
}

#[track_caller]
fn nothing(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

fn unlicensed(packages: &[Package], rules: &Rules) -> Vec<String> {
    let mut found = Vec::new();
    for package in packages {
        let excepted = rules.licenses.exceptions.iter().filter(|exception| exception.name == package.name);
        let mut allowed: Vec<&str> =
            excepted.flat_map(|exception| exception.allow.iter().map(String::as_str)).collect();
        allowed.extend(rules.licenses.allow.iter().map(String::as_str));
        match &package.license {
            Some(expression) if satisfied(expression, &allowed) => {}
            Some(expression) => found.push(format!("{}: {expression} is not allowed", package.name)),
            None => found.push(format!("{}: no licence", package.name)),
        }
    }
    found
}

/// SPDX expression: one `OR` branch must hold, and in it every `AND` part; `/` is the old way to write `OR`.
fn satisfied(expression: &str, allowed: &[&str]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let (verdict, rest) = any_of(&words, allowed);
    verdict && rest.is_empty()
}

fn any_of<'w>(words: &'w [&'w str], allowed: &[&str]) -> (bool, &'w [&'w str]) {
    let (mut verdict, mut rest) = all_of(words, allowed);
    while let ["OR", after @ ..] = rest {
        let (next, remaining) = all_of(after, allowed);
        verdict |= next;
        rest = remaining;
    }
    (verdict, rest)
}

fn all_of<'w>(words: &'w [&'w str], allowed: &[&str]) -> (bool, &'w [&'w str]) {
    let (mut verdict, mut rest) = one(words, allowed);
    while let ["AND", after @ ..] = rest {
        let (next, remaining) = one(after, allowed);
        verdict &= next;
        rest = remaining;
    }
    (verdict, rest)
}

fn one<'w>(words: &'w [&'w str], allowed: &[&str]) -> (bool, &'w [&'w str]) {
    match words {
        ["(", inside @ ..] => match any_of(inside, allowed) {
            (verdict, [")", rest @ ..]) => (verdict, rest),
            (_, rest) => (false, rest),
        },
        [licence, "WITH", exception, rest @ ..] => {
            (allowed.contains(&format!("{licence} WITH {exception}").as_str()), rest)
        }
        [licence, rest @ ..] => (allowed.contains(licence), rest),
        [] => (false, words),
    }
}

fn banned(packages: &[Package], rules: &Rules) -> Vec<String> {
    let bans = &rules.bans.deny;
    let hits = packages.iter().flat_map(|package| bans.iter().filter(move |ban| ban.name == package.name));
    hits.map(|ban| format!("{} is banned: {}", ban.name, ban.reason)).collect()
}

fn foreign(packages: &[Package], rules: &Rules) -> Vec<String> {
    packages
        .iter()
        .filter_map(|package| package.source.as_ref().map(|source| (package, source)))
        .filter(|(_, source)| {
            !rules.sources.allow_registry.iter().any(|registry| **source == format!("registry+{registry}"))
        })
        .map(|(package, source)| format!("{} comes from {source}", package.name))
        .collect()
}

// The checks, tested with what they must refuse.

fn package(name: &str, license: Option<&str>, source: Option<&str>) -> Package {
    let own = |text: Option<&str>| text.map(str::to_owned);
    Package { id: name.to_owned(), name: name.to_owned(), license: own(license), source: own(source) }
}

#[test]
fn a_licence_outside_the_list_is_refused_in_every_position() {
    let allowed = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"];
    for good in
        ["MIT", "GPL-3.0 OR MIT", "GPL-3.0/MIT", "(MIT OR GPL-3.0) AND ISC", "Apache-2.0 WITH LLVM-exception"]
    {
        assert!(satisfied(good, &allowed), "{good}");
    }
    for bad in
        ["GPL-3.0", "MIT AND GPL-3.0", "(GPL-3.0 OR MPL-2.0) AND MIT", "Apache-2.0", "", "(MIT", "MIT ISC"]
    {
        assert!(!satisfied(bad, &allowed), "{bad}");
    }
    assert_eq!(unlicensed(&[package("x", None, None)], &rules()).len(), 1);
}

#[test]
fn a_banned_crate_and_a_git_source_are_refused() {
    for name in ["aws-lc-sys", "native-tls", "reqwest", "rustls-pemfile"] {
        assert_eq!(banned(&[package(name, None, None)], &rules()).len(), 1, "{name}");
    }
    assert_eq!(foreign(&[package("x", None, Some("git+https://example.org/x"))], &rules()).len(), 1);
    assert!(foreign(&[package("x", None, None)], &rules()).is_empty());
}
