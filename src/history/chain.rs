//! The chain of seals.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{HistoryDraft, HistoryEntry, Personal};

/// The place of an entry in its tenant's chain.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Seal {
    /// The hash of the entry before it in the chain, in hexadecimal; empty for the first.
    pub previous: String,
    /// The commitment to the personal values, in hexadecimal. It stays when they are erased.
    pub commitment: String,
    /// SHA-256 over the entry, its commitment and `previous`, in hexadecimal.
    pub hash: String,
}

/// A chain that does not hold together.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the history does not hold together at entry {number}")]
#[non_exhaustive]
pub struct BrokenChain {
    /// The first entry that does not fit.
    pub number: u64,
}

/// Checks one tenant's entries, in the order of their numbers, from the first one on or from
/// behind `previous`. Gives the last seal.
///
/// An entry whose personal values were erased passes; one whose values were changed does not.
/// That nothing was cut off at the end shows only against a seal that was kept elsewhere.
pub fn verify_chain<'a>(
    entries: impl IntoIterator<Item = &'a HistoryEntry>,
    mut previous: Option<Seal>,
) -> Result<Option<Seal>, BrokenChain> {
    for entry in entries {
        let expected = Seal::hashed(entry.number, &entry.draft, previous.as_ref(), &entry.seal.commitment);
        let personal_fits = entry
            .draft
            .personal
            .as_ref()
            .is_none_or(|personal| commitment(personal) == entry.seal.commitment);
        if expected != entry.seal || !personal_fits {
            return Err(BrokenChain { number: entry.number });
        }
        previous = Some(expected);
    }
    Ok(previous)
}

/// Checks the chains of any number of tenants from their newest entries back, in the memory of one
/// entry for each: history is read in that order.
#[derive(Default)]
pub(crate) struct Backwards {
    /// By tenant: the entry that was looked at last, and the hash that it names of the one before it.
    wanted: BTreeMap<Option<String>, (u64, String)>,
    newest: Option<(u64, Seal)>,
    entries: u64,
    broken_at: Option<u64>,
}

impl Backwards {
    /// Looks at the next entry, which is older than all of its tenant that were looked at.
    pub(crate) fn look_at(&mut self, entry: &HistoryEntry) {
        let HistoryEntry { number, draft, seal } = entry;
        self.entries += 1;
        if self.newest.is_none() {
            self.newest = Some((*number, seal.clone()));
        }
        let before = Some(Seal { hash: seal.previous.clone(), ..seal.clone() });
        let before = before.filter(|before| !before.hash.is_empty());
        if verify_chain([entry], before).is_err() {
            self.broken_at = Some(*number);
        }
        let place = self.wanted.entry(draft.tenant.clone());
        match place {
            Entry::Vacant(place) => _ = place.insert((*number, seal.previous.clone())),
            Entry::Occupied(mut place) => {
                let (newer, wanted) = place.insert((*number, seal.previous.clone()));
                if wanted != seal.hash {
                    self.broken_at = Some(self.broken_at.map_or(newer, |at| at.min(newer)));
                }
            }
        }
    }

    /// How many entries there were, the newest, and the first that does not fit.
    pub(crate) fn finish(self) -> (u64, Option<(u64, Seal)>, Option<u64>) {
        // The first of each chain has none before it.
        let cut = self.wanted.values().filter(|(_, wanted)| !wanted.is_empty()).map(|(number, _)| *number);
        (self.entries, self.newest, self.broken_at.into_iter().chain(cut).min())
    }
}

impl Seal {
    pub(super) fn of(number: u64, draft: &HistoryDraft, previous: Option<&Seal>) -> Seal {
        let commitment = draft.personal.as_ref().map_or_else(String::new, commitment);
        Seal::hashed(number, draft, previous, &commitment)
    }

    fn hashed(number: u64, draft: &HistoryDraft, previous: Option<&Seal>, commitment: &str) -> Seal {
        let previous = previous.map_or("", |seal| &seal.hash);
        let mut text = Canonical(Sha256::new());
        text.part("tokenward history 1");
        text.part(previous);
        text.part(&number.to_string());
        text.part(&draft.at.timestamp_millis().to_string());
        text.part(draft.action.as_str());
        text.part(draft.token.as_str());
        text.part(&draft.token_name);
        text.optional(draft.tenant.as_deref());
        text.part(commitment);
        text.optional(draft.actor_token.as_ref().map(crate::TokenId::as_str));
        text.part(draft.via.as_str());
        text.optional(draft.request_id.as_deref());
        text.optional(draft.reason.as_deref());
        for change in &draft.changes {
            text.part(&change.field);
            text.optional(change.from.as_deref());
            text.optional(change.to.as_deref());
        }
        Seal { previous: previous.to_owned(), commitment: commitment.to_owned(), hash: text.finish() }
    }
}

fn commitment(personal: &Personal) -> String {
    let mut text = Canonical(Sha256::new());
    text.part("tokenward personal 1");
    text.part(&personal.salt);
    text.part(&personal.actor);
    text.optional(personal.address.as_deref());
    text.finish()
}

/// Text parts, each with its length before it, so that no two lists of parts hash alike.
struct Canonical(Sha256);

impl Canonical {
    fn part(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_be_bytes());
        self.0.update(text.as_bytes());
    }

    fn optional(&mut self, text: Option<&str>) {
        match text {
            None => self.0.update([0]),
            Some(text) => {
                self.0.update([1]);
                self.part(text);
            }
        }
    }

    fn finish(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Action, FieldChange};
    use super::*;
    use crate::Via;

    fn entry(number: u64, previous: Option<&Seal>) -> HistoryEntry {
        let personal =
            Personal { actor: "maria".into(), address: Some("203.0.113.7".into()), salt: "s".into() };
        HistoryDraft {
            at: chrono::DateTime::UNIX_EPOCH,
            action: Action::Updated,
            token: "tok_AAAAAAAAAAAAAAAA".parse().unwrap(),
            token_name: "Export".into(),
            tenant: Some("acme".into()),
            personal: Some(personal),
            actor_token: None,
            via: Via::Code,
            request_id: None,
            reason: None,
            changes: vec![FieldChange::new("name", Some("a".into()), Some("b".into()))],
        }
        .seal(number, previous)
    }

    fn chain() -> Vec<HistoryEntry> {
        let mut entries: Vec<HistoryEntry> = Vec::new();
        for number in [3, 4, 9] {
            entries.push(entry(number, entries.last().map(|entry| &entry.seal)));
        }
        entries
    }

    #[test]
    fn a_chain_holds_and_every_tampering_shows() {
        let whole = chain();
        let last = verify_chain(&whole, None).unwrap().unwrap();
        assert_eq!(last, whole[2].seal);
        assert!(verify_chain(&whole[1..], Some(whole[0].seal.clone())).is_ok());

        type Tampering = fn(&mut Vec<HistoryEntry>);
        let tamperings: [Tampering; 7] = [
            |chain| _ = chain.remove(0),
            |chain| _ = chain.remove(1),
            |chain| chain.swap(0, 1),
            |chain| chain[1].draft.action = Action::Issued,
            |chain| chain[1].draft.changes[0].to = None,
            |chain| chain[1].draft.personal.as_mut().unwrap().actor = "eve".into(),
            |chain| chain[0].number = 2,
        ];
        for (place, tampering) in tamperings.into_iter().enumerate() {
            let mut entries = chain();
            tampering(&mut entries);
            let broken =
                verify_chain(&entries, None).expect_err(&format!("tampering {place} went unnoticed"));
            let (number, newest, broken_at) = backwards(&entries);
            assert_eq!((number, newest.is_some()), (entries.len() as u64, true));
            assert!(broken_at.is_some_and(|at| at <= broken.number), "tampering {place}: {broken_at:?}");
        }
        let (number, newest, broken_at) = backwards(&chain());
        assert_eq!(
            (number, newest.map(|(_, seal)| seal), broken_at),
            (3, verify_chain(&chain(), None).unwrap(), None)
        );
        assert_eq!(backwards(&[]), (0, None, None));
    }

    fn backwards(entries: &[HistoryEntry]) -> (u64, Option<(u64, Seal)>, Option<u64>) {
        let mut chains = Backwards::default();
        entries.iter().rev().for_each(|entry| chains.look_at(entry));
        chains.finish()
    }

    #[test]
    fn personal_values_can_be_erased() {
        let mut entries = chain();
        entries.iter_mut().for_each(|entry| entry.draft.personal = None);
        assert!(verify_chain(&entries, None).is_ok());
    }
}
