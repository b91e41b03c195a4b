//! The run: traffic, changes and faults, and then the check of what was recorded.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokenward::{Catalog, NewToken, PostgresStore, Quota, RateLimit, Tokens, block_on};

use crate::board::{Board, Known, ROUTES, lock};
use crate::breaking::carry_out;
use crate::changing::Changer;
use crate::checker::{check, usage};
use crate::client::Client;
use crate::dice::Dice;
use crate::history::{Change, History, LimitedToken, Outcome, Usage, What};
use crate::nodes::Fleet;
use crate::plan::{NODES, plan};
use crate::{report, servers, traffic};

/// Unless `TOKENWARD_FLEET_SECONDS` says otherwise.
const SECONDS: u64 = 60;
/// At the begin and at the end nothing is broken.
const QUIET: Duration = Duration::from_secs(5);
/// Threads for each node, and threads that change tokens.
const DRIVERS: usize = 1;
const CHANGERS: usize = 3;
/// The limits that are to be hit: so many times in so many seconds.
const LIMITS: [(u32, u32); 3] = [(12, 1), (30, 2), (31, 3)];

#[test]
fn a_fleet_keeps_its_promises_while_everything_breaks() {
    if servers::are_missing(&["postgres", "redis-server"]) {
        return;
    }
    let seed = setting("TOKENWARD_FLEET_SEED").unwrap_or_else(|| u64::from(std::process::id()) ^ some_time());
    let seconds = setting("TOKENWARD_FLEET_SECONDS").unwrap_or(SECONDS).max(2 * QUIET.as_secs());
    println!("to repeat it: TOKENWARD_FLEET_SEED={seed} TOKENWARD_FLEET_SECONDS={seconds}");
    let folder = Folder::new();
    let mut fleet = Fleet::start(folder.path(), seed);
    let history = run(&mut fleet, folder.path(), seed, Duration::from_secs(seconds));
    drop(fleet);
    println!("{}\n{}", report::counts(&history), report::revocations(&history));
    let violations = check(&history);
    assert!(
        violations.is_empty(),
        "{}\nfaults:\n{}\nto repeat it: TOKENWARD_FLEET_SEED={seed} TOKENWARD_FLEET_SECONDS={seconds}\nthe logs of the nodes: {}",
        report::violations(&violations),
        report::faults(&history),
        folder.path().display()
    );
}

fn run(fleet: &mut Fleet, folder: &Path, seed: u64, time: Duration) -> History {
    let dice = Dice::new(seed);
    let nodes = fleet.nodes.iter().map(|node| node.address).collect();
    let manager = fleet.manager(folder);
    // All nodes have started at once, and one of them has made the first tokens.
    assert_eq!(fleet.tokens(), 3);
    let tokens = library(&fleet.postgres.address());
    let (limited, history) = limited_tokens(&tokens);
    let board = Board::new(Instant::now(), nodes, manager, tokens, limited);
    *lock(&board.history) = history;
    let plan = plan(&mut dice.of(0), time - 2 * QUIET);
    thread::scope(|scope| {
        for changer in 0..CHANGERS {
            let dice = dice.of(100 + changer as u64);
            scope.spawn(|| Changer::new(&board, dice).drive());
        }
        for driver in 0..DRIVERS * NODES {
            let (board, dice) = (&board, dice.of(200 + driver as u64));
            scope.spawn(move || traffic::drive(board, driver % NODES, dice));
        }
        // A panic here must end the others as well.
        let ending = Ending(&board);
        thread::sleep(QUIET);
        carry_out(&board, fleet, &plan);
        thread::sleep(QUIET);
        drop(ending);
    });
    let mut history = lock(&board.history).clone();
    history.usage = settled_use(&board, &history);
    history
}

/// The library over the same database, beside the nodes: what it issues may have limits with windows of seconds, so
/// that a run holds many of them. The admin API counts by the minute.
fn library(database: &str) -> Tokens {
    let catalog = ROUTES.iter().fold(Catalog::new(), |catalog, (scope, _)| catalog.scope(*scope, "Look"));
    let store = Arc::new(PostgresStore::at(database).unwrap());
    Tokens::builder(store).catalog(catalog).prefix("store_live").without_background().build().unwrap()
}

/// Tokens whose limits are hit.
fn limited_tokens(tokens: &Tokens) -> (Vec<Arc<Known>>, History) {
    let mut history = History::default();
    let issued = LIMITS.iter().enumerate().map(|(place, (limit, seconds))| {
        let quota = Quota::new(*limit, Duration::from_secs((*seconds).into())).unwrap();
        let new = NewToken::named(format!("Limited to {limit}"))
            .tenant("acme")
            .scopes(ROUTES.map(|(scope, _)| scope))
            .rate_limit(RateLimit::of(quota));
        let issued = block_on(tokens.issue(new).by("test")).unwrap();
        let number = place as u32;
        let what = What::Issue(0b1111);
        let outcome = Outcome::Done;
        history.changes.push(Change { number, begin: 0, end: 0, node: 0, token: number, what, outcome });
        let window = u64::from(*seconds) * 1_000_000;
        history.limited.push(LimitedToken { token: number, limit: *limit as usize, window });
        Arc::new(Known::new(number, number, &issued))
    });
    (issued.collect(), history)
}

/// The use of every token that is known, once it is what it must be, or after a while.
fn settled_use(board: &Board, history: &History) -> Vec<Usage> {
    const PATIENCE: Duration = Duration::from_secs(20);
    let begin = Instant::now();
    let mut client = Client::new(board.nodes[0]);
    let ids: Vec<(u32, String)> = {
        let (live, past) = (lock(&board.live), lock(&board.past));
        let known = board.limited.iter().chain(live.iter()).chain(past.iter());
        known.map(|known| (known.number, known.id.clone())).collect()
    };
    let mut told = Vec::new();
    for (token, id) in ids {
        let least = usage::least(history, token) as u64;
        loop {
            let path = format!("/admin/api/v1/tokens/{id}/usage");
            let answer = client.ask(&board.manager, "GET", &path, "");
            let calls = answer.ok().and_then(|answer| answer.json()["calls_total"].as_u64());
            if let Some(calls) = calls.filter(|calls| *calls >= least || begin.elapsed() > PATIENCE) {
                told.push(Usage { token, calls });
                break;
            }
            assert!(begin.elapsed() < 3 * PATIENCE, "the use of token {token} is not told");
            thread::sleep(Duration::from_millis(100));
        }
    }
    told
}

struct Ending<'a>(&'a Board);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// The folder of the nodes, which stays when the test fails.
struct Folder(Option<tempfile::TempDir>);

impl Folder {
    fn new() -> Folder {
        Folder(Some(tempfile::Builder::new().prefix("tokenward-fleet-").tempdir().unwrap()))
    }

    fn path(&self) -> &Path {
        self.0.as_ref().expect("there until it is dropped").path()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Some(folder) = self.0.take().filter(|_| thread::panicking()) {
            println!("the logs of the nodes: {}", folder.keep().display());
        }
    }
}

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")))
}

fn some_time() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs() % 1_000_000)
}
