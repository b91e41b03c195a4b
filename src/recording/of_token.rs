//! What was counted for one token, until the next flush.

use chrono::DateTime;

use super::keeping::{Keeping, PART};
use super::names::NONE;
use super::noted::{Noted, What};
use super::part::{Naming, Part};
use super::recent::Recent;
use super::recorder::GivenUp;
use crate::usage::{Counts, Level, Outcome};

/// What was counted for a token.
#[derive(Default)]
pub(super) struct OfToken {
    pub(super) tenant: u32,
    counts: Counts,
    /// By the minute, or by the hour where `true` stands with it; in order.
    pub(super) parts: Vec<((i64, bool), Part)>,
    pub(super) recent: Recent,
    /// The last granted call, and the last that proved the secret.
    last_used_ms: Option<i64>,
    last_seen_ms: Option<i64>,
    /// The last finished call and its client.
    last_client: Option<(i64, u32)>,
}

impl OfToken {
    /// Counts in the totals.
    pub(super) fn count(&mut self, noted: &Noted, client: Option<u32>) {
        let counts = &mut self.counts;
        let (counter, number) = match noted.what {
            What::Grants(number) => {
                self.last_used_ms = self.last_used_ms.max(Some(noted.at_ms));
                (&mut counts.granted, number.into())
            }
            What::WrongSecret(number) => (&mut counts.wrong_secret, number.into()),
            What::Ended(Outcome::Granted) => {
                self.last_used_ms = self.last_used_ms.max(Some(noted.granted_ms));
                if let Some(client) = client.filter(|client| *client != NONE) {
                    self.last_client = self.last_client.max(Some((noted.granted_ms, client)));
                }
                counts.duration_us = counts.duration_us.saturating_add(noted.duration_us);
                counts.succeeded += u64::from(noted.status < 400);
                (&mut counts.finished, 1)
            }
            What::Ended(Outcome::Limited) => (&mut counts.limited, 1),
            What::Ended(Outcome::MissingScope) => (&mut counts.missing_scope, 1),
            What::Ended(_) => (&mut counts.refused, 1),
        };
        *counter += number;
        if !matches!(noted.what, What::WrongSecret(_)) {
            self.last_seen_ms = self.last_seen_ms.max(Some(noted.granted_ms));
        }
    }

    /// The totals.
    pub(super) fn counts(&self, naming: &Naming<'_>) -> Counts {
        let time = |ms: Option<i64>| ms.and_then(DateTime::from_timestamp_millis);
        let (_, client) = self.last_client.unzip();
        Counts {
            last_used_at: time(self.last_used_ms),
            last_seen_at: time(self.last_seen_ms),
            last_client: client.and_then(|client| naming.clients.client(client)).cloned(),
            ..self.counts.clone()
        }
    }

    /// Where figures of this minute are counted; none where there is no room for any.
    pub(super) fn part(
        &mut self,
        minute: i64,
        keeping: Keeping,
        bytes: &mut usize,
        given_up: &mut GivenUp,
    ) -> Option<&mut Part> {
        let find = |parts: &[((i64, bool), Part)], when: (i64, bool)| match parts.last() {
            Some((last, _)) if *last == when => Ok(parts.len() - 1),
            Some((last, _)) if *last < when => Err(parts.len()),
            _ => parts.binary_search_by_key(&when, |(is, _)| *is),
        };
        let of_minute = find(&self.parts, (minute, false));
        let of_hour = (Level::Hour.start_of(minute), true);
        let (when, found) = match of_minute {
            Err(_) if keeping >= Keeping::Hours => {
                given_up.minutes += 1;
                (of_hour, find(&self.parts, of_hour))
            }
            found => ((minute, false), found),
        };
        let place = match found {
            Ok(place) => place,
            Err(_) if keeping == Keeping::Totals => return None,
            Err(place) => {
                // Most tokens have one or two: a list grows by half, not from none to four.
                if self.parts.len() == self.parts.capacity() {
                    self.parts.reserve_exact(self.parts.len() / 2 + 1);
                    *bytes += PART * (self.parts.capacity() - self.parts.len());
                }
                self.parts.insert(place, (when, Part::default()));
                place
            }
        };
        Some(&mut self.parts[place].1)
    }
}
