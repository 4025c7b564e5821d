//! The style of the house, read from the source tree. A complaint is `path:line: what is wrong`.

use std::collections::BTreeMap;

use crate::source::{self, Source};

mod refuses;

const FUNCTION_LINES: usize = 70;
const FILE_LINES: usize = 400;

#[test]
fn modules_of_the_engine_use_only_what_stands_above_them() {
    let files = source::all();
    let exported =
        files.iter().find(|file| file.path == "oauth-core/src/lib.rs").map_or_else(BTreeMap::new, reexports);
    nothing(complaints(&files, |file| layers(file, &exported)));
}

#[test]
fn crates_depend_on_each_other_in_one_line() {
    let manifests: Vec<_> = LINE
        .iter()
        .filter_map(|(_, directory)| {
            std::fs::read_to_string(source::top().join(directory).join("Cargo.toml")).ok()
        })
        .collect();
    nothing(manifests.iter().flat_map(|manifest| dependency_line(manifest)).collect());
}

#[test]
fn no_profile_is_named_outside_policy() {
    nothing(complaints(&source::all(), profile_names));
}

#[test]
fn time_randomness_and_environment_are_read_in_port_files_only() {
    nothing(complaints(&source::all(), ambient_reads));
}

#[test]
fn functions_and_files_stay_within_their_lengths() {
    nothing(complaints(&source::all(), |file| [long_functions(file), long_file(file)].concat()));
}

#[test]
fn every_file_of_rules_cites_its_document_in_the_first_line() {
    nothing(complaints(&source::all(), citation));
}

#[test]
fn rule_ids_are_well_formed_and_unique() {
    let files = source::all();
    nothing(rule_ids(&files));
}

#[test]
fn no_public_function_takes_a_bool() {
    nothing(complaints(&source::all(), bool_parameters));
}

#[test]
fn tables_to_the_wire_have_no_wildcard_arm() {
    nothing(complaints(&source::all(), wildcard_arms));
}

fn complaints(files: &[Source], check: impl Fn(&Source) -> Vec<String>) -> Vec<String> {
    files.iter().flat_map(check).collect()
}

/// What stands against the style for a reason. An entry that nothing needs any more is itself a complaint.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    (
        "oauth-core/src/refusal/code.rs",
        "lines without tests",
        "the one table from reason to wire, a row per reason",
    ),
    (
        "oauth-core/src/rules/rfc8705.rs",
        "identify::certificate::Names",
        "names of a certificate, data of its case",
    ),
    ("oauth-core/src/endpoint/", "server::identifier", "draws an id from the entropy of the context"),
];

fn excepted(complaint: &str) -> bool {
    EXCEPTIONS.iter().any(|(path, what, _)| complaint.starts_with(path) && complaint.contains(what))
}

#[test]
fn every_exception_is_still_needed() {
    let files = source::all();
    let exported =
        files.iter().find(|file| file.path == "oauth-core/src/lib.rs").map_or_else(BTreeMap::new, reexports);
    let all = complaints(&files, |file| [layers(file, &exported), long_file(file)].concat());
    let stale = EXCEPTIONS.iter().filter(|(path, what, _)| {
        files.iter().any(|file| file.path.starts_with(path))
            && !all.iter().any(|one| one.starts_with(path) && one.contains(what))
    });
    nothing(
        stale
            .map(|(path, what, _)| format!("the exception of {path} ({what}) is no longer needed"))
            .collect(),
    );
}

#[track_caller]
fn nothing(mut complaints: Vec<String>) {
    complaints.retain(|complaint| !excepted(complaint));
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

fn complain(file: &Source, position: usize, what: &str) -> String {
    format!("{}:{}: {what}", file.path, file.line(position))
}

// Layers of oauth-core.

/// Modules of `oauth-core/src` by layer; a file may use its own layer and those before it.
const LAYERS: &[&[&str]] = &[
    &["vocabulary", "limits"],
    &["jose", "wire", "policy", "refusal"],
    &["model"],
    &["port"],
    &["rules"],
    &["identify", "verify"],
    &["endpoint"],
    &["server"],
    &["http", "store", "fetch", "testkit"],
];

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

/// The layers open to the modules of one file.
fn may_use(user: &str, used: &str) -> bool {
    let (Some(own), Some(other)) = (layer(user), layer(used)) else { return false };
    match user {
        _ if user == used => true,
        "store" | "fetch" => other <= 3,
        "http" => matches!(other, 0 | 1 | 6 | 7),
        "testkit" => true,
        _ => other <= own,
    }
}

fn layers(file: &Source, exported: &BTreeMap<String, String>) -> Vec<String> {
    let Some(inside) = file.path.strip_prefix("oauth-core/src/") else { return Vec::new() };
    let user = inside.split('/').next().map_or("", |first| first.trim_end_matches(".rs"));
    if user == "lib" {
        return Vec::new();
    }
    if layer(user).is_none() {
        return vec![format!("{}:1: {user} stands in no layer", file.path)];
    }
    let mut found = Vec::new();
    for (position, path) in crate_paths(&file.code) {
        let name = first_segment(&path);
        let used = exported.get(&name).unwrap_or(&name);
        match layer(used) {
            None => found.push(complain(file, position, &format!("crate::{path} belongs to no layer"))),
            Some(_) if may_use(user, used) || lent(user, &path) => {}
            Some(_) => {
                found.push(complain(file, position, &format!("{user} may not use {used} (crate::{path})")))
            }
        }
    }
    found
}

/// Two names cross the layers downwards, both plain data: the context that the server lends to each request, and the
/// case that a step fills and its rules judge.
fn lent(user: &str, path: &str) -> bool {
    match user {
        "identify" | "verify" | "endpoint" => path == "server::Context",
        "rules" => {
            path.ends_with("Case") && (path.starts_with("endpoint::") || path.starts_with("identify::"))
        }
        _ => false,
    }
}

/// Every path that begins with `crate::`, without that, groups opened.
fn crate_paths(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for at in source::words(code, "crate") {
        if let Some(rest) = code[at..].strip_prefix("crate::") {
            found.extend(open_group("", rest).into_iter().map(|path| (at, path)));
        }
    }
    found
}

fn open_group(prefix: &str, rest: &str) -> Vec<String> {
    let rest = rest.trim_start();
    let end = rest.bytes().position(|byte| !source::is_word(byte) && byte != b':').unwrap_or(rest.len());
    let path = format!("{prefix}{}", &rest[..end]);
    if !rest[end..].starts_with('{') {
        let path = path.trim_end_matches(':').to_owned();
        return if path.is_empty() { Vec::new() } else { vec![path] };
    }
    let close = source::closing(rest.as_bytes(), end).unwrap_or(rest.len() - 1);
    split_top_level(&rest[end + 1..close]).flat_map(|item| open_group(&path, item)).collect()
}

fn first_segment(path: &str) -> String {
    path.trim_start().chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_').collect()
}

/// Splits at commas that stand outside of any bracket.
fn split_top_level(list: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_i32;
    let mut previous = ' ';
    list.split(move |letter: char| {
        match letter {
            '(' | '[' | '{' | '<' => depth += 1,
            '>' if previous == '-' || previous == '=' => {}
            ')' | ']' | '}' | '>' => depth -= 1,
            _ => {}
        }
        previous = letter;
        letter == ',' && depth == 0
    })
}

/// Names that `lib.rs` lifts to the root, each with the module it comes from; its inline modules are such names too.
fn reexports(lib: &Source) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for at in source::words(&lib.code, "mod") {
        let name = first_segment(&lib.code[at + 3..]);
        let Some((head, inside)) = lib.code[at..].split_once('{') else { continue };
        if !head.contains(';')
            && let Some((_, path)) = inside.split_once("use ")
        {
            let path = path.trim_start();
            names.insert(name, first_segment(path.strip_prefix("crate::").unwrap_or(path)));
        }
    }
    for at in source::words(&lib.code, "use") {
        let end = lib.code[at..].find(';').map_or(lib.code.len(), |offset| at + offset);
        let path = lib.code[at + 3..end].trim();
        let path = path.strip_prefix("crate::").unwrap_or(path);
        let module = first_segment(path);
        let (prefix, group) = path.split_once('{').unwrap_or((path, ""));
        let listed = group.trim_end_matches('}');
        let leaf = if group.is_empty() { prefix.rsplit("::").next().unwrap_or(prefix) } else { listed };
        for item in leaf.split([',', '{', '}']) {
            let name = item.rsplit("::").next().unwrap_or(item);
            let name = name.rsplit(" as ").next().unwrap_or(name).trim();
            if !name.is_empty() && name != "self" {
                names.insert(name.to_owned(), module.clone());
            }
        }
    }
    names
}

// The line of crates.

/// Package names and directories, in the one order they may depend on each other.
const LINE: &[(&str, &str)] = &[
    ("oauth-core", "oauth-core"),
    ("rar-consent", "rar-consent"),
    ("resource-server", "resource-server"),
    ("mandate-examples", "examples"),
    ("conformance", "conformance"),
];

fn dependency_line(manifest: &str) -> Vec<String> {
    let manifest: toml::Table = manifest.parse().expect("a manifest is TOML");
    let name = manifest["package"]["name"].as_str().expect("a package has a name");
    let Some(own) = LINE.iter().position(|(package, _)| *package == name) else {
        return vec![format!("{name} stands nowhere in the line of crates")];
    };
    let mut found = Vec::new();
    for table in ["dependencies", "build-dependencies", "dev-dependencies"] {
        let Some(dependencies) = manifest.get(table).and_then(toml::Value::as_table) else { continue };
        for used in dependencies.keys() {
            let Some(other) = LINE.iter().position(|(package, _)| package == used) else { continue };
            if other >= own {
                found.push(format!("{name} may not depend on {used}: the line runs the other way"));
            } else if name == "conformance" && (table != "dev-dependencies" || used == "oauth-core") {
                found.push(format!("conformance is an outsider and may not share code with {used}"));
            }
        }
    }
    found
}

// Words.

const PROFILES: &[&str] = &[
    "FAPI1_ADVANCED",
    "FAPI2_SECURITY",
    "FAPI2_MESSAGE_SIGNING",
    "FAPI2_MESSAGE_SIGNING_ID1",
    "UAE_OPEN_FINANCE",
    "PLAIN_OAUTH",
];

/// The engine reads a policy by its fields. `lib.rs` may list the constants as public names.
fn profile_names(file: &Source) -> Vec<String> {
    let exempt = ["oauth-core/src/policy/", "oauth-core/src/testkit/", "examples/", "conformance/"];
    if exempt.iter().any(|prefix| file.path.starts_with(prefix)) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for profile in PROFILES {
        for at in source::words(&file.code, profile) {
            let statement = file.code[..at].rfind([';', '}']).map_or(0, |end| end + 1);
            let listed = file.path == "oauth-core/src/lib.rs"
                && file.code[statement..at].trim_start().starts_with("pub use");
            if !listed {
                found.push(complain(file, at, &format!("{profile} is named outside policy/")));
            }
        }
    }
    found
}

const AMBIENT: &[&str] = &[
    "SystemTime::now",
    "Instant::now",
    "Utc::now",
    "Local::now",
    "SystemRandom::new",
    "OsRng",
    "thread_rng",
    "Uuid::new_v4",
    "Uuid::now_v7",
    "env::var",
    "env::var_os",
];

/// Files that may read one of these, each with the reason. A path ending in `/` stands for its directory.
const AMBIENT_ALLOWED: &[(&str, &[&str], &str)] = &[
    ("oauth-core/src/port/clock.rs", &["SystemTime::now", "Instant::now", "Utc::now"], "the clock"),
    ("oauth-core/src/port/entropy.rs", &["SystemRandom::new"], "the source of random bytes"),
    (
        "oauth-core/src/port/signer.rs",
        &["SystemRandom::new"],
        "ring seals the source its signatures draw from",
    ),
    (
        "oauth-core/src/store/keys/sealed.rs",
        &["SystemRandom::new"],
        "ring seals the source its keys and signatures draw from",
    ),
    (
        "examples/src/bank/signing_keys.rs",
        &["SystemRandom::new"],
        "ring seals the source its keys are drawn from",
    ),
    ("oauth-core/src/testkit/", &["SystemRandom::new"], "ring seals the source its signatures draw from"),
    ("examples/src/clock.rs", &["SystemTime::now", "Instant::now", "Utc::now"], "the clock of the bank"),
    ("examples/src/entropy.rs", &["SystemRandom::new"], "the random bytes of the bank"),
    ("examples/src/bank/audit.rs", &["SystemRandom::new"], "ring seals the source its signatures draw from"),
    ("examples/src/pki.rs", &["SystemRandom::new"], "ring seals the source its keys are drawn from"),
    (
        "examples/src/keys.rs",
        &["SystemRandom::new", "OsRng"],
        "keys of the first start; the makers name their source",
    ),
    (
        "examples/src/bank/data_dir.rs",
        &["SystemRandom::new"],
        "ring seals the source its keys are drawn from",
    ),
    ("examples/src/embed.rs", &["SystemRandom::new"], "ring seals the source its keys are drawn from"),
    ("examples/src/tpp/keys.rs", &["SystemRandom::new"], "ring seals the source its signatures draw from"),
    ("examples/src/bench/", &["Instant::now", "SystemRandom::new"], "a benchmark reads the clock it reports"),
    ("conformance/src/host.rs", AMBIENT, "the outsider's only door to its machine"),
];

fn ambient_reads(file: &Source) -> Vec<String> {
    let allowed: Vec<&str> = AMBIENT_ALLOWED
        .iter()
        .filter(|(path, _, _)| file.path == *path || (path.ends_with('/') && file.path.starts_with(path)))
        .flat_map(|(_, words, _)| words.iter().copied())
        .collect();
    AMBIENT
        .iter()
        .filter(|word| !allowed.contains(word))
        .flat_map(|word| source::words(&file.code, word).map(move |at| (at, word)))
        .map(|(at, word)| complain(file, at, &format!("{word} outside its port")))
        .collect()
}

// Lengths.

/// Lines of code in a body, blank lines and comments left out, as clippy counts them.
fn long_functions(file: &Source) -> Vec<String> {
    let code = file.code.as_bytes();
    let mut found = Vec::new();
    for at in source::words(&file.code, "fn") {
        let name = first_segment(&file.code[at + 2..]);
        let Some(open) = source::body_or_end(code, at).filter(|open| code[*open] == b'{') else { continue };
        let (false, Some(close)) = (name.is_empty(), source::closing(code, open)) else { continue };
        let lines = file.text[open + 1..close].lines().filter(|line| !line.trim().is_empty()).count();
        if lines > FUNCTION_LINES && !expects_length(file, at) {
            found.push(complain(
                file,
                at,
                &format!("fn {name} has {lines} lines, {FUNCTION_LINES} are allowed"),
            ));
        }
    }
    found
}

/// The lint's own way to say why one function is longer; the lint sees to it that a reason is given.
fn expects_length(file: &Source, at: usize) -> bool {
    let before = &file.code[..at];
    let item = before.rfind(['}', ';', '{']).map_or(0, |end| end + 1);
    before[item..].contains("expect(clippy::too_many_lines")
}

fn long_file(file: &Source) -> Vec<String> {
    let lines = file.lines_without_tests();
    if lines > FILE_LINES {
        return vec![format!("{}:1: {lines} lines without tests, {FILE_LINES} are allowed", file.path)];
    }
    Vec::new()
}

// Rules.

const DOCUMENTS: &[&str] = &["RFC ", "FAPI", "OpenID", "JARM", "CIBA", "UAE", "OBP", "OFxPERA", "ISO "];

fn citation(file: &Source) -> Vec<String> {
    if !file.path.contains("/src/rules/") || file.path.ends_with("/mod.rs") {
        return Vec::new();
    }
    let first = file.raw.lines().next().unwrap_or_default();
    if first.starts_with("//! ") && DOCUMENTS.iter().any(|document| first.contains(document)) {
        return Vec::new();
    }
    vec![format!("{}:1: the first line must cite the document: //! RFC 9126: …", file.path)]
}

fn rule_ids(files: &[Source]) -> Vec<String> {
    let mut seen: BTreeMap<&str, String> = BTreeMap::new();
    let mut found = Vec::new();
    for file in files {
        for (at, marker) in file.text.match_indices("RuleId(\"") {
            let rest = &file.text[at + marker.len()..];
            let id = &rest[..rest.find('"').unwrap_or(rest.len())];
            if !well_formed_id(id) {
                found.push(complain(
                    file,
                    at,
                    &format!("{id} is not DOCUMENT-SECTION or DOCUMENT-SECTION-item"),
                ));
            }
            if let Some(first) = seen.insert(id, format!("{}:{}", file.path, file.line(at))) {
                found.push(complain(file, at, &format!("{id} is already the id of {first}")));
            }
        }
    }
    found
}

/// `RFC9126-2.1-2`: a document, a section, and where one section asks several things, which of them: a step, a word.
fn well_formed_id(id: &str) -> bool {
    let mut parts = id.split('-');
    let (Some(document), Some(section)) = (parts.next(), parts.next()) else { return false };
    let items: Vec<&str> = parts.collect();
    let word = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let item = |part: &str| {
        let small = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        !part.is_empty() && part.bytes().all(small)
    };
    word(document)
        && document.starts_with(|letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit())
        && section.split('.').all(word)
        && items.len() <= 2
        && items.into_iter().all(item)
}

// Signatures and tables.

fn bool_parameters(file: &Source) -> Vec<String> {
    let code = &file.code;
    let mut found = Vec::new();
    for at in source::words(code, "fn") {
        let line = code[..at].rfind(['\n', ';', '{', '}']).map_or(0, |end| end + 1);
        let mut before = code[line..at].split_whitespace();
        if before.next() != Some("pub")
            || before.any(|word| !["async", "const", "unsafe", "extern"].contains(&word))
        {
            continue;
        }
        let Some(open) = parameters(code, at) else { continue };
        let Some(close) = source::closing(code.as_bytes(), open) else { continue };
        for parameter in split_top_level(&code[open + 1..close]) {
            let of_type = parameter.split_once(':').map_or("", |(_, of_type)| of_type);
            let bare: String =
                of_type.replace("mut ", "").chars().filter(|letter| !" \n&".contains(*letter)).collect();
            if ["bool", "Option<bool>"].contains(&bare.as_str()) {
                let name = first_segment(&code[at + 2..]);
                found.push(complain(
                    file,
                    at,
                    &format!("pub fn {name} takes a bool: name the two cases in an enum"),
                ));
            }
        }
    }
    found
}

/// The opening parenthesis of the parameter list, after any generic parameters.
fn parameters(code: &str, at: usize) -> Option<usize> {
    let mut depth = 0_i32;
    let mut previous = b' ';
    for (position, byte) in code.bytes().enumerate().skip(at) {
        match byte {
            b'<' => depth += 1,
            b'>' if previous != b'-' => depth -= 1,
            b'(' if depth == 0 => return Some(position),
            b'{' | b';' => return None,
            _ => {}
        }
        previous = byte;
    }
    None
}

fn wildcard_arms(file: &Source) -> Vec<String> {
    let table = file.path.ends_with("/refusal/code.rs")
        || (file.path.contains("/dialect/") && file.path.ends_with("/error.rs"));
    if !table {
        return Vec::new();
    }
    source::words(&file.code, "_")
        .filter(|at| file.code[at + 1..].trim_start().starts_with("=>"))
        .filter(|at| matches_paths(&file.code[..*at]))
        .map(|at| complain(file, at, "a wildcard arm hides the next reason"))
        .collect()
}

/// Whether the arms before a wildcard name variants; a match over letters or numbers cannot do without one.
fn matches_paths(before: &str) -> bool {
    let mut depth = 0_i32;
    let open = before.bytes().enumerate().rev().find(|(_, byte)| {
        match byte {
            b'}' => depth += 1,
            b'{' => depth -= 1,
            _ => {}
        }
        depth < 0
    });
    before[open.map_or(0, |(at, _)| at)..].contains("::")
}
