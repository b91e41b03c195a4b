//! Strangers learn nothing from the work that refusing them takes: it is counted in instructions,
//! which do not move with the machine, under valgrind.

mod support;
#[path = "support/tools.rs"]
mod tools;

use std::process::Command;

use tokenward::{Need, NewToken, Tokens, Verdict, block_on};

/// What somebody is refused for, in one and the same words.
const STRANGERS: [&str; 3] = ["an unknown id", "a wrong secret", "a foreign tenant"];

/// How many instructions the work may differ by, in hundredths of all.
const HUNDREDTHS: u64 = 3;

#[test]
fn an_unknown_id_a_wrong_secret_and_a_foreign_tenant_take_the_same_work() {
    if tools::is_missing("valgrind") {
        return;
    }
    // Of two runs the difference, so that what the program does besides does not count.
    let work = |stranger| (instructions(stranger, 1_200) - instructions(stranger, 200)) / 1_000;
    let counts = STRANGERS.map(work);
    println!("instructions a call: {STRANGERS:?} {counts:?}");
    let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
    assert!((most - least) * 100 <= most * HUNDREDTHS, "{STRANGERS:?} {counts:?}");
}

#[test]
fn each_of_them_reads_the_same_answer() {
    let calls = std::env::var("EQUAL_WORK_CALLS").map_or(10, |calls| calls.parse().unwrap());
    let only = std::env::var("EQUAL_WORK_OF").ok();
    for stranger in
        STRANGERS.into_iter().filter(|stranger| only.as_deref().is_none_or(|only| only == *stranger))
    {
        turn_away(stranger, calls);
    }
}

fn turn_away(stranger: &str, calls: usize) {
    let (tokens, _clock) = Tokens::for_tests();
    let asked = NewToken::named("Export").tenant("acme").scopes(["orders:read"]);
    let issued = block_on(tokens.issue(asked).by("maria")).unwrap();
    let elsewhere = NewToken::named("Import").tenant("globex").scopes(["orders:read"]);
    let foreign = block_on(tokens.issue(elsewhere).by("maria")).unwrap();
    let need = Need::scope("orders:read").tenant("acme");
    let text = match stranger {
        "an unknown id" => support::text_with("AAAAAAAAAAAAAAAA", &"s".repeat(36)),
        "a wrong secret" => support::text_with(issued.record.id.as_str(), &"s".repeat(36)),
        _ => foreign.secret.expose().to_owned(),
    };
    // Both tokens are in memory, as they are in a service.
    for token in [&issued, &foreign] {
        _ = block_on(tokens.verify(token.secret.expose(), &need.any_tenant())).unwrap();
    }
    for _ in 0..calls {
        match block_on(tokens.verify(&text, &need)).unwrap() {
            Verdict::Granted(_) => panic!("{stranger} was let in"),
            Verdict::Denied(denied) => assert_eq!(denied.code(), "token-invalid"),
        }
    }
}

/// The instructions of so many calls, and of what the program does besides.
fn instructions(stranger: &str, calls: usize) -> u64 {
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "each_of_them_reads_the_same_answer", "--test-threads=1"])
        .env("EQUAL_WORK_OF", stranger)
        .env("EQUAL_WORK_CALLS", calls.to_string())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(run.status.success(), "{said}");
    let collected = said.lines().find_map(|line| line.split("Collected :").nth(1));
    collected.unwrap_or_else(|| panic!("valgrind has counted nothing: {said}")).trim().parse().unwrap()
}
