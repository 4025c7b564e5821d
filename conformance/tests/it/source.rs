//! Rust source as the tidy test sees it: with comments, literals and tests blanked out, line by line in place.

use std::path::{Path, PathBuf};

/// One file. `code` and `text` have as many lines as `raw`, so a position in one is a position in all.
pub(crate) struct Source {
    /// Path from the top of the repository, with `/`.
    pub(crate) path: String,
    /// The file as it is.
    pub(crate) raw: String,
    /// Without comments, string literals and tests.
    pub(crate) code: String,
    /// Without comments and tests.
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn new(path: &str, raw: &str) -> Self {
        let mut code = blank(raw, Literals::Blank);
        let mut text = blank(raw, Literals::Keep);
        for (start, end) in test_ranges(&code) {
            erase(&mut code, start, end);
            erase(&mut text, start, end);
        }
        Self { path: path.to_owned(), raw: raw.to_owned(), code: into_string(code), text: into_string(text) }
    }

    /// One-based line of a byte position.
    pub(crate) fn line(&self, position: usize) -> usize {
        self.raw.as_bytes().iter().take(position).filter(|byte| **byte == b'\n').count() + 1
    }

    /// Lines that are neither in a test module nor after the end.
    pub(crate) fn lines_without_tests(&self) -> usize {
        let full = blank(&self.raw, Literals::Blank);
        let tests: usize = test_ranges(&full)
            .iter()
            .map(|(start, end)| self.raw[*start..*end].matches('\n').count() + 1)
            .sum();
        self.raw.lines().count().saturating_sub(tests)
    }
}

/// The top of the repository.
pub(crate) fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the repository exists")
}

/// Every Rust file below the `src` directories of all crates, in a stable order.
pub(crate) fn all() -> Vec<Source> {
    let top = top();
    let mut files = Vec::new();
    for member in ["oauth-core", "rar-consent", "resource-server", "examples", "conformance"] {
        walk(&top.join(member).join("src"), &mut files);
    }
    files.sort();
    files
        .iter()
        .map(|file| {
            let path =
                file.strip_prefix(&top).expect("walked from the top").to_string_lossy().replace('\\', "/");
            Source::new(&path, &std::fs::read_to_string(file).expect("readable source"))
        })
        .filter(|source| !is_test_file(&source.path))
        .collect()
}

fn walk(directory: &Path, into: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// Modules declared as `#[cfg(test)] mod tests;` live in files of that name.
fn is_test_file(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/") || path.ends_with("_tests.rs")
}

#[derive(Clone, Copy, PartialEq)]
enum Literals {
    Keep,
    Blank,
}

/// Replaces comments, and string and character literals if asked, by spaces; newlines stay.
fn blank(raw: &str, literals: Literals) -> Vec<u8> {
    let bytes = raw.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let (end, kind) = token(bytes, at);
        if kind == Token::Comment || (kind == Token::Literal && literals == Literals::Blank) {
            erase(&mut out, at, end);
        }
        at = end;
    }
    out
}

#[derive(PartialEq)]
enum Token {
    Code,
    Comment,
    Literal,
}

fn token(bytes: &[u8], at: usize) -> (usize, Token) {
    let rest = &bytes[at..];
    let joined = at > 0 && is_word(bytes[at - 1]);
    if rest.starts_with(b"//") {
        return (at + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()), Token::Comment);
    }
    if rest.starts_with(b"/*") {
        return (at + block_comment(rest), Token::Comment);
    }
    if rest[0] == b'"' {
        return (at + quoted(rest, 1, b'"'), Token::Literal);
    }
    if rest[0] == b'b' && !joined && rest.get(1) == Some(&b'"') {
        return (at + quoted(rest, 2, b'"'), Token::Literal);
    }
    if !joined && let Some(length) = raw_string(rest) {
        return (at + length, Token::Literal);
    }
    if rest[0] == b'\''
        && let Some(length) = character(rest)
    {
        return (at + length, Token::Literal);
    }
    (at + 1, Token::Code)
}

fn block_comment(rest: &[u8]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

fn quoted(rest: &[u8], from: usize, quote: u8) -> usize {
    let mut at = from;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn raw_string(rest: &[u8]) -> Option<usize> {
    let after = if rest.starts_with(b"br") { 2 } else { usize::from(rest.starts_with(b"r")) };
    if after == 0 {
        return None;
    }
    let hashes = rest[after..].iter().take_while(|byte| **byte == b'#').count();
    if rest.get(after + hashes) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'"'];
    close.resize(hashes + 1, b'#');
    let body = after + hashes + 1;
    let end = rest[body..].windows(close.len()).position(|window| window == close.as_slice());
    Some(end.map_or(rest.len(), |position| body + position + close.len()))
}

/// A character literal, as opposed to a lifetime.
fn character(rest: &[u8]) -> Option<usize> {
    if rest.get(1) == Some(&b'\\') {
        return Some(quoted(rest, 1, b'\''));
    }
    let width = std::str::from_utf8(&rest[1..rest.len().min(5)])
        .map_or_else(|error| std::str::from_utf8(&rest[1..1 + error.valid_up_to()]).ok(), Some)?
        .chars()
        .next()?
        .len_utf8();
    (rest.get(1 + width) == Some(&b'\'')).then_some(width + 2)
}

/// Items under `#[cfg(test)]`, from the attribute to the closing brace or semicolon.
fn test_ranges(code: &[u8]) -> Vec<(usize, usize)> {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for marker in [&b"#[cfg(test)]"[..], b"#[cfg(all(test"] {
        for (at, _) in code.windows(marker.len()).enumerate().filter(|(_, window)| *window == marker) {
            let end = item_end(code, at + marker.len());
            if !ranges.iter().any(|(start, stop)| (*start..*stop).contains(&at)) {
                ranges.push((at, end));
            }
        }
    }
    ranges
}

fn item_end(code: &[u8], from: usize) -> usize {
    match body_or_end(code, from) {
        Some(at) if code[at] == b'{' => closing(code, at).unwrap_or(code.len() - 1) + 1,
        Some(at) => at + 1,
        None => code.len(),
    }
}

/// The first `{` or `;` that stands outside of parentheses and square brackets.
pub(crate) fn body_or_end(code: &[u8], from: usize) -> Option<usize> {
    let mut depth = 0_usize;
    code.iter().enumerate().skip(from).find_map(|(at, byte)| {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        (depth == 0 && matches!(byte, b'{' | b';')).then_some(at)
    })
}

/// The position of the bracket that closes the one at `open`.
pub(crate) fn closing(code: &[u8], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in code.iter().enumerate().skip(open) {
        match byte {
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// Positions at which `word` stands alone, not as part of a longer identifier.
pub(crate) fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = at.checked_sub(1).map(|index| code.as_bytes()[index]);
        let after = code.as_bytes().get(at + word.len());
        !before.is_some_and(is_word) && !after.is_some_and(|byte| is_word(*byte))
    })
}

/// A byte of an identifier.
pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn erase(out: &mut [u8], start: usize, end: usize) {
    let end = end.min(out.len());
    out[start..end].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
}

fn into_string(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("blanking whole tokens keeps UTF-8")
}

#[test]
fn comments_literals_and_tests_are_blanked_and_nothing_else() {
    let raw = "use a; // b\nfn f<'x>(c: char) { '\"'; r#\"fn g\"# /* h */; \"i\\\"j\" }\n#[cfg(test)]\nmod tests { fn k() {} }\nfn l() {}\n";
    let source = Source::new("x.rs", raw);
    for gone in ["b\n", "fn g", "h */", "i\\", "fn k"] {
        assert!(!source.code.contains(gone), "{gone} should be gone from {}", source.code);
    }
    for kept in ["use a;", "fn f<'x>(c: char)", "fn l() {}"] {
        assert!(source.code.contains(kept), "{kept} should be in {}", source.code);
    }
    assert!(
        source.text.contains("fn g") && !source.text.contains("fn k"),
        "text keeps literals, but not of tests"
    );
    assert_eq!(source.code.len(), raw.len());
    assert_eq!(source.lines_without_tests(), 3);
}
