//! A token's life from its issue to its end, on the memory store.

use chrono::TimeDelta;
use tokenward::{
    Action, Actor, Denied, Error, HistoryQuery, Need, NewToken, TenantFilter, Tokens, Update, Verdict,
    block_on,
};

const MARIA: &str = "maria@acme.example";

fn acme() -> Actor {
    Actor::new(MARIA).tenant("acme")
}

fn denial(tokens: &Tokens, text: &str, need: &Need<'_>) -> &'static str {
    match block_on(tokens.verify(text, need)).unwrap() {
        Verdict::Granted(_) => "granted",
        Verdict::Denied(denied) => denied.code(),
    }
}

#[test]
fn from_issue_to_purge() {
    block_on(async {
        let (tokens, clock) = Tokens::for_tests();
        let asked = NewToken::named("Production mobile app")
            .tenant("acme")
            .scopes(["products:read", "orders:read"])
            .expires_in(TimeDelta::days(90));
        let issued = tokens.issue(asked).by(MARIA).await.unwrap();
        let (id, first) = (issued.record.id, issued.secret);
        let need = Need::scope("orders:read").tenant("acme");
        assert_eq!(denial(&tokens, first.expose(), &need), "granted");
        assert_eq!(
            denial(&tokens, first.expose(), &Need::scope("orders:write").tenant("acme")),
            "insufficient-scope"
        );
        assert_eq!(
            denial(&tokens, first.expose(), &Need::scope("orders:read").tenant("globex")),
            "token-invalid"
        );
        assert_eq!(denial(&tokens, first.expose(), &Need::scope("orders:read")), "token-invalid");
        assert_eq!(denial(&tokens, first.expose(), &Need::closed().tenant("acme")), "not-for-tokens");

        let second = tokens.rotate(&id).by(acme()).await.unwrap().secret;
        assert_eq!(denial(&tokens, first.expose(), &need), "token-rotated");
        assert_eq!(denial(&tokens, second.expose(), &need), "granted");
        let third = tokens.rotate(&id).grace(TimeDelta::hours(24)).by(acme()).await.unwrap().secret;
        assert_eq!(denial(&tokens, second.expose(), &need), "granted");
        assert_eq!(denial(&tokens, third.expose(), &need), "granted");
        assert_eq!(denial(&tokens, first.expose(), &need), "token-invalid");
        clock.advance(TimeDelta::hours(24));
        assert_eq!(denial(&tokens, second.expose(), &need), "token-rotated");

        tokens.update(&id, Update::new().add_scope("orders:write").per_minute(2)).by(acme()).await.unwrap();
        let write = Need::scope("orders:write").tenant("acme");
        assert_eq!(denial(&tokens, third.expose(), &write), "granted");
        assert_eq!(denial(&tokens, third.expose(), &write), "granted");
        assert_eq!(denial(&tokens, third.expose(), &write), "rate-limited");
        clock.advance(TimeDelta::minutes(1));

        tokens.pause(&id).lasting(TimeDelta::minutes(10)).by(acme()).await.unwrap();
        assert_eq!(denial(&tokens, third.expose(), &write), "token-paused");
        clock.advance(TimeDelta::minutes(10));
        assert_eq!(denial(&tokens, third.expose(), &write), "granted");
        clock.advance(TimeDelta::days(89));
        assert_eq!(denial(&tokens, third.expose(), &write), "token-expired");
        tokens.update(&id, Update::new().expires_in(TimeDelta::days(1))).by(acme()).await.unwrap();
        assert_eq!(denial(&tokens, third.expose(), &write), "granted");

        assert!(matches!(tokens.purge(&id).by(acme()).await, Err(Error::StillValid)));
        tokens.revoke(&id).because("left in a public repository").by(acme()).await.unwrap();
        tokens.revoke(&id).by(acme()).await.unwrap();
        assert_eq!(denial(&tokens, third.expose(), &write), "token-revoked");
        assert!(matches!(tokens.rotate(&id).by(acme()).await, Err(Error::Revoked)));

        tokens.flush().await.unwrap();
        let usage = tokens.usage(&id).await.unwrap();
        // Tries of another tenant, and with a secret that is forgotten, are no calls.
        assert_eq!((usage.granted, usage.limited, usage.missing_scope, usage.wrong_secret), (8, 1, 1, 1));
        assert_eq!(usage.total(), 16);

        let history = tokens.history(&HistoryQuery::new(TenantFilter::Any).token(id)).await.unwrap();
        let actions: Vec<_> = history.iter().rev().map(|entry| entry.draft.action).collect();
        use Action::*;
        assert_eq!(actions, [Issued, Rotated, Rotated, Updated, Paused, Updated, Revoked]);
        assert_eq!(history[0].draft.reason.as_deref(), Some("left in a public repository"));
        tokens.verify_history(Some("acme")).await.unwrap();
        tokens.purge(&id).by(acme()).await.unwrap();
        assert_eq!(denial(&tokens, third.expose(), &write), "token-invalid");
        assert!(tokens.find(&id).await.unwrap().is_none());
    });
}

#[test]
fn a_refusal_says_what_is_wrong() {
    block_on(async {
        let (tokens, _clock) = Tokens::for_tests();
        let asked = NewToken::named("Production mobile app").scopes(["products:read", "orders:read"]);
        let issued = tokens.issue(asked).by(MARIA).await.unwrap();
        let verdict = tokens.verify(issued.secret.expose(), &Need::scope("orders:write")).await.unwrap();
        let Some(Denied::InsufficientScope(shortage)) = verdict.denied() else { panic!("it lacks a scope") };
        assert_eq!(
            Denied::InsufficientScope(shortage).detail(),
            "The token \"Production mobile app\" has orders:read, products:read. This needs orders:write. \
             Its owner can add the scope without changing the token."
        );
    });
}

#[test]
fn an_idle_token_gives_the_memory_of_its_window_back() {
    block_on(async {
        let (tokens, clock) = Tokens::for_tests();
        let issued = tokens.issue(NewToken::named("Burst").per_minute(600)).by(MARIA).await.unwrap();
        for _ in 0..600 {
            assert!(tokens.verify(issued.secret.expose(), &Need::live()).await.unwrap().is_granted());
        }
        assert!(tokens.live_heap_bytes() >= 2_400);
        tokens.flush().await.unwrap();
        assert!(tokens.live_heap_bytes() >= 2_400, "the window is still in use");
        clock.advance(TimeDelta::seconds(62));
        tokens.flush().await.unwrap();
        assert_eq!(tokens.live_heap_bytes(), 0);
        assert_eq!(tokens.live_tokens(), 1);
    });
}

#[test]
fn revoking_all_of_an_owner_does_not_look_done_where_it_is_not() {
    block_on(async {
        let (tokens, _clock) = Tokens::for_tests();
        for (name, tenant) in [("One", Some("acme")), ("Two", Some("globex")), ("Three", None)] {
            let mut asked = NewToken::named(name).owner(42);
            if let Some(tenant) = tenant {
                asked = asked.tenant(tenant);
            }
            tokens.issue(asked).by(MARIA).await.unwrap();
        }
        let unsaid = tokens.revoke_all_of_owner(42).by(MARIA).await;
        assert!(matches!(unsaid, Err(Error::TenantNotSaid)), "{unsaid:?}");
        let names = |records: Vec<tokenward::TokenRecord>| -> Vec<String> {
            records.into_iter().map(|record| record.name).collect()
        };
        assert_eq!(names(tokens.revoke_all_of_owner(42).by(acme()).await.unwrap()), ["One"]);
        let everywhere = Actor::new(MARIA).all_tenants();
        let mut rest = names(tokens.revoke_all_of_owner(42).by(everywhere).await.unwrap());
        rest.sort();
        assert_eq!(rest, ["Three", "Two"]);
    });
}

#[test]
fn use_says_as_of_when_it_is_true() {
    block_on(async {
        let (tokens, clock) = Tokens::for_tests();
        let start = tokens.clock().now().wall();
        let issued = tokens.issue(NewToken::named("Poller")).by(MARIA).await.unwrap();
        clock.advance(TimeDelta::seconds(5));
        assert!(tokens.verify(issued.secret.expose(), &Need::live()).await.unwrap().is_granted());
        let usage = tokens.usage(&issued.record.id).await.unwrap();
        assert_eq!((usage.total(), usage.as_of), (0, start), "nothing was flushed yet");
        tokens.flush().await.unwrap();
        let flushed = tokens.clock().now().wall();
        clock.advance(TimeDelta::seconds(5));
        let usage = tokens.usage(&issued.record.id).await.unwrap();
        assert_eq!((usage.total(), usage.as_of), (1, flushed));
        tokens.flush().await.unwrap();
        let usage = tokens.usage(&issued.record.id).await.unwrap();
        assert_eq!((usage.total(), usage.as_of), (1, flushed + TimeDelta::seconds(5)));
    });
}
