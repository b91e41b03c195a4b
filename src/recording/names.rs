//! Names of routes and agents, each as a number, until the next flush.

use std::collections::HashMap;
use std::sync::Arc;

use crate::id_hash::IdHash;

/// The number of no name.
pub(super) const NONE: u32 = u32::MAX;

/// Names, each as a number.
pub(super) struct Names {
    numbers: HashMap<Arc<str>, u32, IdHash>,
    names: Vec<Arc<str>>,
    bytes: usize,
}

/// What a name takes beside its text, in both collections.
const OVERHEAD: usize = 80;

impl Names {
    pub(super) fn new(hash: IdHash) -> Names {
        Names { numbers: HashMap::with_hasher(hash), names: Vec::new(), bytes: 0 }
    }

    /// The number of a name, if there is one or room for it.
    pub(super) fn number(&mut self, name: &str, most_bytes: usize) -> Option<u32> {
        if let Some(number) = self.numbers.get(name) {
            return Some(*number);
        }
        if self.bytes + name.len() + OVERHEAD > most_bytes {
            return None;
        }
        let number = self.names.len() as u32;
        let name: Arc<str> = name.into();
        self.bytes += name.len() + OVERHEAD;
        self.names.push(name.clone());
        self.numbers.insert(name, number);
        Some(number)
    }

    /// The name behind a number; none for [`NONE`].
    pub(super) fn name(&self, number: u32) -> Option<&Arc<str>> {
        self.names.get(number as usize)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// How many bytes they take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn empty_like(&self) -> Names {
        Names::new(self.numbers.hasher().clone())
    }

    pub(super) fn clear(&mut self) {
        self.numbers.clear();
        self.names.clear();
        self.bytes = 0;
    }
}
