//! The names of tenants, each as a number.

use std::hash::BuildHasher;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use crate::id_hash::IdHash;

/// The names of tenants, each as a number, so that a verification compares two numbers. 0 stands
/// for having no tenant.
///
/// Only tenants of known tokens get a number, and none is ever taken back. Looking a name up takes
/// no lock: the numbers hang in a trie over the name's hash, which only grows.
pub(super) struct Tenants {
    roots: Box<[OnceLock<Box<Node>>]>,
    names: RwLock<Vec<Arc<str>>>,
    hash: IdHash,
}

struct Node {
    name: Arc<str>,
    number: u32,
    children: [OnceLock<Box<Node>>; 4],
}

const ROOT_BITS: u32 = 8;

impl Tenants {
    pub(super) fn new(hash: IdHash) -> Tenants {
        Tenants {
            roots: (0..1 << ROOT_BITS).map(|_| OnceLock::new()).collect(),
            names: RwLock::default(),
            hash,
        }
    }

    /// The number of a tenant, if any known token is of it.
    #[inline]
    pub(super) fn find(&self, name: &str) -> Option<u32> {
        let mut hash = self.hash.hash_one(name);
        let mut place = &self.roots[(hash >> (64 - ROOT_BITS)) as usize];
        hash <<= ROOT_BITS;
        loop {
            let node = place.get()?;
            if *node.name == *name {
                return Some(node.number);
            }
            place = &node.children[(hash >> 62) as usize];
            hash <<= 2;
        }
    }

    /// The number of a known token's tenant.
    pub(super) fn number(&self, name: Option<&str>) -> u32 {
        let Some(name) = name else { return 0 };
        let mut hash = self.hash.hash_one(name);
        let mut place = &self.roots[(hash >> (64 - ROOT_BITS)) as usize];
        hash <<= ROOT_BITS;
        loop {
            let node = place.get_or_init(|| self.new_node(name));
            if *node.name == *name {
                return node.number;
            }
            place = &node.children[(hash >> 62) as usize];
            hash <<= 2;
        }
    }

    /// The name behind a number; none for 0.
    pub(super) fn name(&self, number: u32) -> Option<Arc<str>> {
        let place = number.checked_sub(1)?;
        self.names.read().unwrap_or_else(PoisonError::into_inner).get(place as usize).cloned()
    }

    fn new_node(&self, name: &str) -> Box<Node> {
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        let name: Arc<str> = name.into();
        names.push(name.clone());
        let number = u32::try_from(names.len()).expect("fewer than four billion tenants");
        Box::new(Node { name, number, children: Default::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::randomness::SystemRandomness;

    #[test]
    fn each_name_has_one_number() {
        let tenants = Tenants::new(IdHash::random(&SystemRandomness).unwrap());
        assert_eq!((tenants.number(None), tenants.name(0)), (0, None));
        let names: Vec<_> = (0..5_000).map(|number| format!("tenant-{number}")).collect();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| names.iter().for_each(|name| _ = tenants.number(Some(name))));
            }
        });
        for name in &names {
            let number = tenants.find(name).unwrap();
            assert_eq!(number, tenants.number(Some(name)));
            assert_eq!(tenants.name(number).as_deref(), Some(name.as_str()));
        }
        assert_eq!(tenants.find("tenant-5000"), None);
        assert_eq!(tenants.name(5_001), None);
    }
}
