//! What only a database that others use as well can bring about.

use chrono::TimeDelta;
use tokenward::conformance::sample_id;
use tokenward::usage::{CallQuery, Client, Level, Outcome, Outdated, RecordedCall, Slice, SliceQuery, Span};
use tokenward::{Counts, Event, EventKind, Outbox, Subject, UsageBatch, UsageStore, block_on};

use super::Scratch;
use super::nodes::{minute, start};

fn slice(minutes: i64, granted: u64) -> Slice {
    let mut slice = Slice::new(Subject::Token(sample_id(1)), minute() + minutes);
    slice.tally.granted = granted;
    slice
}

fn add(scratch: &Scratch, node: u64, number: u64, slices: Vec<Slice>) {
    let mut batch = UsageBatch::new(node, number);
    batch.slices = slices;
    block_on(scratch.store.add(&batch)).unwrap();
}

fn hour(scratch: &Scratch) -> u64 {
    let span = Span { level: Level::Hour, from: minute() - 60, until: minute() + 60 };
    let query = SliceQuery::new(vec![Subject::Token(sample_id(1))], vec![span]);
    block_on(scratch.store.slices(&query)).unwrap().iter().map(|slice| slice.tally.granted).sum()
}

#[test]
fn a_character_that_the_database_does_not_keep_holds_nothing_up() {
    let Some(scratch) = Scratch::if_there() else { return };
    let client = Client::new("192.0.2.1\0", "curl\0/8");
    let mut batch = UsageBatch::new(1, 1);
    let mut counts = Counts::default();
    (counts.granted, counts.last_used_at, counts.last_client) = (1, Some(start()), Some(client.clone()));
    batch.counts.push((sample_id(1), counts));
    let tenant = Subject::Tenant(Some("ac\0me".into()));
    let mut slice = Slice::new(tenant.clone(), minute());
    slice.clients.add(&client, &Default::default());
    slice.tally.granted = 1;
    batch.slices.push(slice);
    let mut call = RecordedCall::new(sample_id(1), start(), Outcome::Granted, 200);
    call.tenant = Some("ac\0me".into());
    (call.route, call.scopes, call.client) = ("GET /\0".into(), "a\0b".into(), Some(client.clone()));
    batch.calls.push(call);
    block_on(scratch.store.add(&batch)).unwrap();
    let kept = Client::new("192.0.2.1\u{fffd}", "curl\u{fffd}/8");
    let read = block_on(scratch.store.read(&[sample_id(1)])).unwrap();
    assert_eq!(read[0].1.last_client.as_ref(), Some(&kept));
    let mut query = CallQuery::new(tenant.clone());
    (query.route, query.method, query.address) =
        (Some("GET /\0".into()), Some("GET".into()), Some("192.0.2.1\0".into()));
    let calls = block_on(scratch.store.calls(&query)).unwrap();
    assert_eq!(
        (&*calls[0].route, &*calls[0].scopes, &calls[0].client),
        ("GET /\u{fffd}", "a\u{fffd}b", &Some(kept))
    );
    let span = Span { level: Level::Day, from: minute() - 1_440, until: minute() + 1 };
    let found =
        block_on(scratch.store.slices(&SliceQuery::new(vec![tenant], vec![span]).detailed())).unwrap();
    assert!(found[0].clients.get(&client).is_some(), "names are kept as bytes, and come back as they were");
    let mut event = Event::new("evt\0", EventKind::NewAddress { client }, sample_id(1), "na\0me", start());
    event.tenant = Some("ac\0me".into());
    block_on(scratch.store.announce(&[event.clone(), event.clone()])).unwrap();
    let due = || block_on(scratch.store.due(start(), start() + TimeDelta::seconds(1), 9)).unwrap();
    assert_eq!(due(), [event]);
    block_on(scratch.store.postpone("evt\0", start())).unwrap();
    assert_eq!(due().len(), 1);
    block_on(scratch.store.delivered("evt\0", start())).unwrap();
    assert!(due().is_empty());
}

#[test]
fn a_minute_that_comes_late_is_rolled_up_again() {
    let Some(scratch) = Scratch::if_there() else { return };
    add(&scratch, 1, 1, vec![slice(0, 1)]);
    add(&scratch, 1, 2, vec![slice(1, 2)]);
    add(&scratch, 2, 1, vec![slice(0, 4)]);
    add(&scratch, 1, 3, vec![slice(2, 8)]);
    let minutes = || scratch.sql("SELECT minute FROM tokenward.usage_running ORDER BY minute");
    assert_eq!(minutes(), [(minute() + 2).to_string()], "what is over is rolled up, by whoever comes first");
    assert_eq!(hour(&scratch), 15);
    let span = Span { level: Level::Minute, from: minute(), until: minute() + 1 };
    let query = SliceQuery::new(vec![Subject::Token(sample_id(1))], vec![span]);
    let found = block_on(scratch.store.slices(&query)).unwrap();
    assert_eq!((found[0].tally.granted, found[0].tally.peak.map(|peak| peak.granted)), (5, Some(5)));
}

#[test]
fn a_clock_that_is_ahead_or_was_set_keeps_nothing_from_being_rolled_up() {
    let Some(scratch) = Scratch::if_there() else { return };
    add(&scratch, 1, 1, vec![slice(5, 1)]);
    add(&scratch, 2, 1, vec![slice(100_000, 1)]);
    add(&scratch, 3, 1, vec![slice(5, 1), slice(0, 1), slice(-100_000, 1)]);
    add(&scratch, 4, 1, vec![slice(0, 1)]);
    let minutes = scratch.sql("SELECT minute FROM tokenward.usage_running ORDER BY minute");
    let near = [minute(), minute() + 5].map(|minute| minute.to_string());
    assert_eq!(minutes, near, "what is a little ahead has its time still to come");
}

#[test]
fn rows_of_nodes_that_are_long_gone_are_forgotten() {
    let Some(scratch) = Scratch::if_there() else { return };
    add(&scratch, 1, 1, vec![slice(-3_000, 1)]);
    add(&scratch, 2, 1, vec![slice(-3_000, 1)]);
    add(&scratch, 2, 2, vec![slice(0, 1)]);
    let nodes = || scratch.sql("SELECT node FROM tokenward.usage_batches ORDER BY node");
    assert_eq!(nodes(), ["1", "2"]);
    let mut outdated = Outdated::nothing();
    outdated.hours = minute() - 1_500;
    while block_on(scratch.store.forget(&outdated)).unwrap() {}
    assert_eq!(nodes(), ["2"]);
    // Whoever was forgotten and lives on is known again.
    add(&scratch, 1, 7, vec![slice(0, 2)]);
    add(&scratch, 1, 7, vec![slice(0, 2)]);
    assert_eq!(hour(&scratch), 3);
}

#[test]
fn what_is_damaged_is_told_as_such_and_begins_anew_when_it_is_written() {
    let Some(scratch) = Scratch::if_there() else { return };
    add(&scratch, 1, 1, vec![slice(0, 1)]);
    add(&scratch, 1, 2, vec![slice(2, 2)]);
    scratch.sql("UPDATE tokenward.usage_figures SET tally = 'nothing' WHERE level > 0");
    let span = Span { level: Level::Hour, from: minute() - 60, until: minute() + 60 };
    let query = SliceQuery::new(vec![Subject::Token(sample_id(1))], vec![span]);
    let error = block_on(scratch.store.slices(&query)).unwrap_err();
    assert!(!error.is_transient(), "{error:?}");
    add(&scratch, 1, 3, vec![slice(4, 4)]);
    assert_eq!(hour(&scratch), 6, "all but what was damaged");
}

#[test]
fn an_event_that_cannot_be_read_holds_up_nothing() {
    let Some(scratch) = Scratch::if_there() else { return };
    let event = |id: &str| Event::new(id, EventKind::Limited, sample_id(1), "Export", start());
    block_on(scratch.store.announce(&[event("a"), event("b")])).unwrap();
    scratch.sql("UPDATE tokenward.events SET event = '{' WHERE id = 'a'");
    let due = || block_on(scratch.store.due(start(), start() + TimeDelta::seconds(1), 9)).unwrap();
    assert!(due().is_empty(), "it counts as delivered");
    assert_eq!(due(), [event("b")]);
}

#[test]
fn nothing_stays_of_clients_in_an_event_that_cannot_be_read() {
    let Some(scratch) = Scratch::if_there() else { return };
    let kind = EventKind::NewAddress { client: Client::new("192.0.2.7", "") };
    block_on(scratch.store.announce(&[Event::new("a", kind, sample_id(1), "Export", start())])).unwrap();
    scratch.sql("UPDATE tokenward.events SET event = '{\"192.0.2.7' WHERE id = 'a'");
    block_on(scratch.store.erase_clients(&[sample_id(1)])).unwrap();
    assert_eq!(scratch.sql("SELECT coalesce(event, '') FROM tokenward.events"), [""]);
}

#[test]
fn calls_that_were_deleted_by_hand_are_not_missed_when_others_are_cut() {
    let Some(scratch) = Scratch::if_there() else { return };
    let mut batch = UsageBatch::new(1, 1);
    batch.calls = vec![RecordedCall::new(sample_id(1), start(), Outcome::Granted, 200); 1_500];
    block_on(scratch.store.add(&batch)).unwrap();
    scratch.sql("DELETE FROM tokenward.calls WHERE id <= 1000");
    batch.number = 2;
    block_on(scratch.store.add(&batch)).unwrap();
    assert_eq!(scratch.sql("SELECT count(*) FROM tokenward.calls"), ["2000"]);
    assert_eq!(scratch.sql("SELECT calls FROM tokenward.call_numbers"), ["2000"]);
    batch.number = 3;
    batch.calls.truncate(1);
    block_on(scratch.store.add(&batch)).unwrap();
    assert_eq!(scratch.sql("SELECT count(*) FROM tokenward.calls"), ["1000"]);
}
