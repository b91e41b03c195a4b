//! What was counted for each of many names, in bounded space.

#[cfg(test)]
mod tests;

use std::cmp::Reverse;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::sorted;

/// What is counted for a name, and can be added up.
pub trait Share: Clone + Default {
    /// Adds what was counted elsewhere.
    fn merge(&mut self, more: &Self);

    /// How many calls it stands for: what names are ranked by.
    fn calls(&self) -> u64;
}

/// What was counted for each of many names, such as routes or clients, in bounded space: the names
/// with most calls each have their own share, and the rest is in [`other`](Breakdown::other).
///
/// A summary of heavy hitters (Misra and Gries, 1982), merged as Agarwal et al. have shown
/// ("Mergeable Summaries", 2012). With room for k names and n calls in all:
/// - a name with more than n / (k + 1) calls is always told;
/// - the calls of a name that is told are never above the truth, and below it by at most
///   [`error`](Breakdown::error), which is itself at most n / (k + 1);
/// - all shares and `other` together are exact.
///
/// While there are no more than k names, nothing is lost and the error is 0. Where a recorder had no
/// memory left for further names, the error holds all that these were called, and the first promise
/// is that of a name with more calls than the error.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(bound(deserialize = "K: Deserialize<'de> + Ord, V: Deserialize<'de>"))]
pub struct Breakdown<K, V> {
    /// By name.
    #[serde(deserialize_with = "in_order")]
    entries: Vec<Entry<K, V>>,
    other: V,
    error: u64,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Entry<K, V> {
    name: K,
    /// The counter of the summary, which the rule of who stays goes by. It is lowered whenever
    /// names are dropped; the share is not.
    rank: u64,
    share: V,
}

impl<K, V: Default> Default for Breakdown<K, V> {
    fn default() -> Self {
        Breakdown { entries: Vec::new(), other: V::default(), error: 0 }
    }
}

impl<K: Ord + Clone, V: Share> Breakdown<K, V> {
    /// Adds to the share of a name. There may be any number of them until
    /// [`Breakdown::shrink`] is called.
    pub fn add(&mut self, name: &K, more: &V) {
        let calls = more.calls();
        let entry = self.entry(name);
        entry.rank = entry.rank.saturating_add(calls);
        entry.share.merge(more);
    }

    /// Counts so many calls of a name, and gives its share, to which they are to be added.
    pub(crate) fn count(&mut self, name: &K, calls: u64) -> &mut V {
        let entry = self.entry(name);
        entry.rank = entry.rank.saturating_add(calls);
        &mut entry.share
    }

    /// Adds what was counted for a name that is not to be told, for want of memory. All of it goes
    /// to the error, which may then be above n / (k + 1).
    pub(crate) fn add_other(&mut self, more: &V) {
        self.error = self.error.saturating_add(more.calls());
        self.other.merge(more);
    }

    /// The same under other names. Those that are now the same are one.
    pub(crate) fn renamed<N: Ord, W: Share>(
        self,
        mut name: impl FnMut(K) -> N,
        mut share: impl FnMut(V) -> W,
    ) -> Breakdown<N, W> {
        let mut entries: Vec<_> = self
            .entries
            .into_iter()
            .map(|entry| Entry { name: name(entry.name), rank: entry.rank, share: share(entry.share) })
            .collect();
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        entries.dedup_by(|more, entry| {
            let is_same = more.name == entry.name;
            if is_same {
                entry.rank = entry.rank.saturating_add(more.rank);
                entry.share.merge(&more.share);
            }
            is_same
        });
        Breakdown { entries, other: share(self.other), error: self.error }
    }

    /// Adds what another has counted.
    pub fn merge(&mut self, more: &Breakdown<K, V>) {
        let order = |one: &Entry<K, V>, other: &Entry<K, V>| one.name.cmp(&other.name);
        let add = |ours: &mut Entry<K, V>, theirs: &Entry<K, V>| {
            ours.rank = ours.rank.saturating_add(theirs.rank);
            ours.share.merge(&theirs.share);
        };
        sorted::merge(&mut self.entries, &more.entries, order, add);
        self.other.merge(&more.other);
        self.error = self.error.saturating_add(more.error);
    }

    /// The sum of several, at the cost of sorting all their names once.
    pub(crate) fn sum<'a>(parts: impl IntoIterator<Item = &'a Breakdown<K, V>>) -> Breakdown<K, V>
    where
        K: 'a,
        V: 'a,
    {
        let mut sum: Breakdown<K, V> = Breakdown::default();
        let mut entries: Vec<&Entry<K, V>> = Vec::new();
        for part in parts {
            entries.extend(&part.entries);
            sum.other.merge(&part.other);
            sum.error = sum.error.saturating_add(part.error);
        }
        entries.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        for same in entries.chunk_by(|one, other| one.name == other.name) {
            let mut entry = same[0].clone();
            for more in &same[1..] {
                entry.rank = entry.rank.saturating_add(more.rank);
                entry.share.merge(&more.share);
            }
            sum.entries.push(entry);
        }
        sum
    }

    /// Drops names into [`other`](Breakdown::other) until there are at most so many: those with
    /// the lowest counters, and of equal ones those with the fewest calls.
    pub fn shrink(&mut self, names: usize) {
        if self.entries.len() <= names {
            return;
        }
        let place_of =
            |place: usize, entry: &Entry<K, V>| (Reverse((entry.rank, entry.share.calls())), place);
        let mut places: Vec<_> =
            self.entries.iter().enumerate().map(|(place, entry)| place_of(place, entry)).collect();
        // The first that must go. Its counter is taken from all: from it and from at least as many
        // others as stay. That is what the error's bound rests on, so those that stay with nothing
        // left do no harm to it.
        let (_, first_dropped, _) = places.select_nth_unstable(names);
        let first_dropped = *first_dropped;
        let (Reverse((lost, _)), _) = first_dropped;
        self.error = self.error.saturating_add(lost);
        let other = &mut self.other;
        let mut place = 0;
        self.entries.retain_mut(|entry| {
            let stays = place_of(place, entry) < first_dropped;
            place += 1;
            entry.rank = entry.rank.saturating_sub(lost);
            if !stays {
                other.merge(&entry.share);
            }
            stays
        });
    }

    /// The names that are told, each with its share, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().map(|entry| (&entry.name, &entry.share))
    }

    /// All shares and `other`, to be changed. What names are ranked by does not change with it.
    pub(crate) fn shares_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.iter_mut().map(|entry| &mut entry.share).chain([&mut self.other])
    }

    /// The share of a name, if it is told.
    pub fn get(&self, name: &K) -> Option<&V> {
        let place = self.entries.binary_search_by(|entry| entry.name.cmp(name)).ok()?;
        Some(&self.entries[place].share)
    }

    /// The names with the most calls, most first.
    pub fn top(&self, number: usize) -> Vec<(&K, &V)> {
        let mut all: Vec<_> = self.iter().collect();
        all.sort_by_key(|(_, share)| Reverse(share.calls()));
        all.truncate(number);
        all
    }

    /// How many names are told.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no name is told.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What was counted for names that are not told, and for some of those that are, before they
    /// were.
    pub fn other(&self) -> &V {
        &self.other
    }

    /// By how many calls the share of a name may lie below the truth.
    pub fn error(&self) -> u64 {
        self.error
    }

    /// The names in their order, each with its rank and its share.
    #[cfg(any(test, feature = "sqlite", feature = "postgres"))]
    pub(super) fn ranked(&self) -> impl Iterator<Item = (&K, u64, &V)> {
        self.entries.iter().map(|entry| (&entry.name, entry.rank, &entry.share))
    }

    /// One made of these names; none if they are not in order.
    #[cfg(any(test, feature = "sqlite", feature = "postgres"))]
    pub(super) fn from_ranked(ranked: Vec<(K, u64, V)>, other: V, error: u64) -> Option<Self> {
        let entries: Vec<_> =
            ranked.into_iter().map(|(name, rank, share)| Entry { name, rank, share }).collect();
        is_in_order(&entries).then_some(Breakdown { entries, other, error })
    }

    fn entry(&mut self, name: &K) -> &mut Entry<K, V> {
        let place = match self.entries.binary_search_by(|entry| entry.name.cmp(name)) {
            Ok(place) => place,
            Err(place) => {
                self.entries.insert(place, Entry { name: name.clone(), rank: 0, share: V::default() });
                place
            }
        };
        &mut self.entries[place]
    }
}

fn is_in_order<K: Ord, V>(entries: &[Entry<K, V>]) -> bool {
    entries.is_sorted_by(|one, next| one.name < next.name)
}

fn in_order<'de, K, V, D>(deserializer: D) -> Result<Vec<Entry<K, V>>, D::Error>
where
    K: Deserialize<'de> + Ord,
    V: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let entries = Vec::deserialize(deserializer)?;
    is_in_order(&entries).then_some(entries).ok_or_else(|| D::Error::custom("names are in ascending order"))
}
