//! A few hundred tokens that differ in everything a listing looks at.

use chrono::{DateTime, Utc};

use super::fixture::{at, bare_token, put};
use crate::store::TokenStore;
use crate::{Scope, StoredToken, TokenRecord};

pub(super) const NUMBER: u32 = 300;

/// Numbers that are the same in every run, so that a failure can be looked at again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        // Knuth's MMIX generator; the high bits are the good ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    /// Often none, else a moment close to the boundary at which statuses change.
    fn moment(&mut self) -> Option<DateTime<Utc>> {
        (self.below(3) > 0).then(|| at([-1_000, -1, 0, 1, 1_000][self.below(5)]))
    }
}

const NAMES: &[&str] = &[
    "Export",
    "export",
    "EXPORT 100%",
    "Ex_port",
    "Zebra",
    "Äpfel",
    "äpfel",
    "apfel",
    "🦀",
    "",
    "a\\b",
    "'quoted'",
];
const SCOPES: &[&str] = &["orders:read", "orders:write", "Orders:read", "products:read"];

fn token(number: u32, dice: &mut Dice) -> StoredToken {
    let mut token = bare_token(number);
    let text = |text: &str| text.to_owned();
    let record = TokenRecord {
        name: dice.one(NAMES).into(),
        description: dice.one(&["", "for the export", "50% of it", "ÄRGER"]).into(),
        tenant: dice.one(&[Some("acme"), Some("acme"), Some("globex"), None]).map(text),
        owner: dice.one(&[Some("7"), Some("8"), Some("07"), None]).map(text),
        environment: dice.one(&[Some("live"), Some("test"), None]).map(text),
        created_by: dice.one(&["maria", "jo", ""]).into(),
        created_at: at(dice.below(40) as i64 - 20),
        not_before: dice.moment(),
        expires_at: dice.moment(),
        paused_at: dice.moment(),
        paused_until: dice.moment(),
        revoked_at: if dice.below(4) == 0 { Some(at(-5)) } else { None },
        ..token.record
    };
    token.record = record;
    token.record.secret.start = dice.one(&["tw_aB3x", "acme_test_Zz9y"]).into();
    token.record.secret.last4 = dice.one(&["9xYz", "aaaa"]).into();
    for scope in SCOPES {
        if dice.below(3) == 0 {
            token.record.scopes.insert(scope.parse::<Scope>().expect("a scope"));
        }
    }
    for key in ["plan", "pl\"an", "région"] {
        if dice.below(2) == 0 {
            token.record.metadata.insert(key.into(), dice.one(&["gold", "1", "", "go\\ld"]).into());
        }
    }
    token
}

/// Puts them into the store, and gives their records.
pub(super) async fn populated(store: &impl TokenStore) -> Vec<TokenRecord> {
    let mut dice = Dice(20_270_115);
    let mut records = Vec::new();
    for number in 0..NUMBER {
        let mut token = token(number, &mut dice);
        token.record.sequence = put(store, &token).await;
        records.push(token.record);
    }
    records
}
