//! What is said of each route: a new row of the table does not compile until it is said here.

mod changes;
mod figures;
mod others;
mod reading;

use super::operation::Operation;
use crate::admin::routes::Row;

pub(super) fn of(row: Row) -> Option<Operation> {
    Some(match row {
        Row::List => reading::list(),
        Row::Find => reading::find(),
        Row::Show => reading::show(),
        Row::Create => changes::create(),
        Row::Change => changes::change(),
        Row::Purge => changes::purge(),
        Row::Revoke => changes::revoke(),
        Row::Pause => changes::pause(),
        Row::Resume => changes::resume(),
        Row::Rotate => changes::rotate(),
        Row::Usage => figures::of_token(),
        Row::UsageOfAll => figures::of_all(),
        Row::TimeSeries => figures::series_of_token(),
        Row::TimeSeriesOfAll => figures::series_of_all(),
        Row::Endpoints => figures::endpoints(),
        Row::Clients => figures::clients(),
        Row::ScopeUse => figures::scopes(),
        Row::Calls => reading::calls(),
        Row::Stream => reading::stream_of_token(),
        Row::StreamOfAll => reading::stream_of_all(),
        Row::Audit => others::history_of_token(),
        Row::Scopes => others::scopes(),
        Row::Presets => others::presets(),
        Row::Me => others::me(),
        Row::Health => others::health(),
        Row::OpenApi => others::openapi(),
        // Not described yet.
        Row::Impact
        | Row::Secrets
        | Row::SetSecretEnd
        | Row::EndSecret
        | Row::Bulk
        | Row::AuditOfAll
        | Row::VerifyAudit
        | Row::Attention
        | Row::Introspect => return None,
    })
}
