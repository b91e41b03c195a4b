//! Redis itself: stopped, killed, emptied, read-only, without its scripts.

use std::sync::Arc;
use std::time::Duration;

use redis::Commands;
use tokenward::limiter::{LimiterState, RedisLimiter, Take, Taken};
use tokenward::{
    Denied, Error, Issued, Limiter, MemoryStore, Need, NewToken, Quota, RateLimit, Tokens, Verdict,
    WhenLimiterFails, block_on,
};

use crate::redis_server::{Server, until};

fn limiter(server: &Server) -> RedisLimiter {
    RedisLimiter::at(&server.address()).unwrap().time_budget(Duration::from_millis(150))
}

fn node(server: &Server, when_it_fails: WhenLimiterFails) -> Tokens {
    Tokens::builder(Arc::new(MemoryStore::new()))
        .limiter(Arc::new(limiter(server)))
        .when_limiter_fails(when_it_fails)
        .nodes(2)
        .build()
        .unwrap()
}

fn issue(tokens: &Tokens, limit: u32) -> Issued {
    let asked = NewToken::named("Export").rate_limit(RateLimit::of(Quota::per_hour(limit).unwrap()));
    block_on(tokens.issue(asked).by("maria")).unwrap()
}

fn verify<'a>(tokens: &'a Tokens, token: &Issued) -> Result<Verdict<'a>, Error> {
    block_on(tokens.verify(token.secret.expose(), &Need::live()))
}

/// Whether it passes, and whether that was decided without Redis.
fn passes(tokens: &Tokens, token: &Issued) -> (bool, bool) {
    match verify(tokens, token).unwrap() {
        Verdict::Granted(grant) => (true, grant.is_degraded()),
        Verdict::Denied(Denied::RateLimited(limited)) => (false, limited.standing.tightest().is_none()),
        Verdict::Denied(denied) => panic!("{denied:?}"),
    }
}

fn failed(tokens: &Tokens) -> u64 {
    tokens.limiter_health().unwrap().failed
}

/// Until a request of a token that was never seen is decided by Redis again.
fn until_it_works(tokens: &Tokens) {
    until(|| {
        verify(tokens, &issue(tokens, 100))
            .is_ok_and(|verdict| verdict.granted().is_some_and(|grant| !grant.is_degraded()))
    });
}

#[test]
fn a_stopped_redis_holds_up_a_few_requests_and_no_more() {
    let Some(server) = Server::start() else { return };
    let tokens = node(&server, WhenLimiterFails::LocalShare);
    let token = issue(&tokens, 10);
    until_it_works(&tokens);
    let before = failed(&tokens);
    assert_eq!(passes(&tokens, &token), (true, false));
    assert_eq!(passes(&tokens, &token), (true, false));
    server.signal("STOP");
    let answers: Vec<_> = (0..200).map(|_| passes(&tokens, &token)).collect();
    assert!(answers.iter().all(|(_, is_degraded)| *is_degraded));
    assert_eq!(answers.iter().filter(|(passes, _)| *passes).count(), 3, "two of the share of five were used");
    // Three to find out, and a probe now and then if the machine is slow: all others wait for nothing.
    let health = tokens.limiter_health().unwrap();
    assert!((3..10).contains(&(health.failed - before)), "{health:?}");
    assert!(matches!(health.state, LimiterState::Failing { .. }));
    assert!(health.last_error.unwrap().contains("150ms"));
    server.signal("CONT");
    until_it_works(&tokens);
    assert!(matches!(tokens.limiter_health().unwrap().state, LimiterState::Recovering { .. }));
}

#[test]
fn a_killed_redis_that_comes_back_empty_forgets_counts_and_no_token() {
    let Some(mut server) = Server::start() else { return };
    let tokens = node(&server, WhenLimiterFails::Refuse);
    let token = issue(&tokens, 2);
    until_it_works(&tokens);
    assert_eq!(passes(&tokens, &token), (true, false));
    assert_eq!(passes(&tokens, &token), (true, false));
    assert_eq!(passes(&tokens, &token), (false, false));
    server.kill();
    for _ in 0..50 {
        let error = verify(&tokens, &token).map(|verdict| verdict.is_granted()).unwrap_err();
        assert!(matches!(error, Error::Limiter(_)) && error.is_transient(), "{error}");
    }
    server.restart();
    until(|| verify(&tokens, &token).is_ok_and(|verdict| verdict.is_granted()));
    assert_eq!(passes(&tokens, &token), (true, false));
    assert_eq!(passes(&tokens, &token), (false, false));
    assert_eq!(tokens.limiter_health().unwrap().state, LimiterState::Working);
}

#[test]
fn a_restart_that_nobody_saw_is_a_fault_all_the_same() {
    let Some(mut server) = Server::start() else { return };
    let tokens = node(&server, WhenLimiterFails::LocalShare);
    let token = issue(&tokens, 4);
    until_it_works(&tokens);
    for _ in 0..4 {
        assert_eq!(passes(&tokens, &token), (true, false));
    }
    let before = failed(&tokens);
    server.kill();
    server.restart();
    // Four have passed here, and two are the share: Redis would let another four pass.
    for _ in 0..20 {
        assert_eq!(passes(&tokens, &token), (false, true));
    }
    until_it_works(&tokens);
    assert!(failed(&tokens) > before);
    for _ in 0..20 {
        assert_eq!(passes(&tokens, &token), (false, true));
    }
}

#[test]
fn an_emptied_redis_lets_one_limit_pass_again() {
    let Some(server) = Server::start() else { return };
    let tokens = node(&server, WhenLimiterFails::LocalShare);
    let token = issue(&tokens, 3);
    until_it_works(&tokens);
    let three = || (0..10).map(|_| passes(&tokens, &token)).filter(|(passes, _)| *passes).count();
    assert_eq!(three(), 3);
    server.command(&["FLUSHALL"]);
    assert_eq!(three(), 3);
    server.command(&["SCRIPT", "FLUSH"]);
    let before = failed(&tokens);
    assert_eq!(passes(&tokens, &issue(&tokens, 1)), (true, false));
    assert_eq!(failed(&tokens), before, "a script that is gone is sent again");
}

#[test]
fn a_read_only_redis_says_what_it_is() {
    let Some(server) = Server::start() else { return };
    let tokens = node(&server, WhenLimiterFails::Allow);
    until_it_works(&tokens);
    let token = issue(&tokens, 1);
    server.command(&["REPLICAOF", "127.0.0.1", "1"]);
    for _ in 0..20 {
        assert_eq!(passes(&tokens, &token), (true, true));
    }
    let health = tokens.limiter_health().unwrap();
    assert!(health.last_error.as_ref().unwrap().contains("replica"), "{health:?}");
    server.command(&["REPLICAOF", "NO", "ONE"]);
    until_it_works(&tokens);
}

#[test]
fn every_key_expires_by_itself() {
    let Some(server) = Server::start() else { return };
    let limiter = limiter(&server).time_budget(Duration::from_secs(10));
    let tokens = Tokens::in_memory(tokenward::Catalog::new()).unwrap();
    let second = |limit| Quota::new(limit, Duration::from_secs(1)).unwrap();
    let limits = [
        RateLimit::of(second(1)),
        RateLimit::of(second(20_000)),
        RateLimit::of(second(1)).and(Quota::new(20_000, Duration::from_secs(2)).unwrap()).unwrap(),
    ];
    for limit in limits {
        let id = issue(&tokens, 1).record.id;
        for limit in [limit, RateLimit::of(second(5_000)), limit] {
            let request = Take::new(id, limit).shared(Some("acme"), RateLimit::of(second(100)));
            assert!(!matches!(block_on(limiter.take(&request)).unwrap(), Taken::SharedLimited(_)));
        }
        assert!(matches!(block_on(limiter.take(&Take::new(id, limit))).unwrap(), Taken::Admitted(_)));
    }
    let mut connection = server.connection();
    let keys: Vec<String> = connection.keys("*").unwrap();
    assert_eq!(keys.len(), 3 + 3 + 1);
    for key in keys {
        assert!(key.starts_with("tokenward:1:{"));
        let left_ms: i64 = connection.pttl(&key).unwrap();
        assert!(left_ms == -2 || (1..=2_300).contains(&left_ms), "{key} stays for {left_ms} ms");
    }
    until(|| redis::cmd("DBSIZE").query::<u64>(&mut connection).unwrap() == 0);
}

#[test]
fn no_password_is_shown() {
    let secret = "h2Fq7Zp";
    let error = RedisLimiter::at(&format!("redis//:{secret}@host")).unwrap_err();
    assert!(!format!("{error} {error:?}").contains(secret));
    let limiter = RedisLimiter::at(&format!("redis://maria:{secret}@127.0.0.1:1")).unwrap();
    assert!(!format!("{limiter:?}").contains(secret));
    let request = Take::new("tok_Zm9vYmFyYmF6cXV4".parse().unwrap(), RateLimit::default());
    let error = block_on(limiter.take(&request)).unwrap_err();
    assert!(error.is_unreachable() && !format!("{error} {error:?}").contains(secret), "{error}");
    let Some(server) = Server::start() else { return };
    server.command(&["CONFIG", "SET", "requirepass", "another"]);
    let limiter = RedisLimiter::at(&format!("{}?pass={secret}", server.address())).unwrap();
    let error = block_on(limiter.take(&request)).unwrap_err();
    assert!(
        error.to_string().contains("password") && !format!("{error} {error:?}").contains(secret),
        "{error}"
    );
}
