//! Rows 22 and 28: calls as they come. Every step is polled by hand.

use chrono::TimeDelta;
use serde_json::json;
use tokenward::admin::{Access, AdminApi, AdminRequest};
use tokenward::web::Request;
use tokenward::{Actor, NewToken, TokenRecord};

use super::events::{ByHand, Event, ask, call_ids, open};
use super::support::{Shop, shop};

pub fn person() -> Access {
    Access::ReadOnly(Actor::new("maria").tenant("acme"))
}

/// The API with a person of `acme` for whoever comes, and nobody to ask again.
pub async fn watched() -> (Shop, AdminApi, TokenRecord, String) {
    let shop = shop().await;
    let record = shop.token("Used", &["tokens:read"]).await.1;
    let path = format!("/tokens/{}/calls/stream", record.id);
    let api = AdminApi::new(shop.tokens.clone());
    (shop, api, record, path)
}

pub fn plain(number: usize) -> Vec<serde_json::Value> {
    vec![json!({}); number]
}

#[tokio::test]
async fn calls_are_told_after_each_flush() {
    let (shop, api, record, path) = watched().await;
    shop.called(&record, plain(2)).await;
    let reply = ask(&api, person(), &path, &[]).await;
    assert_eq!(reply.header_value("content-type"), Some("text/event-stream"));
    assert_eq!(reply.header_value("cache-control"), Some("no-store"));
    assert_eq!(reply.header_value("x-accel-buffering"), Some("no"));
    let mut stream = ByHand(reply.stream.unwrap());
    let first = stream.poll().unwrap();
    assert_eq!(first[1].data, json!({"state": "opened", "as_of": "2027-01-01T12:00:00.000Z"}));
    assert_eq!(stream.poll(), None, "what was before is not told");
    shop.called(&record, [json!({"status": 404}), json!({"outcome": "limited", "status": 429})]).await;
    assert_eq!(stream.poll(), None, "it waits for a flush");
    shop.tokens.flush().await.unwrap();
    let told = stream.poll().unwrap();
    assert_eq!(call_ids(&told), [3, 4]);
    let page = shop.get(&format!("/tokens/{}/calls", record.id)).await;
    assert_eq!((&told[0].data, &told[1].data), (&page.json["data"][1], &page.json["data"][0]));
    let queries = shop.questions();
    assert_eq!(stream.poll(), None);
    assert_eq!(stream.poll(), None);
    assert_eq!(shop.questions(), queries, "the store is asked once for each flush");
}

#[tokio::test]
async fn a_client_that_comes_back_misses_nothing_and_sees_nothing_twice() {
    let (shop, api, record, path) = watched().await;
    let (_, other) = shop.token("Other", &[]).await;
    let mut stream = open(&api, person(), &path, &[]).await;
    let mut seen = Vec::new();
    for round in 0..5 {
        shop.called(&record, plain(3)).await;
        shop.called(&other, plain(2)).await;
        shop.tokens.flush().await.unwrap();
        if round % 2 == 1 {
            // It goes away before it has seen these.
            let last = seen.last().map_or("0".to_owned(), u64::to_string);
            stream = open(&api, person(), &path, &[("last-event-id", &last)]).await;
        }
        seen.extend(call_ids(&stream.poll().unwrap()));
        assert_eq!(stream.poll(), None);
    }
    assert_eq!(seen, [1, 2, 3, 6, 7, 8, 11, 12, 13, 16, 17, 18, 21, 22, 23]);
    // A page of calls was read before: the stream goes on behind it.
    let mut behind = open(&api, person(), &format!("{path}?after=18"), &[]).await;
    assert_eq!(call_ids(&behind.poll().unwrap()), [21, 22, 23]);
    let mut header_wins = open(&api, person(), &format!("{path}?after=18"), &[("last-event-id", "22")]).await;
    assert_eq!(call_ids(&header_wins.poll().unwrap()), [23]);
    for future in ["24", "99999999999999999999999"] {
        let mut now = open(&api, person(), &path, &[("last-event-id", future)]).await;
        assert_eq!(now.poll(), None);
        shop.called(&record, plain(1)).await;
        shop.tokens.flush().await.unwrap();
        assert_eq!(call_ids(&now.poll().unwrap()).len(), 1, "from now on");
    }
    for wrong in ["x", "-1", "1.5", "", " 1", "0x1"] {
        assert_eq!(ask(&api, person(), &path, &[("last-event-id", wrong)]).await.status, 400, "{wrong:?}");
        let query = format!("{path}?after={}", wrong.replace(' ', "+"));
        assert_eq!(ask(&api, person(), &query, &[]).await.status, 400, "{wrong:?}");
    }
    let twice = [("last-event-id", "1"), ("last-event-id", "2")];
    assert_eq!(ask(&api, person(), &path, &twice).await.status, 400);
    assert_eq!(ask(&api, person(), &format!("{path}?since=1"), &[]).await.status, 400);
}

#[tokio::test]
async fn a_slow_client_gets_the_newest_and_how_many_it_missed() {
    let (shop, api, record, path) = watched().await;
    let mut stream = open(&api, person(), &path, &[]).await;
    assert_eq!(stream.poll(), None);
    let queries = shop.questions();
    for _ in 0..12 {
        shop.called(&record, plain(10)).await;
        shop.tokens.flush().await.unwrap();
    }
    assert_eq!(shop.questions(), queries, "nothing is read for whoever does not ask");
    let told = stream.poll().unwrap();
    assert_eq!(
        told[0],
        Event { id: None, name: "lagged".into(), data: json!({"not_shown": 70, "at_least": false}) }
    );
    assert_eq!(call_ids(&told), (71..=120).collect::<Vec<_>>());
    assert_eq!(stream.poll(), None);
    // What the recorder has left out is among them.
    shop.called(&record, [json!({"left_out": 412})]).await;
    shop.tokens.flush().await.unwrap();
    let told = stream.poll().unwrap();
    assert_eq!((&told[0].data["not_shown"], call_ids(&told)), (&json!(412), vec![121]));
    shop.called(&record, plain(2_000)).await;
    shop.tokens.flush().await.unwrap();
    let told = stream.poll().unwrap();
    assert_eq!(told[0].data, json!({"not_shown": 450, "at_least": true}));
    assert_eq!(call_ids(&told), (2_072..=2_121).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_quiet_stream_is_kept_open_by_comments() {
    let (shop, api, record, path) = watched().await;
    let mut stream = open(&api, person(), &path, &[]).await;
    let mut pings = 0;
    for second in 1..=50 {
        shop.clock.advance(TimeDelta::seconds(1));
        shop.tokens.flush().await.unwrap();
        if second == 20 {
            shop.called(&record, plain(1)).await;
            shop.tokens.flush().await.unwrap();
            assert_eq!(call_ids(&stream.poll().unwrap()), [1]);
        }
        if let Some(told) = stream.poll() {
            assert_eq!((&*told[0].name, second), (": ping", [15, 35, 50][pings]));
            pings += 1;
        }
    }
    assert_eq!(pings, 3);
}

#[tokio::test]
async fn only_so_many_streams_are_open_at_once() {
    let (shop, api, _, path) = watched().await;
    let api = api.open_streams(2);
    let first = open(&api, person(), &path, &[]).await;
    let second = open(&api.clone(), person(), "/calls/stream", &[]).await;
    let refused = ask(&api, person(), &path, &[]).await;
    let problem: serde_json::Value = serde_json::from_slice(&refused.body).unwrap();
    assert_eq!((refused.status, &problem["code"]), (503, &json!("too-many-streams")));
    assert_eq!(refused.header_value("retry-after"), Some("10"));
    // Whoever may not look learns nothing of it, and HEAD takes no place.
    assert_eq!(ask(&api, Access::Forbidden, &path, &[]).await.status, 404);
    drop(second);
    let headers: Vec<(&str, &str)> = Vec::new();
    let head = AdminRequest::new(Request::new("HEAD", &path, &headers), b"");
    let kept = api.handle(person(), head).await;
    assert_eq!((kept.status, kept.header_value("content-length")), (200, None));
    let third = open(&api, person(), &path, &[]).await;
    drop((first, third, shop, kept));
    let closed = AdminApi::new(tokenward::Tokens::for_tests().0).open_streams(0);
    assert_eq!(ask(&closed, Access::ReadOnly("maria".into()), "/calls/stream", &[]).await.status, 503);
}

#[tokio::test]
async fn a_stream_of_all_tokens_shows_those_within_reach() {
    let (shop, api, ours, _) = watched().await;
    let theirs = shop.issue(NewToken::named("Theirs").tenant("globex")).await.1;
    let nobodys = shop.issue(NewToken::named("Nobody's")).await.1;
    let mut of_acme = open(&api, person(), "/calls/stream", &[]).await;
    let mut of_nobody = open(&api, Access::ReadOnly("maria".into()), "/calls/stream", &[]).await;
    let all = Access::ReadOnly(Actor::new("operator").all_tenants());
    let mut of_all = open(&api, all.clone(), "/calls/stream", &[]).await;
    for record in [&ours, &theirs, &nobodys, &ours] {
        shop.called(record, plain(1)).await;
    }
    shop.tokens.flush().await.unwrap();
    assert_eq!(call_ids(&of_acme.poll().unwrap()), [1, 4]);
    assert_eq!(call_ids(&of_nobody.poll().unwrap()), [3]);
    assert_eq!(call_ids(&of_all.poll().unwrap()), [1, 2, 3, 4]);
    let foreign = format!("/tokens/{}/calls/stream", theirs.id);
    assert_eq!(ask(&api, person(), &foreign, &[]).await.status, 404);
    // In a tenant's own house whoever reaches all sees that tenant's.
    let housed = AdminApi::new(shop.tokens.clone()).tenant_from_subdomain_of("localhost");
    let host = [("host", "globex.localhost"), ("last-event-id", "0")];
    let mut of_globex = open(&housed, all, "/calls/stream", &host).await;
    assert_eq!(call_ids(&of_globex.poll().unwrap()), [2]);
}

#[tokio::test]
async fn a_store_that_is_away_is_told_once_and_nothing_is_lost() {
    let (shop, api, record, path) = watched().await;
    let mut stream = open(&api, person(), &path, &[]).await;
    shop.called(&record, plain(2)).await;
    shop.usage_is_away(true);
    // Whether there was anything to write or not: it is woken.
    _ = shop.tokens.flush().await;
    assert_eq!(stream.poll().unwrap()[0].data, json!({"state": "unavailable"}));
    _ = shop.tokens.flush().await;
    assert_eq!(stream.poll(), None);
    shop.usage_is_away(false);
    shop.tokens.flush().await.unwrap();
    let told = stream.poll().unwrap();
    assert_eq!((&told[0].data["state"], call_ids(&told)), (&json!("opened"), vec![1, 2]));
    // At shutdown it ends, so that a server that waits for its connections does not wait for ever.
    shop.tokens.shutdown().await.unwrap();
    assert_eq!(stream.poll().unwrap()[0].data, json!({"state": "closed"}));
    assert!(stream.has_ended());
}

#[tokio::test]
async fn a_body_that_can_only_be_whole_answers_that_it_cannot() {
    let (_shop, api, _, path) = watched().await;
    let reply = ask(&api, person(), &path, &[]).await;
    assert_eq!((reply == reply.clone(), reply.body.len()), (true, 0));
    let response: axum::http::Response<Vec<u8>> = reply.into_response();
    assert_eq!((response.status().as_u16(), response.body().len()), (500, 0));
    // Its place is free again, and so is that of a stream that nobody ever polled.
    let api = api.open_streams(1);
    drop(ask(&api, person(), &path, &[]).await);
    drop(open(&api, person(), &path, &[]).await);
    assert_eq!(ask(&api, person(), &path, &[]).await.status, 200);
}
