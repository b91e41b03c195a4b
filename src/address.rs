//! Ranges of client addresses.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::token::repeatable;

/// A block of client addresses: `203.0.113.0/24`, `2001:db8::/48`, or one address alone.
///
/// ```
/// use tokenward::AddressRange;
/// let range: AddressRange = "203.0.113.0/24".parse().unwrap();
/// assert!(range.contains("203.0.113.7".parse().unwrap()));
/// assert!(range.contains("::ffff:203.0.113.7".parse().unwrap()));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressRange(IpNet);

/// The text is no [`AddressRange`].
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is neither an IP address nor a block such as 203.0.113.0/24")]
pub struct InvalidAddressRange(String);

impl AddressRange {
    /// Whether `address` lies in the block. An IPv4 address that arrives in IPv6 form counts as
    /// what it is.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// Whether every address of this block lies in `other`.
    pub fn is_within(&self, other: &AddressRange) -> bool {
        other.0.contains(&self.0)
    }
}

impl FromStr for AddressRange {
    type Err = InvalidAddressRange;

    fn from_str(text: &str) -> Result<Self, InvalidAddressRange> {
        let net = match text.parse::<IpAddr>() {
            Ok(address) => IpNet::from(address.to_canonical()),
            Err(_) => {
                let net: IpNet = text.parse().map_err(|_| InvalidAddressRange(repeatable(text)))?;
                canonical(net.trunc())
            }
        };
        Ok(AddressRange(net))
    }
}

/// A block of IPv4 addresses in IPv6 form, as the IPv4 block that it is: clients' addresses are
/// compared in that form.
fn canonical(net: IpNet) -> IpNet {
    match net {
        IpNet::V6(v6) if v6.prefix_len() >= 96 => match mapped(v6.addr()) {
            Some(v4) => IpNet::new(v4, v6.prefix_len() - 96).unwrap_or(net),
            None => net,
        },
        _ => net,
    }
}

fn mapped(address: Ipv6Addr) -> Option<IpAddr> {
    address.to_ipv4_mapped().map(IpAddr::V4)
}

impl fmt::Display for AddressRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() {
            fmt::Display::fmt(&self.0.addr(), formatter)
        } else {
            fmt::Display::fmt(&self.0, formatter)
        }
    }
}

impl fmt::Debug for AddressRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Serialize for AddressRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AddressRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> AddressRange {
        text.parse().unwrap()
    }

    #[test]
    fn blocks_and_single_addresses() {
        for (text, shown) in [
            ("203.0.113.7", "203.0.113.7"),
            ("203.0.113.7/24", "203.0.113.0/24"),
            ("::ffff:203.0.113.0/120", "203.0.113.0/24"),
            ("2001:db8::1", "2001:db8::1"),
            ("2001:db8:1:2::/48", "2001:db8:1::/48"),
        ] {
            assert_eq!(range(text).to_string(), shown);
        }
        for text in ["", "203.0.113", "203.0.113.0/33", "localhost", "203.0.113.0/24 "] {
            assert!(text.parse::<AddressRange>().is_err(), "{text:?}");
        }
        assert!(!range("203.0.113.0/24").contains("203.0.114.1".parse().unwrap()));
        assert!(range("0.0.0.0/0").contains("198.51.100.1".parse().unwrap()));
        assert!(!range("0.0.0.0/0").contains("2001:db8::1".parse().unwrap()));
        assert!(range("203.0.113.7").is_within(&range("203.0.113.0/24")));
        assert!(!range("203.0.112.0/23").is_within(&range("203.0.113.0/24")));
    }
}
