//! The ledger joined with the code: what it says is met has an item and a test, and every rule stands in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use conformance::ledger::{Ledger, RuleCover, Status};

use crate::source;

#[test]
fn every_rule_of_the_crates_stands_in_the_ledger_once() {
    let ledger = Ledger::own().expect("the ledger can be read");
    let written = rule_ids();
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, rule) in ledger.rules() {
        *counted.entry(&rule.id).or_default() += 1;
    }
    let named: BTreeSet<&str> =
        ledger.requirements().flat_map(|(_, row)| row.rules.iter().map(String::as_str)).collect();
    let mut complaints = Vec::new();
    for (id, place) in &written {
        if !counted.contains_key(id.as_str()) {
            complaints.push(format!(
                "{id} ({place}) stands in no ledger: add\n[[rule]]\nid = \"{id}\"\nholds = []\nbreaks = []\nreason = \"\""
            ));
        } else if !named.contains(id.as_str()) {
            complaints.push(format!("{id} ({place}) serves no requirement: name it in the `rules` of a row"));
        }
    }
    complaints.extend(
        counted.iter().filter(|(_, count)| **count > 1).map(|(id, _)| format!("{id} stands in it twice")),
    );
    let gone = counted.keys().chain(&named).filter(|id| !written.contains_key(**id));
    complaints.extend(gone.map(|id| format!("{id} is the id of no rule")));
    nothing(complaints);
}

#[test]
fn a_requirement_has_one_row_and_words_of_its_own() {
    let ledger = Ledger::own().expect("the ledger can be read");
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    let mut complaints = Vec::new();
    for (document, row) in ledger.requirements() {
        if let Some(first) = seen.insert(&row.id, &document.name) {
            complaints.push(format!("{} stands in {first} and in {}", row.id, document.name));
        }
        if row.requirement.is_empty() || row.section.is_empty() {
            complaints.push(format!("{} says nothing", row.id));
        }
    }
    nothing(complaints);
}

#[test]
fn what_is_met_has_an_item_and_a_test_and_what_is_not_has_a_reason() {
    let ledger = Ledger::own().expect("the ledger can be read");
    let complaints = ledger.requirements().flat_map(|(document, row)| {
        let mut found = Vec::new();
        let reason = row.reason.as_deref().is_some_and(|reason| !reason.is_empty());
        match row.status {
            Status::Met => {
                if row.places.is_empty() {
                    found.push("is met by no item");
                }
                if row.tests.is_empty() {
                    found.push("is met without a test");
                }
                if reason {
                    found.push("is met and gives a reason why not");
                }
            }
            Status::Partial | Status::Open | Status::NotApplicable if !reason => {
                found.push("gives no reason");
            }
            Status::Partial | Status::Open | Status::NotApplicable => {}
        }
        found.into_iter().map(|what| format!("{}: {} {what}", document.name, row.id)).collect::<Vec<_>>()
    });
    nothing(complaints.collect());
}

#[test]
fn every_item_and_test_that_the_ledger_names_exists() {
    let ledger = Ledger::own().expect("the ledger can be read");
    let tests = test_names();
    let mut complaints = Vec::new();
    for (document, row) in ledger.requirements() {
        for place in &row.places {
            if let Some(missing) = missing_item(place) {
                complaints.push(format!("{}: {}: {missing}", document.name, row.id));
            }
        }
        let gone = row.tests.iter().filter(|test| !tests.contains(*test));
        complaints.extend(gone.map(|test| format!("{}: {}: there is no test {test}", document.name, row.id)));
    }
    for (document, rule) in ledger.rules() {
        let gone = rule.holds.iter().chain(&rule.breaks).filter(|test| !tests.contains(*test));
        complaints
            .extend(gone.map(|test| format!("{}: {}: there is no test {test}", document.name, rule.id)));
    }
    nothing(complaints);
}

#[test]
fn every_rule_has_a_test_that_keeps_it_and_one_that_breaks_it_or_says_why_not() {
    let ledger = Ledger::own().expect("the ledger can be read");
    let covered = |rule: &RuleCover| !rule.holds.is_empty() && !rule.breaks.is_empty();
    let silent = |rule: &RuleCover| rule.reason.as_deref().is_none_or(str::is_empty);
    let complaints = ledger.rules().filter_map(|(document, rule)| match (covered(rule), silent(rule)) {
        (false, true) => Some(format!("{}: {} lacks a test and a reason", document.name, rule.id)),
        (true, false) => Some(format!("{}: {} has both tests and still a reason", document.name, rule.id)),
        (true, true) | (false, false) => None,
    });
    nothing(complaints.collect());
}

#[track_caller]
fn nothing(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

/// Every id written in the crates, with the file it stands in.
fn rule_ids() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for file in source::all() {
        for (at, marker) in file.text.match_indices("RuleId(\"") {
            let rest = &file.text[at + marker.len()..];
            let id = &rest[..rest.find('"').unwrap_or(rest.len())];
            found.insert(id.to_owned(), file.path.clone());
        }
    }
    found
}

/// What is wrong with `path::item`: no such file, or the word is not in it.
fn missing_item(place: &str) -> Option<String> {
    let Some((path, item)) = place.rsplit_once("::") else {
        return Some(format!("{place} is not path::item"));
    };
    let Ok(text) = std::fs::read_to_string(source::top().join(path)) else {
        return Some(format!("there is no file {path}"));
    };
    let code = source::Source::new(path, &text).code;
    source::words(&code, item).next().is_none().then(|| format!("there is no {item} in {path}"))
}

/// The names of all functions that run as tests, by themselves or over every database.
fn test_names() -> BTreeSet<String> {
    let mut files = Vec::new();
    for member in ["oauth-core", "rar-consent", "resource-server", "examples", "conformance"] {
        walk(&source::top().join(member).join("src"), &mut files);
        walk(&source::top().join(member).join("tests"), &mut files);
    }
    files
        .iter()
        .filter_map(|file| std::fs::read_to_string(file).ok())
        .flat_map(|text| tests_in(&text))
        .collect()
}

fn tests_in(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut marked = false;
    let mut listed = false;
    for line in text.lines().map(str::trim) {
        let names = |list: &str| -> Vec<String> {
            list.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
        };
        if listed && line.starts_with([')', '}']) {
            listed = false;
        } else if listed {
            found.extend(names(line));
        } else if let Some(list) = line.strip_prefix("over_every_database!(") {
            let whole = list.strip_suffix(");");
            listed = whole.is_none();
            found.extend(names(whole.unwrap_or(list)));
        } else if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            marked = true;
        } else if let Some(name) = function_name(line) {
            if marked {
                found.push(name);
            }
            marked = false;
        } else if !line.starts_with("#[") && !line.starts_with("//") && !line.is_empty() {
            marked = marked && line.starts_with(')');
        }
    }
    found
}

fn function_name(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    words
        .by_ref()
        .find(|word| !["pub", "pub(crate)", "async"].contains(word))
        .filter(|word| *word == "fn")?;
    let name: String =
        words.next()?.chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_').collect();
    (!name.is_empty()).then_some(name)
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

#[test]
fn tests_are_found_by_their_attribute_or_in_the_list_of_a_macro() {
    let text = "#[test]\n#[ignore = \"x\"]\nfn a() {}\nfn b() {}\nover_every_database!(\n    c,\n    d,\n);\n\
                over_every_database!(g);\n\
                #[tokio::test(flavor = \"x\")]\nasync fn e() {}\n#[derive(Debug)]\nfn f() {}\n";
    assert_eq!(tests_in(text), ["a", "c", "d", "g", "e"]);
}
