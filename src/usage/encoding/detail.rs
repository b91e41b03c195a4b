//! The form of names with their shares.

use super::part::Part;
use crate::usage::{Breakdown, Client, ClientUse, Detail, EndpointUse, ScopeUse, SecretUse, Share, TokenUse};

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
