//! What a verification claims of the heap: nothing, and under a flood of guesses no more than a
//! fixed amount.

mod support;

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use allocation_counter::{AllocationInfo, measure};
use support::{code, text_of, tokens_of_threads, verified};
use tokenward::{Issued, Need, NewToken, Tokens, block_on};

fn issue(tokens: &Tokens, tenant: Option<&str>, per_minute: u32) -> Issued {
    let asked = NewToken::named("Export").scopes(["orders:read"]).per_minute(per_minute);
    let asked = match tenant {
        Some(tenant) => asked.tenant(tenant),
        None => asked,
    };
    block_on(tokens.issue(asked).by("maria")).unwrap()
}

/// Verifies a hundred times by each way after some to warm up, and gives what all that claimed.
fn claimed(tokens: &Tokens, text: &str, need: &Need<'_>, expected: &str) -> AllocationInfo {
    let verify = || {
        let mut verification = pin!(tokens.verify(text, need));
        match verification.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(verdict) => assert_eq!(code(verdict), expected),
            Poll::Pending => panic!("nothing is to be waited for"),
        }
    };
    let try_verify = || {
        let verdict = tokens.try_verify(text, need).unwrap();
        assert_eq!(code(Ok(verdict.expect("it is in memory"))), expected);
    };
    (0..100).for_each(|_| verify());
    measure(|| {
        (0..100).for_each(|_| verify());
        (0..100).for_each(|_| try_verify());
    })
}

#[test]
fn the_counter_counts() {
    assert_eq!(measure(|| drop(std::hint::black_box(Box::new(1)))).count_total, 1);
}

#[test]
fn a_hit_allocates_nothing() {
    let (tokens, _clock) = tokens_of_threads(|builder| builder);
    let read = tokens.requirement(["orders:read"]).unwrap();
    let (plain, of_acme) = (issue(&tokens, None, 100_000), issue(&tokens, Some("acme"), 100_000));
    for (issued, need) in [
        (&plain, Need::live()),
        (&plain, Need::scope("orders:read")),
        (&plain, Need::scopes(&["orders:read"])),
        (&plain, Need::of(&read)),
        (&of_acme, Need::scope("orders:read").tenant("acme")),
        (&of_acme, Need::live().any_tenant()),
    ] {
        assert_eq!(claimed(&tokens, issued.secret.expose(), &need, "granted").count_total, 0, "{need:?}");
    }
}

#[test]
fn a_hit_in_a_logged_window_that_was_claimed_allocates_nothing() {
    let (tokens, clock) = tokens_of_threads(|builder| builder);
    let issued = issue(&tokens, None, 300);
    let text = issued.secret.expose();
    (0..300).for_each(|_| assert_eq!(verified(&tokens, text, &Need::live()), "granted"));
    clock.advance(chrono::TimeDelta::seconds(60));
    assert_eq!(claimed(&tokens, text, &Need::live(), "granted").count_total, 0);
}

#[test]
fn a_refusal_that_tells_nothing_of_scopes_allocates_nothing() {
    let (tokens, _clock) = tokens_of_threads(|builder| builder);
    let issued = issue(&tokens, None, 1);
    let text = issued.secret.expose();
    assert_eq!(verified(&tokens, text, &Need::live()), "granted");
    assert_eq!(claimed(&tokens, text, &Need::live(), "rate-limited").count_total, 0);
    assert_eq!(claimed(&tokens, text, &Need::closed(), "not-for-tokens").count_total, 0);
    assert_eq!(claimed(&tokens, text, &Need::live().tenant("acme"), "token-invalid").count_total, 0);
    let mistyped = format!("{}A", &text[..text.len() - 1]);
    let mistyped = if mistyped == text { format!("{}B", &text[..text.len() - 1]) } else { mistyped };
    assert_eq!(claimed(&tokens, &mistyped, &Need::live(), "token-invalid").count_total, 0);
    assert_eq!(
        claimed(&tokens, "ghp_16C7e42F292c6912E7710c838347Ae178B4a", &Need::live(), "token-missing")
            .count_total,
        0
    );
    assert_eq!(claimed(&tokens, &"tw_".repeat(100_000), &Need::live(), "token-invalid").count_total, 0);
    let guess = text.replace(&text[3..19], "0123456789abcdef");
    assert_eq!(claimed(&tokens, &guess, &Need::live(), "token-invalid").count_total, 0);
}

#[test]
fn a_flood_of_guesses_leaves_nothing_behind() {
    const GUESSES: u64 = 200_000;
    let (tokens, _clock) = tokens_of_threads(|builder| builder);
    let known = issue(&tokens, None, 1_000_000);
    // Whatever is claimed once is claimed by now.
    for number in 0..1_000 {
        assert_eq!(verified(&tokens, &text_of(number), &Need::live()), "token-invalid");
    }
    let flood = measure(|| {
        for number in 1_000..GUESSES {
            assert_eq!(verified(&tokens, &text_of(number), &Need::live()), "token-invalid");
            if number % 1_000 == 0 {
                assert_eq!(verified(&tokens, known.secret.expose(), &Need::live()), "granted");
            }
        }
    });
    // The known token's entry and window; a guess alone would leave more than that 200,000 times.
    assert!(flood.bytes_current < 64 * 1_024, "{flood:?}");
    assert!(flood.bytes_max < 128 * 1_024, "{flood:?}");
    assert_eq!(tokens.live_tokens(), 1);
    assert_eq!(tokens.strangers().unknown, GUESSES);
}
