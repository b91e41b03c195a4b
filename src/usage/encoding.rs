//! What was counted, as bytes: the compact form in which a SQL store keeps it in a column.

mod part;
#[cfg(test)]
mod tests;

use part::Part;

use super::{
    Breakdown, Client, ClientUse, Clients, Detail, EndpointUse, Histogram, Peak, Refusals, ScopeUse,
    SecretUse, Share, StatusClasses, Strangers, Tally, TokenUse,
};

/// What has a compact form of bytes, for a column of a store.
///
/// The first byte is the version of the form. What is zero or empty takes no space or one byte: a
/// minute with one call takes about 20 bytes. Times are kept to the millisecond. Each value has
/// exactly one form, and no other bytes are read.
pub(crate) trait Encoded: Sized {
    /// The bytes.
    fn encode(&self) -> Vec<u8>;

    /// Reads what [`Encoded::encode`] has written; none for anything else. It never panics, and
    /// takes memory in proportion to the bytes that are there, whatever lengths they claim.
    fn decode(bytes: &[u8]) -> Option<Self>;
}

/// The version of all forms below. Another one begins with another byte.
const VERSION: u8 = 1;

impl Encoded for Tally {
    fn encode(&self) -> Vec<u8> {
        versioned(self)
    }

    fn decode(bytes: &[u8]) -> Option<Tally> {
        of_version(bytes)
    }
}

impl Encoded for Detail {
    fn encode(&self) -> Vec<u8> {
        versioned(self)
    }

    fn decode(bytes: &[u8]) -> Option<Detail> {
        of_version(bytes)
    }
}

impl Encoded for Clients {
    fn encode(&self) -> Vec<u8> {
        versioned(self)
    }

    fn decode(bytes: &[u8]) -> Option<Clients> {
        of_version(bytes)
    }
}

fn versioned(part: &impl Part) -> Vec<u8> {
    let mut to = vec![VERSION];
    part.write(&mut to);
    to
}

fn of_version<P: Part>(bytes: &[u8]) -> Option<P> {
    let (version, mut from) = bytes.split_first()?;
    let read = (*version == VERSION).then(|| P::read(&mut from))??;
    from.is_empty().then_some(read)
}

/// A mask says which parts follow: a bit for the latencies, one for the peak, and one for each
/// counter that is not zero. What nearly every minute has comes first, so that its mask is a byte.
impl Part for Tally {
    fn write(&self, to: &mut Vec<u8>) {
        let counters = counters_of(self);
        let has_latency = self.latency != Histogram::default();
        let mut mask = u64::from(has_latency) | u64::from(self.peak.is_some()) << 1;
        for (place, counter) in counters.iter().enumerate() {
            mask |= u64::from(*counter > 0) << (place + 2);
        }
        mask.write(to);
        counters.iter().filter(|counter| **counter > 0).for_each(|counter| counter.write(to));
        if has_latency {
            self.latency.write(to);
        }
        if let Some(peak) = &self.peak {
            peak.minute.write(to);
            peak.granted.write(to);
        }
    }

    fn read(from: &mut &[u8]) -> Option<Tally> {
        let mask = u64::read(from)?;
        if mask >> (COUNTERS + 2) != 0 {
            return None;
        }
        let mut counters = [0; COUNTERS];
        for (place, counter) in counters.iter_mut().enumerate() {
            if mask >> (place + 2) & 1 == 1 {
                *counter = u64::read(from).filter(|counter| *counter > 0)?;
            }
        }
        let mut tally = tally_of(counters);
        if mask & 1 == 1 {
            tally.latency = Histogram::read(from).filter(|latency| *latency != Histogram::default())?;
        }
        if mask >> 1 & 1 == 1 {
            tally.peak = Some(Peak::new(i64::read(from)?, u64::read(from)?));
        }
        Some(tally)
    }
}

const COUNTERS: usize = 24;

/// The counters in the order of their bits.
fn counters_of(tally: &Tally) -> [u64; COUNTERS] {
    let [informational, success, redirection, client_error, server_error] = tally.statuses.counters();
    let [revoked, expired, not_yet_valid, paused, rotated, address, not_for_tokens] =
        tally.refusals.counters();
    let [malformed, unknown, stranger_wrong_secret, foreign_tenant] = tally.strangers.counters();
    [
        tally.granted,
        tally.finished,
        success,
        tally.duration_us,
        tally.bytes,
        tally.limited,
        tally.minutes_limited,
        client_error,
        server_error,
        redirection,
        tally.missing_scope,
        tally.wrong_secret,
        informational,
        revoked,
        expired,
        not_yet_valid,
        paused,
        rotated,
        address,
        not_for_tokens,
        malformed,
        unknown,
        stranger_wrong_secret,
        foreign_tenant,
    ]
}

fn tally_of(counters: [u64; COUNTERS]) -> Tally {
    let [
        granted,
        finished,
        success,
        duration_us,
        bytes,
        limited,
        minutes_limited,
        client_error,
        server_error,
        redirection,
        missing_scope,
        wrong_secret,
        informational,
        rest @ ..,
    ] = counters;
    let [revoked, expired, not_yet_valid, paused, rotated, address, not_for_tokens, strangers @ ..] = rest;
    Tally {
        granted,
        limited,
        missing_scope,
        refusals: Refusals { revoked, expired, not_yet_valid, paused, rotated, address, not_for_tokens },
        wrong_secret,
        strangers: Strangers::from_counters(strangers),
        finished,
        statuses: StatusClasses { informational, success, redirection, client_error, server_error },
        duration_us,
        bytes,
        latency: Histogram::default(),
        peak: None,
        minutes_limited,
    }
}

/// How many buckets; each as its distance from the one before, and how many it holds.
impl Part for Histogram {
    fn write(&self, to: &mut Vec<u8>) {
        let cells = self.cells();
        (cells.len() as u64).write(to);
        let mut next = 0;
        for (bucket, count) in cells {
            u64::from(bucket - next).write(to);
            count.write(to);
            next = bucket + 1;
        }
    }

    fn read(from: &mut &[u8]) -> Option<Histogram> {
        let number = u64::read(from)?;
        let mut cells = Vec::new();
        let mut next = 0_u16;
        for _ in 0..number {
            let bucket = next.checked_add(u64::read(from)?.try_into().ok()?)?;
            cells.push((bucket, u64::read(from)?));
            next = bucket.checked_add(1)?;
        }
        Histogram::from_cells(cells)
    }
}

/// How many names, doubled, and one more if there is an error or anything under no name, which then
/// comes first. Of each name its share, and what its rank has lost of the share's calls.
impl<K: Part + Ord + Clone, V: Part + Share + PartialEq> Part for Breakdown<K, V> {
    fn write(&self, to: &mut Vec<u8>) {
        let has_rest = self.error() > 0 || *self.other() != V::default();
        ((self.len() as u64) << 1 | u64::from(has_rest)).write(to);
        if has_rest {
            self.error().write(to);
            self.other().write(to);
        }
        for (name, rank, share) in self.ranked() {
            name.write(to);
            share.write(to);
            share.calls().wrapping_sub(rank).write(to);
        }
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        let head = u64::read(from)?;
        let (error, other) = match head & 1 {
            0 => (0, V::default()),
            _ => (u64::read(from)?, V::read(from)?),
        };
        if head & 1 == 1 && error == 0 && other == V::default() {
            return None;
        }
        let mut ranked = Vec::new();
        for _ in 0..head >> 1 {
            let (name, share) = (K::read(from)?, V::read(from)?);
            let rank = share.calls().wrapping_sub(u64::read(from)?);
            ranked.push((name, rank, share));
        }
        Breakdown::from_ranked(ranked, other, error)
    }
}

impl Part for Detail {
    fn write(&self, to: &mut Vec<u8>) {
        self.endpoints.write(to);
        self.scopes.write(to);
        self.secrets.write(to);
        self.tokens.write(to);
    }

    fn read(from: &mut &[u8]) -> Option<Detail> {
        Some(Detail {
            endpoints: Part::read(from)?,
            scopes: Part::read(from)?,
            secrets: Part::read(from)?,
            tokens: Part::read(from)?,
        })
    }
}

impl Part for EndpointUse {
    fn write(&self, to: &mut Vec<u8>) {
        [self.calls, self.limited, self.errors, self.duration_us].iter().for_each(|part| part.write(to));
        self.latency.write(to);
    }

    fn read(from: &mut &[u8]) -> Option<EndpointUse> {
        Some(EndpointUse {
            calls: Part::read(from)?,
            limited: Part::read(from)?,
            errors: Part::read(from)?,
            duration_us: Part::read(from)?,
            latency: Part::read(from)?,
        })
    }
}

impl Part for ScopeUse {
    fn write(&self, to: &mut Vec<u8>) {
        [self.used, self.missing].iter().for_each(|part| part.write(to));
        [self.last_used_at, self.last_missing_at].iter().for_each(|part| part.write(to));
    }

    fn read(from: &mut &[u8]) -> Option<ScopeUse> {
        Some(ScopeUse {
            used: Part::read(from)?,
            missing: Part::read(from)?,
            last_used_at: Part::read(from)?,
            last_missing_at: Part::read(from)?,
        })
    }
}

impl Part for SecretUse {
    fn write(&self, to: &mut Vec<u8>) {
        self.calls.write(to);
        self.last_seen_at.write(to);
        self.last_client.write(to);
    }

    fn read(from: &mut &[u8]) -> Option<SecretUse> {
        Some(SecretUse {
            calls: Part::read(from)?,
            last_seen_at: Part::read(from)?,
            last_client: Part::read(from)?,
        })
    }
}

impl Part for TokenUse {
    fn write(&self, to: &mut Vec<u8>) {
        [self.calls, self.limited, self.errors].iter().for_each(|part| part.write(to));
    }

    fn read(from: &mut &[u8]) -> Option<TokenUse> {
        Some(TokenUse { calls: Part::read(from)?, limited: Part::read(from)?, errors: Part::read(from)? })
    }
}

impl Part for ClientUse {
    fn write(&self, to: &mut Vec<u8>) {
        self.calls.write(to);
        [self.first_seen_at, self.last_seen_at].iter().for_each(|part| part.write(to));
    }

    fn read(from: &mut &[u8]) -> Option<ClientUse> {
        Some(ClientUse {
            calls: Part::read(from)?,
            first_seen_at: Part::read(from)?,
            last_seen_at: Part::read(from)?,
        })
    }
}

impl Part for Client {
    fn write(&self, to: &mut Vec<u8>) {
        self.address.write(to);
        self.agent.write(to);
    }

    fn read(from: &mut &[u8]) -> Option<Client> {
        Some(Client { address: Part::read(from)?, agent: Part::read(from)? })
    }
}
