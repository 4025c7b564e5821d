//! The public surface of the libraries, held against a checked-in copy: a change of it is always a visible line of a
//! review. `MANDATE_BLESS=1 cargo test -p conformance --test it names` writes the copy anew.

use std::path::PathBuf;

use crate::source::{self, Source, body_or_end, closing, is_word, words};

const LIBRARIES: [&str; 3] = ["oauth-core", "rar-consent", "resource-server"];

#[test]
fn public_names_are_those_of_the_checked_in_lists() {
    let files = source::all();
    for library in LIBRARIES {
        let names = surface(library, &files);
        let copy = copy_of(library);
        if conformance::host::setting("MANDATE_BLESS").is_some() {
            std::fs::write(&copy, &names).expect("the list can be written");
        }
        let known = std::fs::read_to_string(&copy).unwrap_or_default();
        let changes = changes(&known, &names);
        assert!(
            changes.is_empty(),
            "the public surface of {library} changed; if that is meant, write the list anew \
             (MANDATE_BLESS=1) and say so in CHANGELOG.md:\n{}",
            changes.join("\n")
        );
    }
}

fn copy_of(library: &str) -> PathBuf {
    source::top().join("conformance/names").join(format!("{library}.txt"))
}

fn changes(known: &str, names: &str) -> Vec<String> {
    let gone = known.lines().filter(|line| !names.lines().any(|name| name == *line));
    let come = names.lines().filter(|line| !known.lines().any(|name| name == *line));
    gone.map(|line| format!("- {line}")).chain(come.map(|line| format!("+ {line}"))).collect()
}

/// Every public declaration below `src`, a line each. The lint `unreachable_pub` sees to it that what says `pub` can
/// be reached from outside.
fn surface(library: &str, files: &[Source]) -> String {
    let below = format!("{library}/src/");
    let mut lines: Vec<String> = files
        .iter()
        .filter_map(|file| Some((file.path.strip_prefix(&below)?, file)))
        .flat_map(|(path, file)| declarations(path.trim_end_matches(".rs"), file))
        .collect();
    lines.sort();
    lines.dedup();
    lines.join("\n") + "\n"
}

fn declarations(path: &str, file: &Source) -> Vec<String> {
    let code = file.code.as_bytes();
    let owners = owners(&file.code);
    words(&file.code, "pub")
        .filter(|at| code.get(at + 3) == Some(&b' '))
        .map(|at| {
            let owner = owners.iter().filter(|owner| owner.within(at)).map(|owner| owner.name.as_str());
            let owner = owner.fold(String::new(), |all, name| format!("{all}{name} "));
            format!("{path}: {owner}{}", one_line(&file.text[at..end(&file.code, at)]))
        })
        .collect()
}

/// Where a declaration ends: before the body of a function or structure, after that of an enumeration or a trait,
/// before the value of a constant, before the comma behind a field.
fn end(code: &str, at: usize) -> usize {
    let bytes = code.as_bytes();
    let rest = &code[at..];
    let item = ["fn ", "struct ", "enum ", "trait ", "const ", "static ", "type ", "use ", "mod ", "async "]
        .into_iter()
        .find(|word| rest.strip_prefix("pub ").is_some_and(|rest| rest.starts_with(word)));
    let stop = body_or_end(bytes, at).unwrap_or(bytes.len());
    match item {
        Some("enum " | "trait ") => closing(bytes, stop).map_or(stop, |close| close + 1),
        Some("use ") => rest.find(';').map_or(stop, |length| at + length),
        Some("const " | "static ") if !rest[..stop - at].contains("fn ") => {
            rest.find(" =").map_or(stop, |length| at + length)
        }
        Some(_) => stop,
        None => field_end(bytes, at),
    }
}

fn field_end(code: &[u8], at: usize) -> usize {
    let mut depth = 0_i32;
    for (position, byte) in code.iter().enumerate().skip(at) {
        match byte {
            b'<' | b'(' | b'[' => depth += 1,
            b')' | b'}' if depth == 0 => return position,
            b'>' if code[position - 1] != b'-' => depth -= 1,
            b')' | b']' => depth -= 1,
            b',' if depth == 0 => return position,
            _ => {}
        }
    }
    code.len()
}

/// A block that gives its name to what is declared inside.
struct Owner {
    name: String,
    from: usize,
    to: usize,
}

impl Owner {
    const fn within(&self, at: usize) -> bool {
        self.from < at && at < self.to
    }
}

fn owners(code: &str) -> Vec<Owner> {
    let bytes = code.as_bytes();
    let mut found: Vec<Owner> = ["impl", "struct", "mod"]
        .into_iter()
        .flat_map(|word| words(code, word))
        .filter_map(|at| {
            let from = body_or_end(bytes, at).filter(|open| bytes[*open] == b'{')?;
            let name = one_line(&code[at..from]);
            let starts_an_item =
                code[..at].trim_end().ends_with(['}', ';', '{', ']', ' ', 'b', ')']) || at == 0;
            let declared =
                name.as_bytes().get(4).is_some_and(|byte| !is_word(*byte)) || !name.starts_with("impl");
            (starts_an_item && declared).then_some(Owner { name, from, to: closing(bytes, from)? })
        })
        .collect();
    found.sort_by_key(|owner| owner.from);
    found
}

fn one_line(text: &str) -> String {
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    joined.replace("( ", "(").replace(" )", ")").replace(", )", ")").replace(",)", ")")
}

#[test]
fn a_new_method_of_a_public_type_is_a_change_of_the_surface() {
    let before = Source::new(
        "oauth-core/src/a.rs",
        "pub struct A { pub b: Vec<(u8, u8)>, c: u8 }\nimpl A { fn d() {} }\n",
    );
    let after = Source::new(
        "oauth-core/src/a.rs",
        "pub struct A { pub b: Vec<(u8, u8)>, c: u8 }\nimpl A { pub fn d(e: u8) -> u8 { e } }\n",
    );
    let (before, after) = (surface("oauth-core", &[before]), surface("oauth-core", &[after]));
    assert_eq!(before, "a: pub struct A\na: struct A pub b: Vec<(u8, u8)>\n");
    assert_eq!(changes(&before, &after), ["+ a: impl A pub fn d(e: u8) -> u8"]);
}
