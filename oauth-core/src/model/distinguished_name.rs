//! RFC 4514: the string form of a certificate's subject, read so that two spellings of one name are one value.

/// The subject of a certificate. Attribute types are compared by their object identifier, values byte by byte after
/// every escape is undone; the order of the relative names counts, the order of attributes within one does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DistinguishedName(Vec<Vec<Attribute>>);

/// Object identifier of the type, and the value.
type Attribute = (String, String);

/// A text that is no distinguished name, or one with a type we do not know by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a distinguished name in the form of RFC 4514; name types as there, or by their object identifier"
)]
pub struct DistinguishedNameFault;

impl DistinguishedName {
    /// Reads the string form (RFC 4514 section 3). Blanks around separators, which RFC 2253 allowed, are ignored.
    ///
    /// # Errors
    /// When it is not one; an empty name or value is none either.
    pub fn parse(text: &str) -> Result<Self, DistinguishedNameFault> {
        read_name(text.as_bytes()).map(Self::from_text_order).ok_or(DistinguishedNameFault)
    }

    /// From the relative names in the order of the certificate, each a set of object identifiers and values.
    pub(crate) fn from_relative_names(names: Vec<Vec<(String, String)>>) -> Self {
        let sorted = |mut name: Vec<Attribute>| {
            name.sort();
            name
        };
        Self(names.into_iter().map(sorted).collect())
    }

    /// RFC 4514 section 2.1: the text begins with the last relative name.
    fn from_text_order(mut names: Vec<Vec<Attribute>>) -> Self {
        names.reverse();
        Self::from_relative_names(names)
    }
}

fn read_name(text: &[u8]) -> Option<Vec<Vec<Attribute>>> {
    let (mut names, mut current, mut rest) = (Vec::new(), Vec::new(), text);
    loop {
        let at = rest.iter().position(|byte| *byte == b'=')?;
        let (kind, after) = (rest.get(..at)?, rest.get(at + 1..)?);
        let kind = object_identifier(std::str::from_utf8(kind).ok()?.trim_matches(' '))?;
        let (value, after) = read_value(after)?;
        current.push((kind.to_owned(), value));
        match after {
            [b'+', more @ ..] => rest = more,
            [b',', more @ ..] => {
                names.push(std::mem::take(&mut current));
                rest = more;
            }
            _ => {
                names.push(current);
                return Some(names);
            }
        }
    }
}

/// One value up to an unescaped `,` or `+`, and what follows it.
fn read_value(text: &[u8]) -> Option<(String, &[u8])> {
    let mut rest = text;
    while let [b' ', after @ ..] = rest {
        rest = after;
    }
    if let [b'#', hex @ ..] = rest {
        return read_hex(hex);
    }
    // what is kept ends with the last byte that is not a bare blank
    let (mut value, mut kept) = (Vec::new(), 0);
    loop {
        match rest {
            [] | [b',' | b'+', ..] => break,
            [b'\\', escaped, after @ ..] if b" \"#+,;<=>\\".contains(escaped) => {
                value.push(*escaped);
                kept = value.len();
                rest = after;
            }
            [b'\\', high, low, after @ ..] => {
                value.push(byte_of(*high, *low)?);
                kept = value.len();
                rest = after;
            }
            [b'\\' | b'"' | b';' | b'<' | b'>' | 0, ..] => return None,
            [byte, after @ ..] => {
                value.push(*byte);
                if *byte != b' ' {
                    kept = value.len();
                }
                rest = after;
            }
        }
    }
    value.truncate(kept);
    let value = String::from_utf8(value).ok()?;
    (!value.is_empty()).then_some((value, rest))
}

/// RFC 4514 section 2.4: a value as the hexadecimal form of its encoding; here that of a short character string.
fn read_hex(text: &[u8]) -> Option<(String, &[u8])> {
    let end = text.iter().position(|byte| matches!(byte, b',' | b'+' | b' ')).unwrap_or(text.len());
    let (hex, mut rest) = text.split_at(end);
    while let [b' ', after @ ..] = rest {
        rest = after;
    }
    if !matches!(rest, [] | [b',' | b'+', ..]) {
        return None;
    }
    let (pairs, []) = hex.as_chunks::<2>() else { return None };
    let encoded: Option<Vec<u8>> = pairs.iter().map(|[high, low]| byte_of(*high, *low)).collect();
    match encoded?.as_slice() {
        [UTF8_STRING | PRINTABLE_STRING | IA5_STRING, length @ 1..=0x7f, content @ ..]
            if content.len() == usize::from(*length) =>
        {
            Some((std::str::from_utf8(content).ok()?.to_owned(), rest))
        }
        _ => None,
    }
}

/// Tags of X.690 section 8.
const UTF8_STRING: u8 = 0x0c;
const PRINTABLE_STRING: u8 = 0x13;
const IA5_STRING: u8 = 0x16;

fn byte_of(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

/// RFC 4514 section 3 and RFC 4519, plus the attributes open-banking certificates carry as OpenSSL names them.
fn object_identifier(name: &str) -> Option<&str> {
    let known = [
        ("CN", "2.5.4.3"),
        ("SN", "2.5.4.4"),
        ("SERIALNUMBER", "2.5.4.5"),
        ("C", "2.5.4.6"),
        ("L", "2.5.4.7"),
        ("ST", "2.5.4.8"),
        ("STREET", "2.5.4.9"),
        ("O", "2.5.4.10"),
        ("OU", "2.5.4.11"),
        ("title", "2.5.4.12"),
        ("businessCategory", "2.5.4.15"),
        ("postalCode", "2.5.4.17"),
        ("GN", "2.5.4.42"),
        ("organizationIdentifier", "2.5.4.97"),
        ("DC", "0.9.2342.19200300.100.1.25"),
        ("UID", "0.9.2342.19200300.100.1.1"),
        ("emailAddress", "1.2.840.113549.1.9.1"),
        ("jurisdictionL", "1.3.6.1.4.1.311.60.2.1.1"),
        ("jurisdictionST", "1.3.6.1.4.1.311.60.2.1.2"),
        ("jurisdictionC", "1.3.6.1.4.1.311.60.2.1.3"),
    ];
    let dotted = |name: &str| {
        name.split('.').all(|arc| !arc.is_empty() && arc.bytes().all(|byte| byte.is_ascii_digit()))
    };
    if dotted(name) {
        return Some(name);
    }
    known.iter().find(|(short, _)| short.eq_ignore_ascii_case(name)).map(|(_, identifier)| *identifier)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> DistinguishedName {
        DistinguishedName::parse(text).unwrap_or_else(|_| panic!("{text}"))
    }

    #[test]
    fn section_4_one_name_in_all_its_spellings_is_one_value() {
        let plain = name(r"CN=tpp,O=Palm\, Bücher,C=AE");
        for spelling in [
            r"cn=tpp,o=Palm\, Bücher,c=AE",
            r"CN=tpp, O=Palm\, Bücher , C=AE",
            r"CN=tpp,O=Palm\2C B\C3\BCcher,C=AE",
            r"2.5.4.3=tpp,2.5.4.10=Palm\2c\20Bücher,2.5.4.6=AE",
            "CN=#0C03747070,O=Palm\\, Bücher,C=#13024145",
        ] {
            assert_eq!(name(spelling), plain, "{spelling}");
        }
        assert_eq!(name(r"CN=a\ ,O=x=y"), name(r"CN=a\20, O=x\=y"), "an escaped blank stays");
        assert_eq!(name("OU=a+CN=b,C=AE"), name("CN=b+OU=a,C=AE"), "within a relative name order is nothing");
    }

    #[test]
    fn section_2_another_order_value_or_type_is_another_name() {
        let plain = name(r"CN=tpp,O=Palm,C=AE");
        for other in [
            "C=AE,O=Palm,CN=tpp",
            "CN=tpp,O=palm,C=AE",
            "CN=tpp,O=Palm",
            "CN=tpp,OU=Palm,C=AE",
            "CN=tpp+O=Palm,C=AE",
            r"CN=tpp,O=Palm\ ,C=AE",
            "CN=tpp,CN=tpp,O=Palm,C=AE",
        ] {
            assert_ne!(name(other), plain, "{other}");
        }
    }

    #[test]
    fn section_3_what_is_no_name_is_refused() {
        for text in [
            "",
            "CN",
            "CN=",
            "CN=  ",
            "=x",
            "XX=y",
            "CN=a,",
            "CN=a+",
            "CN=a;O=b",
            "CN=\"a\"",
            "CN=a\\",
            "CN=a\\0",
            "CN=a\\zz",
            "CN=\\ff",
            "CN=#",
            "CN=#0c",
            "CN=#0c0261",
            "CN=#020101",
            "CN=#0c0161 x",
            "2..5=x",
            "CN=a<b",
            "CN=a\0",
        ] {
            assert_eq!(DistinguishedName::parse(text), Err(DistinguishedNameFault), "{text}");
        }
    }
}
