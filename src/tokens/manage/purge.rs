//! Deleting what is dead.

use chrono::{DateTime, Utc};

use super::super::Engine;
use crate::history::Action;
use crate::{Actor, Error, HistoryDraft, Status, TokenRecord};

pub(super) fn plan(
    engine: &Engine,
    record: &TokenRecord,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<HistoryDraft, Error> {
    match record.status(now) {
        Status::Revoked | Status::Expired => engine.history(Action::Purged, record, actor, now),
        Status::Active | Status::Paused | Status::NotYetValid => Err(Error::StillValid),
    }
}
