//! Who calls, as far as it is recorded and may be seen.

use chrono::{DateTime, Utc};

use crate::admin::ranked::Ranked;
use crate::dashboard::show::{Time, number, visible};
use crate::usage::{Client, ClientUse, Clients};

/// A client.
pub(super) struct ClientRow {
    /// None where it is not known, or not for whoever looks.
    pub(super) address: Option<String>,
    pub(super) agent: Option<String>,
    pub(super) calls: String,
    pub(super) first: Option<Time>,
    pub(super) last: Option<Time>,
}

/// The clients of a range.
pub(super) struct ClientList {
    pub(super) rows: Vec<ClientRow>,
    /// How many calls those made that are not shown; nothing where there are none.
    pub(super) other_calls: Option<String>,
}

/// So many are shown.
const SHOWN: u32 = 8;

/// The busiest clients. Whoever may not see addresses sees agents.
pub(super) fn rows(clients: &Clients, tells_addresses: bool, now: DateTime<Utc>) -> ClientList {
    let agents;
    let clients = match tells_addresses {
        true => clients,
        false => {
            agents = crate::admin::figures::agents(clients.clone());
            &agents
        }
    };
    let ranked = Ranked::of(clients, SHOWN);
    let row = |(client, used): &(&Client, &ClientUse)| {
        let known = |text: &str| (!text.is_empty()).then(|| visible(text).into_owned());
        ClientRow {
            address: known(&client.address),
            agent: known(&client.agent),
            calls: number(used.calls),
            first: used.first_seen_at.map(|time| Time::of(time, now)),
            last: used.last_seen_at.map(|time| Time::of(time, now)),
        }
    };
    let other = ranked.other.calls;
    ClientList {
        rows: ranked.shown.iter().map(row).collect(),
        other_calls: (other > 0).then(|| number(other)),
    }
}
