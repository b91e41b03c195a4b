//! What has happened to the made-up tokens, played with the clock going forward: so that every figure
//! comes about as it would have.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokenward::{Actor, Call, Clock, Error, ManualClock, Need, NewToken, TokenId, Tokens, Update, Verdict};

use crate::dice::Dice;
use crate::plan::{Fate, Plan, Traffic};

/// A token that was made, and its whole text.
#[derive(Deserialize, Serialize)]
pub struct Made {
    pub id: TokenId,
    pub tenant: String,
    pub secret: String,
    /// Before its last rotation, while that is in its grace period.
    pub old_secret: Option<String>,
}

/// A call of one token.
pub struct Called<'a> {
    pub tenant: &'a str,
    pub route: &'a str,
    pub scope: &'a str,
    pub status: u16,
    pub milliseconds: u64,
    pub address: IpAddr,
    pub agent: &'a str,
}

enum Happening {
    Made,
    Called(usize),
    Became(Fate),
}

/// How often what was counted is written down, while time goes on.
const FLUSH: TimeDelta = TimeDelta::hours(1);

/// Makes the tokens and lets all happen, until the clock stands at `now`.
pub async fn play(
    tokens: &Tokens,
    clock: &ManualClock,
    now: DateTime<Utc>,
    plans: &[Plan],
    dice: &mut Dice,
) -> Result<BTreeMap<String, Made>, Error> {
    let mut made: Vec<Option<Made>> = plans.iter().map(|_| None).collect();
    let mut flushed = clock.now().wall();
    for (at, number, happening) in happenings(now, plans, dice) {
        if at - flushed >= FLUSH {
            tokens.flush().await?;
            flushed = at;
        }
        move_to(clock, at);
        let plan = &plans[number];
        match happening {
            Happening::Made => made[number] = Some(make(tokens, plan, now).await?),
            Happening::Called(traffic) => {
                if let Some(made) = &made[number] {
                    call_as_planned(tokens, plan, &plan.traffic[traffic], made, dice).await?;
                }
            }
            Happening::Became(fate) => {
                if let Some(made) = &mut made[number] {
                    change(tokens, plan, made, fate).await?;
                }
            }
        }
    }
    move_to(clock, now);
    tokens.flush().await?;
    let named = plans.iter().map(|plan| plan.name.clone());
    Ok(named.zip(made).filter_map(|(name, made)| Some((name, made?))).collect())
}

/// All of it in the order of time: the moment, the number of the token, and what happens.
fn happenings(now: DateTime<Utc>, plans: &[Plan], dice: &mut Dice) -> Vec<(DateTime<Utc>, usize, Happening)> {
    let mut all = Vec::new();
    for (number, plan) in plans.iter().enumerate() {
        all.push((now - days(plan.made), number, Happening::Made));
        for (days_ago, fate) in &plan.fates {
            all.push((now - days(*days_ago), number, Happening::Became(fate.clone())));
        }
        for (index, traffic) in plan.traffic.iter().enumerate() {
            let mut at = now - days(traffic.from) + TimeDelta::seconds(1);
            let gap = 86_400_000.0 * f64::from(traffic.together) / traffic.per_day;
            loop {
                // More by day than by night.
                let hour = (at - now).num_seconds() as f64 / 3600.0;
                let pace = 1.0 + 0.6 * (hour * std::f64::consts::TAU / 24.0).cos();
                at += TimeDelta::milliseconds(((0.2 + 1.6 * dice.share()) * gap / pace) as i64);
                if at > now - days(traffic.until) {
                    break;
                }
                for _ in 0..traffic.together {
                    at += TimeDelta::milliseconds(7);
                    all.push((at.min(now), number, Happening::Called(index)));
                }
            }
            if traffic.until == 0.0 {
                let ago = TimeDelta::seconds(12 + 37 * number as i64);
                for _ in 0..traffic.together {
                    all.push((now - ago, number, Happening::Called(index)));
                }
            }
        }
    }
    all.sort_by_key(|(at, number, _)| (*at, *number));
    all
}

async fn make(tokens: &Tokens, plan: &Plan, now: DateTime<Utc>) -> Result<Made, Error> {
    let mut asked = NewToken::named(&plan.name)
        .description(plan.description)
        .tenant(plan.tenant)
        .scopes(plan.scopes.iter().copied())
        .per_minute(plan.per_minute)
        .environment(plan.environment);
    asked = match plan.expires {
        Some(in_days) => asked.expires_at(now + days(in_days)),
        None => asked.without_expiry(),
    };
    if plan.name == "Starts next month" {
        asked = asked.not_before(now + days(20.0));
    }
    let issued = tokens.issue(asked).by(Actor::new(plan.by).tenant(plan.tenant)).await?;
    let secret = issued.secret.expose().to_owned();
    Ok(Made { id: issued.record.id, tenant: plan.tenant.to_owned(), secret, old_secret: None })
}

async fn call_as_planned(
    tokens: &Tokens,
    plan: &Plan,
    traffic: &Traffic,
    made: &Made,
    dice: &mut Dice,
) -> Result<(), Error> {
    let (address, agent) = dice.one_of(&plan.clients);
    let status = match dice.below(100) {
        throw if throw < traffic.failing => 500,
        throw if throw < traffic.failing + 2 => 404,
        _ if traffic.route.template.starts_with("POST") => 201,
        _ => 200,
    };
    // Most calls are quick, and a few are very slow.
    let slowness = dice.share();
    let milliseconds = (traffic.route.usual_ms as f64 * (0.6 + slowness + 6.0 * slowness.powi(12))) as u64;
    let called = Called {
        tenant: plan.tenant,
        route: traffic.route.template,
        scope: traffic.route.scope,
        status,
        milliseconds,
        address: address.parse().expect("an address"),
        agent,
    };
    let secret = match &made.old_secret {
        Some(old) if dice.below(8) == 0 => old,
        _ => &made.secret,
    };
    call(tokens, secret, &called).await.map(drop)
}

/// Calls once; gives the status and the code of a refusal.
pub async fn call(
    tokens: &Tokens,
    text: &str,
    called: &Called<'_>,
) -> Result<(u16, Option<&'static str>), Error> {
    let need = Need::scope(called.scope)
        .tenant(called.tenant)
        .on_route(called.route)
        .from_address(called.address)
        .from_agent(called.agent);
    Ok(match tokens.verify(text, &need).await? {
        Verdict::Granted(grant) => {
            let took = Duration::from_millis(called.milliseconds);
            let call =
                Call::new(called.route, called.status, took).address(called.address).agent(called.agent);
            grant.record_call(&call);
            (called.status, None)
        }
        Verdict::Denied(denied) => (denied.status(), Some(denied.code())),
    })
}

async fn change(tokens: &Tokens, plan: &Plan, made: &mut Made, fate: Fate) -> Result<(), Error> {
    let actor = Actor::new(plan.by).tenant(plan.tenant);
    match fate {
        Fate::Pause { resumes_in, because } => {
            let pause = tokens.pause(&made.id).because(because);
            let pause = match resumes_in {
                Some(in_days) => pause.lasting(days(in_days)),
                None => pause,
            };
            pause.by(actor).await?;
        }
        Fate::Revoke(reason) => drop(tokens.revoke(&made.id).because(reason).by(actor).await?),
        Fate::Rotate(hours) => {
            let rotated = tokens.rotate(&made.id).grace(days(hours / 24.0)).by(actor).await?;
            let new = rotated.secret.expose().to_owned();
            made.old_secret = Some(std::mem::replace(&mut made.secret, new));
        }
        Fate::Limit(per_minute) => {
            drop(tokens.update(&made.id, Update::new().per_minute(per_minute * 2)).by(actor.clone()).await?);
            drop(tokens.update(&made.id, Update::new().per_minute(per_minute)).by(actor).await?);
        }
        Fate::AddScope(scope) => {
            drop(tokens.update(&made.id, Update::new().remove_scope(scope)).by(actor.clone()).await?);
            drop(tokens.update(&made.id, Update::new().add_scope(scope)).by(actor).await?);
        }
    }
    Ok(())
}

fn move_to(clock: &ManualClock, at: DateTime<Utc>) {
    let ahead = at - clock.now().wall();
    if ahead > TimeDelta::zero() {
        clock.advance(ahead);
    }
}

fn days(number: f64) -> TimeDelta {
    TimeDelta::milliseconds((number * 86_400_000.0) as i64)
}
