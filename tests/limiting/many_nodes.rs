//! Several nodes and one limiter that fails, forgets and is cut off, in any order: no window holds more
//! than the limit, and none that touches a fault more than twice the limit.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use proptest::prelude::*;
use tokenward::{
    Issued, ManualClock, MemoryStore, Need, NewToken, Quota, RateLimit, Tokens, Verdict, block_on,
};

use crate::counting_limiter::{Connection, CountingLimiter};

const NODES: usize = 3;
const SHORT: (u32, u64) = (6, 1_000);
const LONG: (u32, u64) = (12, 5_000);

struct Fleet {
    clock: ManualClock,
    limiter: CountingLimiter,
    nodes: Vec<(Tokens, Arc<Connection>)>,
    token: Issued,
    now_ms: u64,
    /// When requests passed.
    passed: Vec<u64>,
    /// When the limiter has failed or forgotten.
    faults: Vec<u64>,
}

impl Fleet {
    fn new() -> Fleet {
        let (clock, store) = (ManualClock::new(), Arc::new(MemoryStore::new()));
        let limiter = CountingLimiter::new(clock.clone());
        let node = |_| {
            let connection = Arc::new(limiter.connection());
            let tokens = Tokens::builder(store.clone())
                .clock(clock.clone())
                .limiter(Arc::new(Shared(connection.clone())))
                .nodes(NODES as u32)
                .without_background()
                .build();
            (tokens.unwrap(), connection)
        };
        let nodes: Vec<_> = (0..NODES).map(node).collect();
        let quota = |(limit, ms)| Quota::new(limit, Duration::from_millis(ms)).unwrap();
        let limit = RateLimit::of(quota(SHORT)).and(quota(LONG)).unwrap();
        let asked = NewToken::named("Export").rate_limit(limit);
        let token = block_on(nodes[0].0.issue(asked).by("maria")).unwrap();
        Fleet { clock, limiter, nodes, token, now_ms: 0, passed: Vec::new(), faults: Vec::new() }
    }

    fn wait(&mut self, ms: u64) {
        self.clock.advance(TimeDelta::milliseconds(ms as i64));
        self.now_ms += ms;
    }

    fn request(&mut self, node: usize) {
        let tokens = &self.nodes[node].0;
        let failed = || tokens.limiter_health().unwrap().decided_without;
        let before = failed();
        let verdict = block_on(tokens.verify(self.token.secret.expose(), &Need::live())).unwrap();
        let is_granted = matches!(verdict, Verdict::Granted(_));
        if failed() != before {
            self.faults.push(self.now_ms);
        }
        if is_granted {
            self.passed.push(self.now_ms);
        }
    }

    fn check(&self) -> Result<(), TestCaseError> {
        for (limit, window_ms) in [SHORT, LONG] {
            for (number, start) in self.passed.iter().enumerate() {
                let window = *start..start + window_ms;
                let held = self.passed[number..].iter().filter(|at| window.contains(at)).count() as u32;
                let touches = self.faults.iter().any(|at| window.contains(at));
                let most = if touches { 2 * limit } else { limit };
                prop_assert!(held <= most, "{held} from {start} on, with a fault: {touches}");
            }
        }
        Ok(())
    }
}

/// A connection that the test holds as well.
struct Shared(Arc<Connection>);

#[tokenward::async_trait]
impl tokenward::Limiter for Shared {
    async fn take(
        &self,
        request: &tokenward::limiter::Take<'_>,
    ) -> Result<tokenward::limiter::Taken, tokenward::LimiterError> {
        self.0.take(request).await
    }

    fn losses(&self) -> u64 {
        self.0.losses()
    }
}

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    /// So many requests at one node.
    Requests(usize, u32),
    /// The limiter is away, or back.
    Fails(bool),
    /// It is away and comes back empty.
    Restart,
    /// One node is cut off, or is no longer.
    Cut(usize, bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop_oneof![0..300u64, 0..1_200u64, 0..6_000u64].prop_map(Step::Wait),
        8 => (0..NODES, 1..15u32).prop_map(|(node, number)| Step::Requests(node, number)),
        1 => any::<bool>().prop_map(Step::Fails),
        1 => Just(Step::Restart),
        1 => (0..NODES, any::<bool>()).prop_map(|(node, is_cut)| Step::Cut(node, is_cut)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_window_holds_more_than_it_may(steps in prop::collection::vec(step(), 1..80)) {
        let mut fleet = Fleet::new();
        for step in steps {
            match step {
                Step::Wait(ms) => fleet.wait(ms),
                Step::Requests(node, number) => (0..number).for_each(|_| fleet.request(node)),
                Step::Fails(fails) => fleet.limiter.fail(fails),
                Step::Restart => {
                    fleet.limiter.forget();
                    let now_ms = fleet.now_ms;
                    fleet.faults.push(now_ms);
                }
                Step::Cut(node, is_cut) => fleet.nodes[node].1.cut(is_cut),
            }
        }
        fleet.check()?;
    }
}

#[test]
fn without_faults_the_limit_is_all_of_every_node() {
    let mut fleet = Fleet::new();
    for round in 0..40 {
        for node in [0, 1, 2, 0, 0] {
            fleet.request((node + round) % NODES);
        }
        fleet.wait(130);
    }
    fleet.check().unwrap();
    assert!(fleet.faults.is_empty());
    // 5,200 ms: twelve in each five seconds, and the first of the next ones.
    assert!(fleet.passed.len() > 12, "{:?}", fleet.passed);
}
