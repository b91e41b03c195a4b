//! Which of a token's scopes are used, and which only through what they imply.

use super::Engine;
use crate::usage::{Breakdown, ScopeUse};
use crate::{Scope, TokenRecord};

impl Engine {
    /// What was used through this scope of a token alone: the scopes that the token holds only since
    /// this one implies them.
    pub(crate) fn used_through(
        &self,
        record: &TokenRecord,
        scope: &Scope,
        used: &Breakdown<String, ScopeUse>,
    ) -> ScopeUse {
        let mut through = ScopeUse::default();
        let reached = self.catalog.names(&self.catalog.effective([scope.as_str()]));
        for implied in reached.iter().filter(|implied| !record.scopes.contains(*implied)) {
            if let Some(used) = used.get(&implied.as_str().to_owned()) {
                through.used = through.used.saturating_add(used.used);
                through.last_used_at = through.last_used_at.max(used.last_used_at);
            }
        }
        through
    }

    /// The scopes of a token that were not used, nor anything through them. None where not all names
    /// are told apart: any of them may have been used then.
    pub(crate) fn unused_scopes<'r>(
        &self,
        record: &'r TokenRecord,
        used: &Breakdown<String, ScopeUse>,
    ) -> Vec<&'r Scope> {
        if used.error() > 0 {
            return Vec::new();
        }
        let is_used = |scope: &Scope| {
            used.get(&scope.as_str().to_owned()).is_some_and(|used| used.used > 0)
                || self.used_through(record, scope, used).used > 0
        };
        record.scopes.iter().filter(|scope| !is_used(scope)).collect()
    }
}
