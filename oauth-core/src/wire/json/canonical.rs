//! JSON that is hashed: the canonical form of RFC 8785.

use std::fmt::Write as _;

use serde_json::{Map, Number, Value};

/// RFC 8785 section 3.2: the one byte form of a value, for hashing. Names are sorted by UTF-16 code units, numbers
/// are written as ECMAScript writes them. One departure: an integer that a double cannot hold keeps all its digits,
/// so that two different amounts never share a hash.
#[must_use]
pub fn canonical(value: &Value) -> Vec<u8> {
    let mut out = String::with_capacity(256);
    write_canonical(value, &mut out);
    out.into_bytes()
}

fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => write_number(number, out),
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => write_members(members, out),
    }
}

fn write_members(members: &Map<String, Value>, out: &mut String) {
    let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
    sorted.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    out.push('{');
    for (index, (name, value)) in sorted.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_text(name, out);
        out.push(':');
        write_canonical(value, out);
    }
    out.push('}');
}

/// RFC 8785 section 3.2.2.2.
fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            control @ '\0'..='\u{1f}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

fn write_number(number: &Number, out: &mut String) {
    match (number.is_f64(), number.as_f64()) {
        (true, Some(double)) => write_double(double, out),
        _ => {
            let _ = write!(out, "{number}");
        }
    }
}

/// RFC 8785 section 3.2.2.3: `Number::toString` of ECMA-262 section 6.1.6.1.20. Rust's exponent form supplies the
/// shortest digits that read back as the same double.
fn write_double(double: f64, out: &mut String) {
    if double == 0.0 {
        return out.push('0');
    }
    if double < 0.0 {
        out.push('-');
    }
    let scientific = format!("{:e}", double.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits = even_on_tie(mantissa.chars().filter(char::is_ascii_digit).collect(), double.abs());
    let point = exponent.parse::<i32>().unwrap_or_default() + 1;
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or_default());
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    if (count..=21).contains(&point) {
        out.push_str(&digits);
        out.push_str(&zeros(point - count));
    } else if (1..=21).contains(&point) {
        let (whole, fraction) = digits.split_at(usize::try_from(point).unwrap_or_default());
        let _ = write!(out, "{whole}.{fraction}");
    } else if (-5..=0).contains(&point) {
        let _ = write!(out, "0.{}{digits}", zeros(-point));
    } else {
        let (first, rest) = digits.split_at(1);
        let dot = if rest.is_empty() { "" } else { "." };
        let _ = write!(out, "{first}{dot}{rest}e{:+}", point - 1);
    }
}

/// RFC 8785 appendix B, note on rounding: of two shortest forms equally near the double, the even one. The exact
/// decimal form of a double has at most 767 digits; a tie is possible only where 16 or 17 are needed.
fn even_on_tie(shortest: String, double: f64) -> String {
    if shortest.len() < 16 {
        return shortest;
    }
    let scientific = format!("{double:.770e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exact: String = mantissa.trim_end_matches('0').chars().filter(char::is_ascii_digit).collect();
    let Some(even) = exact.strip_suffix('5') else {
        return shortest;
    };
    let is_even = even.ends_with(['0', '2', '4', '6', '8']);
    let (first, rest) = even.split_at(even.len().min(1));
    let reads_back = format!("{first}.{rest}e{exponent}").parse() == Ok(double);
    if even.len() == shortest.len() && is_even && reads_back { even.to_owned() } else { shortest }
}
