//! The parts that encoded values are made of: numbers, texts, times, ids.

use chrono::{DateTime, Utc};

use crate::TokenId;

/// A part of an encoded value, which says itself where it ends.
pub(super) trait Part: Sized {
    /// Appends its bytes.
    fn write(&self, to: &mut Vec<u8>);

    /// Takes its bytes from the front; none if they are no such part.
    fn read(from: &mut &[u8]) -> Option<Self>;
}

/// LEB128: seven bits to a byte, the lowest first, and no byte more than needed.
impl Part for u64 {
    fn write(&self, to: &mut Vec<u8>) {
        let mut left = *self;
        while left >= 0x80 {
            to.push(left as u8 | 0x80);
            left >>= 7;
        }
        to.push(left as u8);
    }

    #[inline]
    fn read(from: &mut &[u8]) -> Option<u64> {
        // Most are this short.
        match *from {
            [byte @ ..0x80, rest @ ..] => {
                *from = rest;
                Some(u64::from(*byte))
            }
            _ => long(from),
        }
    }
}

fn long(from: &mut &[u8]) -> Option<u64> {
    let mut read = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let byte = first(from)?;
        let bits = u64::from(byte & 0x7f);
        // The tenth byte has room for one bit.
        if bits << shift >> shift != bits {
            return None;
        }
        read |= bits << shift;
        if byte < 0x80 {
            return (byte > 0 || shift == 0).then_some(read);
        }
    }
    None
}

impl Part for u32 {
    fn write(&self, to: &mut Vec<u8>) {
        u64::from(*self).write(to);
    }

    fn read(from: &mut &[u8]) -> Option<u32> {
        u64::read(from)?.try_into().ok()
    }
}

/// Small ones of either sign are short.
impl Part for i64 {
    fn write(&self, to: &mut Vec<u8>) {
        ((*self << 1 ^ *self >> 63) as u64).write(to);
    }

    fn read(from: &mut &[u8]) -> Option<i64> {
        let read = u64::read(from)?;
        Some((read >> 1) as i64 ^ -((read & 1) as i64))
    }
}

/// Its length and its bytes.
impl Part for String {
    fn write(&self, to: &mut Vec<u8>) {
        (self.len() as u64).write(to);
        to.extend_from_slice(self.as_bytes());
    }

    fn read(from: &mut &[u8]) -> Option<String> {
        let length = u64::read(from)?.try_into().ok()?;
        let (text, rest) = from.split_at_checked(length)?;
        *from = rest;
        Some(std::str::from_utf8(text).ok()?.to_owned())
    }
}

/// Its characters.
impl Part for TokenId {
    fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(self.as_bytes());
    }

    fn read(from: &mut &[u8]) -> Option<TokenId> {
        let (id, rest) = from.split_at_checked(size_of::<TokenId>())?;
        *from = rest;
        TokenId::from_characters(id).ok()
    }
}

/// Its milliseconds since 1970.
impl Part for DateTime<Utc> {
    fn write(&self, to: &mut Vec<u8>) {
        self.timestamp_millis().write(to);
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        DateTime::from_timestamp_millis(i64::read(from)?)
    }
}

/// Nothing as 0, something as 1 and that.
impl<P: Part> Part for Option<P> {
    fn write(&self, to: &mut Vec<u8>) {
        to.push(u8::from(self.is_some()));
        if let Some(part) = self {
            part.write(to);
        }
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        match first(from)? {
            0 => Some(None),
            1 => P::read(from).map(Some),
            _ => None,
        }
    }
}

fn first(from: &mut &[u8]) -> Option<u8> {
    let (byte, rest) = from.split_first()?;
    *from = rest;
    Some(*byte)
}
