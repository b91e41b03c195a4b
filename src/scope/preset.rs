//! A use case, and what a token for it needs.

use chrono::TimeDelta;
use serde::Serialize;

/// A use case, with the scopes and the limit that suit a token for it: data of the catalogue, for
/// people who create tokens.
///
/// ```
/// use tokenward::Preset;
/// let preset = Preset::new("mobile-app", "Mobile app")
///     .scopes(["products:read", "orders:read", "customers:read"])
///     .per_minute(120);
/// assert_eq!(preset.scopes.len(), 3);
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[non_exhaustive]
pub struct Preset {
    /// What programs call it: `mobile-app`.
    pub id: String,
    /// What people call it: `Mobile app`.
    pub title: String,
    /// One plain sentence on what it is for. Empty unless set.
    pub description: String,
    /// The scopes that it needs.
    pub scopes: Vec<String>,
    /// The limit that suits it, in requests per minute. The default of 60 unless set.
    pub per_minute: Option<u32>,
    /// For how long a token for it should live.
    #[serde(rename = "expires_in", serialize_with = "whole_seconds")]
    pub expires_in: Option<TimeDelta>,
}

impl Preset {
    /// A preset without scopes, with the default limit and no expiry.
    pub fn new(id: impl Into<String>, title: impl Into<String>) -> Preset {
        Preset {
            id: id.into(),
            title: title.into(),
            description: String::new(),
            scopes: Vec::new(),
            per_minute: None,
            expires_in: None,
        }
    }

    /// One plain sentence on what it is for.
    pub fn description(mut self, sentence: impl Into<String>) -> Preset {
        self.description = sentence.into();
        self
    }

    /// The scopes that it needs; the catalogue must declare each.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Preset {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// The limit that suits it.
    pub fn per_minute(mut self, requests: u32) -> Preset {
        self.per_minute = Some(requests);
        self
    }

    /// For how long a token for it should live.
    pub fn expires_in(mut self, time: TimeDelta) -> Preset {
        self.expires_in = Some(time);
        self
    }
}

fn whole_seconds<S: serde::Serializer>(time: &Option<TimeDelta>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| time.num_seconds()).serialize(serializer)
}
