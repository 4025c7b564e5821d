//! WCAG 2.2 sections 1.4.3 and 1.4.11 computed from the style sheet, and what the style sheet must not contain.

use super::STYLE_CSS;

/// The custom properties of the first or second `:root` block: light, then dark.
fn scheme(index: usize) -> Vec<(String, [f64; 3])> {
    let block = STYLE_CSS.split(":root {").nth(index + 1).unwrap().split('}').next().unwrap();
    block
        .lines()
        .filter_map(|line| line.trim().strip_prefix("--")?.strip_suffix(';')?.split_once(": #"))
        .map(|(name, hex)| {
            (
                name.to_owned(),
                [0, 2, 4].map(|at| f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap())),
            )
        })
        .collect()
}

fn luminance(colour: [f64; 3]) -> f64 {
    let [red, green, blue] = colour.map(|channel| {
        let share = channel / 255.0;
        if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

fn contrast(scheme: &[(String, [f64; 3])], one: &str, other: &str) -> f64 {
    let of = |name: &str| {
        luminance(scheme.iter().find(|(key, _)| key == name).unwrap_or_else(|| panic!("{name}")).1)
    };
    let (one, other) = (of(one), of(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

const TEXT: [(&str, &[&str]); 8] = [
    ("ink", &["page", "surface", "tint"]),
    ("muted", &["page", "surface", "tint"]),
    ("accent", &["page", "surface", "tint"]),
    ("accent-strong", &["page", "surface", "tint"]),
    ("on-accent", &["accent", "accent-strong"]),
    ("danger", &["page", "surface", "danger-tint"]),
    ("ink", &["danger-tint"]),
    ("muted", &["danger-tint"]),
];

const SHAPES: [(&str, &[&str]); 2] =
    [("control", &["page", "surface", "tint"]), ("accent", &["page", "surface", "tint"])];

#[test]
fn text_has_a_contrast_of_at_least_4_5_in_both_schemes() {
    for index in [0, 1] {
        let scheme = scheme(index);
        for (front, backs) in TEXT {
            for back in backs {
                let ratio = contrast(&scheme, front, back);
                assert!(ratio >= 4.5, "scheme {index}: {front} on {back} has {ratio:.2}");
            }
        }
    }
}

#[test]
fn controls_and_focus_rings_have_a_contrast_of_at_least_3_in_both_schemes() {
    for index in [0, 1] {
        let scheme = scheme(index);
        for (front, backs) in SHAPES {
            for back in backs {
                let ratio = contrast(&scheme, front, back);
                assert!(ratio >= 3.0, "scheme {index}: {front} on {back} has {ratio:.2}");
            }
        }
    }
}

#[test]
fn both_schemes_define_the_same_colours_and_no_rule_has_a_colour_of_its_own() {
    let names = |index| scheme(index).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(names(0), names(1));
    let rules = STYLE_CSS.split("box-sizing").nth(1).unwrap();
    for colour in ["#", "rgb", "hsl(", "white", "black", "opacity"] {
        assert!(!rules.replace("white-space", "").contains(colour), "{colour} stands outside the schemes");
    }
}

#[test]
fn the_style_sheet_loads_nothing_and_knows_no_left_or_right() {
    for word in ["url(", "@import", "@font-face", "-left", "-right", "left:", "right:", ": left", ": right"] {
        assert!(!STYLE_CSS.contains(word), "{word} stands in the style sheet");
    }
    for line in STYLE_CSS.lines() {
        for property in [" width:", " height:", " min-width:", " min-height:", " max-height:"] {
            assert!(!line.contains(property), "{property} is physical: {line}");
        }
    }
}

#[test]
fn the_path_of_the_style_sheet_names_its_content() {
    let path = super::Pages::new().unwrap().style_path().to_owned();
    let name = path.strip_prefix("/assets/style-").and_then(|rest| rest.strip_suffix(".css")).unwrap();
    assert!(name.len() == 16 && name.bytes().all(|b| b.is_ascii_hexdigit()), "{path}");
}
