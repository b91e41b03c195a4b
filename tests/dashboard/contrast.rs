//! Whether everybody can tell text and marks from what lies behind them: the colours of the style
//! sheet, pair by pair, in both themes (WCAG 2.2, 1.4.3 and 1.4.11).

use std::collections::BTreeMap;

const STYLE: &str = include_str!("../../src/dashboard/assets/dashboard.css");

/// What text stands on, and the texts that do.
const TEXTS: &[(&str, &[&str])] = &[
    ("bg", &["text", "muted", "accent", "accent-deep", "good", "warn", "danger"]),
    ("surface", &["text", "muted", "accent", "accent-deep", "good", "warn", "danger", "limited"]),
    ("sunken", &["text", "muted", "accent", "accent-deep", "good", "warn", "danger", "limited"]),
    ("accent-soft", &["text", "muted", "accent", "accent-deep", "good", "warn", "danger"]),
    ("good-soft", &["text", "muted", "accent", "accent-deep", "good"]),
    ("warn-soft", &["text", "muted", "accent", "accent-deep", "warn"]),
    ("danger-soft", &["text", "muted", "accent", "accent-deep", "danger"]),
    ("accent", &["on-accent"]),
    ("accent-deep", &["on-accent"]),
    ("danger", &["on-danger"]),
    ("danger-deep", &["on-danger"]),
];

/// The same for borders of controls, the ring of the focus, icons, and what charts are drawn with.
const MARKS: &[(&str, &[&str])] = &[
    ("bg", &["control", "accent"]),
    ("surface", &["control", "accent", "danger", "ok", "moved", "wrong", "limited", "failed", "text"]),
    ("sunken", &["control", "accent", "danger", "ok"]),
    ("accent-soft", &["accent", "ok"]),
    ("good-soft", &["good", "accent"]),
    ("warn-soft", &["warn", "accent"]),
    ("danger-soft", &["danger", "accent"]),
    // The part of a meter that is full, beside the part that is not.
    ("line", &["accent", "wrong", "failed"]),
];

#[test]
fn every_text_can_be_read_on_what_it_stands_on() {
    check(TEXTS, 4.5);
}

#[test]
fn every_mark_stands_out_from_what_it_stands_on() {
    check(MARKS, 3.0);
}

#[test]
fn every_colour_is_in_the_one_list() {
    let (list, rest) = STYLE.split_once("[data-theme=light]").expect("the list of colours comes first");
    let print = rest.find("@media print").expect("there is a style for paper");
    assert!(!holds_a_colour(&rest[..print]), "a colour outside of the list");
    let checked: Vec<_> =
        TEXTS.iter().chain(MARKS).flat_map(|(ground, tops)| tops.iter().chain([ground])).collect();
    for name in colours(list).keys().filter(|name| **name != "shade") {
        assert!(checked.contains(&name), "no pair checks --{name}");
    }
}

#[test]
fn black_on_white_is_twenty_one_to_one() {
    assert!((contrast([0, 0, 0], [255, 255, 255]) - 21.0).abs() < 0.001);
    assert!((contrast([0x76, 0x76, 0x76], [255, 255, 255]) - 4.54).abs() < 0.01);
}

#[track_caller]
fn check(pairs: &[(&str, &[&str])], least: f64) {
    let colours = colours(STYLE);
    let colour = |name: &str| colours.get(name).unwrap_or_else(|| panic!("there is no --{name}"));
    let mut weak = Vec::new();
    for (ground, tops) in pairs {
        for top in *tops {
            for (theme, name) in ["light", "dark"].into_iter().enumerate() {
                let found = contrast(colour(top)[theme], colour(ground)[theme]);
                if found < least {
                    weak.push(format!("--{top} on --{ground}, {name}: {found:.2}"));
                }
            }
        }
    }
    assert!(weak.is_empty(), "less than {least} to 1: {weak:#?}");
}

/// The custom properties that are `light-dark(#…, #…)`.
fn colours(css: &str) -> BTreeMap<&str, [[u8; 3]; 2]> {
    css.lines()
        .filter_map(|line| {
            let (name, value) = line.strip_prefix("--")?.split_once(": light-dark(")?;
            let (light, dark) = value.split_once(");")?.0.split_once(", ")?;
            Some((name, [hex(light), hex(dark)]))
        })
        .collect()
}

fn hex(text: &str) -> [u8; 3] {
    let byte =
        |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap_or_else(|_| panic!("{text} is no colour"));
    [byte(1), byte(3), byte(5)]
}

/// Whether there is a `#` with six digits of a colour behind it.
fn holds_a_colour(css: &str) -> bool {
    css.split('#').skip(1).any(|after| {
        let digits = after.bytes().take_while(u8::is_ascii_hexdigit).count();
        matches!(digits, 3 | 4 | 6 | 8)
            && !after.as_bytes().get(digits).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
    })
}

fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

fn luminance(colour: [u8; 3]) -> f64 {
    let [red, green, blue] = colour.map(|channel| {
        let share = f64::from(channel) / 255.0;
        if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}
