//! Clients of the deployment file: metadata under the names of RFC 7591, keys inline or in a file beside it.

use std::collections::BTreeMap;
use std::path::Path;

use oauth_core::{Client, ClientMetadata, Policy};
use serde_json::{Map, Value, json};

use super::document::{GUIDE, Table};

/// Organisations by their identifier, as JSON members of a client.
pub(super) type Organisations = BTreeMap<String, Value>;

/// RFC 7591 section 2: the metadata a client is registered with.
const RULE: &str = "RFC 7591 section 2";

/// Reads `[[organisations]]`.
pub(super) fn organisations(top: &Table<'_>) -> Organisations {
    let mut known = Organisations::new();
    for table in top.tables("organisations") {
        let member = |name: &str| table.need(name, GUIDE, table.text(name)).unwrap_or_default().to_owned();
        let (id, name, domain) = (member("id"), member("name"), member("domain"));
        table.done();
        if known.contains_key(&id) {
            table.blame("id", GUIDE, format!("\"{id}\" is the id of another organisation"));
        }
        known.insert(id.clone(), json!({ "id": id, "name": name, "domain": domain }));
    }
    known
}

/// Reads one client and registers it under the policy, so that everything wrong is known before anything starts.
pub(super) fn read(
    table: &Table<'_>,
    policy: &'static Policy,
    (organisations, directory): (&Organisations, &Path),
) -> Option<ClientMetadata> {
    let id = table.need("client_id", RULE, table.text("client_id"))?;
    let keys = keys(table, directory);
    let name = table.text("client_name").unwrap_or(id);
    let behind = organisation(table, organisations, (id, name));
    let mut members = table.rest();
    members.insert("client_id".to_owned(), id.into());
    members.insert("organisation".to_owned(), behind?);
    if let Some(keys) = keys? {
        members.insert("jwks".to_owned(), keys);
    }
    let metadata = metadata(table, members)?;
    match Client::register(metadata.clone(), policy) {
        Ok(_) => Some(metadata),
        Err(wrong) => {
            for wrong in wrong {
                table.blame(wrong.member, RULE, wrong.message);
            }
            None
        }
    }
}

/// The typed metadata. What cannot be read is blamed on the member that the reader names, and tried again without.
fn metadata(table: &Table<'_>, mut members: Map<String, Value>) -> Option<ClientMetadata> {
    let mut whole = true;
    for _ in 0..=members.len() {
        match serde_json::from_value::<ClientMetadata>(Value::Object(members.clone())) {
            Ok(metadata) => return whole.then_some(metadata),
            Err(fault) => {
                whole = false;
                let message = fault.to_string();
                let named = message.split('`').nth(1).unwrap_or_default().to_owned();
                let culprit = if members.contains_key(&named) { Some(named) } else { unread(&members) };
                let Some(culprit) = culprit else {
                    table.blame("client_id", RULE, message);
                    return None;
                };
                table.blame(&culprit, RULE, message);
                members.remove(&culprit);
            }
        }
    }
    None
}

/// The member without which the rest can be read, when there is one.
fn unread(members: &Map<String, Value>) -> Option<String> {
    let readable = |without: &String| {
        let mut rest = members.clone();
        rest.remove(without);
        serde_json::from_value::<ClientMetadata>(Value::Object(rest)).is_ok()
    };
    let mut candidates = members.keys().filter(|name| *name != "client_id" && *name != "organisation");
    candidates.find(|name| readable(name)).cloned()
}

/// `jwks` as a table or as JSON text, or the file that `jwks_file` names.
fn keys(table: &Table<'_>, directory: &Path) -> Option<Option<Value>> {
    let read = |name: &str, text: &str| match serde_json::from_str::<Value>(text) {
        Ok(keys) => Some(Some(keys)),
        Err(fault) => {
            table.blame(name, "RFC 7517 section 5", fault);
            None
        }
    };
    if table.has("jwks_file") && (table.has("jwks") || table.has("jwks_uri")) {
        table.blame("jwks_file", RULE, "name the keys once: jwks, jwks_file or jwks_uri");
    }
    if let Some(file) = table.text("jwks_file") {
        let path = directory.join(file);
        return match std::fs::read_to_string(&path) {
            Ok(text) => read("jwks_file", &text),
            Err(fault) => {
                table.blame("jwks_file", "RFC 7517 section 5", format!("{}: {fault}", path.display()));
                None
            }
        };
    }
    match table.json("jwks") {
        None => Some(None),
        Some(Value::String(text)) => read("jwks", &text),
        Some(keys) => Some(Some(keys)),
    }
}

/// `organisation`: the identifier of one of `[[organisations]]`, or a table; without it the client stands for itself.
fn organisation(table: &Table<'_>, known: &Organisations, (id, name): (&str, &str)) -> Option<Value> {
    match table.json("organisation") {
        None => Some(json!({ "id": id, "name": name, "domain": "" })),
        Some(Value::String(wanted)) => known.get(&wanted).cloned().or_else(|| {
            table.blame("organisation", GUIDE, format!("\"{wanted}\" is none of [[organisations]]"));
            None
        }),
        Some(members) => Some(members),
    }
}
