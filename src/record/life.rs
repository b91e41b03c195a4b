//! Life and death of a token, decided here and nowhere else.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a token's life comes to at one moment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It works.
    Active,
    /// It was paused, and can be resumed.
    Paused,
    /// Its first moment is still to come.
    NotYetValid,
    /// Its time is over. Extending it revives it.
    Expired,
    /// It is dead for good.
    Revoked,
}

impl Status {
    /// Every status.
    pub const ALL: [Status; 5] =
        [Status::Active, Status::Paused, Status::NotYetValid, Status::Expired, Status::Revoked];

    /// The word for it in JSON: `not_yet_valid`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Status::Active => "active",
            Status::Paused => "paused",
            Status::NotYetValid => "not_yet_valid",
            Status::Expired => "expired",
            Status::Revoked => "revoked",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl std::str::FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        Status::ALL.into_iter().find(|status| status.as_str() == text).ok_or(UnknownStatus)
    }
}

/// The word is no [`Status`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a status is one of active, paused, not_yet_valid, expired, revoked")]
pub struct UnknownStatus;

/// The times that decide a token's life, in milliseconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Life {
    /// Whether it was revoked.
    pub revoked: bool,
    /// Its first moment; `i64::MIN` without one.
    pub not_before_ms: i64,
    /// The first moment at which it is expired; `i64::MAX` without one.
    pub expires_ms: i64,
    /// The first moment at which a pause is over; `i64::MIN` without a pause, `i64::MAX` for one
    /// that lasts until it is resumed.
    pub paused_until_ms: i64,
}

impl Life {
    /// What it comes to at `now_ms`. The order is that in which a holder is told: what is final
    /// first, then what lies in its times, then what can be undone.
    #[inline]
    pub const fn status(&self, now_ms: i64) -> Status {
        if self.revoked {
            Status::Revoked
        } else if now_ms < self.not_before_ms {
            Status::NotYetValid
        } else if now_ms >= self.expires_ms {
            Status::Expired
        } else if now_ms < self.paused_until_ms {
            Status::Paused
        } else {
            Status::Active
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_moment_has_one_status() {
        let plain =
            Life { revoked: false, not_before_ms: i64::MIN, expires_ms: i64::MAX, paused_until_ms: i64::MIN };
        assert_eq!(plain.status(i64::MIN), Status::Active);
        assert_eq!(plain.status(0), Status::Active);
        let timed = Life { not_before_ms: 10, expires_ms: 20, ..plain };
        let statuses = [9, 10, 19, 20].map(|now| timed.status(now));
        assert_eq!(statuses, [Status::NotYetValid, Status::Active, Status::Active, Status::Expired]);
        let paused = Life { paused_until_ms: 15, ..timed };
        let statuses = [9, 14, 15, 20].map(|now| paused.status(now));
        assert_eq!(statuses, [Status::NotYetValid, Status::Paused, Status::Active, Status::Expired]);
        let revoked = Life { revoked: true, ..paused };
        assert!([9, 14, 15, 20].iter().all(|now| revoked.status(*now) == Status::Revoked));
    }
}
