//! Chance that can be had again.
#![allow(dead_code, reason = "each test file uses a part of this")]

use std::ops::Range;

/// Splitmix64: the same throws for the same seed, everywhere.
#[derive(Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// Dice of their own for a part of a test: what another part throws does not change them.
    pub fn of(&self, part: u64) -> Dice {
        let mut mixed = Dice(self.0 ^ part.wrapping_mul(0xd6e8_feb8_6659_fd93));
        Dice(mixed.number())
    }

    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of a range that is not empty.
    pub fn within(&mut self, range: Range<u64>) -> u64 {
        range.start + self.number() % (range.end - range.start)
    }

    /// True so many times in a hundred.
    pub fn percent(&mut self, of_hundred: u64) -> bool {
        self.within(0..100) < of_hundred
    }

    /// One of so many, from 0 on.
    pub fn below(&mut self, number: usize) -> usize {
        usize::try_from(self.within(0..number as u64)).expect("less than a usize")
    }

    /// One of what is there.
    pub fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}
