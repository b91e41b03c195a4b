//! Changes, look-ups and counts that meet: each race is made certain by a store that is paused, and
//! then let loose on threads.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use chrono::TimeDelta;
use support::{
    At, ByHand, Call, PausedStore, Stage, WatchedUsage, code, text_of, tokens_of_threads, verified,
};
use tokenward::store::TokenStore;
use tokenward::{
    Error, Issued, Need, NewToken, Policy, RateLimit, Spawner, StoreError, Token, TokenId, Tokens, Update,
    block_on,
};

const NEED: Need<'static> = Need::scope("orders:write");

/// Every change that takes something from the holder of a token.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Kind {
    Revoke,
    Rotate,
    Update,
    Pause,
    RevokeAll,
    Purge,
}

impl Kind {
    const ALL: [Kind; 6] =
        [Kind::Revoke, Kind::Rotate, Kind::Update, Kind::Pause, Kind::RevokeAll, Kind::Purge];

    /// The call of the store that writes it.
    fn call(self) -> Call {
        match self {
            Kind::RevokeAll => Call::RevokeAll,
            Kind::Purge => Call::Purge,
            _ => Call::Update,
        }
    }

    /// What the holder of the old secret is told before it.
    fn before(self) -> &'static str {
        if self == Kind::Purge { "token-revoked" } else { "granted" }
    }

    /// What the holder of the old secret is told after it.
    fn after(self) -> &'static str {
        match self {
            Kind::Revoke | Kind::RevokeAll => "token-revoked",
            Kind::Rotate => "token-rotated",
            Kind::Update => "insufficient-scope",
            Kind::Pause => "token-paused",
            Kind::Purge => "token-invalid",
        }
    }

    fn make(self, tokens: &Tokens, id: TokenId) -> ByHand<'_, Result<Option<Token>, Error>> {
        match self {
            Kind::Revoke => ByHand::new(async move { tokens.revoke(&id).by("maria").await.map(|_| None) }),
            Kind::Rotate => {
                ByHand::new(async move { tokens.rotate(&id).by("maria").await.map(|new| Some(new.secret)) })
            }
            Kind::Update => ByHand::new(async move {
                let update = Update::new().remove_scope("orders:write");
                tokens.update(&id, update).by("maria").await.map(|_| None)
            }),
            Kind::Pause => ByHand::new(async move { tokens.pause(&id).by("maria").await.map(|_| None) }),
            Kind::RevokeAll => {
                ByHand::new(async move { tokens.revoke_all_of_owner("nina").by("maria").await.map(|_| None) })
            }
            Kind::Purge => ByHand::new(async move { tokens.purge(&id).by("maria").await.map(|_| None) }),
        }
    }
}

impl Stage {
    /// A token that the change can be made of, in memory or not.
    fn token_for(&self, kind: Kind, in_memory: bool) -> Issued {
        let issued = self.issue();
        if kind == Kind::Purge {
            self.run(self.tokens.revoke(&issued.record.id).by("maria")).unwrap();
        }
        if in_memory {
            assert_eq!(self.code(issued.secret.expose(), &NEED), kind.before());
        }
        issued
    }

    fn issue(&self) -> Issued {
        self.issue_limited(1_000)
    }

    fn issue_limited(&self, per_minute: u32) -> Issued {
        let asked = NewToken::named("Nightly export")
            .owner("nina")
            .scopes(["orders:read", "orders:write"])
            .per_minute(per_minute);
        self.run(self.tokens.issue(asked).by("maria")).unwrap()
    }

    /// Checks that the old secret is told this, and that memory alone is asked from the second
    /// time on.
    fn assert_settled(&self, issued: &Issued, expected: &str, what: &str) {
        let text = issued.secret.expose();
        assert_eq!(self.code(text, &NEED), expected, "{what}");
        let asked = self.store.count(Call::Load);
        assert_eq!(self.code(text, &NEED), expected, "{what}, the second time");
        assert_eq!(self.store.count(Call::Load), asked, "{what}: the mark was not lifted");
    }
}

fn lost() -> StoreError {
    StoreError::outcome_unknown("the connection was lost")
}

#[test]
fn a_look_up_that_was_under_way_cannot_bring_the_old_record_back() {
    for kind in Kind::ALL {
        let stage = Stage::new();
        let issued = stage.token_for(kind, false);
        let verify = || ByHand::new(stage.tokens.verify(issued.secret.expose(), &NEED));
        let gate = stage.store.pause(Call::Load, At::After);
        let (mut leader, mut waiters) = (verify(), [verify(), verify()]);
        assert!(leader.poll().is_none() && gate.is_reached());
        assert!(waiters.iter_mut().all(|waiter| waiter.poll().is_none()));

        stage.finish(kind.make(&stage.tokens, issued.record.id)).unwrap();
        for waiter in &mut waiters {
            let verdict = waiter.poll().expect("a spoiled flight lets those who joined ask again");
            assert_eq!(code(verdict), kind.after(), "{kind:?}, a waiter");
        }
        gate.open();
        // It began before the change, and may be told either.
        let led = code(leader.poll().unwrap());
        assert!([kind.before(), kind.after()].contains(&led), "{kind:?}: {led}");
        stage.assert_settled(&issued, kind.after(), &format!("{kind:?}"));
    }
}

#[test]
fn a_look_up_that_began_while_the_id_was_marked_cannot_bring_the_old_record_back() {
    for kind in Kind::ALL {
        for (in_memory, at) in
            [(true, At::Before), (true, At::After), (false, At::Before), (false, At::After)]
        {
            let stage = Stage::new();
            let issued = stage.token_for(kind, in_memory);
            let committing = stage.store.pause(kind.call(), at);
            let mut change = kind.make(&stage.tokens, issued.record.id);
            stage.run_until_it_waits(&mut change);
            assert!(committing.is_reached());

            let reading = stage.store.pause(Call::Load, At::After);
            let mut verify = ByHand::new(stage.tokens.verify(issued.secret.expose(), &NEED));
            assert!(verify.poll().is_none() && reading.is_reached(), "a marked id asks the store");
            assert!(stage.tokens.try_verify(issued.secret.expose(), &NEED).unwrap().is_none());

            committing.open();
            stage.finish(change).unwrap();
            reading.open();
            drop(verify.poll().expect("it was let go"));
            stage.assert_settled(&issued, kind.after(), &format!("{kind:?} {in_memory} {at:?}"));
        }
    }
}

#[test]
fn a_thousand_first_uses_ask_the_store_once() {
    let stage = Stage::new();
    let issued = stage.issue();
    let gate = stage.store.pause(Call::Load, At::Before);
    let mut uses: Vec<_> =
        (0..1_000).map(|_| ByHand::new(stage.tokens.verify(issued.secret.expose(), &NEED))).collect();
    assert!(uses.iter_mut().all(|first_use| first_use.poll().is_none()));
    gate.open();
    assert!(uses.iter_mut().all(|first_use| code(first_use.poll().unwrap()) == "granted"));
    assert_eq!(stage.store.count(Call::Load), 1);
    assert_eq!(stage.code(issued.secret.expose(), &NEED), "rate-limited");
}

#[test]
fn a_leader_that_is_dropped_lets_the_others_ask_again() {
    let stage = Stage::new();
    let issued = stage.issue();
    let verify = || ByHand::new(stage.tokens.verify(issued.secret.expose(), &NEED));
    stage.store.pause(Call::Load, At::After);
    let (mut leader, mut waiters) = (verify(), [verify(), verify(), verify()]);
    assert!(leader.poll().is_none());
    assert!(waiters.iter_mut().all(|waiter| waiter.poll().is_none()));
    drop(leader);
    assert!(waiters.iter_mut().all(|waiter| code(waiter.poll().unwrap()) == "granted"));
    assert_eq!(stage.store.count(Call::Load), 2);
}

#[test]
fn a_leader_that_fails_lets_nobody_in_and_calls_nobody_invalid() {
    let stage = Stage::new();
    let issued = stage.issue();
    for error in [StoreError::unavailable("no connection"), StoreError::broken("no schema"), lost()] {
        let gate = stage.store.pause(Call::Load, At::Before);
        stage.store.fail(Call::Load, At::After, error);
        let mut uses: Vec<_> =
            (0..100).map(|_| ByHand::new(stage.tokens.verify(issued.secret.expose(), &NEED))).collect();
        assert!(uses.iter_mut().all(|first_use| first_use.poll().is_none()));
        gate.open();
        assert!(uses.iter_mut().all(|first_use| code(first_use.poll().unwrap()) == "store failed"));
    }
    assert_eq!(stage.code(issued.secret.expose(), &NEED), "granted");
}

#[test]
fn a_change_whose_caller_goes_away_at_any_point_runs_to_its_end() {
    for kind in Kind::ALL {
        for polls in 0.. {
            let stage = Stage::new();
            let issued = stage.token_for(kind, true);
            stage.store.yield_everywhere();
            let mut change = kind.make(&stage.tokens, issued.record.id);
            let mut is_done = false;
            for _ in 0..polls {
                is_done = change.poll().is_some();
                if is_done {
                    break;
                }
                stage.changes.poll();
            }
            drop(change);
            stage.changes.run();
            let expected = if polls == 0 { kind.before() } else { kind.after() };
            stage.assert_settled(&issued, expected, &format!("{kind:?} dropped after {polls} polls"));
            stage.assert_next_rotation_works(
                &issued,
                polls > 0 && !matches!(kind, Kind::Rotate | Kind::Update | Kind::Pause)
                    || kind == Kind::Purge,
            );
            if is_done {
                assert!(polls > 3, "{kind:?} was to be dropped in its midst");
                break;
            }
        }
    }
}

#[test]
fn a_rotation_with_a_key_that_is_dropped_at_any_point_has_happened_once_or_not_begun() {
    let mut begun = Vec::new();
    for polls in 0..20 {
        let stage = Stage::new();
        let issued = stage.token_for(Kind::Rotate, true);
        let id = issued.record.id;
        stage.store.yield_everywhere();
        let rotate = || ByHand::new(stage.tokens.rotate(&id).idempotency_key("once").by("maria"));
        let mut first = rotate();
        for _ in 0..polls {
            if first.poll().is_some() {
                break;
            }
            stage.changes.poll();
        }
        drop(first);
        stage.changes.run();
        let happened = stage.code(issued.secret.expose(), &NEED) == "token-rotated";
        let again = stage.finish(rotate());
        assert_eq!(matches!(again, Err(Error::AlreadyDone { .. })), happened, "{polls} polls");
        assert_eq!(again.is_ok(), !happened, "{polls} polls");
        stage.assert_settled(&issued, "token-rotated", &format!("{polls} polls"));
        begun.push(happened);
    }
    // Until it has begun nothing happens, and from then on it does.
    assert!(!begun[0] && begun[19] && begun.is_sorted());
}

#[test]
fn a_change_whose_runtime_goes_away_at_any_point_is_settled_afterwards() {
    for kind in Kind::ALL {
        for polls in 0.. {
            let stage = Stage::new();
            let issued = stage.token_for(kind, true);
            stage.store.yield_everywhere();
            let mut change = kind.make(&stage.tokens, issued.record.id);
            assert!(change.poll().is_none());
            (0..polls).for_each(|_| stage.changes.poll());
            let is_done = stage.changes.is_empty();
            stage.changes.abandon();
            match stage.finish(change) {
                Ok(_) => assert!(is_done),
                Err(Error::Interrupted) => assert!(!is_done),
                Err(other) => panic!("{kind:?} after {polls} polls: {other}"),
            }
            let what = format!("{kind:?} abandoned after {polls} polls");
            let truth = stage.truth(&issued, kind);
            assert_eq!(stage.code(issued.secret.expose(), &NEED), truth, "{what}");
            stage.run(stage.tokens.flush()).unwrap();
            stage.assert_settled(&issued, truth, &what);
            if is_done {
                assert_eq!(truth, kind.after());
                break;
            }
        }
    }
}

#[test]
fn a_purge_whose_caller_goes_away_forgets_the_counters_as_well() {
    let stage = Stage::new();
    let issued = stage.token_for(Kind::Purge, true);
    let id = issued.record.id;
    stage.run(stage.tokens.flush()).unwrap();
    assert_eq!(stage.run(stage.tokens.usage(&id)).unwrap().total(), 1);
    let mut purge = Kind::Purge.make(&stage.tokens, id);
    assert!(purge.poll().is_none());
    drop(purge);
    stage.changes.run();
    assert_eq!(stage.run(stage.tokens.usage_of(&[id])).unwrap()[&id].total(), 0);
    assert!(matches!(stage.run(stage.tokens.usage(&id)), Err(Error::NotFound)));
}

impl Stage {
    /// What a verification must come to, by what the store holds.
    fn truth(&self, issued: &Issued, kind: Kind) -> &'static str {
        let id = issued.record.id;
        let token = block_on(self.store.memory().load(&[id])).unwrap().pop();
        let issued_version = if kind == Kind::Purge { 2 } else { 1 };
        match token {
            Some(token) if token.record.version == issued_version => kind.before(),
            _ => kind.after(),
        }
    }

    fn assert_next_rotation_works(&self, issued: &Issued, is_dead: bool) {
        if is_dead {
            return;
        }
        let id = issued.record.id;
        let rotated = self.run(self.tokens.rotate(&id).by("maria"));
        let secret = match rotated {
            Ok(rotated) => rotated.secret,
            Err(error) => panic!("the next rotation: {error}"),
        };
        let verdict = self.run(self.tokens.verify(secret.expose(), &Need::live()));
        assert!(["granted", "token-paused"].contains(&code(verdict)));
    }
}

#[test]
fn until_an_unknown_outcome_is_settled_every_verification_asks_the_store() {
    for kind in Kind::ALL {
        for (at, expected) in [(At::Before, kind.before()), (At::After, kind.after())] {
            for in_memory in [true, false] {
                let stage = Stage::new();
                let issued = stage.token_for(kind, in_memory);
                let what = format!("{kind:?} failed {at:?} the write");
                stage.store.fail(kind.call(), at, lost());
                let changed = stage.finish(kind.make(&stage.tokens, issued.record.id));
                assert!(matches!(changed, Err(Error::Store(error)) if error.outcome_is_unknown()), "{what}");
                for _ in 0..3 {
                    let asked = stage.store.count(Call::Load);
                    assert_eq!(stage.code(issued.secret.expose(), &NEED), expected, "{what}");
                    assert!(stage.store.count(Call::Load) > asked, "{what}");
                }
                stage.run(stage.tokens.flush()).unwrap();
                stage.assert_settled(&issued, expected, &what);
            }
        }
    }
}

#[test]
fn an_update_that_ends_after_a_revocation_of_all_with_unknown_outcome_brings_nothing_back() {
    let stage = Stage::new();
    let issued = stage.token_for(Kind::Update, true);
    let updated = stage.store.pause(Call::Update, At::After);
    let name = Update::new().name("Daily export");
    let mut update = ByHand::new(stage.tokens.update(&issued.record.id, name).by("maria"));
    stage.run_until_it_waits(&mut update);
    stage.store.fail(Call::RevokeAll, At::After, lost());
    stage.finish(Kind::RevokeAll.make(&stage.tokens, issued.record.id)).unwrap_err();
    updated.open();
    stage.finish(update).unwrap();
    assert_eq!(stage.code(issued.secret.expose(), &NEED), "token-revoked");
    stage.run(stage.tokens.flush()).unwrap();
    stage.assert_settled(&issued, "token-revoked", "after it is settled");
}

#[test]
fn an_update_that_ends_while_all_are_being_revoked_brings_nothing_back() {
    for at in [At::Before, At::After] {
        let stage = Stage::new();
        let issued = stage.token_for(Kind::Update, true);
        let revoking = stage.store.pause(Call::RevokeAll, at);
        let mut revoke_all = Kind::RevokeAll.make(&stage.tokens, issued.record.id);
        stage.run_until_it_waits(&mut revoke_all);
        let name = Update::new().name("Daily export");
        let updated = stage.run(stage.tokens.update(&issued.record.id, name).by("maria"));
        assert_eq!(updated.is_ok(), at == At::Before);
        revoking.open();
        stage.finish(revoke_all).unwrap();
        stage.assert_settled(&issued, "token-revoked", &format!("{at:?}"));
    }
}

#[test]
fn what_is_settled_is_only_what_had_ended_before_the_store_was_asked() {
    let stage = Stage::new();
    let issued = stage.token_for(Kind::Revoke, true);
    let id = issued.record.id;
    stage.store.fail(Call::Update, At::After, lost());
    stage.run(stage.tokens.update(&id, Update::new().name("Daily export")).by("maria")).unwrap_err();
    let asking = stage.store.pause(Call::LoadSettled, At::After);
    let mut flush = ByHand::new(stage.tokens.flush());
    stage.run_until_it_waits(&mut flush);
    assert!(asking.is_reached());
    stage.store.fail(Call::Update, At::After, lost());
    stage.finish(Kind::Revoke.make(&stage.tokens, id)).unwrap_err();
    asking.open();
    stage.finish(flush).unwrap();
    assert_eq!(stage.code(issued.secret.expose(), &NEED), "token-revoked");
    stage.run(stage.tokens.flush()).unwrap();
    stage.assert_settled(&issued, "token-revoked", "after both are settled");
}

#[test]
fn two_flushes_at_once_settle_an_outcome_once() {
    for kind in [Kind::RevokeAll, Kind::Revoke] {
        let stage = Stage::new();
        let issued = stage.token_for(kind, true);
        stage.store.fail(kind.call(), At::Before, lost());
        stage.finish(kind.make(&stage.tokens, issued.record.id)).unwrap_err();
        let flush = || {
            let gate = stage.store.pause(Call::LoadSettled, At::After);
            let mut flush = ByHand::new(stage.tokens.flush());
            stage.run_until_it_waits(&mut flush);
            (flush, gate)
        };
        let (first, second) = (flush(), flush());
        first.1.open();
        second.1.open();
        stage.finish(first.0).unwrap();
        // Another of unknown outcome, between the two: the second must not settle that one.
        stage.store.fail(kind.call(), At::After, lost());
        stage.finish(kind.make(&stage.tokens, issued.record.id)).unwrap_err();
        stage.finish(second.0).unwrap();
        assert_eq!(stage.code(issued.secret.expose(), &NEED), kind.after(), "{kind:?}");
        stage.run(stage.tokens.flush()).unwrap();
        stage.assert_settled(&issued, kind.after(), &format!("{kind:?}"));
    }
}

#[test]
fn a_store_that_panics_in_a_change_interrupts_it_and_no_more() {
    for kind in Kind::ALL {
        for (at, expected) in [(At::Before, kind.before()), (At::After, kind.after())] {
            let stage = Stage::new();
            let issued = stage.token_for(kind, true);
            stage.store.panic(kind.call(), at);
            let changed = stage.finish(kind.make(&stage.tokens, issued.record.id));
            assert!(matches!(changed, Err(Error::Interrupted)), "{kind:?} {at:?}");
            assert_eq!(stage.code(issued.secret.expose(), &NEED), expected, "{kind:?} {at:?}");
            stage.run(stage.tokens.flush()).unwrap();
            stage.assert_settled(&issued, expected, &format!("{kind:?} {at:?}"));
        }
    }
}

#[test]
fn a_panic_on_the_thread_of_changes_leaves_the_id_to_be_settled() {
    let stage = Stage::with(|builder| builder.spawner(Spawner::default()));
    let issued = block_on(stage.tokens.issue(NewToken::named("Export")).by("maria")).unwrap();
    stage.store.panic(Call::Update, At::After);
    let revoked = block_on(stage.tokens.revoke(&issued.record.id).by("maria"));
    assert!(matches!(revoked, Err(Error::Interrupted)));
    block_on(stage.tokens.flush()).unwrap();
    assert_eq!(verified(&stage.tokens, issued.secret.expose(), &Need::live()), "token-revoked");
    block_on(stage.tokens.revoke(&issued.record.id).by("maria")).unwrap();
    assert_eq!(verified(&stage.tokens, issued.secret.expose(), &Need::live()), "token-revoked");
    let asked = stage.store.count(Call::Load);
    assert_eq!(verified(&stage.tokens, issued.secret.expose(), &Need::live()), "token-revoked");
    assert_eq!(stage.store.count(Call::Load), asked);
}

/// A store of use that is away until it is told otherwise.
fn away() -> Arc<WatchedUsage> {
    let usage = WatchedUsage::default();
    usage.is_away.store(true, Ordering::SeqCst);
    Arc::new(usage)
}

#[test]
fn use_that_waits_to_be_written_does_not_come_back_after_a_purge() {
    let usage = away();
    let stage = Stage::with(|builder| builder.usage_store(usage.clone()));
    let (issued, other) = (stage.token_for(Kind::Purge, true), stage.token_for(Kind::Revoke, true));
    let (id, other) = (issued.record.id, other.record.id);
    stage.run(stage.tokens.flush()).unwrap_err();
    stage.finish(Kind::Purge.make(&stage.tokens, id)).unwrap();
    usage.is_away.store(false, Ordering::SeqCst);
    stage.run(stage.tokens.flush()).unwrap();
    let counted = stage.run(stage.tokens.usage_of(&[id, other])).unwrap();
    assert_eq!((counted[&id].total(), counted[&other].total()), (0, 1));
}

#[test]
fn use_that_cannot_be_written_does_not_keep_an_outcome_unknown() {
    let stage = Stage::with(|builder| builder.usage_store(away()));
    let issued = stage.token_for(Kind::Revoke, true);
    stage.store.fail(Call::Update, At::After, lost());
    stage.finish(Kind::Revoke.make(&stage.tokens, issued.record.id)).unwrap_err();
    stage.run(stage.tokens.flush()).unwrap_err();
    stage.assert_settled(&issued, "token-revoked", "although the flush failed");
}

#[test]
fn of_two_rotations_that_overlap_one_wins_and_the_other_is_told() {
    for at in [At::Before, At::After] {
        let stage = Stage::new();
        let issued = stage.issue();
        let gate = stage.store.pause(Call::Update, at);
        let mut first = Kind::Rotate.make(&stage.tokens, issued.record.id);
        stage.run_until_it_waits(&mut first);
        let second = stage.finish(Kind::Rotate.make(&stage.tokens, issued.record.id));
        gate.open();
        let outcomes = [stage.finish(first), second];
        let conflicts = outcomes.iter().filter(|outcome| matches!(outcome, Err(Error::Conflict))).count();
        let winner = outcomes.iter().find_map(|outcome| outcome.as_ref().ok()?.as_ref());
        assert_eq!(conflicts, 1, "paused {at:?} the write of the first");
        assert_eq!(stage.code(winner.expect("one wins").expose(), &NEED), "granted", "{at:?}");
        assert_eq!(stage.run(stage.tokens.find(&issued.record.id)).unwrap().unwrap().secret.version, 2);
        stage.finish(Kind::Rotate.make(&stage.tokens, issued.record.id)).unwrap();
    }
}

#[test]
fn a_rotation_that_waits_behind_one_that_has_begun_is_told_wherever_it_stands() {
    // The second has read the token before the first commits, and goes on at each later point.
    for second_reads in [At::Before, At::After] {
        for first_commits in [At::Before, At::After] {
            let stage = Stage::new();
            let issued = stage.issue();
            let commit = stage.store.pause(Call::Update, first_commits);
            let mut first = Kind::Rotate.make(&stage.tokens, issued.record.id);
            stage.run_until_it_waits(&mut first);
            let read = stage.store.pause(Call::Load, second_reads);
            let mut second = Kind::Rotate.make(&stage.tokens, issued.record.id);
            stage.run_until_it_waits(&mut second);
            commit.open();
            let first = stage.finish(first).unwrap().unwrap();
            read.open();
            assert!(matches!(stage.finish(second), Err(Error::Conflict)));
            assert_eq!(stage.code(first.expose(), &NEED), "granted");
        }
    }
}

#[test]
fn a_stranger_who_rotates_at_the_same_time_learns_nothing() {
    let stage = Stage::new();
    let asked = NewToken::named("Nightly export").tenant("acme");
    let issued = stage.run(stage.tokens.issue(asked).by("maria")).unwrap();
    let id = issued.record.id;
    let acme = tokenward::Actor::new("maria").tenant("acme");
    let read = stage.store.pause(Call::Load, At::Before);
    let mut strangers =
        ByHand::new(stage.tokens.rotate(&id).by(tokenward::Actor::new("eve").tenant("globex")));
    stage.run_until_it_waits(&mut strangers);
    stage.run(stage.tokens.rotate(&id).by(acme)).unwrap();
    read.open();
    assert!(matches!(stage.finish(strangers), Err(Error::NotFound)));
}

#[test]
fn a_revocation_that_overlaps_with_a_rotation_wins() {
    for (paused, at) in [
        (Kind::Rotate, At::Before),
        (Kind::Rotate, At::After),
        (Kind::Revoke, At::Before),
        (Kind::Revoke, At::After),
    ] {
        let stage = Stage::new();
        let issued = stage.token_for(Kind::Rotate, true);
        let id = issued.record.id;
        let gate = stage.store.pause(Call::Update, at);
        let mut first = paused.make(&stage.tokens, id);
        stage.run_until_it_waits(&mut first);
        let other = if paused == Kind::Rotate { Kind::Revoke } else { Kind::Rotate };
        let second = stage.finish(other.make(&stage.tokens, id));
        gate.open();
        let first = stage.finish(first);
        let (rotated, revoked) = if paused == Kind::Rotate { (first, second) } else { (second, first) };
        assert!(revoked.is_ok(), "{paused:?} {at:?}");
        match rotated {
            Ok(secret) => assert_eq!(stage.code(secret.unwrap().expose(), &NEED), "token-revoked"),
            Err(error) => assert!(matches!(error, Error::Revoked), "{error}"),
        }
        let old = stage.code(issued.secret.expose(), &NEED);
        assert!(["token-revoked", "token-rotated"].contains(&old), "{paused:?} {at:?}: {old}");
        let again = stage.finish(Kind::Rotate.make(&stage.tokens, id));
        assert!(matches!(again, Err(Error::Revoked)));
    }
}

#[test]
fn a_rotation_and_an_update_that_overlap_both_happen() {
    for (rotation_waits, at) in
        [(true, At::Before), (true, At::After), (false, At::Before), (false, At::After)]
    {
        let stage = Stage::new();
        let issued = stage.token_for(Kind::Rotate, true);
        let id = issued.record.id;
        let rename = || {
            let update = Update::new().name("Daily export");
            ByHand::new(async { stage.tokens.update(&id, update).by("maria").await.map(|_| None) })
        };
        let rotate = || Kind::Rotate.make(&stage.tokens, id);
        let gate = stage.store.pause(Call::Update, at);
        let mut first = if rotation_waits { rotate() } else { rename() };
        stage.run_until_it_waits(&mut first);
        let second = stage.finish(if rotation_waits { rename() } else { rotate() }).unwrap();
        gate.open();
        let first = stage.finish(first).unwrap();
        let record = stage.run(stage.tokens.find(&id)).unwrap().unwrap();
        assert_eq!((record.name.as_str(), record.version, record.secret.version), ("Daily export", 3, 2));
        let secret = first.or(second).unwrap();
        assert_eq!(stage.code(secret.expose(), &NEED), "granted", "{rotation_waits} {at:?}");
        stage.assert_settled(&issued, "token-rotated", "the old secret");
    }
}

/// What came of rotations that ran at once: the secrets of those that happened, with the version
/// that each made, and the number of those that met another.
type Rotations = (Vec<(u64, Token)>, usize);

fn assert_one_secret_lives(tokens: &Tokens, issued: &Issued, (mut done, conflicts): Rotations) {
    assert_eq!(done.len() + conflicts, 100);
    let record = block_on(tokens.find(&issued.record.id)).unwrap().unwrap();
    assert_eq!(record.version, 1 + done.len() as u64);
    assert_eq!(record.secret.version as usize, 1 + done.len());
    done.sort_by_key(|(version, _)| *version);
    let versions: Vec<_> = done.iter().map(|(version, _)| *version).collect();
    assert_eq!(versions, (2..2 + done.len() as u64).collect::<Vec<_>>());
    let codes: Vec<_> =
        done.iter().map(|(_, secret)| verified(tokens, secret.expose(), &Need::live())).collect();
    let (last, others) = codes.split_last().expect("at least one happens");
    assert_eq!(*last, "granted");
    assert!(others.iter().all(|code| *code != "granted"), "{codes:?}");
    assert_ne!(verified(tokens, issued.secret.expose(), &Need::live()), "granted");
}

#[test]
fn a_hundred_rotations_on_threads_leave_one_secret() {
    let (tokens, _clock) = tokens_of_threads(|builder| builder);
    let issued = block_on(tokens.issue(NewToken::named("Export")).by("maria")).unwrap();
    let start = Barrier::new(100);
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let rotate = || {
            start.wait();
            block_on(tokens.rotate(&issued.record.id).by("maria"))
        };
        let threads: Vec<_> = (0..100).map(|_| scope.spawn(rotate)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_one_secret_lives(&tokens, &issued, sorted(outcomes));
}

#[test]
fn a_hundred_rotations_on_a_runtime_leave_one_secret() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    let handle = runtime.handle().clone();
    let spawner = Spawner::new(move |change| _ = handle.spawn(change));
    let (tokens, _clock) = tokens_of_threads(|builder| builder.spawner(spawner));
    let issued = block_on(tokens.issue(NewToken::named("Export")).by("maria")).unwrap();
    let id = issued.record.id;
    let outcomes = runtime.block_on(async {
        let tasks: Vec<_> = (0..100)
            .map(|_| {
                let tokens = tokens.clone();
                tokio::spawn(async move { tokens.rotate(&id).by("maria").await })
            })
            .collect();
        let mut outcomes = Vec::new();
        for task in tasks {
            outcomes.push(task.await.unwrap());
        }
        outcomes
    });
    assert_one_secret_lives(&tokens, &issued, sorted(outcomes));
}

#[test]
fn of_a_hundred_rotations_that_name_one_version_one_happens() {
    let (tokens, _clock) = tokens_of_threads(|builder| builder);
    let issued = block_on(tokens.issue(NewToken::named("Export")).by("maria")).unwrap();
    let start = Barrier::new(100);
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let rotate = || {
            start.wait();
            block_on(tokens.rotate(&issued.record.id).if_version(1).by("maria"))
        };
        let threads: Vec<_> = (0..100).map(|_| scope.spawn(rotate)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let (done, conflicts) = sorted(outcomes);
    assert_eq!((done.len(), conflicts), (1, 99));
    assert_one_secret_lives(&tokens, &issued, (done, conflicts));
}

fn sorted(outcomes: Vec<Result<tokenward::Rotated, Error>>) -> Rotations {
    let mut conflicts = 0;
    let mut done = Vec::new();
    for outcome in outcomes {
        match outcome {
            Ok(rotated) => done.push((rotated.record.version, rotated.secret)),
            Err(Error::Conflict) => conflicts += 1,
            Err(other) => panic!("{other}"),
        }
    }
    (done, conflicts)
}

/// Verifies each text `each` times on each of 64 threads, and counts what was granted.
fn hammer(tokens: &Tokens, texts: &[&str], each: usize, meanwhile: impl FnOnce()) -> usize {
    let (start, granted) = (Barrier::new(65), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                start.wait();
                for _ in 0..each {
                    for text in texts {
                        match verified(tokens, text, &Need::live()) {
                            "granted" => _ = granted.fetch_add(1, Ordering::Relaxed),
                            "rate-limited" => {}
                            other => panic!("{other}"),
                        }
                    }
                }
            });
        }
        start.wait();
        meanwhile();
    });
    granted.into_inner()
}

fn issued_with(tokens: &Tokens, per_minute: u32) -> Issued {
    let asked = NewToken::named("Export").per_minute(per_minute).scopes(["orders:read"]);
    block_on(tokens.issue(asked).by("maria")).unwrap()
}

#[test]
fn threads_at_once_get_exactly_the_limit() {
    for is_live in [false, true] {
        let (tokens, clock) = tokens_of_threads(|builder| builder);
        let issued = issued_with(&tokens, 500);
        let text = issued.secret.expose();
        if is_live {
            assert_eq!(verified(&tokens, text, &Need::live()), "granted");
        }
        let granted = hammer(&tokens, &[text], 20, || ());
        assert_eq!(granted + usize::from(is_live), 500);
        clock.advance(TimeDelta::seconds(60));
        assert_eq!(hammer(&tokens, &[text], 20, || ()), 500);
    }
}

#[test]
fn threads_at_once_get_exactly_the_limit_that_a_tenant_shares() {
    let policy = Policy::new().shared_limit_per_tenant(RateLimit::per_minute(300).unwrap());
    let (tokens, _clock) = tokens_of_threads(|builder| builder.policy(policy));
    let issued: Vec<_> = (0..4).map(|_| issued_with(&tokens, 120)).collect();
    let texts: Vec<_> = issued.iter().map(|issued| issued.secret.expose()).collect();
    assert_eq!(hammer(&tokens, &texts, 5, || ()), 300);
}

#[test]
fn a_limit_that_changes_under_traffic_stays_exact() {
    let (tokens, clock) = tokens_of_threads(|builder| builder);
    let issued = issued_with(&tokens, 300);
    let (id, text) = (issued.record.id, issued.secret.expose());
    let set = |per_minute| {
        block_on(tokens.update(&id, Update::new().per_minute(per_minute)).by("maria")).unwrap();
    };
    let during = hammer(&tokens, &[text], 10, || set(400));
    assert_eq!(during + hammer(&tokens, &[text], 10, || ()), 400);
    let lowered = hammer(&tokens, &[text], 5, || set(100));
    assert_eq!(lowered, 0);
    clock.advance(TimeDelta::seconds(60));
    assert_eq!(hammer(&tokens, &[text], 5, || ()), 100);
}

#[test]
fn an_update_during_traffic_loses_neither_window_nor_counters() {
    let (tokens, _clock) = tokens_of_threads(|builder| builder);
    let issued = issued_with(&tokens, 500);
    let (id, text) = (issued.record.id, issued.secret.expose());
    let rename = || {
        for number in 0..20 {
            let update = Update::new().name(format!("Export {number}"));
            block_on(tokens.update(&id, update).by("maria")).unwrap();
            block_on(tokens.flush()).unwrap();
        }
    };
    let granted = hammer(&tokens, &[text], 20, rename) + hammer(&tokens, &[text], 10, || ());
    assert_eq!(granted, 500);
    block_on(tokens.flush()).unwrap();
    let usage = block_on(tokens.usage(&id)).unwrap();
    assert_eq!((usage.granted, usage.limited), (500, 64 * 30 - 500));
}

#[test]
fn a_verification_during_a_change_takes_from_the_limit() {
    for in_memory in [true, false] {
        let stage = Stage::new();
        let issued = stage.issue_limited(3);
        let text = issued.secret.expose();
        if in_memory {
            assert_eq!(stage.code(text, &NEED), "granted");
        }
        let gate = stage.store.pause(Call::Update, At::Before);
        let name = Update::new().name("Daily export");
        let mut update = ByHand::new(stage.tokens.update(&issued.record.id, name).by("maria"));
        stage.run_until_it_waits(&mut update);
        assert_eq!(stage.code(text, &NEED), "granted");
        assert_eq!(stage.code(text, &NEED), "granted");
        gate.open();
        stage.finish(update).unwrap();
        let left = if in_memory { "rate-limited" } else { "granted" };
        assert_eq!(stage.code(text, &NEED), left);
        assert_eq!(stage.code(text, &NEED), "rate-limited");
    }
}

#[test]
fn a_token_in_use_is_never_dropped_to_make_room() {
    let stage = Stage::with(|builder| builder.live_capacity(10));
    let used: Vec<_> = (0..10).map(|_| stage.issue_limited(1)).collect();
    let more = stage.issue_limited(1);
    assert!(used.iter().all(|issued| stage.code(issued.secret.expose(), &NEED) == "granted"));
    // Windows in use, and counters that were not written.
    assert_eq!(stage.code(more.secret.expose(), &NEED), "overloaded");
    stage.run(stage.tokens.flush()).unwrap();
    stage.clock.advance(TimeDelta::milliseconds(59_999));
    assert_eq!(stage.code(more.secret.expose(), &NEED), "overloaded");
    assert!(used.iter().all(|issued| stage.code(issued.secret.expose(), &NEED) == "rate-limited"));
    stage.clock.advance(TimeDelta::milliseconds(1));
    assert!(used.iter().all(|issued| stage.code(issued.secret.expose(), &NEED) == "granted"));
    // Empty windows, and counters that were not written.
    stage.clock.advance(TimeDelta::seconds(60));
    assert_eq!(stage.code(more.secret.expose(), &NEED), "overloaded");
    stage.run(stage.tokens.flush()).unwrap();
    stage.clock.advance(TimeDelta::seconds(1));
    assert_eq!(stage.code(more.secret.expose(), &NEED), "granted");
    assert!(stage.tokens.live_tokens() <= 10);
    stage.run(stage.tokens.flush()).unwrap();
    for issued in &used {
        let usage = stage.run(stage.tokens.usage(&issued.record.id)).unwrap();
        assert_eq!((usage.granted, usage.limited), (2, 1));
    }
}

#[test]
fn idle_tokens_make_room_for_as_many_others_at_one_moment() {
    let stage = Stage::with(|builder| builder.live_capacity(10));
    for _ in 0..3 {
        for _ in 0..10 {
            assert_eq!(stage.code(stage.issue().secret.expose(), &NEED), "granted");
        }
        stage.run(stage.tokens.flush()).unwrap();
        stage.clock.advance(TimeDelta::seconds(60));
    }
    assert_eq!(stage.tokens.live_tokens(), 10);
}

#[test]
fn an_unknown_id_asks_the_store_once_in_its_short_life() {
    let stage = Stage::new();
    let text = text_of(7);
    assert!((0..100).all(|_| stage.code(&text, &NEED) == "token-invalid"));
    assert_eq!(stage.store.count(Call::Load), 1);
    stage.clock.advance(TimeDelta::seconds(2));
    assert_eq!(stage.code(&text, &NEED), "token-invalid");
    assert_eq!(stage.store.count(Call::Load), 2);
}

#[test]
fn a_known_token_gets_in_while_guesses_hold_every_other_lane() {
    let stage = Stage::with(|builder| builder.live_capacity(1).concurrent_misses(4));
    let (evicted, distrusted) = (stage.issue(), stage.issue());
    for issued in [&evicted, &distrusted] {
        assert_eq!(stage.code(issued.secret.expose(), &NEED), "granted");
        stage.run(stage.tokens.flush()).unwrap();
        stage.clock.advance(TimeDelta::seconds(61));
    }
    stage.finish(Kind::RevokeAll.make(&stage.tokens, evicted.record.id)).unwrap();
    let texts: Vec<_> = (0..3).map(text_of).collect();
    let mut guesses = Vec::new();
    for text in &texts {
        stage.store.pause(Call::Load, At::Before);
        let mut guess = ByHand::new(stage.tokens.verify(text, &NEED));
        assert!(guess.poll().is_none());
        guesses.push(guess);
    }
    assert_eq!(stage.code(&text_of(4), &NEED), "overloaded");
    assert_eq!(stage.code(distrusted.secret.expose(), &NEED), "token-revoked");
    stage.run(stage.tokens.flush()).unwrap();
    stage.clock.advance(TimeDelta::seconds(61));
    assert_eq!(stage.code(evicted.secret.expose(), &NEED), "token-revoked");
    drop(guesses);
    assert_eq!(stage.code(&text_of(4), &NEED), "token-invalid");
}

#[test]
fn guesses_that_are_turned_away_never_take_the_reserve() {
    let (tokens, _clock) = tokens_of_threads(|builder| builder.concurrent_misses(64));
    let known = issued_with(&tokens, 100_000);
    let text = known.secret.expose();
    assert_eq!(verified(&tokens, text, &Need::live()), "granted");
    let numbers = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for _ in 0..200 {
                    let text = text_of(numbers.fetch_add(1, Ordering::Relaxed) as u64);
                    verified(&tokens, &text, &Need::live());
                }
            });
        }
        for _ in 0..50 {
            block_on(tokens.revoke_all_of_owner("nobody").by("maria")).unwrap();
            assert_eq!(verified(&tokens, text, &Need::live()), "granted");
        }
    });
    assert_eq!(tokens.live_tokens(), 1);
}

#[test]
fn a_purged_token_is_unknown_and_its_idempotency_key_can_be_used_again() {
    let stage = Stage::new();
    let issue = || {
        let asked = NewToken::named("Export").scopes(["orders:write"]);
        stage.run(stage.tokens.issue(asked).idempotency_key("order 17").by("maria"))
    };
    let first = issue().unwrap();
    let id = first.record.id;
    assert_eq!(stage.code(first.secret.expose(), &NEED), "granted");
    assert!(matches!(issue(), Err(Error::AlreadyDone { id: done }) if done == id));
    stage.finish(Kind::Revoke.make(&stage.tokens, id)).unwrap();
    stage.finish(Kind::Purge.make(&stage.tokens, id)).unwrap();
    assert_eq!(stage.code(first.secret.expose(), &NEED), "token-invalid");
    let second = issue().unwrap();
    assert_eq!(second.record.id, id);
    assert_eq!(stage.code(first.secret.expose(), &NEED), "token-invalid");
    assert_eq!(stage.code(second.secret.expose(), &NEED), "granted");
    stage.run(stage.tokens.flush()).unwrap();
    assert_eq!(stage.run(stage.tokens.usage(&id)).unwrap().granted, 1);
}

#[test]
fn a_store_that_others_write_to_is_asked_every_time() {
    let stage = Stage::over(PausedStore::whose_tokens_are_changed_by(false), |builder| builder);
    let issued = stage.issue_limited(3);
    for _ in 0..3 {
        assert_eq!(stage.code(issued.secret.expose(), &NEED), "granted");
    }
    assert_eq!(stage.code(issued.secret.expose(), &NEED), "rate-limited");
    assert_eq!(stage.store.count(Call::Load), 4);
    stage.finish(Kind::Revoke.make(&stage.tokens, issued.record.id)).unwrap();
    assert_eq!(stage.code(issued.secret.expose(), &NEED), "token-revoked");
}
