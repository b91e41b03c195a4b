//! What is written reads back, and nothing else reads or does harm.

use chrono::DateTime;
use proptest::collection::vec;
use proptest::prelude::*;

use super::Encoded;
use crate::TokenId;
use crate::usage::arbitrary::{clients, details, tallies};
use crate::usage::{
    Client, ClientUse, Clients, Detail, EndpointUse, Histogram, Peak, ScopeUse, SecretUse, Tally, TokenUse,
};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back(tally in tallies(), detail in details(), clients in clients()) {
        prop_assert_eq!(Tally::decode(&tally.encode()), Some(tally));
        prop_assert_eq!(Detail::decode(&detail.encode()), Some(detail));
        prop_assert_eq!(Clients::decode(&clients.encode()), Some(clients));
    }

    #[test]
    fn changed_bytes_read_as_another_value_or_not_at_all(
        tally in tallies(),
        detail in details(),
        clients in clients(),
        changes in vec((any::<prop::sample::Index>(), 0..8_u8), 1..4),
    ) {
        assert_is_only_form::<Tally>(&changed(tally.encode(), &changes));
        assert_is_only_form::<Detail>(&changed(detail.encode(), &changes));
        assert_is_only_form::<Clients>(&changed(clients.encode(), &changes));
    }

    #[test]
    fn any_bytes_read_as_the_value_whose_form_they_are_or_not_at_all(mut bytes in vec(any::<u8>(), 0..64)) {
        bytes.insert(0, 1);
        assert_is_only_form::<Tally>(&bytes);
        assert_is_only_form::<Detail>(&bytes);
        assert_is_only_form::<Clients>(&bytes);
    }
}

proptest! {
    // Each case tries every length.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(32) })]

    #[test]
    fn no_part_of_what_is_written_reads(tally in tallies(), detail in details(), clients in clients()) {
        let (tally, detail, clients) = (tally.encode(), detail.encode(), clients.encode());
        prop_assert!((0..tally.len()).all(|end| Tally::decode(&tally[..end]).is_none()));
        prop_assert!((0..detail.len()).all(|end| Detail::decode(&detail[..end]).is_none()));
        prop_assert!((0..clients.len()).all(|end| Clients::decode(&clients[..end]).is_none()));
    }
}

#[test]
fn the_form_is_the_same_for_ever() {
    let tally = "01ffff90040504028094ebdc03d086030101010101010203ac02030702b50101d10201c0f3c11c03";
    assert_eq!(hex(&sample_tally().encode()), tally);
    let detail = [
        "0105",
        // The error, and what has no name.
        "020201 00dc0b 017701",
        "0b474554202f6f7264657273 020100dc0b 017701 02",
        "0c504f5354202f6f7264657273 07000000 00 02",
        "02 0b6f72646572733a72656164 0300 01f6f9b2e5bd68 00 00",
        "02 02 c801 01f6f9b2e5bd68 01 0b3230332e302e3131332e37 066375726c2f38 00",
        "02 5a6d3976596d4679596d463663585634 090102 00",
    ];
    assert_eq!(hex(&sample_detail().encode()), detail.concat().replace(' ', ""));
    let clients = "01 02 0e3230332e302e3131332e302f3234 00 01 0101 00 00".replace(' ', "");
    assert_eq!(hex(&sample_clients().encode()), clients);
}

#[test]
fn a_quiet_minute_is_small() {
    let mut tally = Tally { granted: 1, finished: 1, duration_us: 12_345, bytes: 2_048, ..Tally::default() };
    tally.statuses.count(200);
    tally.latency.record(12_345);
    tally.peak = Some(Peak::new(29_900_000, 1));
    assert!(tally.encode().len() <= 20, "{} bytes", tally.encode().len());
    assert_eq!(Tally::default().encode(), [1, 0]);
    assert_eq!(Detail::default().encode(), [1, 0, 0, 0, 0]);
    assert_eq!(Clients::default().encode(), [1, 0]);
}

#[test]
fn another_version_does_not_read() {
    assert!(Tally::decode(&[]).is_none());
    assert!(Tally::decode(&[0, 0]).is_none());
    assert!(Tally::decode(&[2, 0]).is_none());
}

#[test]
fn a_length_that_lies_takes_no_memory() {
    let greatest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    let lying = |start: &[u8]| [start, &greatest].concat();
    let measured = allocation_counter::measure(|| {
        assert!(Tally::decode(&lying(&[1, 1])).is_none());
        assert!(Detail::decode(&lying(&[1])).is_none());
        assert!(Clients::decode(&lying(&[1, 2])).is_none());
    });
    assert!(measured.bytes_max < 1_024, "{measured:?}");
}

fn assert_is_only_form<E: Encoded>(bytes: &[u8]) {
    if let Some(read) = E::decode(bytes) {
        assert_eq!(read.encode(), bytes);
    }
}

fn changed(mut bytes: Vec<u8>, changes: &[(prop::sample::Index, u8)]) -> Vec<u8> {
    for (place, bit) in changes {
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
    }
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sample_tally() -> Tally {
    let mut tally = Tally { granted: 5, finished: 4, limited: 1, minutes_limited: 1, ..Tally::default() };
    (tally.missing_scope, tally.wrong_secret) = (1, 2);
    (tally.duration_us, tally.bytes) = (1_000_000_000, 50_000);
    (tally.refusals.paused, tally.strangers.unknown) = (3, 300);
    [200, 200, 301, 404, 500].into_iter().for_each(|status| tally.statuses.count(status));
    [7, 7, 30_000, u64::MAX].into_iter().for_each(|time| tally.latency.record(time));
    tally.peak = Some(Peak::new(29_900_000, 3));
    tally
}

fn sample_detail() -> Detail {
    let time = DateTime::from_timestamp_millis(1_795_000_000_123);
    let mut detail = Detail::default();
    let mut latency = Histogram::default();
    latency.record(1_500);
    let endpoint =
        EndpointUse { calls: 2, limited: 1, duration_us: 1_500, latency, ..EndpointUse::default() };
    detail.endpoints.add(&"GET /orders".to_owned(), &endpoint);
    detail.endpoints.add(&"GET /orders/{id}".to_owned(), &endpoint);
    detail.endpoints.add(&"POST /orders".to_owned(), &EndpointUse { calls: 7, ..EndpointUse::default() });
    detail.endpoints.shrink(2);
    let scope = ScopeUse { used: 3, last_used_at: time, ..ScopeUse::default() };
    detail.scopes.add(&"orders:read".to_owned(), &scope);
    let secret =
        SecretUse { calls: 200, last_seen_at: time, last_client: Some(Client::new("203.0.113.7", "curl/8")) };
    detail.secrets.add(&2, &secret);
    let token = TokenUse { calls: 9, limited: 1, errors: 2 };
    detail.tokens.add(&TokenId::from_characters(b"Zm9vYmFyYmF6cXV4").unwrap(), &token);
    detail
}

fn sample_clients() -> Clients {
    let mut clients = Clients::default();
    let time = DateTime::from_timestamp_millis(-1);
    let seen = ClientUse { calls: 1, first_seen_at: time, last_seen_at: None };
    clients.add(&Client::new("203.0.113.0/24", ""), &seen);
    clients
}
