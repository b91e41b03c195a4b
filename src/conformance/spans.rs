//! Promises of a [`UsageStore`] about minutes, hours and days.

use super::usage_fixture::{MINUTE, add_slices, all_of, model, of_tenant, of_token, only, sample_slice};
use crate::usage::{
    Clients, Detail, EndpointUse, Level, Peak, Slice, SliceQuery, Span, Subject, UsageBatch, UsageStore,
};

/// A slice is added to its minute, its hour and its day; the minute has the figures alone.
pub async fn a_slice_is_added_to_every_level<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    let slice = sample_slice(of_token(1), MINUTE + 5, 7);
    add_slices(&store, 1, vec![slice.clone()]).await;
    let found = all_of(&store, vec![of_token(1)]).await;
    let starts: Vec<_> = found.iter().map(|slice| (slice.level, slice.start)).collect();
    let expected = [(Level::Minute, MINUTE + 5), (Level::Hour, MINUTE), (Level::Day, MINUTE - 480)];
    assert_eq!(starts, expected, "a slice has a minute, an hour and a day");
    let mut tally = slice.tally.clone();
    (tally.peak, tally.minutes_limited) = (Some(Peak::new(MINUTE + 5, 7)), 1);
    for stored in &found {
        assert_eq!(stored.subject, of_token(1), "a span says whose it is");
        assert_eq!(stored.tally, tally, "every figure comes back as it went in");
        let (detail, clients) = match stored.level {
            Level::Minute => (Detail::default(), Clients::default()),
            Level::Hour | Level::Day => (slice.detail.clone(), slice.clients.clone()),
        };
        assert_eq!(stored.detail, detail, "hours and days have what stands behind the figures");
        assert_eq!(stored.clients, clients, "hours and days have the clients");
    }
    let spans = vec![Span { level: Level::Hour, from: MINUTE, until: MINUTE + 60 }];
    let plain = store.slices(&SliceQuery::new(vec![of_token(1)], spans)).await.unwrap();
    assert_eq!(plain.len(), 1, "the figures are read alone as well");
    assert_eq!(plain[0].tally, tally, "the figures are read alone as well");
    assert_eq!(plain[0].detail, Detail::default(), "what was not asked for is not told");
    assert_eq!(plain[0].clients, Clients::default(), "what was not asked for is not told");
}

/// What later batches bring is added up, in each span on its own and for each subject.
pub async fn slices_add_up<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    let subjects = [Subject::All, of_tenant("acme"), Subject::Tenant(None), of_token(1), of_token(2)];
    let minutes = [0, 1, 59, 60, 959, 960, 961, -480, -481];
    let batches: Vec<_> = (1..4)
        .map(|node| {
            let slices = subjects.iter().flat_map(|subject| {
                let mut minutes = minutes.to_vec();
                minutes.sort_unstable();
                let slice =
                    |place| sample_slice(subject.clone(), MINUTE + place, (place + 500) as u64 * node);
                minutes.into_iter().map(slice).collect::<Vec<_>>()
            });
            UsageBatch { slices: slices.collect(), ..UsageBatch::new(node, 1) }
        })
        .collect();
    for batch in &batches {
        store.add(batch).await.unwrap();
    }
    let found = all_of(&store, subjects.to_vec()).await;
    // Nine minutes, in the hours of 08, 09, 23, 00 of the next day, 00, and 23 of the day before.
    assert_eq!(found.len(), subjects.len() * (9 + 6 + 3), "days and hours are those of UTC");
    let expected = all_of(&model(&batches).await, subjects.to_vec()).await;
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected, "what is added to a span is added up");
    }
    let of_hour = &found[found.len() - 9..][2];
    assert_eq!((of_hour.level, of_hour.start), (Level::Hour, MINUTE), "hours come in the order of time");
    assert_eq!(of_hour.tally.granted, 6 * (500 + 501 + 559), "three batches of three minutes");
}

/// The busiest minute is found by the minute as it is after adding; of equals it is the earlier. A
/// minute is at the limit once.
pub async fn peaks_are_those_of_whole_minutes<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    let subject = of_token(1);
    let slice = |minute, granted, limited| {
        let mut slice = Slice::new(subject.clone(), MINUTE + minute);
        (slice.tally.granted, slice.tally.limited) = (granted, limited);
        // What a slice says itself of its peak counts for nothing.
        (slice.tally.peak, slice.tally.minutes_limited) = (Some(Peak::new(7, 1_000)), 1_000);
        slice
    };
    let steps = [
        (slice(1, 5, 0), (1, 5), 0),
        (slice(0, 3, 2), (1, 5), 1),
        (slice(0, 1, 1), (1, 5), 1),
        (slice(0, 1, 0), (0, 5), 1),
        (slice(2, 4, 0), (0, 5), 1),
        (slice(2, 2, 1), (2, 6), 2),
        (slice(61, 6, 1), (2, 6), 3),
        (slice(61, 1, 0), (61, 7), 3),
    ];
    for (node, (slice, (minute, granted), limited)) in steps.into_iter().enumerate() {
        add_slices(&store, node as u64, vec![slice]).await;
        let day = only(&store, &subject, Level::Day).await.tally;
        assert_eq!(day.peak, Some(Peak::new(MINUTE + minute, granted)), "the busiest minute, in step {node}");
        assert_eq!(day.minutes_limited, limited, "the minutes at the limit, in step {node}");
    }
    let found = all_of(&store, vec![subject.clone()]).await;
    let of_level = |level| found.iter().filter(move |slice| slice.level == level);
    let hours: Vec<_> =
        of_level(Level::Hour).map(|slice| (slice.tally.peak, slice.tally.minutes_limited)).collect();
    let expected = [(Some(Peak::new(MINUTE + 2, 6)), 2), (Some(Peak::new(MINUTE + 61, 7)), 1)];
    assert_eq!(hours, expected, "each hour has its own busiest minute");
    let minute = of_level(Level::Minute).next().unwrap();
    assert_eq!(minute.tally.peak, Some(Peak::new(MINUTE, 5)), "a minute is its own peak");
    let refused = Slice { tally: slice(200, 0, 1).tally, ..Slice::new(of_token(2), MINUTE) };
    add_slices(&store, 99, vec![refused]).await;
    let day = only(&store, &of_token(2), Level::Day).await.tally;
    assert_eq!((day.peak, day.minutes_limited), (None, 1), "without a granted request there is no peak");
}

/// A coarse slice is added to its hour and its day, and to no minute.
pub async fn a_coarse_slice_has_no_minute<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    let coarse = Slice { coarse: true, ..sample_slice(of_token(1), MINUTE + 7, 8) };
    let fine = sample_slice(of_token(1), MINUTE + 7, 4);
    add_slices(&store, 1, vec![coarse.clone()]).await;
    let found = all_of(&store, vec![of_token(1)]).await;
    let levels: Vec<_> = found.iter().map(|slice| slice.level).collect();
    assert_eq!(levels, [Level::Hour, Level::Day], "a coarse slice has no minute");
    let tally = &found[0].tally;
    assert_eq!(
        (tally.granted, tally.peak, tally.minutes_limited),
        (8, None, 0),
        "and says nothing of minutes"
    );
    add_slices(&store, 2, vec![coarse, fine]).await;
    let hour = only(&store, &of_token(1), Level::Hour).await.tally;
    let peak = Some(Peak::new(MINUTE + 7, 4));
    assert_eq!((hour.granted, hour.peak, hour.minutes_limited), (20, peak, 1), "both are added up");
}

/// Of each span as many names are kept as its subject has room for; what falls out is in `other`,
/// and nothing is lost in all.
pub async fn names_beyond_the_room_are_added_up<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    for (subject, node) in [(of_token(1), 10), (Subject::All, 20)] {
        let room = subject.names() as u64;
        let batches: Vec<_> = (0..3)
            .map(|part| {
                let mut slice = Slice::new(subject.clone(), MINUTE + part as i64);
                for number in 0..room {
                    let name = number + part * room / 2;
                    let more = sample_slice(subject.clone(), MINUTE, 1 + name);
                    slice.detail.merge(&more.detail);
                    slice.clients.merge(&more.clients);
                    let calls = 1 + name % 7;
                    let share = EndpointUse { calls, ..EndpointUse::default() };
                    slice.detail.endpoints.add(&format!("GET /{name}"), &share);
                }
                UsageBatch { slices: vec![slice], ..UsageBatch::new(node + part, 1) }
            })
            .collect();
        let mut calls = 0;
        for batch in &batches {
            let endpoints = &batch.slices[0].detail.endpoints;
            calls += endpoints.iter().map(|(_, share)| share.calls).sum::<u64>();
            store.add(batch).await.unwrap();
        }
        let found = all_of(&store, vec![subject.clone()]).await;
        for slice in found.iter().filter(|slice| slice.level != Level::Minute) {
            let endpoints = &slice.detail.endpoints;
            assert!(endpoints.len() as u64 <= room, "{} names are kept", endpoints.len());
            let told: u64 = endpoints.iter().map(|(_, share)| share.calls).sum();
            assert_eq!(told + endpoints.other().calls, calls, "no call is lost, whatever its name");
            assert!(endpoints.error() <= calls / (room + 1), "the error is bounded");
            assert!(slice.clients.len() as u64 <= room, "clients are names as well");
            assert!(slice.detail.tokens.len() as u64 <= room, "tokens are names as well");
        }
        let expected = all_of(&model(&batches).await, vec![subject]).await;
        assert!(found == expected, "names are dropped as `Breakdown::shrink` does");
    }
}

/// Spans come in the order of the subjects' first mention, of the levels, and of time; each once.
pub async fn spans_come_in_order<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    let subjects = [of_token(1), of_token(2), of_tenant("acme"), Subject::All];
    let slices = subjects.iter().flat_map(|subject| {
        [-700, -60, -1, 0, 30, 60, 800, 1_000].map(|minute| sample_slice(subject.clone(), MINUTE + minute, 5))
    });
    add_slices(&store, 1, slices.collect()).await;
    let span = |level, from, until| Span { level, from: MINUTE + from, until: MINUTE + until };
    let asked = vec![of_token(2), Subject::All, of_token(9), of_token(2), of_token(1)];
    let spans = vec![
        span(Level::Day, -480, 960),
        span(Level::Minute, 0, 60),
        span(Level::Minute, -60, 1),
        span(Level::Hour, 60, 120),
        span(Level::Hour, -120, 0),
        span(Level::Minute, 20, 31),
        // Nothing begins in these.
        span(Level::Hour, 1, 60),
        span(Level::Day, -479, 960),
        span(Level::Minute, 5, 5),
        span(Level::Minute, 60, -1_000),
    ];
    let query = SliceQuery::new(asked, spans);
    let found = store.slices(&query).await.unwrap();
    let of_each = [
        (Level::Minute, -60),
        (Level::Minute, -1),
        (Level::Minute, 0),
        (Level::Minute, 30),
        (Level::Hour, -60),
        (Level::Hour, 60),
        (Level::Day, -480),
    ];
    let expected: Vec<_> = [of_token(2), Subject::All, of_token(1)]
        .into_iter()
        .flat_map(|subject| of_each.map(|(level, start)| (subject.clone(), level, MINUTE + start)))
        .collect();
    let found: Vec<_> = found.into_iter().map(|slice| (slice.subject, slice.level, slice.start)).collect();
    assert_eq!(found, expected, "the order of subjects, levels and time");
    for query in [SliceQuery::new(vec![], query.spans), SliceQuery::new(subjects.to_vec(), vec![])] {
        assert!(store.slices(&query).await.unwrap().is_empty(), "who asks for nothing gets nothing");
    }
}

/// Spans of many subjects are read at once.
pub async fn spans_are_read_for_many<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    let slices = (0..1_500).map(|number| sample_slice(of_token(number), MINUTE, u64::from(number)));
    add_slices(&store, 1, slices.collect()).await;
    let found = all_of(&store, (0..2_000).map(of_token).collect()).await;
    assert_eq!(found.len(), 4_500, "each token has its minute, its hour and its day");
    for (place, slice) in found.iter().enumerate() {
        assert_eq!(slice.subject, of_token(place as u32 / 3), "each span is its token's");
        assert_eq!(slice.tally.granted, place as u64 / 3, "each span is its token's");
    }
}

/// A slice in which nothing was counted leaves no span.
pub async fn empty_slices_are_left_out<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    let mut slice = Slice::new(of_token(1), MINUTE);
    slice.tally.peak = Some(Peak::new(MINUTE, 3));
    add_slices(&store, 1, vec![slice]).await;
    assert!(all_of(&store, vec![of_token(1)]).await.is_empty(), "what is empty is left out");
    let mut slice = Slice::new(of_token(1), MINUTE);
    slice.tally.wrong_secret = 1;
    add_slices(&store, 2, vec![slice]).await;
    assert_eq!(all_of(&store, vec![of_token(1)]).await.len(), 3, "a try of a stranger is something");
}

/// Counters of spans that have reached the greatest number that the store can hold stay there.
pub async fn figures_stop_at_their_end<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    let mut slice = Slice::new(of_token(1), MINUTE);
    let tally = &mut slice.tally;
    (tally.granted, tally.duration_us, tally.bytes) = (u64::MAX, u64::MAX, u64::MAX);
    tally.strangers.unknown = u64::MAX;
    tally.latency.record(u64::MAX);
    let share = EndpointUse { calls: u64::MAX, duration_us: u64::MAX, ..EndpointUse::default() };
    slice.detail.endpoints.add(&"GET /".to_owned(), &share);
    for node in 1..4 {
        add_slices(&store, node, vec![slice.clone()]).await;
        for stored in all_of(&store, vec![of_token(1)]).await {
            let tally = &stored.tally;
            let mut counters = vec![tally.granted, tally.duration_us, tally.bytes, tally.strangers.unknown];
            counters.extend(tally.peak.map(|peak| peak.granted));
            if stored.level != Level::Minute {
                let share = stored.detail.endpoints.get(&"GET /".to_owned()).expect("it is told");
                counters.extend([share.calls, share.duration_us]);
            }
            let least = counters.iter().min();
            assert!(least >= Some(&(i64::MAX as u64)), "no counter wraps: {counters:?}");
            assert_eq!(tally.latency.count(), node, "the buckets go on counting");
        }
    }
}

/// Names and tenants come back as they were given, whatever characters they have, and no subject is
/// taken for another.
pub async fn awkward_names_of_use_survive<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    let long = "🦀".repeat(500);
    let names = [
        "",
        " ",
        "'",
        "\"",
        "\\",
        "'; DROP TABLE tokens; --",
        "%",
        "_",
        "*",
        "-",
        "=",
        "=acme",
        "null",
        "0",
        "[]",
        "{\"a\":1}",
        "\u{feff}bom",
        "\r\n\t",
        "\u{1}\u{7f}",
        "e\u{301}",
        "é",
        "İ",
        "سلام",
        "\u{202e}rtl",
        "\u{10ffff}",
        "Sample_000000001",
        "tok_Sample_000000001",
        &long,
    ];
    let slices = names.iter().enumerate().map(|(place, name)| {
        let mut slice = sample_slice(of_tenant(name), MINUTE, place as u64);
        let share = EndpointUse { calls: place as u64, ..EndpointUse::default() };
        slice.detail.endpoints.add(&format!("GET /{name}"), &share);
        slice.detail.endpoints.add(&(*name).to_owned(), &share);
        let mut client = crate::usage::Client::new(*name, *name);
        slice.clients.add(&client, &Default::default());
        client.agent.push('!');
        slice.clients.add(&client, &Default::default());
        slice
    });
    let mut slices: Vec<_> = slices.collect();
    slices.push(sample_slice(Subject::Tenant(None), MINUTE, 901));
    slices.push(sample_slice(Subject::All, MINUTE, 902));
    slices.push(sample_slice(of_token(1), MINUTE, 903));
    slices.sort_by(|one, other| one.subject.cmp(&other.subject));
    add_slices(&store, 1, slices.clone()).await;
    let subjects: Vec<_> = slices.iter().map(|slice| slice.subject.clone()).collect();
    let found = all_of(&store, subjects).await;
    assert_eq!(found.len(), 3 * slices.len(), "each subject has its own spans");
    for (place, stored) in found.iter().enumerate() {
        let slice = &slices[place / 3];
        assert_eq!(stored.subject, slice.subject, "a subject comes back as it went in");
        assert_eq!(stored.tally.granted, slice.tally.granted, "a subject has its own figures");
        if stored.level != Level::Minute {
            assert_eq!(stored.detail, slice.detail, "names come back as they went in");
            assert_eq!(stored.clients, slice.clients, "clients come back as they went in");
        }
    }
}
