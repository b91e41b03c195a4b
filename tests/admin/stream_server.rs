//! Streams over a real server, with clients that know nothing but sockets.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use chrono::TimeDelta;
use serde_json::json;
use tokenward::Actor;
use tokenward::admin::{Access, AdminApi};

use super::events::{Raw, call_ids, events_of, serve};
use super::support::shop;

#[tokio::test]
async fn two_clients_follow_one_token_and_one_of_them_comes_back() {
    let shop = shop().await;
    let (_, record) = shop.token("Used", &[]).await;
    let address = serve(shop.app.clone()).await;
    let bearer = format!("Bearer {}", shop.manager);
    let path = format!("/admin/api/v1/tokens/{}/calls/stream", record.id);
    let headers = [("host", "acme.localhost"), ("authorization", &*bearer)];
    let mut first = Raw::get(address, &path, &headers).await;
    let mut second = Raw::get(address, "/admin/api/v1/calls/stream", &headers).await;
    let head = first.until("\"opened\"").await;
    assert!(
        head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("content-type: text/event-stream"),
        "{head}"
    );
    second.until("\"opened\"").await;
    // That it was opened is a call of the manager's, too.
    shop.tokens.flush().await.unwrap();
    second.until("id: 2\n").await;
    shop.called(&record, vec![json!({}); 3]).await;
    shop.tokens.flush().await.unwrap();
    assert_eq!(call_ids(&events_of(&first.until("id: 5\n").await)), [3, 4, 5]);
    assert_eq!(call_ids(&events_of(&second.until("id: 5\n").await)), [1, 2, 3, 4, 5]);
    drop(first);
    shop.called(&record, vec![json!({}); 2]).await;
    shop.tokens.flush().await.unwrap();
    let again = [headers[0], headers[1], ("last-event-id", "5")];
    let mut first = Raw::get(address, &path, &again).await;
    assert_eq!(call_ids(&events_of(&first.until("id: 7\n").await)), [6, 7]);
    assert_eq!(call_ids(&events_of(&second.until("id: 7\n").await)), [1, 2, 3, 4, 5, 6, 7]);
    // And so is that the first came back.
    shop.tokens.flush().await.unwrap();
    second.until("id: 8\n").await;
    shop.clock.advance(TimeDelta::seconds(15));
    shop.tokens.flush().await.unwrap();
    first.until(": ping\n\n").await;
    second.until(": ping\n\n").await;
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_its_stream_back() {
    let shop = shop().await;
    let (_, record) = shop.token("Used", &[]).await;
    let address = serve(shop.app.clone()).await;
    let bearer = format!("Bearer {}", shop.manager);
    let path = format!("/admin/api/v1/tokens/{}/calls/stream", record.id);
    let headers = [("host", "acme.localhost"), ("authorization", &*bearer)];
    let mut slow = Raw::get(address, &path, &headers).await;
    slow.until("\"opened\"").await;
    // Large calls, until the socket is full and the stream is no longer asked for more.
    let large = json!({"route": format!("GET /{}", "x".repeat(100_000))});
    let mut rounds = 0;
    loop {
        let before = shop.questions();
        shop.called(&record, vec![large.clone(); 20]).await;
        shop.tokens.flush().await.unwrap();
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        rounds += 1;
        if shop.questions() == before {
            break;
        }
        assert!(rounds < 1_000, "it reads on for a client that does not");
    }
    for _ in 0..10 {
        shop.called(&record, vec![json!({}); 20]).await;
        shop.tokens.flush().await.unwrap();
    }
    let last = 20 * (rounds + 10);
    let told = events_of(&slow.until(&format!("id: {last}\n")).await);
    assert!(told.iter().any(|event| event.name == "lagged"), "{rounds}");
    let ids = call_ids(&told);
    assert!(ids.is_sorted_by(|one, other| one < other));
}

#[tokio::test]
async fn a_login_that_ends_takes_its_stream_with_it() {
    let shop = shop().await;
    let (_, record) = shop.token("Used", &[]).await;
    let logged_in = Arc::new(AtomicBool::new(true));
    let session = logged_in.clone();
    let api = AdminApi::new(shop.tokens.clone()).open_streams(1).authorize(move |parts| {
        let is_in = session.load(Ordering::SeqCst) && parts.headers.contains_key("cookie");
        async move {
            match is_in {
                true => Access::ReadOnly(Actor::new("maria").tenant("acme")),
                false => Access::Nobody,
            }
        }
    });
    let address = serve(Router::new().merge(api.at("/admin"))).await;
    let path = format!("/admin/tokens/{}/calls/stream", record.id);
    let headers = [("host", "acme.localhost"), ("cookie", "session=1")];
    let mut stream = Raw::get(address, &path, &headers).await;
    stream.until("\"opened\"").await;
    let closing = [headers[0], headers[1], ("connection", "close")];
    let refused = Raw::get(address, &path, &closing).await.rest().await;
    assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("retry-after: 10"), "{refused}");
    for number in 1..=2 {
        shop.clock.advance(TimeDelta::seconds(60));
        shop.called(&record, [json!({})]).await;
        shop.tokens.flush().await.unwrap();
        stream.until(&format!("id: {number}\n")).await;
    }
    logged_in.store(false, Ordering::SeqCst);
    shop.clock.advance(TimeDelta::seconds(60));
    shop.called(&record, [json!({})]).await;
    shop.tokens.flush().await.unwrap();
    let told = events_of(&stream.rest().await);
    assert_eq!((call_ids(&told), &told.last().unwrap().data), (vec![1, 2], &json!({"state": "gone"})));
    // The place is free again.
    logged_in.store(true, Ordering::SeqCst);
    Raw::get(address, &path, &headers).await.until("\"opened\"").await;
}
