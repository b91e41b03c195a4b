//! Expiry, pauses, grace periods and windows to the millisecond, on a clock that is moved by hand.

mod support;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use support::{PausedStore, Stage};
use tokenward::{
    Action, Actor, Clock, Denied, Error, HistoryEntry, HistoryQuery, Issued, Need, NewToken, RateLimit,
    TenantFilter, Update, Verdict,
};

const LIVE: Need<'static> = Need::live();
const MS: TimeDelta = TimeDelta::milliseconds(1);
/// As long as 32 bits of milliseconds last.
const WRAP: TimeDelta = TimeDelta::milliseconds(1 << 32);

impl Stage {
    fn now(&self) -> DateTime<Utc> {
        self.clock.now().wall()
    }

    fn issue(&self, asked: NewToken) -> Issued {
        self.run(self.tokens.issue(asked).by("maria")).unwrap()
    }

    fn of(&self, issued: &Issued) -> &'static str {
        self.code(issued.secret.expose(), &LIVE)
    }

    fn pointers(&self, asked: NewToken) -> Vec<String> {
        pointers(self.run(self.tokens.issue(asked).by("maria")).map(|_| ()))
    }
}

fn pointers(outcome: Result<(), Error>) -> Vec<String> {
    match outcome {
        Err(Error::Invalid(invalid)) => invalid.errors.into_iter().map(|error| error.pointer).collect(),
        Err(other) => panic!("{other}"),
        Ok(()) => Vec::new(),
    }
}

fn named() -> NewToken {
    NewToken::named("Nightly export")
}

#[test]
fn a_token_expires_at_its_very_millisecond() {
    let stage = Stage::new();
    let issued = stage.issue(named().expires_in(TimeDelta::days(90)));
    stage.clock.advance(TimeDelta::days(90) - MS);
    assert_eq!(stage.of(&issued), "granted");
    stage.clock.advance(MS);
    let verdict = stage.run(stage.tokens.verify(issued.secret.expose(), &LIVE)).unwrap();
    assert_eq!(verdict.denied(), Some(Denied::Expired(issued.record.expires_at.unwrap())));
}

#[test]
fn a_wall_clock_that_runs_away_and_comes_back_destroys_nothing() {
    let stage = Stage::new();
    let start = stage.now();
    let issued = stage.issue(named().expires_in(TimeDelta::days(365)));
    assert_eq!(stage.of(&issued), "granted");
    stage.clock.set_wall(start + TimeDelta::days(3_653));
    assert_eq!(stage.of(&issued), "token-expired");
    stage.run(stage.tokens.flush()).unwrap();
    stage.clock.set_wall(start);
    assert_eq!(stage.of(&issued), "granted");
    stage.clock.set_wall(start - TimeDelta::days(3_653));
    assert_eq!(stage.of(&issued), "granted");
    stage.clock.set_wall(start);
    assert_eq!(stage.run(stage.tokens.find(&issued.record.id)).unwrap().unwrap(), issued.record);
}

#[test]
fn a_wall_clock_that_is_set_does_not_move_the_window() {
    let stage = Stage::new();
    let issued = stage.issue(named().per_minute(1));
    assert_eq!(stage.of(&issued), "granted");
    for days in [3_653, -3_653] {
        stage.clock.set_wall(stage.now() + TimeDelta::days(days));
        assert_eq!(stage.of(&issued), "rate-limited");
    }
    stage.clock.advance(TimeDelta::seconds(60));
    assert_eq!(stage.of(&issued), "granted");
}

#[test]
fn a_token_begins_at_its_very_millisecond() {
    let stage = Stage::new();
    let start = stage.now() + TimeDelta::hours(1);
    let issued = stage.issue(named().not_before(start));
    stage.clock.advance(TimeDelta::hours(1) - MS);
    let verdict = stage.run(stage.tokens.verify(issued.secret.expose(), &LIVE)).unwrap();
    assert_eq!(verdict.denied(), Some(Denied::NotYetValid(start)));
    stage.clock.advance(MS);
    assert_eq!(stage.of(&issued), "granted");
    let later = Update::new().not_before(Some(stage.now() + MS));
    stage.run(stage.tokens.update(&issued.record.id, later).by("maria")).unwrap();
    assert_eq!(stage.of(&issued), "token-not-yet-valid");
    stage.clock.advance(MS);
    assert_eq!(stage.of(&issued), "granted");
}

#[test]
fn a_pause_ends_by_itself() {
    let stage = Stage::new();
    let issued = stage.issue(named());
    let id = issued.record.id;
    stage.run(stage.tokens.pause(&id).lasting(TimeDelta::minutes(10)).by("maria")).unwrap();
    stage.clock.advance(TimeDelta::minutes(10) - MS);
    let verdict = stage.run(stage.tokens.verify(issued.secret.expose(), &LIVE)).unwrap();
    assert_eq!(verdict.denied(), Some(Denied::Paused(Some(stage.now() + MS))));
    stage.clock.advance(MS);
    assert_eq!(stage.of(&issued), "granted");
    stage.run(stage.tokens.pause(&id).by("maria")).unwrap();
    stage.clock.advance(TimeDelta::days(365));
    assert_eq!(stage.of(&issued), "token-paused");
    stage.run(stage.tokens.resume(&id).by("maria")).unwrap();
    assert_eq!(stage.of(&issued), "granted");
}

#[test]
fn a_pause_without_length_or_in_the_past_is_refused() {
    let stage = Stage::new();
    let id = stage.issue(named()).record.id;
    for time in [TimeDelta::zero(), -MS, TimeDelta::MAX] {
        let paused = stage.run(stage.tokens.pause(&id).lasting(time).by("maria"));
        assert_eq!(pointers(paused.map(|_| ())), ["/resume_at"]);
    }
    let paused = stage.run(stage.tokens.pause(&id).until(stage.now()).by("maria"));
    assert_eq!(pointers(paused.map(|_| ())), ["/resume_at"]);
}

#[test]
fn a_token_that_was_idle_for_as_long_as_32_bits_last_has_its_whole_limit() {
    for more in [TimeDelta::zero(), MS, TimeDelta::seconds(30), TimeDelta::seconds(60)] {
        let stage = Stage::new();
        let issued = stage.issue(named().per_minute(2));
        assert_eq!([stage.of(&issued), stage.of(&issued)], ["granted"; 2]);
        stage.clock.advance(WRAP + more);
        let codes = [stage.of(&issued), stage.of(&issued), stage.of(&issued)];
        assert_eq!(codes, ["granted", "granted", "rate-limited"], "{more}");
    }
}

#[test]
fn staleness_is_bounded_for_a_token_that_was_idle_for_as_long_as_32_bits_last() {
    let stage = Stage::over(PausedStore::whose_tokens_are_changed_by(false), |builder| {
        builder.stale_for(std::time::Duration::from_secs(5))
    });
    let issued = stage.issue(named());
    assert_eq!(stage.of(&issued), "granted");
    // Another process revokes it.
    let other = tokenward::Tokens::builder(stage.store.memory()).without_background().build().unwrap();
    tokenward::block_on(other.revoke(&issued.record.id).by("maria")).unwrap();
    stage.clock.advance(TimeDelta::seconds(5));
    assert_eq!(stage.of(&issued), "granted", "as stale as it may be");
    stage.clock.advance(WRAP - TimeDelta::seconds(5) + MS);
    assert_eq!(stage.of(&issued), "token-revoked");
}

#[test]
fn use_is_dated_to_the_millisecond() {
    let stage = Stage::new();
    let issued = stage.issue(named().per_minute(1));
    let (id, first) = (issued.record.id, stage.now());
    assert_eq!(stage.of(&issued), "granted");
    stage.clock.advance(TimeDelta::milliseconds(1_234));
    assert_eq!(stage.of(&issued), "rate-limited");
    stage.clock.advance(TimeDelta::seconds(1));
    stage.run(stage.tokens.flush()).unwrap();
    let usage = stage.run(stage.tokens.usage(&id)).unwrap();
    assert_eq!(usage.last_used_at, Some(first));
    assert_eq!(usage.last_seen_at, Some(first + TimeDelta::milliseconds(1_234)));
}

#[test]
fn the_window_is_exact_in_both_directions() {
    let stage = Stage::new();
    let issued = stage.issue(named().per_minute(3));
    // Admitted at 0, 10 and 25 seconds.
    assert_eq!(stage.of(&issued), "granted");
    stage.clock.advance(TimeDelta::seconds(10));
    assert_eq!(stage.of(&issued), "granted");
    stage.clock.advance(TimeDelta::seconds(15));
    assert_eq!(stage.of(&issued), "granted");
    for wait in [35_000, 10_000, 15_000] {
        let verdict = stage.run(stage.tokens.verify(issued.secret.expose(), &LIVE)).unwrap();
        let Some(Denied::RateLimited(limited)) = verdict.denied() else { panic!("the limit is used up") };
        assert_eq!(limited.retry_after_ms, wait);
        stage.clock.advance(TimeDelta::milliseconds(wait.into()) - MS);
        assert_eq!(stage.of(&issued), "rate-limited");
        stage.clock.advance(MS);
        assert_eq!(stage.of(&issued), "granted");
    }
}

#[test]
fn a_refused_request_takes_nothing_from_the_limit() {
    let stage = Stage::new();
    let issued = stage.issue(named().per_minute(1));
    for _ in 0..100 {
        assert_eq!(stage.code(issued.secret.expose(), &Need::scope("orders:read")), "insufficient-scope");
        assert_eq!(stage.code(issued.secret.expose(), &Need::closed()), "not-for-tokens");
        assert_eq!(stage.code(issued.secret.expose(), &Need::live().tenant("acme")), "token-invalid");
    }
    assert_eq!(stage.of(&issued), "granted");
    (0..100).for_each(|_| assert_eq!(stage.of(&issued), "rate-limited"));
    stage.clock.advance(TimeDelta::seconds(60));
    assert_eq!(stage.of(&issued), "granted");
}

#[test]
fn a_longer_window_beside_the_minute_is_taken_from_as_well_or_not_at_all() {
    let stage = Stage::new();
    let hourly = tokenward::Quota::new(3, std::time::Duration::from_secs(3_600)).unwrap();
    let limit = RateLimit::per_minute(2).unwrap().and(hourly).unwrap();
    let issued = stage.issue(named().rate_limit(limit));
    assert_eq!(
        [stage.of(&issued), stage.of(&issued), stage.of(&issued)],
        ["granted", "granted", "rate-limited"]
    );
    stage.clock.advance(TimeDelta::minutes(1));
    assert_eq!([stage.of(&issued), stage.of(&issued)], ["granted", "rate-limited"]);
    stage.clock.advance(TimeDelta::minutes(59) - MS);
    assert_eq!(stage.of(&issued), "rate-limited");
    stage.clock.advance(MS);
    assert_eq!([stage.of(&issued), stage.of(&issued)], ["granted", "granted"]);
    assert_eq!(stage.of(&issued), "rate-limited");
}

#[test]
fn an_expiry_lies_ahead_and_within_ten_years() {
    let stage = Stage::new();
    let now = stage.now();
    assert_eq!(stage.pointers(named().expires_at(now)), ["/expires_at"]);
    assert_eq!(stage.pointers(named().expires_at(now - MS)), ["/expires_at"]);
    assert_eq!(stage.pointers(named().expires_at(DateTime::<Utc>::MIN_UTC)), ["/expires_at"]);
    assert_eq!(stage.pointers(named().expires_at(DateTime::<Utc>::MAX_UTC)), ["/expires_at"]);
    assert_eq!(stage.pointers(named().expires_at(now + TimeDelta::days(3_653) + MS)), ["/expires_at"]);
    assert_eq!(stage.pointers(named().expires_in(TimeDelta::days(3_653))), [""; 0]);
    assert_eq!(stage.pointers(named().expires_at(now + MS)), [""; 0]);
}

#[test]
fn a_lifetime_is_longer_than_nothing_and_within_the_calendar() {
    let stage = Stage::new();
    for time in [TimeDelta::zero(), -MS, TimeDelta::MIN, TimeDelta::MAX] {
        assert_eq!(stage.pointers(named().expires_in(time)), ["/expires_in"]);
        let id = stage.issue(named()).record.id;
        let updated = stage.run(stage.tokens.update(&id, Update::new().expires_in(time)).by("maria"));
        assert_eq!(pointers(updated.map(|_| ())), ["/expires_in"]);
    }
}

#[test]
fn an_update_to_a_past_expiry_means_now_and_extending_revives() {
    let stage = Stage::new();
    let issued = stage.issue(named().expires_in(TimeDelta::days(90)));
    let id = issued.record.id;
    assert_eq!(stage.of(&issued), "granted");
    let past = Update::new().expires_at(stage.now() - TimeDelta::days(1));
    let record = stage.run(stage.tokens.update(&id, past).by("maria")).unwrap();
    assert_eq!(record.expires_at, Some(stage.now()));
    assert_eq!(stage.of(&issued), "token-expired");
    let ahead = Update::new().expires_in(TimeDelta::days(1));
    stage.run(stage.tokens.update(&id, ahead).by("maria")).unwrap();
    assert_eq!(stage.of(&issued), "granted");
}

#[test]
fn a_grace_period_ends_at_its_very_millisecond() {
    let stage = Stage::new();
    let issued = stage.issue(named());
    let id = issued.record.id;
    let rotated = stage.run(stage.tokens.rotate(&id).grace(TimeDelta::hours(24)).by("maria")).unwrap();
    stage.clock.advance(TimeDelta::hours(24) - MS);
    assert_eq!(stage.of(&issued), "granted");
    stage.clock.advance(MS);
    let verdict = stage.run(stage.tokens.verify(issued.secret.expose(), &LIVE)).unwrap();
    assert_eq!(verdict.denied(), Some(Denied::Rotated(stage.now())));
    assert_eq!(stage.code(rotated.secret.expose(), &LIVE), "granted");
}

#[test]
fn a_grace_period_never_outlives_the_token() {
    let stage = Stage::new();
    let issued = stage.issue(named().expires_in(TimeDelta::hours(1)));
    let id = issued.record.id;
    let rotated = stage.run(stage.tokens.rotate(&id).grace(TimeDelta::days(30)).by("maria")).unwrap();
    assert_eq!(rotated.record.previous_secret.unwrap().ends_at, issued.record.expires_at.unwrap());
    // An expiry that is moved ahead later does not lengthen it.
    let ahead = Update::new().expires_in(TimeDelta::days(30));
    stage.run(stage.tokens.update(&id, ahead).by("maria")).unwrap();
    stage.clock.advance(TimeDelta::hours(1));
    assert_eq!(stage.of(&issued), "token-rotated");
    assert_eq!(stage.code(rotated.secret.expose(), &LIVE), "granted");
}

#[test]
fn a_grace_period_lasts_from_nothing_to_thirty_days() {
    let stage = Stage::new();
    let id = stage.issue(named()).record.id;
    for grace in [-MS, TimeDelta::days(30) + MS, TimeDelta::MAX] {
        let rotated = stage.run(stage.tokens.rotate(&id).grace(grace).by("maria"));
        assert_eq!(pointers(rotated.map(|_| ())), ["/grace"]);
    }
    stage.run(stage.tokens.rotate(&id).grace(TimeDelta::days(30)).by("maria")).unwrap();
}

#[test]
fn a_grace_period_can_be_ended_and_the_old_secret_is_dead() {
    let stage = Stage::new();
    let issued = stage.issue(named());
    let id = issued.record.id;
    assert!(matches!(stage.run(stage.tokens.end_grace(&id).by("maria")), Err(Error::NoOldSecret)));
    let rotated = stage.run(stage.tokens.rotate(&id).grace(TimeDelta::hours(24)).by("maria")).unwrap();
    let ends_at = rotated.record.previous_secret.unwrap().ends_at;
    assert_eq!(stage.of(&issued), "granted");
    let ended = stage.run(stage.tokens.end_grace(&id).because("moved").by("maria")).unwrap();
    assert_eq!(ended.previous_secret.unwrap().ends_at, stage.now());
    assert_eq!(stage.of(&issued), "token-rotated");
    assert_eq!(stage.code(rotated.secret.expose(), &LIVE), "granted");
    // A second time is harmless, and what is dead stays dead.
    stage.clock.advance(MS);
    let again = stage.run(stage.tokens.end_grace(&id).by("maria")).unwrap();
    assert_eq!(again.version, ended.version);
    let longer = stage.tokens.extend_grace(&id).lasting(TimeDelta::hours(1));
    assert!(matches!(stage.run(longer.by("maria")), Err(Error::NoOldSecret)));
    let query = HistoryQuery::new(TenantFilter::Any).token(id);
    let entries = stage.run(stage.tokens.history(&query)).unwrap();
    let told = |entry: &HistoryEntry| {
        let change = entry.draft.changes.iter().find(|change| change.field == "previous_secret_expires_at");
        change.map(|change| (change.from.clone(), change.to.clone()))
    };
    let written = |time: DateTime<Utc>| Some(time.to_rfc3339_opts(SecondsFormat::Millis, true));
    assert_eq!(entries.len(), 3);
    assert_eq!((entries[0].draft.action, entries[0].draft.changes.len()), (Action::Updated, 1));
    assert_eq!(told(&entries[0]), Some((written(ends_at), written(stage.now() - MS))));
    assert_eq!(entries[0].draft.reason.as_deref(), Some("moved"));
    assert_eq!(told(&entries[1]), Some((None, written(ends_at))));
    stage.run(stage.tokens.verify_history(None)).unwrap();
}

#[test]
fn a_grace_period_can_be_prolonged_within_thirty_days_and_the_life_of_the_token() {
    let stage = Stage::new();
    let issued = stage.issue(named().expires_in(TimeDelta::days(40)));
    let id = issued.record.id;
    stage.run(stage.tokens.rotate(&id).grace(TimeDelta::hours(1)).by("maria")).unwrap();
    let extend = || stage.tokens.extend_grace(&id);
    let refused = [
        extend(),
        extend().lasting(TimeDelta::zero()),
        extend().until(stage.now() - MS),
        extend().lasting(TimeDelta::days(30) + MS),
        extend().lasting(TimeDelta::MAX),
        extend().until(DateTime::<Utc>::MAX_UTC),
    ];
    for change in refused {
        assert_eq!(pointers(stage.run(change.by("maria")).map(|_| ())), ["/expires_at"]);
    }
    stage.run(extend().lasting(TimeDelta::days(30)).by("maria")).unwrap();
    stage.clock.advance(TimeDelta::days(20));
    assert_eq!(stage.of(&issued), "granted");
    let beyond = extend().lasting(TimeDelta::days(20) + MS);
    assert_eq!(pointers(stage.run(beyond.by("maria")).map(|_| ())), ["/expires_at"]);
    // Whoever holds less than the token may shorten the time, and not lengthen it.
    let weak = || Actor::new("weak").may_grant(["orders:read"]);
    stage.run(stage.tokens.update(&id, Update::new().add_scope("orders:write")).by("maria")).unwrap();
    let longer = stage.run(extend().lasting(TimeDelta::days(11)).by(weak()));
    assert!(matches!(longer, Err(Error::NotGrantable(_))));
    stage.run(extend().lasting(TimeDelta::minutes(1)).by(weak())).unwrap();
    stage.clock.advance(TimeDelta::minutes(1) - MS);
    assert_eq!(stage.of(&issued), "granted");
    stage.clock.advance(MS);
    assert_eq!(stage.of(&issued), "token-rotated");
}

#[test]
fn of_two_rotations_within_a_grace_period_the_older_predecessor_dies() {
    let stage = Stage::new();
    let first = stage.issue(named());
    let id = first.record.id;
    let rotate = || stage.run(stage.tokens.rotate(&id).grace(TimeDelta::days(7)).by("maria")).unwrap();
    let (second, third) = (rotate(), rotate());
    assert_eq!(stage.of(&first), "token-invalid");
    let versions = [&second, &third].map(|rotated| {
        match stage.run(stage.tokens.verify(rotated.secret.expose(), &LIVE)).unwrap() {
            Verdict::Granted(grant) => grant.secret_version(),
            Verdict::Denied(denied) => panic!("{denied:?}"),
        }
    });
    assert_eq!(versions, [2, 3]);
}

#[test]
fn both_secrets_of_a_grace_period_share_one_limit() {
    let stage = Stage::new();
    let first = stage.issue(named().per_minute(3));
    let rotated =
        stage.run(stage.tokens.rotate(&first.record.id).grace(TimeDelta::days(7)).by("maria")).unwrap();
    let second = rotated.secret.expose();
    assert_eq!([stage.of(&first), stage.code(second, &LIVE), stage.of(&first)], ["granted"; 3]);
    assert_eq!([stage.of(&first), stage.code(second, &LIVE)], ["rate-limited"; 2]);
}

#[test]
fn a_predecessor_is_told_for_thirty_days_and_then_unknown() {
    for is_live in [true, false] {
        let stage = Stage::new();
        let issued = stage.issue(named());
        if is_live {
            assert_eq!(stage.of(&issued), "granted");
        }
        stage.run(stage.tokens.rotate(&issued.record.id).grace(TimeDelta::days(1)).by("maria")).unwrap();
        stage.clock.advance(TimeDelta::days(31) - MS);
        if is_live {
            assert_eq!(stage.of(&issued), "token-rotated");
        }
        stage.clock.advance(MS);
        assert_eq!(stage.of(&issued), "token-invalid");
        assert!(stage.run(stage.tokens.find_by_text(issued.secret.expose())).unwrap().is_none());
    }
}

#[test]
fn what_is_final_is_told_before_what_is_not() {
    let stage = Stage::new();
    let issued = stage.issue(named().expires_in(TimeDelta::days(1)));
    let id = issued.record.id;
    stage.run(stage.tokens.pause(&id).by("maria")).unwrap();
    assert_eq!(stage.of(&issued), "token-paused");
    let rotated = stage.run(stage.tokens.rotate(&id).by("maria")).unwrap();
    assert_eq!(stage.code(rotated.secret.expose(), &LIVE), "token-paused");
    stage.clock.advance(TimeDelta::days(1));
    assert_eq!(stage.code(rotated.secret.expose(), &LIVE), "token-expired");
    stage.run(stage.tokens.revoke(&id).by("maria")).unwrap();
    assert_eq!(stage.code(rotated.secret.expose(), &LIVE), "token-revoked");
}
