//! Throws that are the same for the same seed, everywhere and for ever.

use std::sync::Mutex;

use tokenward::{Randomness, RandomnessFailed};

/// SplitMix64.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    pub fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Between 0 and `end`, which is left out.
    pub fn below(&mut self, end: u64) -> u64 {
        self.throw() % end.max(1)
    }

    /// Between 0 and 1.
    pub fn share(&mut self) -> f64 {
        self.below(1 << 53) as f64 / (1u64 << 53) as f64
    }

    pub fn one_of<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }
}

/// Ids and secrets that are the same on every start. For nothing but a demonstration: whoever knows the
/// seed knows all secrets.
pub struct SeededRandomness(Mutex<Dice>);

impl SeededRandomness {
    pub fn new(seed: u64) -> SeededRandomness {
        SeededRandomness(Mutex::new(Dice::new(seed)))
    }
}

impl Randomness for SeededRandomness {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomnessFailed> {
        let mut dice = self.0.lock().map_err(|_| RandomnessFailed)?;
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&dice.throw().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}
