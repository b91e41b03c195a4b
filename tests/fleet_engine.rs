//! Several nodes over one store: what each may believe, and when a change has come everywhere.
//!
//! Every node has a clock of its own, and a way to the store of its own that can be paused and cut. A
//! lease is renewed by a flush alone.

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use support::{At, ByHand, Call, PausedStore, Stage, text_of};
use tokenward::{ChangeFeed, Issued, MemoryStore, Need, NewToken};

const LEASE: Duration = Duration::from_secs(10);
/// A tenth less: what a node counts.
const TRUSTED: TimeDelta = TimeDelta::seconds(9);
/// A tenth more: what others wait.
const BOUND: TimeDelta = TimeDelta::seconds(11);

/// Two nodes that have joined, and a token that the second has in memory.
fn fleet() -> (Stage, Stage, Issued) {
    let memory = Arc::new(MemoryStore::shared());
    let [first, second] = [(); 2].map(|()| {
        let store = PausedStore::before(memory.clone(), memory.clone(), false);
        Stage::over(store.clone(), |builder| builder.change_feed(store).lease(LEASE))
    });
    for node in [&first, &second] {
        node.run(node.tokens.flush()).unwrap();
    }
    let token = NewToken::named("of a fleet").scopes(["orders:read"]);
    let issued = first.run(first.tokens.issue(token).by("maria")).unwrap();
    first.run(first.tokens.flush()).unwrap();
    second.run(second.tokens.flush()).unwrap();
    assert_eq!(verified(&second, &issued), ("granted", 1), "it is looked up once");
    assert_eq!(verified(&second, &issued), ("granted", 0), "and is in memory then");
    (first, second, issued)
}

/// What a verification comes to, and how often it has asked the store.
fn verified(node: &Stage, issued: &Issued) -> (&'static str, usize) {
    let before = node.store.count(Call::Load);
    let code = node.code(issued.secret.expose(), &Need::scope("orders:read"));
    (code, node.store.count(Call::Load) - before)
}

fn verification<'a>(node: &'a Stage, issued: &'a Issued) -> ByHand<'a, &'static str> {
    ByHand::new(async {
        support::code(node.tokens.verify(issued.secret.expose(), &Need::scope("orders:read")).await)
    })
}

/// Whoever waits for others looks again after some milliseconds of real time.
fn finish<T>(node: &Stage, mut future: ByHand<'_, T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(output) = future.poll() {
            return output;
        }
        node.changes.poll();
        assert!(Instant::now() < deadline, "it waits for something that never comes");
        std::thread::yield_now();
    }
}

fn revoke<'a>(node: &'a Stage, issued: &'a Issued) -> ByHand<'a, Result<(), tokenward::Error>> {
    ByHand::new(async { node.tokens.revoke(&issued.record.id).by("maria").await.map(drop) })
}

fn revoke_without_waiting(node: &Stage, issued: &Issued) {
    node.run(node.tokens.revoke(&issued.record.id).by_without_waiting("maria")).unwrap();
}

#[test]
fn a_revocation_returns_when_the_other_node_has_heeded_it() {
    let (first, second, issued) = fleet();
    let mut revocation = revoke(&first, &issued);
    first.run_until_it_waits(&mut revocation);
    assert_eq!(verified(&first, &issued).0, "token-revoked", "its own node heeds it at once");
    assert_eq!(
        verified(&second, &issued),
        ("granted", 0),
        "it has not returned, and the other has not heard"
    );
    second.run(second.tokens.flush()).unwrap();
    finish(&first, revocation).unwrap();
    assert_eq!(verified(&second, &issued), ("token-revoked", 1));
    assert_eq!(verified(&second, &issued), ("token-revoked", 0));
}

#[test]
fn a_revocation_returns_when_the_lease_of_a_silent_node_is_over() {
    let (first, second, issued) = fleet();
    let mut revocation = revoke(&first, &issued);
    first.clock.advance(BOUND - TimeDelta::milliseconds(1));
    first.run_until_it_waits(&mut revocation);
    first.clock.advance(BOUND);
    finish(&first, revocation).unwrap();
    // As much time has gone by there.
    second.clock.advance(BOUND);
    assert_eq!(verified(&second, &issued).0, "token-revoked");
}

#[test]
fn revoking_again_waits_like_the_first() {
    let (first, second, issued) = fleet();
    revoke_without_waiting(&first, &issued);
    let mut again = revoke(&first, &issued);
    first.run_until_it_waits(&mut again);
    second.run(second.tokens.flush()).unwrap();
    finish(&first, again).unwrap();
    assert_eq!(verified(&second, &issued).0, "token-revoked");
}

#[test]
fn who_does_not_wait_returns_before_the_others_have_heard() {
    let (first, second, issued) = fleet();
    revoke_without_waiting(&first, &issued);
    assert_eq!(verified(&first, &issued).0, "token-revoked");
    assert_eq!(verified(&second, &issued), ("granted", 0), "as the name of it says");
    second.run(second.tokens.flush()).unwrap();
    assert_eq!(verified(&second, &issued).0, "token-revoked");
}

#[test]
fn a_new_secret_is_accepted_everywhere_when_the_rotation_has_returned() {
    let (first, second, issued) = fleet();
    let id = issued.record.id;
    let mut rotation = ByHand::new(async { first.tokens.rotate(&id).by("maria").await });
    first.run_until_it_waits(&mut rotation);
    second.run(second.tokens.flush()).unwrap();
    let rotated = finish(&first, rotation).unwrap();
    assert_eq!(second.code(rotated.secret.expose(), &Need::live()), "granted");
    assert_eq!(second.code(issued.secret.expose(), &Need::live()), "token-rotated");
}

#[test]
fn a_look_up_that_began_before_a_change_elsewhere_is_not_kept() {
    let (first, second, issued) = fleet();
    change_the_name(&second, &issued);
    let gate = second.store.pause(Call::Load, At::After);
    let mut early = verification(&second, &issued);
    assert!(early.poll().is_none() && gate.is_reached());
    let mut revocation = revoke(&first, &issued);
    first.run_until_it_waits(&mut revocation);
    second.run(second.tokens.flush()).unwrap();
    finish(&first, revocation).unwrap();
    gate.open();
    assert_eq!(second.finish(early), "granted", "it began before the revocation returned");
    assert_eq!(verified(&second, &issued), ("token-revoked", 1), "what it has read is not kept");
    assert_eq!(verified(&second, &issued), ("token-revoked", 0));
}

#[test]
fn nobody_joins_a_look_up_that_began_before_a_change_elsewhere() {
    let (first, second, issued) = fleet();
    change_the_name(&second, &issued);
    let gate = second.store.pause(Call::Load, At::After);
    let mut early = verification(&second, &issued);
    assert!(early.poll().is_none() && gate.is_reached());
    let mut revocation = revoke(&first, &issued);
    first.run_until_it_waits(&mut revocation);
    second.run(second.tokens.flush()).unwrap();
    finish(&first, revocation).unwrap();
    assert_eq!(verified(&second, &issued), ("token-revoked", 1));
    gate.open();
    assert_eq!(second.finish(early), "token-revoked", "what is in memory is newer than what it has read");
    assert_eq!(verified(&second, &issued), ("token-revoked", 0));
}

#[test]
fn who_waits_for_a_look_up_that_a_change_elsewhere_spoils_asks_again() {
    let (first, second, issued) = fleet();
    change_the_name(&second, &issued);
    let gate = second.store.pause(Call::Load, At::After);
    let (mut leads, mut joins) = (verification(&second, &issued), verification(&second, &issued));
    assert!(leads.poll().is_none() && joins.poll().is_none());
    revoke_without_waiting(&first, &issued);
    second.run(second.tokens.flush()).unwrap();
    assert_eq!(second.finish(joins), "token-revoked", "it does not wait for the one that was there before");
    gate.open();
    assert_eq!(second.finish(leads), "token-revoked", "what is in memory is newer than what it has read");
    assert_eq!(verified(&second, &issued), ("token-revoked", 0));
}

/// Changes something of no matter, so that the token is looked up at its next use.
fn change_the_name(node: &Stage, issued: &Issued) {
    let update = tokenward::Update::new().name("another");
    node.run(node.tokens.update(&issued.record.id, update).by_without_waiting("maria")).unwrap();
    node.run(node.tokens.flush()).unwrap();
}

#[test]
fn a_lease_that_runs_out_in_the_midst_of_a_verification_keeps_nothing_of_it() {
    let (first, second, issued) = fleet();
    change_the_name(&second, &issued);
    let gate = second.store.pause(Call::Load, At::After);
    let mut early = verification(&second, &issued);
    assert!(early.poll().is_none());
    [&first, &second].iter().for_each(|node| node.clock.advance(BOUND));
    revoke_without_waiting(&first, &issued);
    second.run(second.tokens.flush()).unwrap();
    gate.open();
    assert_eq!(second.finish(early), "granted", "it began before");
    assert_eq!(verified(&second, &issued), ("token-revoked", 1));
}

#[test]
fn a_verification_that_found_trust_standing_brings_nothing_into_a_lease_that_began_later() {
    let (first, second, issued) = fleet();
    change_the_name(&second, &issued);
    let gate = second.store.pause(Call::Load, At::Before);
    let mut early = verification(&second, &issued);
    assert!(early.poll().is_none());
    second.clock.advance(TRUSTED);
    second.run(second.tokens.flush()).unwrap();
    gate.open();
    assert_eq!(second.finish(early), "granted");
    assert_eq!(verified(&second, &issued), ("granted", 1), "it is asked for once more");
    assert_eq!(verified(&second, &issued), ("granted", 0));
    revoke_without_waiting(&first, &issued);
    second.run(second.tokens.flush()).unwrap();
    assert_eq!(verified(&second, &issued).0, "token-revoked");
}

#[test]
fn what_is_asked_again_while_a_node_joins_is_not_kept() {
    let (first, second, issued) = fleet();
    change_the_name(&second, &issued);
    let first_load = second.store.pause(Call::Load, At::After);
    let (mut leads, mut joins) = (verification(&second, &issued), verification(&second, &issued));
    assert!(leads.poll().is_none() && joins.poll().is_none());
    // Its row is gone, which it finds at its next renewal. Whoever waited for a look-up then asks again.
    second.run(second.store.memory().leave(second.tokens.health().node)).unwrap();
    let join = second.store.pause(Call::Join, At::Before);
    let mut renewal = ByHand::new(second.tokens.flush());
    assert!(renewal.poll().is_none() && join.is_reached());
    let second_load = second.store.pause(Call::Load, At::After);
    assert!(joins.poll().is_none() && second_load.is_reached());
    // Nobody waits for a node that has no row.
    first.run(revoke_now(&first, &issued)).unwrap();
    join.open();
    second.finish(renewal).unwrap();
    second_load.open();
    assert_eq!(second.finish(joins), "granted", "it began before");
    assert_eq!(verified(&second, &issued).0, "token-revoked");
    first_load.open();
    second.finish(leads);
    assert_eq!(verified(&second, &issued).0, "token-revoked");
}

#[test]
fn what_is_ahead_of_a_node_is_not_kept_before_it_has_caught_up() {
    let (first, second, issued) = fleet();
    let update = tokenward::Update::new().name("another");
    second.run(second.tokens.update(&issued.record.id, update).by_without_waiting("maria")).unwrap();
    for _ in 0..2 {
        assert_eq!(verified(&second, &issued), ("granted", 1), "a failover could take it back unnoticed");
    }
    second.run(second.tokens.flush()).unwrap();
    assert_eq!(verified(&second, &issued), ("granted", 1));
    assert_eq!(verified(&second, &issued), ("granted", 0));
    drop(first);
}

#[test]
fn without_a_lease_every_verification_asks_and_with_a_new_one_none_does() {
    let (_first, second, issued) = fleet();
    second.clock.advance(TRUSTED - TimeDelta::milliseconds(1));
    assert_eq!(verified(&second, &issued), ("granted", 0));
    second.clock.advance(TimeDelta::milliseconds(1));
    for _ in 0..3 {
        assert_eq!(verified(&second, &issued), ("granted", 1));
    }
    second.run(second.tokens.flush()).unwrap();
    assert_eq!(verified(&second, &issued), ("granted", 1), "nothing of before is believed");
    assert_eq!(verified(&second, &issued), ("granted", 0));
}

#[test]
fn a_machine_that_was_suspended_believes_nothing_when_it_wakes() {
    let (first, second, issued) = fleet();
    second.clock.suspend(TimeDelta::hours(1));
    first.clock.advance(TimeDelta::hours(1));
    first.run(first.tokens.flush()).unwrap();
    let mut revocation = revoke(&first, &issued);
    first.run_until_it_waits(&mut revocation);
    first.clock.advance(BOUND);
    finish(&first, revocation).unwrap();
    assert_eq!(verified(&second, &issued), ("token-revoked", 1));
}

#[test]
fn nobody_waits_for_a_node_that_has_left_and_it_asks_from_then_on() {
    let (first, second, issued) = fleet();
    second.run(second.tokens.shutdown()).unwrap();
    first.run(revoke_now(&first, &issued)).unwrap();
    for _ in 0..2 {
        assert_eq!(verified(&second, &issued), ("token-revoked", 1));
    }
    second.run(second.tokens.flush()).unwrap();
    assert_eq!(verified(&second, &issued), ("token-revoked", 1), "a flush does not make it join again");
}

async fn revoke_now(node: &Stage, issued: &Issued) -> Result<(), tokenward::Error> {
    node.tokens.revoke(&issued.record.id).by("maria").await.map(drop)
}

#[test]
fn the_row_of_a_dead_node_is_deleted_by_who_sees_it_stand_still() {
    let (first, _second, issued) = fleet();
    for _ in 0..5 {
        first.clock.advance(TimeDelta::milliseconds(2_750));
        first.run(first.tokens.flush()).unwrap();
    }
    first.run(revoke_now(&first, &issued)).unwrap();
}

#[test]
fn while_the_store_is_down_a_token_in_memory_is_served_for_as_long_as_the_lease() {
    let (_first, second, issued) = fleet();
    second.store.set_down(true);
    let unknown = text_of(7);
    let ask_unknown = || second.code(&unknown, &Need::live());
    assert_eq!(verified(&second, &issued), ("granted", 0));
    assert_eq!(ask_unknown(), "store failed", "nobody can say that it is no token");
    assert!(second.run(second.tokens.flush()).is_err());
    second.clock.advance(TRUSTED - TimeDelta::milliseconds(1));
    assert_eq!(verified(&second, &issued), ("granted", 0));
    second.clock.advance(TimeDelta::milliseconds(1));
    assert_eq!(verified(&second, &issued).0, "store failed");
    assert_eq!(ask_unknown(), "store failed");
    assert!(second.run(second.tokens.flush()).is_err());
    second.store.set_down(false);
    assert_eq!(verified(&second, &issued).0, "granted", "the store answers again");
    assert_eq!(ask_unknown(), "token-invalid");
    second.run(second.tokens.flush()).unwrap();
    assert_eq!(verified(&second, &issued), ("granted", 1));
    assert_eq!(verified(&second, &issued), ("granted", 0));
}

#[test]
fn a_revocation_while_the_store_is_gone_after_its_commit_waits_for_the_longest_lease_that_there_is() {
    let (first, _second, issued) = fleet();
    let mut revocation = revoke(&first, &issued);
    let gate = first.store.pause(Call::Update, At::After);
    first.run_until_it_waits(&mut revocation);
    assert!(gate.is_reached());
    first.store.set_down(true);
    gate.open();
    first.run_until_it_waits(&mut revocation);
    first.clock.advance(TimeDelta::seconds(65));
    first.run_until_it_waits(&mut revocation);
    first.clock.advance(TimeDelta::seconds(1));
    finish(&first, revocation).unwrap();
}
