//! Breaks what was planned, and mends it.

use std::thread;
use std::time::Duration;

use crate::board::{Board, lock};
use crate::client::Client;
use crate::history::{Fault, Kill, Moment};
use crate::nodes::Fleet;
use crate::plan::{Broken, Planned, Server, What};
use crate::proxy::{Mode, Proxy};

/// Breaks one thing after the other.
pub fn carry_out(board: &Board, fleet: &mut Fleet, plan: &[Planned]) {
    for planned in plan {
        let begin = board.now();
        println!("{:>7.2} s  {:?}", begin as f64 / 1e6, planned.what);
        let name = planned.what.to_string();
        let lost = planned.what.lost();
        lock(&board.broken).push(Fault { begin, end: u64::MAX, name: name.clone(), lost });
        break_it(board, fleet, planned);
        let end = board.now();
        lock(&board.broken).clear();
        lock(&board.history).faults.push(Fault { begin, end, name, lost });
        thread::sleep(planned.quiet);
    }
}

fn break_it(board: &Board, fleet: &mut Fleet, planned: &Planned) {
    let wait = || thread::sleep(planned.lasts);
    match planned.what {
        What::KillNode(node) => {
            let unwritten_since = unwritten_since(board, node);
            fleet.nodes[node].kill();
            lock(&board.history).kills.push(Kill { at: board.now(), node, unwritten_since });
            wait();
            fleet.nodes[node].start();
            fleet.nodes[node].await_answers();
        }
        What::StopNode(node) => {
            fleet.nodes[node].stop();
            wait();
            fleet.nodes[node].go_on();
        }
        What::EndListeners => {
            end_sessions(fleet, "query LIKE 'LISTEN%'");
            wait();
        }
        What::EndSessions => {
            end_sessions(fleet, "true");
            wait();
        }
        What::RestartPostgres => {
            fleet.postgres.stop_immediately();
            wait();
            fleet.postgres.start_again();
        }
        What::RestartRedis => {
            fleet.redis.kill();
            wait();
            fleet.redis.restart_empty();
        }
        What::EmptyRedis => {
            fleet.redis.flush();
            wait();
        }
        What::StopRedis => {
            fleet.redis.pause();
            wait();
            fleet.redis.resume();
        }
        What::Break(server, broken, of) => {
            let nodes = fleet.nodes.iter_mut().enumerate();
            let mut proxies: Vec<&mut Proxy> = nodes
                .filter(|(number, _)| of.is_none_or(|of| of == *number))
                .map(|(_, node)| match server {
                    Server::Postgres => &mut node.postgres,
                    Server::Redis => &mut node.redis,
                })
                .collect();
            proxies.iter_mut().for_each(|proxy| break_way(proxy, broken));
            wait();
            proxies.iter_mut().for_each(|proxy| proxy.heal());
        }
    }
}

fn break_way(proxy: &mut Proxy, broken: Broken) {
    match broken {
        Broken::Slow => {
            let (least, jitter) = (Duration::from_millis(20), Duration::from_millis(60));
            proxy.set_both(Mode::Delay { least, jitter });
        }
        Broken::Blackhole => proxy.set_both(Mode::Blackhole),
        Broken::Cut(ending) => {
            proxy.refuse();
            proxy.cut(ending);
        }
        Broken::HalfClosed(way) => proxy.half_close(way),
    }
}

fn end_sessions(fleet: &Fleet, which: &str) {
    let sql = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND {which}"
    );
    fleet.postgres.execute(&sql);
}

/// From when on a node may hold use that is not in the store: as it says itself, right before it is killed.
fn unwritten_since(board: &Board, node: usize) -> Moment {
    let begin = board.now();
    let answer = Client::new(board.nodes[node]).ask(&board.manager, "GET", "/admin/api/v1/healthz", "");
    let lag = answer.ok().and_then(|answer| answer.json()["usage"]["lag_ms"].as_u64());
    // What it says is as of a whole millisecond.
    lag.map_or(0, |lag| begin.saturating_sub(lag.saturating_mul(1_000) + 2_000))
}
