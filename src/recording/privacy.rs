//! How much of a client is kept.

/// How much is kept of the clients that make calls: their addresses and what they call themselves.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub enum Privacy {
    /// All of it. This is what is kept unless set.
    #[default]
    Full,
    /// The agent, and of the address the network: the first 24 bits of an IPv4 address and the
    /// first 48 of an IPv6 address.
    Network,
    /// A keyed hash of both together: clients can be told apart and counted, not named. The key
    /// is the store's, and is never told.
    Hashed,
    /// Nothing.
    Off,
}
