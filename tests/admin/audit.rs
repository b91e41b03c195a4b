//! History: who did what, by which way, in which request.

use serde_json::json;

use tokenward::admin::{Access, AdminApi, AdminRequest, Permissions};
use tokenward::web::Request;
use tokenward::{HistoryQuery, TenantFilter, Via};

use super::support::shop;

#[tokio::test]
async fn history_names_the_actor_the_way_and_the_request() {
    let shop = shop().await;
    let created =
        shop.send("POST", "/tokens", &[("x-request-id", "req-1")], Some(json!({"name": "A"}))).await;
    assert_eq!(created.header("x-request-id"), Some("req-1"));
    let id = created.id();
    shop.send("PATCH", &format!("/tokens/{id}"), &[("x-request-id", "req-2")], Some(json!({"name": "B"})))
        .await;
    shop.post(&format!("/tokens/{id}/revoke"), json!({"reason": "over"})).await;
    let audit = shop.get(&format!("/tokens/{id}/audit")).await;
    assert_eq!(audit.status, 200, "{}", audit.text);
    let entries = audit.json["data"].as_array().unwrap();
    let actions: Vec<_> = entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["revoked", "updated", "issued"]);
    for entry in entries {
        assert_eq!((&entry["actor"], &entry["via"]), (&json!("Manager"), &json!("api")));
        assert_eq!(entry["actor_token"], shop.manager_id.to_string());
        assert!(entry["id"].as_str().unwrap().starts_with("evt_"));
    }
    assert_eq!((&entries[2]["request_id"], &entries[1]["request_id"]), (&json!("req-1"), &json!("req-2")));
    assert_eq!(entries[0]["reason"], "over");
    assert_eq!(entries[1]["changes"], json!([{"field": "name", "from": "A", "to": "B"}]));
    assert!(!audit.text.contains(created.json["secret"].as_str().unwrap()));

    // A failed change leaves no entry, a repeated revocation neither.
    shop.post(&format!("/tokens/{id}/revoke"), json!({})).await;
    shop.patch(&id, json!({"name": "C"})).await;
    assert_eq!(shop.get(&format!("/tokens/{id}/audit")).await.json["data"].as_array().unwrap().len(), 3);

    // It outlives the token.
    assert_eq!(shop.send("DELETE", &format!("/tokens/{id}"), &[], None).await.status, 204);
    assert_eq!(shop.get(&format!("/tokens/{id}")).await.status, 404);
    let after = shop.get(&format!("/tokens/{id}/audit?limit=3")).await;
    assert_eq!(after.json["data"][0]["action"], "purged");
    let next = after.json["page"]["next"].as_str().unwrap();
    assert!(after.header("link").unwrap().contains("rel=\"next\""));
    let rest = shop.get(&format!("/tokens/{id}/audit?limit=3&cursor={next}")).await;
    assert_eq!(rest.json["data"][0]["action"], "issued");
    assert!(rest.json["page"]["next"].is_null());
    let other = shop.get(&format!("/tokens/{}/audit?cursor={next}", shop.manager_id)).await;
    assert_eq!(other.code(), (400, "invalid-cursor"));
    shop.tokens.verify_history(Some("acme")).await.unwrap();
}

#[tokio::test]
async fn a_request_id_that_is_not_plain_is_replaced() {
    let shop = shop().await;
    for sent in ["a b", "a\"b", &"x".repeat(65), "", "é"] {
        let answer = shop.send("GET", "/me", &[("x-request-id", sent)], None).await;
        let id = answer.header("x-request-id").unwrap();
        assert_ne!(id, sent);
        assert_eq!(id.len(), 24);
    }
    let fault = shop.send("GET", "/nowhere", &[("x-request-id", "mine")], None).await;
    assert_eq!(fault.json["instance"], "urn:request:mine");
    assert_eq!(fault.json["type"].as_str().unwrap(), format!("{}not-found", tokenward::PROBLEM_TYPES));
    assert_eq!(fault.header("content-type"), Some("application/problem+json"));
}

#[tokio::test]
async fn history_keeps_the_address() {
    let (tokens, _clock) = tokenward::Tokens::for_tests();
    let api = AdminApi::new(tokens.clone());
    let headers = [("content-type", "application/json"), ("sec-fetch-site", "same-origin")];
    let address = Some("203.0.113.7".parse().unwrap());
    let http = Request { address, ..Request::new("POST", "/tokens", &headers) };
    let request = AdminRequest::new(http, b"{\"name\":\"a\"}");
    assert_eq!(api.handle(Access::Manage("maria".into()), request).await.status, 201);
    let entries = tokens.history(&HistoryQuery::new(TenantFilter::Any)).await.unwrap();
    let draft = &entries[0].draft;
    assert_eq!((draft.actor(), draft.via), (Some("maria"), Via::Api));
    assert_eq!(draft.personal.as_ref().unwrap().address.as_deref(), Some("203.0.113.7"));

    // It is told to whoever may see addresses.
    let path = format!("/tokens/{}/audit", draft.token);
    for view_addresses in [true, false] {
        let mut permissions = Permissions::read_only();
        permissions.view_addresses = view_addresses;
        let request = AdminRequest::new(Request::new("GET", &path, &headers), b"");
        let reply = api.handle(Access::Custom("support".into(), permissions), request).await;
        assert_eq!(reply.status, 200);
        let told = String::from_utf8(reply.body).unwrap();
        assert_eq!(told.contains("203.0.113.7"), view_addresses, "{told}");
    }
}
