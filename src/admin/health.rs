//! How this node stands: a word for anybody, and the figures for whoever may look at tokens.

use std::time::Duration;

use serde::Serialize;

use super::Fault;
use super::context::Context;
use super::shape::Moment;
use crate::limiter::LimiterState;
use crate::web::Reply;
use crate::{GivenUp, Health, LeaseHealth, LimiterHealth, NodeId, TokenId, Tokens};

/// In a word.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = HealthStatus))]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    /// It decides, but not as it is meant to.
    Degraded,
    /// It cannot decide.
    Unavailable,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BareHealth))]
pub(super) struct Bare {
    status: State,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Health))]
pub(super) struct Told<'a> {
    status: State,
    node: String,
    store: StoreBody,
    lease: Option<LeaseBody>,
    last_applied: Option<u64>,
    usage: UsageBody,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<super::openapi::LimiterBody>))]
    limiter: Option<&'a LimiterHealth>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = StoreHealth))]
struct StoreBody {
    reachable: bool,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = LeaseHealth))]
struct LeaseBody {
    length_s: f64,
    trusted_for_ms: u64,
    bound_ms: u64,
    hints: bool,
    nodes: usize,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = UsageHealth))]
struct UsageBody {
    lag_ms: u64,
    written_until: Moment,
    waiting_bytes: usize,
    #[cfg_attr(feature = "openapi", schema(value_type = super::openapi::GivenUpBody))]
    given_up: GivenUp,
}

/// What is known of a node.
struct Look {
    health: Health,
    is_store_reachable: bool,
}

/// For anybody.
pub(super) async fn bare(tokens: &Tokens) -> Reply {
    let status = look(tokens).await.state();
    Reply::json(status.code(), &Bare { status })
}

/// For whoever may look at tokens.
pub(super) async fn told(context: &Context<'_>) -> Result<Reply, Fault> {
    context.no_parameters()?;
    let look = look(context.tokens).await;
    let status = look.state();
    let Health { node, lease, recording, limiter, .. } = &look.health;
    let lag = (context.now() - recording.written_until).num_milliseconds();
    let body = Told {
        status,
        node: NodeId::to_string(node),
        store: StoreBody { reachable: look.is_store_reachable },
        lease: lease.as_ref().map(|lease| LeaseBody {
            length_s: lease.length.as_secs_f64(),
            trusted_for_ms: milliseconds(lease.left),
            bound_ms: milliseconds(lease.bound),
            hints: lease.hints,
            nodes: lease.nodes,
        }),
        last_applied: lease.as_ref().and_then(|lease| lease.applied),
        usage: UsageBody {
            lag_ms: u64::try_from(lag).unwrap_or(0),
            written_until: Moment(recording.written_until),
            waiting_bytes: recording.waiting_bytes,
            given_up: recording.given_up,
        },
        limiter: limiter.as_ref(),
    };
    Ok(Reply::json(status.code(), &body))
}

/// Asks the store only where its lease does not already tell that it was reached.
async fn look(tokens: &Tokens) -> Look {
    let health = tokens.health();
    let was_just_reached = health.lease.as_ref().is_some_and(was_just_renewed);
    let is_store_reachable = was_just_reached || {
        // No token has this id, or anybody may have it: it is the answer that counts.
        let nobody: TokenId = "tok_AAAAAAAAAAAAAAAA".parse().expect("an id");
        tokens.find(&nobody).await.is_ok()
    };
    Look { health, is_store_reachable }
}

/// A lease is renewed four times in its length, and a tenth of it is margin: when it has still this much,
/// at most one renewal has failed.
fn was_just_renewed(lease: &LeaseHealth) -> bool {
    lease.left * 5 > lease.length * 2
}

impl Look {
    fn state(&self) -> State {
        let lease = self.health.lease.as_ref();
        let holds_lease = lease.is_some_and(|lease| !lease.left.is_zero());
        if !self.is_store_reachable {
            return if holds_lease { State::Degraded } else { State::Unavailable };
        }
        let limiter = self.health.limiter.as_ref();
        let counts_alone = limiter.is_some_and(|limiter| limiter.state != LimiterState::Working);
        if counts_alone || (lease.is_some() && !holds_lease) { State::Degraded } else { State::Ok }
    }
}

impl State {
    fn code(self) -> u16 {
        match self {
            State::Ok | State::Degraded => 200,
            State::Unavailable => 503,
        }
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
