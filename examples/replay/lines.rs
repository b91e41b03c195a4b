//! The lines of a log, of any length.

use std::io::{self, BufRead, Read};

/// What of a line is kept, in bytes: no log has a longer one that means something.
pub const LONGEST: usize = 64 << 10;

/// Reads lines into one piece of memory, whatever comes.
pub struct Lines<R> {
    source: R,
    line: Vec<u8>,
}

/// A line without its end.
pub struct Line<'a> {
    pub text: &'a [u8],
    /// Whether it is longer than what is kept of it.
    pub is_cut: bool,
    /// How long it was in the log, its end and what is not kept included.
    pub bytes: u64,
}

impl<R: BufRead> Lines<R> {
    pub fn new(source: R) -> Lines<R> {
        Lines { source, line: Vec::new() }
    }

    /// The next line; none at the end of the log.
    pub fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let mut bytes = (&mut self.source).take(LONGEST as u64).read_until(b'\n', &mut self.line)? as u64;
        if bytes == 0 {
            return Ok(None);
        }
        let is_cut = bytes == LONGEST as u64 && self.line.last() != Some(&b'\n');
        if is_cut {
            bytes += self.source.skip_until(b'\n')? as u64;
        }
        let text = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        Ok(Some(Line { text: text.strip_suffix(b"\r").unwrap_or(text), is_cut, bytes }))
    }
}
