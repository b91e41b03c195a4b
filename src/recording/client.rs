//! Clients, each as a number until the next flush, as far as they may be told.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Privacy;
use super::names::NONE;
use crate::Prefix;
use crate::id_hash::IdHash;
use crate::keyed_hash::keyed_hash;
use crate::usage::Client;

/// Clients, each as a number.
pub(super) struct ClientNumbers {
    /// By address and number of the agent: what is told of a client need not be made for each call.
    numbers: HashMap<(Option<IpAddr>, u32), u32, IdHash>,
    /// Several may be told alike.
    told: HashMap<Client, u32>,
    clients: Vec<Client>,
    bytes: usize,
}

/// What a client takes beside its texts, which are there twice.
const OVERHEAD: usize = 250;

/// What makes a client of an address and an agent.
pub(super) struct Telling<'a> {
    pub(super) privacy: Privacy,
    /// The key of [`Privacy::Hashed`]; without it no client is told.
    pub(super) key: Option<&'a [u8; 32]>,
    pub(super) prefix: &'a Prefix,
}

impl ClientNumbers {
    pub(super) fn new(hash: &IdHash) -> ClientNumbers {
        ClientNumbers {
            numbers: HashMap::with_hasher(hash.clone()),
            told: HashMap::new(),
            clients: Vec::new(),
            bytes: 0,
        }
    }

    /// The number of a client: of none where nothing is known or may be told of it, and `None`
    /// where there is no room.
    pub(super) fn number(
        &mut self,
        address: Option<IpAddr>,
        agent_number: u32,
        agent: &str,
        telling: &Telling<'_>,
        has_room: bool,
    ) -> Option<u32> {
        if address.is_none() && agent.is_empty() {
            return Some(NONE);
        }
        if let Some(number) = self.numbers.get(&(address, agent_number)) {
            return Some(*number);
        }
        let Some(client) = telling.client(address, agent) else { return Some(NONE) };
        if !has_room {
            return self.told.get(&client).copied();
        }
        let number = self.told.get(&client).copied().unwrap_or_else(|| {
            let number = self.clients.len() as u32;
            self.bytes += 2 * (client.address.len() + client.agent.len());
            self.clients.push(client.clone());
            self.told.insert(client, number);
            number
        });
        self.bytes += OVERHEAD;
        self.numbers.insert((address, agent_number), number);
        Some(number)
    }

    /// The client behind a number; none for [`NONE`].
    pub(super) fn client(&self, number: u32) -> Option<&Client> {
        self.clients.get(number as usize)
    }

    /// How many bytes they take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Telling<'_> {
    fn client(&self, address: Option<IpAddr>, agent: &str) -> Option<Client> {
        let address = address.map(|address| address.to_canonical());
        let written =
            |address: Option<IpAddr>| address.map_or_else(String::new, |address| address.to_string());
        match self.privacy {
            Privacy::Full => Some(Client::new(written(address), self.told(agent))),
            Privacy::Network => {
                Some(Client::new(address.map_or_else(String::new, network), self.told(agent)))
            }
            Privacy::Hashed => {
                let hash = keyed_hash(self.key?, "client of a call", &[&written(address), agent]);
                let hash: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
                Some(Client::new(hash, ""))
            }
            Privacy::Off => None,
        }
    }

    /// A text that a client has chosen, as it may be kept: without control characters, and without
    /// a token of ours, should it hold one.
    fn told(&self, agent: &str) -> String {
        if holds_token(agent, self.prefix.as_str()) {
            return "(withheld: a token stood in it)".to_owned();
        }
        agent.chars().map(|char| if char.is_control() { char::REPLACEMENT_CHARACTER } else { char }).collect()
    }
}

/// Whether a text holds something that looks like a token of ours, or like a good part of one.
fn holds_token(text: &str, prefix: &str) -> bool {
    let is_of_token = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    text.match_indices(prefix).any(|(place, _)| {
        let rest = &text.as_bytes()[place + prefix.len()..];
        rest.first() == Some(&b'_') && rest.iter().take_while(|byte| is_of_token(byte)).count() > TELLING
    })
}

/// So many characters after the prefix: the id and a part of the secret.
const TELLING: usize = 20;

fn network(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => format!("{}/24", Ipv4Addr::from_bits(address.to_bits() >> 8 << 8)),
        IpAddr::V6(address) => format!("{}/48", Ipv6Addr::from_bits(address.to_bits() >> 80 << 80)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(privacy: Privacy, address: &str, agent: &str) -> Option<Client> {
        let prefix = "acme_live".parse().unwrap();
        let telling = Telling { privacy, key: Some(&[7; 32]), prefix: &prefix };
        telling.client(Some(address.parse().unwrap()), agent)
    }

    #[test]
    fn each_setting_tells_what_it_says() {
        let full = client(Privacy::Full, "::ffff:203.0.113.7", "curl/8.5.0").unwrap();
        assert_eq!(full, Client::new("203.0.113.7", "curl/8.5.0"));
        let network = |address| client(Privacy::Network, address, "curl/8.5.0").unwrap().address;
        assert_eq!(network("203.0.113.7"), "203.0.113.0/24");
        assert_eq!(network("2001:db8:1:2:3::4"), "2001:db8:1::/48");
        assert_eq!(client(Privacy::Off, "203.0.113.7", "curl/8.5.0"), None);
        let hashed = client(Privacy::Hashed, "203.0.113.7", "curl/8.5.0").unwrap();
        assert_eq!((hashed.address.len(), hashed.agent.as_str()), (16, ""));
        assert_eq!(Some(&hashed), client(Privacy::Hashed, "203.0.113.7", "curl/8.5.0").as_ref());
        for (address, agent) in [("203.0.113.8", "curl/8.5.0"), ("203.0.113.7", "curl/8.5.1")] {
            assert_ne!(Some(&hashed), client(Privacy::Hashed, address, agent).as_ref());
        }
    }

    #[test]
    fn what_a_client_says_of_itself_is_made_harmless() {
        let agent = |agent: &str| client(Privacy::Full, "203.0.113.7", agent).unwrap().agent;
        assert_eq!(agent("a\r\nb\x1b[31m"), "a\u{fffd}\u{fffd}b\u{fffd}[31m");
        let token = "acme_live_Zm9vYmFyYmF6cXV4secretsecretsecret";
        assert!(!agent(&format!("curl {token}")).contains("secret"));
        assert_eq!(agent("acme_live_client/2.3"), "acme_live_client/2.3");
    }
}
