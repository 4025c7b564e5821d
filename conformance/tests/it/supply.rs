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
    nothing(banned(&locked(), &rules()));
}

#[test]
fn every_crate_comes_from_the_registry_or_from_here() {
    nothing(foreign(&locked()));
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
    #[serde(flatten)]
    locked: Locked,
    license: Option<String>,
}

/// What `Cargo.lock` says of a package: every platform, every feature, nothing downloaded.
#[derive(Deserialize)]
struct Locked {
    name: String,
    source: Option<String>,
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
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
            self.packages.iter().map(|package| (package.id.as_str(), package.locked.name.as_str())).collect();
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

/// Only the crates of this platform: those of others need not have been downloaded.
fn tree() -> Tree {
    let rustc = run(Command::new("rustc").arg("-vV"));
    let host = std::str::from_utf8(&rustc).expect("rustc writes text");
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host");
    let words =
        ["metadata", "--locked", "--offline", "--all-features", "--format-version", "1", "--filter-platform"];
    let metadata = run(Command::new(env!("CARGO")).args(words).arg(host).current_dir(source::top()));
    serde_json::from_slice(&metadata).expect("cargo metadata answers in its documented form")
}

fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output().expect("the tool runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn locked() -> Vec<Locked> {
    let text = std::fs::read_to_string(source::top().join("Cargo.lock")).expect("Cargo.lock exists");
    toml::from_str::<Lock>(&text).expect("Cargo.lock is a list of packages").package
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
        let excepted =
            rules.licenses.exceptions.iter().filter(|exception| exception.name == package.locked.name);
        let mut allowed: Vec<&str> =
            excepted.flat_map(|exception| exception.allow.iter().map(String::as_str)).collect();
        allowed.extend(rules.licenses.allow.iter().map(String::as_str));
        match &package.license {
            Some(expression) if satisfied(expression, &allowed) => {}
            Some(expression) => found.push(format!("{}: {expression} is not allowed", package.locked.name)),
            None => found.push(format!("{}: no licence", package.locked.name)),
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

fn banned(packages: &[Locked], rules: &Rules) -> Vec<String> {
    let bans = &rules.bans.deny;
    let hits = packages.iter().flat_map(|package| bans.iter().filter(move |ban| ban.name == package.name));
    hits.map(|ban| format!("{} is banned: {}", ban.name, ban.reason)).collect()
}

/// Everything comes from one registry, the first one named; a second registry or a repository is foreign.
fn foreign(packages: &[Locked]) -> Vec<String> {
    let sourced =
        || packages.iter().filter_map(|package| package.source.as_ref().map(|source| (package, source)));
    let home = sourced().map(|(_, source)| source).find(|source| source.starts_with("registry+"));
    sourced()
        .filter(|(_, source)| Some(*source) != home)
        .map(|(package, source)| format!("{} comes from {source}", package.name))
        .collect()
}

// The checks, tested with what they must refuse.

fn locked_as(name: &str, source: Option<&str>) -> Locked {
    Locked { name: name.to_owned(), source: source.map(str::to_owned) }
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
    let silent = Package { id: String::new(), locked: locked_as("x", None), license: None };
    assert_eq!(unlicensed(&[silent], &rules()).len(), 1);
}

#[test]
fn a_banned_crate_and_a_git_source_are_refused() {
    for name in ["aws-lc-sys", "native-tls", "reqwest", "rustls-pemfile"] {
        assert_eq!(banned(&[locked_as(name, None)], &rules()).len(), 1, "{name}");
    }
    let home = || locked_as("h", Some("registry+https://example.org/home"));
    for elsewhere in ["git+https://example.org/x", "registry+https://example.com/other"] {
        assert_eq!(foreign(&[home(), locked_as("x", Some(elsewhere))]).len(), 1, "{elsewhere}");
    }
    assert!(foreign(&[home(), locked_as("x", None)]).is_empty());
}
