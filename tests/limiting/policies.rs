//! One node, and a limiter that works, fails, and works again.

use std::sync::Arc;

use chrono::TimeDelta;
use tokenward::limiter::LimiterState;
use tokenward::{
    Denied, Error, Issued, ManualClock, MemoryStore, Need, NewToken, Policy, RateLimit, Tokens, Verdict,
    WhenLimiterFails, block_on,
};

use crate::counting_limiter::CountingLimiter;

struct Node {
    tokens: Tokens,
    clock: ManualClock,
    limiter: CountingLimiter,
}

impl Node {
    fn new(when_it_fails: WhenLimiterFails, nodes: u32, policy: Policy) -> Node {
        let clock = ManualClock::new();
        let limiter = CountingLimiter::new(clock.clone());
        let tokens = Tokens::builder(Arc::new(MemoryStore::new()))
            .clock(clock.clone())
            .limiter(Arc::new(limiter.clone()))
            .when_limiter_fails(when_it_fails)
            .nodes(nodes)
            .policy(policy)
            .without_background()
            .build()
            .unwrap();
        Node { tokens, clock, limiter }
    }

    fn issue(&self, token: NewToken) -> Issued {
        block_on(self.tokens.issue(token).by("maria")).unwrap()
    }

    fn try_verify(&self, token: &Issued) -> Result<Verdict<'_>, Error> {
        block_on(self.tokens.verify(token.secret.expose(), &Need::live()))
    }

    fn verify(&self, token: &Issued) -> Verdict<'_> {
        self.try_verify(token).unwrap()
    }

    fn advance(&self, ms: i64) {
        self.clock.advance(TimeDelta::milliseconds(ms));
    }

    fn state(&self) -> LimiterState {
        self.tokens.limiter_health().unwrap().state
    }
}

fn per_minute(number: u32) -> NewToken {
    NewToken::named("Export").per_minute(number)
}

#[test]
fn a_request_takes_from_the_limiter_and_is_told_what_is_left() {
    let node = Node::new(WhenLimiterFails::default(), 3, Policy::new());
    let token = node.issue(per_minute(2));
    for left in [1, 0] {
        let grant = node.verify(&token).granted().unwrap();
        assert_eq!(grant.standing().tightest().unwrap().remaining, left);
        assert!(!grant.is_degraded() && !grant.into_caller().is_degraded());
    }
    let Some(Denied::RateLimited(limited)) = node.verify(&token).denied() else { panic!() };
    assert_eq!(limited.retry_after_ms, 60_000);
    node.advance(60_000);
    assert!(node.verify(&token).is_granted());
    assert_eq!(node.limiter.calls(), 4);
    block_on(node.tokens.flush()).unwrap();
    let usage = block_on(node.tokens.usage(&token.record.id)).unwrap();
    assert_eq!((usage.granted, usage.limited), (3, 1));
    assert_eq!(node.state(), LimiterState::Working);
}

#[test]
fn the_limiter_is_asked_last_and_only_where_there_is_a_limit() {
    let node = Node::new(WhenLimiterFails::default(), 1, Policy::new().allow_unlimited());
    let limited = node.issue(per_minute(2));
    let text = limited.secret.expose();
    assert!(!block_on(node.tokens.verify(text, &Need::closed())).unwrap().is_granted());
    assert!(!block_on(node.tokens.verify(text, &Need::live().tenant("other"))).unwrap().is_granted());
    let unlimited = node.issue(NewToken::named("Ours").rate_limit(RateLimit::unlimited()));
    assert!(node.verify(&unlimited).is_granted());
    assert_eq!(node.limiter.calls(), 0);
    assert!(node.tokens.try_verify(unlimited.secret.expose(), &Need::live()).unwrap().is_some());
    assert!(node.verify(&limited).is_granted());
    assert!(node.tokens.try_verify(text, &Need::live()).unwrap().is_none());
    assert_eq!(node.limiter.calls(), 1);
}

#[test]
fn a_shared_limit_is_the_limiters_as_well() {
    let shared = Policy::new().shared_limit_per_tenant(RateLimit::per_minute(3).unwrap());
    let node = Node::new(WhenLimiterFails::default(), 1, shared);
    let of = |tenant: &str| node.issue(per_minute(2).tenant(tenant));
    let (first, second, foreign) = (of("acme"), of("acme"), of("other"));
    let need = Need::live().any_tenant();
    let verify = |token: &Issued| block_on(node.tokens.verify(token.secret.expose(), &need)).unwrap();
    assert!(verify(&first).is_granted() && verify(&first).is_granted());
    assert!(matches!(verify(&first).denied(), Some(Denied::RateLimited(_))));
    assert!(verify(&second).is_granted());
    assert!(matches!(verify(&second).denied(), Some(Denied::SharedLimit(_))));
    node.limiter.fail(true);
    assert!(matches!(verify(&second).denied(), Some(Denied::SharedLimit(_))));
    assert!(verify(&foreign).granted().unwrap().is_degraded());
}

#[test]
fn refused_means_an_error_that_may_pass() {
    let node = Node::new(WhenLimiterFails::Refuse, 3, Policy::new());
    let token = node.issue(per_minute(2));
    node.limiter.fail(true);
    for _ in 0..10 {
        let error = node.try_verify(&token).map(|verdict| verdict.is_granted()).unwrap_err();
        assert!(matches!(error, Error::Limiter(_)) && error.is_transient());
    }
    assert_eq!(node.limiter.calls(), 1, "nobody waits for a limiter that is known to fail");
    node.limiter.fail(false);
    node.advance(200);
    assert!(!node.verify(&token).granted().unwrap().is_degraded());
    assert_eq!(node.state(), LimiterState::Working);
}

#[test]
fn allowed_means_no_limit_at_all() {
    let node = Node::new(WhenLimiterFails::Allow, 3, Policy::new());
    let token = node.issue(per_minute(2));
    node.limiter.fail(true);
    for _ in 0..10 {
        let grant = node.verify(&token).granted().unwrap();
        assert!(grant.is_degraded() && grant.standing().tightest().is_none());
    }
    let health = node.tokens.limiter_health().unwrap();
    assert!(matches!(health.state, LimiterState::Failing { .. }));
    assert_eq!((health.failed, health.decided_without), (1, 10));
    assert!(health.last_error.unwrap().contains("fails for a test"));
}

#[test]
fn a_node_admits_its_share_while_the_limiter_fails_and_for_one_window_after() {
    let node = Node::new(WhenLimiterFails::LocalShare, 3, Policy::new());
    let token = node.issue(per_minute(9));
    assert!(!node.verify(&token).granted().unwrap().is_degraded());
    node.advance(1_000);
    node.limiter.fail(true);
    let began = node.tokens.clock().now().wall();
    // One was admitted before: two more are this node's share.
    for _ in 0..2 {
        assert!(node.verify(&token).granted().unwrap().is_degraded());
    }
    let Some(Denied::RateLimited(limited)) = node.verify(&token).denied() else { panic!() };
    assert_eq!((limited.by.quota.limit(), limited.retry_after_ms), (9, 59_000));
    assert_eq!(limited.standing.tightest(), None);
    assert_eq!(node.state(), LimiterState::Failing { since: began });

    node.limiter.fail(false);
    node.limiter.forget();
    node.advance(59_000);
    // It answers again, and has forgotten all: the share holds beside it.
    assert!(!node.verify(&token).granted().unwrap().is_degraded());
    assert!(matches!(node.state(), LimiterState::Recovering { .. }));
    let calls = node.limiter.calls();
    assert!(matches!(node.verify(&token).denied(), Some(Denied::RateLimited(_))));
    assert_eq!(node.limiter.calls(), calls, "what the share refuses uses up nothing");
    node.advance(59_999);
    assert!(matches!(node.state(), LimiterState::Recovering { .. }));
    node.advance(1);
    assert_eq!(node.state(), LimiterState::Working);
    for _ in 0..9 {
        assert!(!node.verify(&token).granted().unwrap().is_degraded());
    }
    assert!(!node.verify(&token).is_granted());
}

#[test]
fn a_limit_that_is_smaller_than_the_fleet_is_refused_while_the_limiter_fails() {
    let node = Node::new(WhenLimiterFails::LocalShare, 3, Policy::new());
    let token = node.issue(per_minute(2));
    node.limiter.fail(true);
    let Some(Denied::RateLimited(limited)) = node.verify(&token).denied() else { panic!() };
    assert_eq!((limited.by.quota.limit(), limited.retry_after_ms), (2, 1_000));
    node.limiter.fail(false);
    node.advance(1_000);
    assert!(!node.verify(&token).is_granted(), "it asks all the same, and learns that the limiter works");
    assert!(matches!(node.state(), LimiterState::Recovering { .. }));
    node.advance(60_000);
    assert!(node.verify(&token).is_granted());
}

#[cfg(feature = "web")]
#[test]
fn headers_of_the_limit_are_left_out_rather_than_wrong() {
    use tokenward::web::{Admission, Request, Rules};

    let node = Node::new(WhenLimiterFails::LocalShare, 2, Policy::new());
    let guard = node.tokens.guard(Rules::new().live("/me"));
    let token = node.issue(per_minute(2));
    let headers = [("authorization", format!("Bearer {}", token.secret.expose()))];
    let admit = || block_on(guard.admit(&Request::new("GET", "/me", &headers)));
    let Admission::Admitted(admitted) = admit() else { panic!() };
    assert!(!admitted.headers(|_| false).is_empty());
    node.advance(60_000);
    node.limiter.fail(true);
    let Admission::Admitted(admitted) = admit() else { panic!() };
    assert!(admitted.caller().is_degraded());
    assert_eq!(admitted.headers(|_| false), []);
    let Admission::Refused(reply) = admit() else { panic!() };
    assert_eq!((reply.status, reply.header_value("retry-after")), (429, Some("60")));
    assert_eq!((reply.header_value("ratelimit"), reply.header_value("x-ratelimit-limit")), (None, None));
}

#[cfg(feature = "web")]
#[test]
fn a_limiter_that_must_work_is_answered_503() {
    use tokenward::web::{Admission, Request, Rules};

    let node = Node::new(WhenLimiterFails::Refuse, 1, Policy::new());
    let guard = node.tokens.guard(Rules::new().live("/me"));
    let token = node.issue(per_minute(2));
    node.limiter.fail(true);
    let headers = [("authorization", format!("Bearer {}", token.secret.expose()))];
    let admission = block_on(guard.admit(&Request::new("GET", "/me", &headers)));
    let Admission::Refused(reply) = admission else { panic!() };
    assert_eq!((reply.status, reply.header_value("retry-after")), (503, Some("1")));
}
