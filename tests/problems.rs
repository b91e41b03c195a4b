//! Each code that a client can read is explained in the guide, where the problem's type points to.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tokenward::PROBLEM_TYPES;

/// The words behind these beginnings in a file of the source.
fn words(file: &str, beginnings: &[&str]) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file);
    let text = fs::read_to_string(path).unwrap();
    // However the lines are broken.
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").replace("( ", "(");
    let mut words = BTreeSet::new();
    for beginning in beginnings {
        for rest in text.split(beginning).skip(1) {
            words.extend(rest.split('"').next().map(str::to_owned));
        }
    }
    words
}

#[test]
fn every_code_is_explained_where_its_type_points() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/guide/problems.md");
    let text = fs::read_to_string(guide).unwrap();
    let explained: BTreeSet<_> = text.lines().filter(|line| line.starts_with('#')).collect();
    let mut codes = words("denied.rs", &["=> \""]);
    codes.retain(|word| word.contains('-') && !word.contains(' '));
    codes.extend(words("denied/problem.rs", &["code: \""]));
    let statuses = ["400", "403", "404", "405", "409", "412", "413", "415", "422", "500", "503"];
    let beginnings: Vec<_> = statuses.iter().map(|status| format!("Fault::new({status}, \"")).collect();
    codes.extend(words("admin/fault.rs", &beginnings.iter().map(String::as_str).collect::<Vec<_>>()));
    assert!(codes.len() > 25, "the codes are not where they were: {codes:?}");
    let missing: Vec<_> = codes
        .iter()
        .filter(|code| !explained.iter().any(|line| line.trim_start_matches('#').trim() == code.as_str()))
        .collect();
    assert!(missing.is_empty(), "the guide does not explain {missing:?}");
    assert!(PROBLEM_TYPES.ends_with("/guide/problems/index.html#"));
}
