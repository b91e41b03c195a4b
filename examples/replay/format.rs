//! Which format a log has.

use crate::entry::{Entry, Unreadable};
use crate::{combined, json_lines};

/// How the lines of a log are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    Combined,
    Json,
}

impl Format {
    /// The format that a first line looks like.
    pub fn guessed(line: &[u8]) -> Format {
        if line.trim_ascii_start().starts_with(b"{") { Format::Json } else { Format::Combined }
    }

    pub fn read(self, line: &str) -> Result<Entry<'_>, Unreadable> {
        match self {
            Format::Combined => combined::read(line),
            Format::Json => json_lines::read(line),
        }
    }
}
