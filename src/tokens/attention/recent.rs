//! A memory of the most recent keys, in bounded space.

use std::collections::HashMap;
use std::hash::Hash;

/// Remembers at least so many of the keys that came last, and at most twice as many. What was
/// forgotten is asked about again; nothing more hangs on it.
pub(super) struct Recent<K, V = ()> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    room: usize,
}

impl<K: Hash + Eq, V> Recent<K, V> {
    pub(super) fn new(room: usize) -> Recent<K, V> {
        Recent { young: HashMap::new(), old: HashMap::new(), room }
    }

    pub(super) fn value(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    pub(super) fn contains(&self, key: &K) -> bool {
        self.value(key).is_some()
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= self.room && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_keys_are_remembered_in_bounded_space() {
        let mut recent = Recent::new(10);
        for key in 0_u32..1_000 {
            recent.insert(key, key);
            assert!((key.saturating_sub(9)..=key).all(|key| recent.value(&key) == Some(&key)));
            assert!(recent.young.len() + recent.old.len() <= 20);
        }
        assert!(!recent.contains(&979));
    }
}
