//! What a request through Redis costs, beside the two scripts that people write by hand: a counter
//! that begins anew with each window, and a log in a sorted set.
//!
//! On a server of its own, alone and with 64 under way, in rounds that take turns. Run it with
//! `cargo bench --bench limiter --features redis`.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, Script};
use tokenward::limiter::{RedisLimiter, Take};
use tokenward::{Limiter, RateLimit, TokenId};
use tokio::task::JoinSet;

const COUNTER: &str = "
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return {count <= tonumber(ARGV[1]) and 1 or 0, ARGV[1] - count}
";

const SORTED_SET: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2] * 1000)
local count = redis.call('ZCARD', KEYS[1])
if count >= tonumber(ARGV[1]) then
    local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
    return {0, 0, oldest[2] + ARGV[2] * 1000 - now}
end
redis.call('ZADD', KEYS[1], now, ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {1, ARGV[1] - count - 1}
";

/// How many tokens take turns.
const TOKENS: u64 = 500;
const ROUNDS: usize = 15;
const CALLS: u64 = 2_000;

#[derive(Clone)]
enum Contender {
    Ours(Arc<RedisLimiter>),
    Script(ConnectionManager, Arc<Script>, &'static str),
}

static NUMBER: AtomicU64 = AtomicU64::new(0);

impl Contender {
    async fn call(&mut self, limit: RateLimit) {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let token = number % TOKENS;
        match self {
            Contender::Ours(limiter) => {
                let text = format!("Sample_{token:09}");
                let token = TokenId::from_characters(text.as_bytes()).unwrap();
                limiter.take(&Take::new(token, limit)).await.unwrap();
            }
            Contender::Script(manager, script, name) => {
                let quota = limit.quotas().next().unwrap();
                let mut invocation = script.prepare_invoke();
                invocation.key(format!("{name}:{{{token}}}:{}", quota.limit())).arg(quota.limit());
                invocation.arg(quota.window_ms()).arg(number);
                invocation.invoke_async::<Vec<i64>>(manager).await.unwrap();
            }
        }
    }

    async fn measure(&self, limit: RateLimit, under_way: u64) -> f64 {
        let started = Instant::now();
        let mut tasks = JoinSet::new();
        for _ in 0..under_way {
            let mut contender = self.clone();
            tasks.spawn(async move {
                for _ in 0..CALLS / under_way {
                    contender.call(limit).await;
                }
            });
        }
        tasks.join_all().await;
        started.elapsed().as_secs_f64() * 1e6 / CALLS as f64
    }
}

/// Ends with the bench.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("redis");
    let arguments = ["--port", "0", "--save", "", "--unixsocket"];
    let mut command = Command::new("redis-server");
    command.args(arguments).arg(&socket).current_dir(&folder).stdout(Stdio::null());
    let _server = Server(command.spawn().expect("redis-server is installed"));
    while !socket.exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let address = format!("redis+unix://{}", socket.display());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(compare(&address));
}

async fn compare(address: &str) {
    let config = ConnectionManagerConfig::new().set_response_timeout(Some(Duration::from_secs(1)));
    let client = Client::open(address).unwrap();
    let manager = ConnectionManager::new_with_config(client, config).await.unwrap();
    let script = |text, name| Contender::Script(manager.clone(), Arc::new(Script::new(text)), name);
    let limiter = RedisLimiter::at(address).unwrap().time_budget(Duration::from_secs(1));
    let contenders = [
        ("a counter in a script", script(COUNTER, "counter")),
        ("a log in a sorted set", script(SORTED_SET, "set")),
        ("ours", Contender::Ours(Arc::new(limiter))),
    ];
    for (what, limit) in [
        ("60 per minute, nearly all refused", RateLimit::per_minute(60).unwrap()),
        ("9,000 per minute, all admitted", RateLimit::per_minute(9_000).unwrap()),
    ] {
        for under_way in [1, 64] {
            let mut times: [Vec<f64>; 3] = Default::default();
            for round in 0..=ROUNDS {
                for (times, (_, contender)) in times.iter_mut().zip(&contenders) {
                    let time = contender.measure(limit, under_way).await;
                    if round > 0 {
                        times.push(time);
                    }
                }
            }
            let [counter, set, ours] = times.map(median);
            println!("{what}, {under_way} under way:");
            println!("    counter {counter:.1} us, sorted set {set:.1} us, ours {ours:.1} us");
            println!("    ours / counter {:.2}, ours / sorted set {:.2}", ours / counter, ours / set);
        }
    }
    drop(contenders);
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
