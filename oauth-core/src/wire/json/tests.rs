use serde::Deserialize;
use serde_json::json;

use super::*;

fn text(value: &Value) -> String {
    String::from_utf8(canonical(value)).unwrap()
}

fn nested(levels: usize) -> String {
    "[".repeat(levels) + &"]".repeat(levels)
}

#[test]
fn a_repeated_member_is_refused_at_any_depth_and_in_any_spelling() {
    for (document, path) in [
        (r#"{"aud":1,"aud":1}"#, "/aud"),
        (r#"{"aud":1,"a\u0075d":2}"#, "/aud"),
        (r#"{"a":[0,{"b":{"c":1,"c":"x"}}]}"#, "/a/1/b/c"),
        (r#"[{"":1,"":1}]"#, "/0/"),
        ("{\"a\\nb\":1,\"a\\u000ab\":1}", "/a?b"),
    ] {
        let fault = JsonFault::Repeated(JsonPath(path.to_owned()));
        assert_eq!(read_value(document.as_bytes()), Err(fault.clone()), "{document}");
        assert_eq!(read_strict::<de::IgnoredAny>(document.as_bytes()).unwrap_err(), fault, "{document}");
    }
    assert!(read_value(br#"[{"a":1},{"a":1,"b":{"a":1}}]"#).is_ok());
}

#[test]
fn what_is_not_exactly_one_finite_utf_8_document_is_refused() {
    for (bytes, fault) in [
        (&b"\xef\xbb\xbf{}"[..], JsonFault::ByteOrderMark),
        (b"\"\xff\"", JsonFault::NotUtf8),
        (b"\"\xc0\xaf\"", JsonFault::NotUtf8),
        (b"{} {}", JsonFault::TrailingData),
        (b"{}\0", JsonFault::TrailingData),
        (b"1e400", JsonFault::NotFinite),
        (b"[-1e999]", JsonFault::NotFinite),
    ] {
        assert_eq!(read_value(bytes), Err(fault), "{bytes:?}");
    }
    for bad in
        ["", " ", "NaN", "[Infinity]", "{'a':1}", "[1,]", "01", "+1", "\"\\ud800\"", "\"\n\"", "\u{a0}1"]
    {
        assert!(matches!(read_value(bad.as_bytes()), Err(JsonFault::Malformed { .. })), "{bad:?}");
    }
}

#[test]
fn nesting_is_counted_and_bounded() {
    assert!(read_value(nested(limits::JSON_DEPTH).as_bytes()).is_ok());
    assert_eq!(read_value(nested(limits::JSON_DEPTH + 1).as_bytes()), Err(JsonFault::TooDeep));
    assert_eq!(read_value("[".repeat(100_000).as_bytes()), Err(JsonFault::TooDeep));
    let objects = "{\"a\":".repeat(limits::JSON_DEPTH + 1) + "1" + &"}".repeat(limits::JSON_DEPTH + 1);
    assert_eq!(read_value(objects.as_bytes()), Err(JsonFault::TooDeep));
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payment {
    amount: u64,
    to: Party,
    kind: Kind,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Party {
    name: String,
    tags: (u8, u8),
}

#[derive(Debug, PartialEq, Deserialize)]
enum Kind {
    Once,
    Until { year: u16 },
    Times(u8),
}

#[test]
fn a_typed_value_is_read_from_its_own_shape() {
    let read = |kind: &str| {
        let document =
            format!(r#"{{"amount":7,"to":{{"name":"x","tags":[1,2],"more":null}},"kind":{kind}}}"#);
        read_strict::<Payment>(document.as_bytes()).map(|payment| payment.kind)
    };
    assert_eq!(read(r#""Once""#), Ok(Kind::Once));
    assert_eq!(read(r#"{"Until":{"year":2030}}"#), Ok(Kind::Until { year: 2030 }));
    assert_eq!(read(r#"{"Times":3}"#), Ok(Kind::Times(3)));
    for bad in
        [r#""Times""#, r#"{"Once":1}"#, r#"{"Until":[2030]}"#, r#"{"Times":3,"Once":1}"#, "7", r#""Never""#]
    {
        assert!(matches!(read(bad), Err(JsonFault::Shape { .. })), "{bad}");
    }
}

#[test]
fn a_struct_is_never_read_from_an_array_and_nothing_may_be_left_over() {
    let shape = |at: &str, expected: &str| JsonFault::Shape {
        at: JsonPath(at.to_owned()),
        expected: expected.to_owned(),
    };
    for (document, fault) in [
        (r#"[7,{"name":"x","tags":[1,2]},"Once"]"#, shape("", "an object")),
        (r#"{"amount":7,"to":["x",[1,2]],"kind":"Once"}"#, shape("/to", "an object")),
        (
            r#"{"amount":7,"to":{"name":"x","tags":[1,2,3]},"kind":"Once"}"#,
            shape("/to/tags", "a shorter array"),
        ),
        (r#"{"amount":-7,"to":{"name":"x","tags":[1,2]},"kind":"Once"}"#, shape("/amount", "u64")),
        (r#"{"amount":7.5,"to":{"name":"x","tags":[1,2]},"kind":"Once"}"#, shape("/amount", "u64")),
        (r#"{"amount":"7","to":{"name":"x","tags":[1,2]},"kind":"Once"}"#, shape("/amount", "u64")),
        (
            r#"{"amount":7,"to":{"tags":[1,2]},"kind":"Once"}"#,
            JsonFault::Missing(JsonPath("/to/name".into())),
        ),
        (
            r#"{"extra":7,"amount":7,"to":{"name":"x","tags":[1,2]},"kind":"Once"}"#,
            JsonFault::Unknown(JsonPath("/extra".into())),
        ),
    ] {
        assert_eq!(read_strict::<Payment>(document.as_bytes()), Err(fault), "{document}");
    }
}

#[test]
fn integers_beyond_the_doubles_keep_every_digit() {
    assert_eq!(read_strict::<u64>(b"9007199254740993"), Ok(9_007_199_254_740_993));
    assert_eq!(read_strict::<u64>(b"18446744073709551615"), Ok(u64::MAX));
    assert!(read_strict::<u64>(b"18446744073709551616").is_err());
    assert!(read_strict::<u64>(b"-0").is_err());
}

#[test]
fn a_fault_shows_neither_the_value_nor_raw_names() {
    let document = format!("{{\"{}\":{{\"secret\":1,\"secret\":2}}}}", "\\u001b".repeat(5000));
    let JsonFault::Repeated(path) = read_value(document.as_bytes()).unwrap_err() else {
        panic!("another fault")
    };
    assert_eq!(path.as_str(), format!("/{}/secret", "?".repeat(NAME_SHOWN_BYTES)));
    let fault = read_strict::<u64>(b"\"hunter2\"").unwrap_err();
    assert!(!format!("{fault} {fault:?}").contains("hunter2"));
}

#[test]
fn rfc_8785_section_3_2_3_names_are_sorted_by_utf_16_code_units() {
    let value = json!({
        "\u{20ac}": "Euro Sign", "\r": "Carriage Return", "\u{fb33}": "Hebrew Letter Dalet With Dagesh",
        "1": "One", "\u{1f600}": "Emoji: Grinning Face", "\u{80}": "Control", "\u{f6}": "Latin Small Letter O"
    });
    let names: Vec<String> =
        text(&value).split("\",\"").map(|part| part.split("\":").next().unwrap().to_owned()).collect();
    assert_eq!(names, ["{\"\\r", "1", "\u{80}", "\u{f6}", "\u{20ac}", "\u{1f600}", "\u{fb33}"]);
}

#[test]
fn rfc_8785_section_3_2_2_literals_and_strings() {
    let value =
        json!({"string": "\u{20ac}$\u{f}\nA'B\"\\\\\"/", "literals": [null, true, false], "\u{7f}": []});
    assert_eq!(
        text(&value),
        "{\"literals\":[null,true,false],\"string\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\",\"\u{7f}\":[]}"
    );
}

#[test]
fn rfc_8785_appendix_b_numbers() {
    for (bits, expected) in [
        (0x0000_0000_0000_0000, "0"),
        (0x8000_0000_0000_0000, "0"),
        (0x0000_0000_0000_0001, "5e-324"),
        (0x8000_0000_0000_0001, "-5e-324"),
        (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
        (0x4340_0000_0000_0000, "9007199254740992"),
        (0x4430_0000_0000_0000, "295147905179352830000"),
        (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
        (0x44b5_2d02_c7e1_4af6, "1e+23"),
        (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
        (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
        (0x444b_1ae4_d6e2_ef50, "1e+21"),
        (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
        (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
        (0x41b3_de43_5555_5553, "333333333.3333332"),
        (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
        (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
    ] {
        assert_eq!(text(&json!(f64::from_bits(bits))), expected, "{bits:x}");
    }
}

#[test]
fn two_different_integers_never_share_a_canonical_form() {
    assert_eq!(text(&json!(9_007_199_254_740_993_u64)), "9007199254740993");
    assert_eq!(text(&json!(i64::MIN)), "-9223372036854775808");
    assert_eq!(text(&json!([1, 1.0])), "[1,1]");
}

proptest::proptest! {
    #[test]
    fn reading_never_panics_and_agrees_with_a_lenient_reader(document in ".{0,200}") {
        if let Ok(tree) = read_value(document.as_bytes()) {
            proptest::prop_assert_eq!(serde_json::from_str::<Value>(&document).unwrap(), tree);
        }
    }

    #[test]
    fn the_canonical_form_reads_back_as_the_same_value(names in proptest::collection::vec(".{0,4}", 0..8), number: i64) {
        let value = Value::Object(names.into_iter().map(|name| (name.clone(), json!([name, number]))).collect());
        proptest::prop_assert_eq!(read_value(&canonical(&value)).unwrap(), value);
    }
}

#[test]
fn a_number_is_read_to_the_nearest_double() {
    let mut digits = String::from("1");
    for count in 0..300_u32 {
        digits.push(char::from(b'0' + u8::try_from(count * 7 % 10).unwrap()));
        for text in [digits.clone(), format!("0.{digits}"), format!("{digits}e-{count}")] {
            let read = read_value(text.as_bytes()).unwrap().as_f64().unwrap();
            assert_eq!(read.to_bits(), text.parse::<f64>().unwrap().to_bits(), "{text}");
        }
    }
}
