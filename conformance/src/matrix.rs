//! Rule by endpoint by policy, read from the ledger and from the lists in the source.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::ledger::{Ledger, Status};
use crate::{Doing as _, Trouble};

/// The endpoints, in the order of a flow.
const ENDPOINTS: &[&str] = &["par", "authorize", "token", "introspect", "revoke", "userinfo", "resource"];

/// Where the rules written or listed in a file are judged.
const JUDGED: &[(&str, &[&str])] = &[
    ("oauth-core/src/endpoint/push.rs", &["par"]),
    ("oauth-core/src/endpoint/request_object.rs", &["par"]),
    ("oauth-core/src/endpoint/authorize.rs", &["authorize"]),
    ("oauth-core/src/endpoint/response.rs", &["authorize"]),
    ("oauth-core/src/endpoint/seal.rs", &["authorize", "token", "introspect", "userinfo"]),
    ("oauth-core/src/endpoint/resume.rs", &["authorize"]),
    ("oauth-core/src/endpoint/ticket.rs", &["authorize"]),
    ("oauth-core/src/endpoint/token/", &["token"]),
    ("oauth-core/src/endpoint/pace.rs", &["par"]),
    ("oauth-core/src/endpoint/introspect", &["introspect"]),
    ("oauth-core/src/endpoint/revoke.rs", &["revoke"]),
    ("oauth-core/src/endpoint/userinfo.rs", &["userinfo"]),
    ("oauth-core/src/identify/proof.rs", &["par", "token", "introspect", "revoke", "userinfo", "resource"]),
    ("oauth-core/src/rules/rfc9449.rs", &["par", "token", "introspect", "revoke", "userinfo", "resource"]),
    ("oauth-core/src/identify/", &["par", "token", "introspect", "revoke"]),
    ("oauth-core/src/rules/", &["par", "token", "introspect", "revoke"]),
    ("oauth-core/src/wire/form.rs", &["par", "authorize", "token", "introspect", "revoke"]),
    ("oauth-core/src/wire/header.rs", &["userinfo", "resource"]),
    ("oauth-core/src/http/body.rs", &["par", "authorize", "token", "introspect", "revoke"]),
    ("oauth-core/src/http/service.rs", &["par", "authorize", "token", "introspect", "revoke", "userinfo"]),
    ("oauth-core/src/verify/", &["userinfo", "resource"]),
    ("oauth-core/src/port/consents.rs", &["par"]),
    ("rar-consent/src/engine/", &["par", "authorize"]),
    ("rar-consent/", &["par", "token"]),
    ("resource-server/", &["resource"]),
];

/// The whole report as text.
///
/// # Errors
/// When ledger or source cannot be read.
pub fn report() -> Result<String, Trouble> {
    let (ledger, source) = (Ledger::own()?, Source::read()?);
    let policies = source.policies();
    let mut out = String::from("rule");
    for column in ENDPOINTS.iter().chain(&["by policy"]) {
        out.push_str(&format!("\t{column}"));
    }
    out.push('\n');
    let mut rules: Vec<&str> = ledger.rules().map(|(_, rule)| rule.id.as_str()).collect();
    rules.sort_unstable();
    for id in rules {
        let judged = source.judged(id);
        let marks = ENDPOINTS.iter().map(|endpoint| if judged.contains(endpoint) { "\tx" } else { "\t" });
        out.push_str(&format!("{id}{}\t{}\n", marks.collect::<String>(), source.by_policy(id, &policies)));
    }
    out.push_str("\ndocument\tmet\tpartial\topen\tnot applicable\n");
    for document in &ledger.documents {
        let count = |status| document.requirements.iter().filter(|row| row.status == status).count();
        let counts = [Status::Met, Status::Partial, Status::Open, Status::NotApplicable].map(count);
        out.push_str(&format!("{}\t{}\n", document.name, counts.map(|count| count.to_string()).join("\t")));
    }
    out.push('\n');
    for (document, row) in ledger.requirements().filter(|(_, row)| row.status != Status::Met) {
        let reason = row.reason.as_deref().unwrap_or_default();
        out.push_str(&format!(
            "{}\t{}\t{}\t{} ({reason})\n",
            row.id, row.status, document.title, row.requirement
        ));
    }
    Ok(out)
}

/// The files of the three crates that hold rules.
struct Source(BTreeMap<String, String>);

/// Name of a policy, and its fields with what it takes over from the policy it extends.
type Policies = Vec<(String, BTreeMap<String, String>)>;

impl Source {
    fn read() -> Result<Self, Trouble> {
        let top =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().doing("find the repository")?;
        let mut files = BTreeMap::new();
        for member in ["oauth-core", "rar-consent", "resource-server"] {
            let mut found = Vec::new();
            walk(&top.join(member).join("src"), &mut found);
            for file in found {
                let text = std::fs::read_to_string(&file).doing(format!("read {}", file.display()))?;
                let path = file.strip_prefix(&top).doing("find a file in the repository")?;
                files.insert(path.to_string_lossy().into_owned(), text);
            }
        }
        Ok(Self(files))
    }

    /// Where a rule is judged: where its constant is listed, or where its id stands.
    fn judged(&self, id: &str) -> BTreeSet<&'static str> {
        let Some((path, text, at)) = self.place(id) else { return BTreeSet::new() };
        let item = constant(text, at);
        let module = path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs");
        let named = item.as_ref().map(|item| format!("{module}::{item}"));
        let listed = named.iter().flat_map(|named| {
            let elsewhere = self.0.iter().filter(move |(other, _)| *other != path);
            elsewhere.filter(move |(_, text)| holds_word(text, named)).map(|(other, _)| other.as_str())
        });
        let mut found: BTreeSet<&'static str> = listed.flat_map(columns).copied().collect();
        let rule_file = path.contains("/rules/");
        if found.is_empty() || !rule_file {
            found.extend(columns(path));
        }
        found
    }

    fn place(&self, id: &str) -> Option<(&str, &str, usize)> {
        let written = format!("RuleId(\"{id}\")");
        self.0.iter().find_map(|(path, text)| Some((path.as_str(), text.as_str(), text.find(&written)?)))
    }

    /// `always`, or the policy field that the check reads with its value in every policy.
    fn by_policy(&self, id: &str, policies: &Policies) -> String {
        let Some((_, text, at)) = self.place(id) else { return String::new() };
        let rest = text.get(at..).unwrap_or_default();
        let body = rest.split("\n};").next().unwrap_or_default();
        let Some((_, after)) = body.split_once("policy.") else { return "always".to_owned() };
        let field: String =
            after.chars().take_while(|letter| letter.is_ascii_lowercase() || *letter == '_').collect();
        let values = policies
            .iter()
            .map(|(name, fields)| format!("{name}: {}", fields.get(&field).map_or("?", String::as_str)));
        format!("{field} ({})", values.collect::<Vec<_>>().join("; "))
    }

    fn policies(&self) -> Policies {
        let text = self.0.get("oauth-core/src/policy/profiles.rs").map(String::as_str).unwrap_or_default();
        let mut found: Policies = Vec::new();
        for part in text.split("pub const ").skip(1) {
            let Some((name, rest)) = part.split_once(": Policy = Policy {") else { continue };
            let body = rest.split("\n};").next().unwrap_or_default();
            let base = body.split("..").nth(1).map(|base| base.trim().trim_end_matches(',').to_owned());
            let mut fields = found
                .iter()
                .find(|(other, _)| Some(other) == base.as_ref())
                .map(|(_, fields)| fields.clone())
                .unwrap_or_default();
            fields.extend(members(body));
            found.push((name.to_owned(), fields));
        }
        found
    }
}

/// The members of a struct literal, each value on one line.
fn members(body: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for line in body.lines() {
        let inner = line.strip_prefix("    ").unwrap_or(line);
        let begins = inner.starts_with(|letter: char| letter.is_ascii_lowercase());
        match inner.split_once(": ") {
            Some((name, value)) if begins => found.push((name.to_owned(), value.to_owned())),
            Some(_) | None => {
                if let Some((_, value)) = found.last_mut().filter(|_| !inner.starts_with("..")) {
                    value.push(' ');
                    value.push_str(inner.trim());
                }
            }
        }
    }
    found.into_iter().map(|(name, value)| (name, value.trim_end_matches([',', ' ']).to_owned())).collect()
}

/// The constant that an id belongs to: the last `const NAME` before it.
fn constant(text: &str, at: usize) -> Option<String> {
    let before = text.get(..at)?;
    let name = before.rsplit("const ").next()?;
    Some(name.chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_').collect())
}

fn holds_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let next = text.get(at + word.len()..).and_then(|rest| rest.chars().next());
        next.is_none_or(|letter| !letter.is_ascii_alphanumeric() && letter != '_')
    })
}

fn columns(path: &str) -> &'static [&'static str] {
    JUDGED.iter().find(|(prefix, _)| path.starts_with(prefix)).map_or(&[], |(_, columns)| columns)
}

fn walk(directory: &Path, into: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            walk(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            into.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_of_the_pushed_request_is_judged_there_and_told_by_policy() {
        let source = Source::read().unwrap();
        assert_eq!(source.judged("RFC9126-2.1-2"), BTreeSet::from(["par"]));
        assert!(source.judged("RFC9449-4.3-8").contains("resource"));
        let told = source.by_policy("RFC9101-5", &source.policies());
        assert!(told.starts_with("request_object (PLAIN_OAUTH: RequestObject::Refuse;"), "{told}");
        assert!(told.contains("FAPI2_SECURITY: RequestObject::Refuse;"), "a policy takes over: {told}");
        assert_eq!(source.by_policy("RFC9126-2.1-2", &source.policies()), "always");
    }

    #[test]
    fn every_rule_of_the_ledger_is_judged_somewhere() {
        let source = Source::read().unwrap();
        let ledger = Ledger::own().unwrap();
        let lost: Vec<&str> = ledger
            .rules()
            .map(|(_, rule)| rule.id.as_str())
            .filter(|id| source.judged(id).is_empty())
            .collect();
        assert!(lost.is_empty(), "{lost:?}");
    }
}
