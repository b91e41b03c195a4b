//! Histories made by hand: what must not be is found, and what may be is not.

use super::{Rule, check};
use crate::history::{
    Answer, Change, Fault, History, Kill, LimitedToken, Lost, Moment, Outcome, Usage, Verification, What,
};

const GRANTED: Answer = Answer::Granted { degraded: false };
const LEFT_OUT: Answer = Answer::Granted { degraded: true };

/// A history of token 1, issued as change 0 with the scopes 1 and 2.
struct Told(History);

impl Told {
    fn new() -> Told {
        Told(History::default()).change(What::Issue(0b11), 0, 1)
    }

    fn ended(mut self, what: What, begin: Moment, end: Moment, outcome: Outcome) -> Told {
        let number = u32::try_from(self.0.changes.len()).unwrap();
        self.0.changes.push(Change { number, begin, end, node: 0, token: 1, what, outcome });
        self
    }

    fn change(self, what: What, begin: Moment, end: Moment) -> Told {
        self.ended(what, begin, end, Outcome::Done)
    }

    fn unknown(self, what: What, begin: Moment, end: Moment) -> Told {
        self.ended(what, begin, end, Outcome::Unknown)
    }

    /// With the first secret, for scope 1.
    fn asked(self, begin: Moment, end: Moment, answer: Answer) -> Told {
        self.asked_with(0, 0b01, begin, end, answer)
    }

    fn asked_with(mut self, secret: u32, need: u8, begin: Moment, end: Moment, answer: Answer) -> Told {
        let asked = Verification { begin, end, node: 1, token: 1, secret, need, answer };
        self.0.verifications.push(asked);
        self
    }

    fn fault(mut self, begin: Moment, end: Moment, lost: Lost) -> Told {
        self.0.faults.push(Fault { begin, end, name: "a fault".into(), lost });
        self
    }

    fn kill(mut self, unwritten_since: Moment, at: Moment) -> Told {
        self.0.kills.push(Kill { at, node: 1, unwritten_since });
        self
    }

    fn limited(mut self, limit: usize, window: Moment) -> Told {
        self.0.limited.push(LimitedToken { token: 1, limit, window });
        self
    }

    fn used(mut self, calls: u64) -> Told {
        self.0.usage.push(Usage { token: 1, calls });
        self
    }

    fn holds(self) {
        let violations = check(&self.0);
        assert!(violations.is_empty(), "{}", violations[0]);
    }

    fn breaks(self, rule: Rule) {
        let violations = check(&self.0);
        let rules: Vec<_> = violations.iter().map(|violation| violation.rule).collect();
        assert_eq!(rules, [rule]);
    }
}

#[test]
fn a_revoke_holds_from_its_return_on() {
    let told = || Told::new().change(What::Revoke, 100, 200);
    told().asked(10, 20, GRANTED).asked(90, 110, GRANTED).asked(150, 160, GRANTED).holds();
    told().asked(199, 300, GRANTED).asked(199, 300, Answer::Revoked).holds();
    told().asked(201, 300, Answer::Revoked).holds();
    told().asked(201, 300, GRANTED).breaks(Rule::RevokedForGood);
    told().asked(201, 300, Answer::Limited).breaks(Rule::Explicable);
    // Before it began, nobody can have known of it.
    told().asked(10, 99, Answer::Revoked).breaks(Rule::Explicable);
    // It is final, whatever comes later.
    told().change(What::Resume, 210, 220).asked(300, 310, GRANTED).breaks(Rule::RevokedForGood);
}

#[test]
fn a_change_of_unknown_outcome_may_happen_at_any_time_or_never() {
    let told = || Told::new().unknown(What::Revoke, 100, 200);
    told().asked(300, 310, GRANTED).asked(300, 310, Answer::Revoked).holds();
    told().asked(10, 99, Answer::Revoked).breaks(Rule::Explicable);
    let told = || Told::new().unknown(What::Pause, 100, 200).change(What::Resume, 300, 400);
    told().asked(500, 510, Answer::Paused).asked(500, 510, GRANTED).holds();
    // One that was refused never happens.
    Told::new()
        .ended(What::Pause, 100, 200, Outcome::Refused)
        .asked(300, 310, Answer::Paused)
        .breaks(Rule::Explicable);
}

#[test]
fn a_rotation_leaves_one_secret() {
    let told = || Told::new().change(What::Rotate, 100, 200);
    told().asked(150, 160, GRANTED).asked(150, 160, Answer::DeadSecret).holds();
    told().asked_with(1, 0b01, 150, 160, GRANTED).holds();
    told().asked(201, 210, GRANTED).breaks(Rule::Explicable);
    told().asked_with(1, 0b01, 201, 210, Answer::DeadSecret).breaks(Rule::Explicable);
    told().asked(10, 20, Answer::DeadSecret).breaks(Rule::Explicable);
    // Of two at once, either may be the last.
    let told = || told().change(What::Rotate, 150, 250);
    told().asked_with(1, 0b01, 300, 310, GRANTED).asked_with(2, 0b01, 300, 310, GRANTED).holds();
    told().asked(300, 310, GRANTED).breaks(Rule::Explicable);
}

#[test]
fn pausing_and_resuming_hold_in_their_order() {
    let told = || Told::new().change(What::Pause, 100, 200).change(What::Resume, 300, 400);
    told().asked(250, 260, Answer::Paused).asked(350, 360, Answer::Paused).asked(350, 360, GRANTED).holds();
    told().asked(250, 260, GRANTED).breaks(Rule::Explicable);
    told().asked(450, 460, Answer::Paused).breaks(Rule::Explicable);
    // A long one may be decided at any moment within.
    told().asked(150, 500, GRANTED).asked(150, 500, Answer::Paused).holds();
}

#[test]
fn scopes_are_those_of_the_last_update() {
    let told = || Told::new().change(What::Scopes(0b10), 100, 200);
    told().asked(201, 210, Answer::OutOfScope).asked_with(0, 0b10, 201, 210, GRANTED).holds();
    told().asked(201, 210, GRANTED).breaks(Rule::Explicable);
    told().asked_with(0, 0b10, 201, 210, Answer::OutOfScope).breaks(Rule::Explicable);
    told().asked(10, 20, Answer::OutOfScope).breaks(Rule::Explicable);
}

#[test]
fn what_is_seen_of_one_change_holds_for_those_before_it() {
    // The pause is after the update of the scopes: whoever is told of the pause is past both. And
    // whoever passes is before both, though either alone might have happened.
    let told = || Told::new().change(What::Scopes(0b10), 100, 150).change(What::Pause, 200, 250);
    told().asked(90, 300, GRANTED).asked(90, 300, Answer::OutOfScope).asked(90, 300, Answer::Paused).holds();
    let told = || Told::new().change(What::Pause, 100, 150).change(What::Scopes(0b10), 200, 250);
    // Out of scope and yet not paused: the update without the pause before it.
    told().asked(90, 300, Answer::OutOfScope).breaks(Rule::Explicable);
    told().change(What::Resume, 160, 190).asked(90, 300, Answer::OutOfScope).holds();
    // With the second secret, and not yet revoked.
    let told = || Told::new().change(What::Revoke, 100, 150).change(What::Rotate, 200, 250);
    told().asked_with(1, 0b01, 90, 300, GRANTED).breaks(Rule::Explicable);
}

#[test]
fn what_was_not_decided_needs_no_explanation() {
    let told = Told::new().change(What::Revoke, 100, 200);
    told.asked(300, 310, Answer::Unavailable).asked(300, 310, Answer::Nothing).holds();
    let odd = Answer::Unexpected("500".into());
    Told::new().asked(300, 310, odd).breaks(Rule::Expected);
    Told::new().ended(What::Pause, 100, 200, Outcome::Unexpected("401".into())).breaks(Rule::Expected);
}

#[test]
fn no_window_holds_more_than_the_limit() {
    const SECOND: Moment = 1_000_000;
    let told = |count: u64, answer: Answer| {
        (0..count).fold(Told::new().limited(5, SECOND), |told, number| {
            told.asked(10_000 + number * 50_000, 20_000 + number * 50_000, answer.clone())
        })
    };
    told(5, GRANTED).asked(SECOND + 9_000, SECOND + 11_000, GRANTED).holds();
    told(6, GRANTED).breaks(Rule::WithinLimit);
    told(5, GRANTED).asked(SECOND - 10_000, SECOND - 1_000, GRANTED).breaks(Rule::WithinLimit);
    // What may have been counted outside of the window is not in it.
    told(5, GRANTED).asked(SECOND - 10_000, SECOND + 11_000, GRANTED).holds();
    told(5, GRANTED).asked(5, 11_000, Answer::Limited).holds();
    // Twice where the counts were lost, or where a node counted for itself.
    for lost in [Lost::Noticed, Lost::Unnoticed] {
        told(10, GRANTED).fault(300_000, 400_000, lost).holds();
    }
    told(10, GRANTED).fault(300_000, 400_000, Lost::Nothing).breaks(Rule::WithinLimit);
    told(9, GRANTED).asked(200_000, 460_000, LEFT_OUT).holds();
    told(10, GRANTED).asked(200_000, 460_000, LEFT_OUT).breaks(Rule::WithinLimit);
    // Once more where that cannot be noticed, and not where it can.
    let more = || told(9, GRANTED).asked(200_000, 460_000, LEFT_OUT).asked(210_000, 470_000, GRANTED);
    more().fault(300_000, 400_000, Lost::Unnoticed).holds();
    more().fault(300_000, 400_000, Lost::Noticed).breaks(Rule::WithinLimit);
}

#[test]
fn use_in_the_store_is_what_it_was_but_for_kills() {
    let told = || {
        let told = Told::new().change(What::Rotate, 100, 200).asked(10, 20, GRANTED);
        let told = told.asked(10, 20, Answer::Limited).asked(300, 310, Answer::DeadSecret);
        told.asked(10, 20, Answer::Unavailable).asked(10, 20, Answer::Nothing)
    };
    told().used(2).holds();
    told().used(4).holds();
    told().used(5).breaks(Rule::NoMoreUse);
    told().used(1).breaks(Rule::NoLessUse);
    let killed = |since, at| told().asked_with(1, 0b01, 400, 410, GRANTED).kill(since, at).used(2);
    killed(405, 500).holds();
    killed(415, 500).breaks(Rule::NoLessUse);
    killed(300, 390).breaks(Rule::NoLessUse);
}

#[test]
fn a_violation_tells_what_one_needs_to_see_it() {
    let told =
        Told::new().change(What::Revoke, 100, 200).fault(250, 400, Lost::Nothing).asked(300, 350, GRANTED);
    let violations = check(&told.0);
    let text = violations[0].to_string();
    for part in ["node 1", "token 1", "Revoke", "0.000200 s", "a fault"] {
        assert!(text.contains(part), "{text}");
    }
    assert!(text.lines().count() < 6, "{text}");
}
