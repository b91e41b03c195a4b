//! What was found, and the id that is the same whoever finds it.

use chrono::{DateTime, Utc};

use super::Watch;
use crate::keyed_hash::keyed_hash;
use crate::{Event, EventKind, TokenRecord};

impl Watch {
    /// The event that something is so since a moment: since a threshold was passed, or since the
    /// beginning of the day for what is told once a day.
    ///
    /// None for a revoked token, about which nothing is to be done. And none where the moment lies
    /// so far back that the outbox may have forgotten what it delivered since: what is found again
    /// and again is never told a second time.
    pub(super) fn event(
        &self,
        kind: EventKind,
        record: &TokenRecord,
        since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Option<Event> {
        if record.revoked_at.is_some() || now.signed_duration_since(since) >= self.events_kept {
            return None;
        }
        let mut event = Event::new(id(&kind, record, since), kind, record.id, &record.name, now);
        event.tenant.clone_from(&record.tenant);
        Some(event)
    }
}

/// Derived from what happened and when, never from when it was found.
fn id(kind: &EventKind, record: &TokenRecord, since: DateTime<Utc>) -> String {
    let days = match kind {
        EventKind::Expiring { days, .. } | EventKind::Unused { days, .. } => *days,
        _ => 0,
    };
    let (days, since) = (days.to_string(), since.timestamp_millis().to_string());
    let parts = [kind.as_str(), record.id.as_str(), &days, &since];
    // Nothing in it is secret, so that the key need not be.
    let hash = keyed_hash(&[0; 32], "id of an event", &parts);
    hash[..12].iter().fold("evt_".to_owned(), |id, byte| format!("{id}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::TokenId;

    #[test]
    fn an_id_is_one_of_token_kind_and_occurrence() {
        let now = DateTime::from_timestamp_millis(1_798_804_800_000).unwrap();
        let record = TokenRecord::stand_in(TokenId::placeholder(), now);
        let other = TokenRecord::stand_in(TokenId::from_bytes([1; 12]).unwrap(), now);
        let ending = |days| EventKind::Expiring { days, expires_at: now };
        let ids = [
            id(&ending(3), &record, now),
            id(&ending(1), &record, now),
            id(&ending(3), &record, now + TimeDelta::milliseconds(1)),
            id(&ending(3), &other, now),
            id(&EventKind::Limited, &record, now),
        ];
        let different: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(different.len(), ids.len());
        // Written down: a change of how ids are made would tell everything a second time.
        assert_eq!(ids[4], "evt_bcf95c8157375bb7337822ad");
        assert_eq!(ids[0].len(), 28);
    }
}
