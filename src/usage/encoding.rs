//! What was counted, as bytes: the compact form in which a SQL store keeps it in a column.

mod detail;
mod part;
mod tally;
#[cfg(test)]
mod tests;

use part::Part;

use super::{Clients, Detail, Tally};

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
