//! What is said of each route: a new row of the table does not compile until it is said here.

mod changes;
mod figures;
mod others;
mod reading;

use super::operation::Operation;
use crate::admin::routes::Row;

pub(super) fn of(row: Row) -> Operation {
    match row {
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
        Row::Impact => reading::impact(),
        Row::Secrets => reading::secrets(),
        Row::SetSecretEnd => changes::set_secret_end(),
        Row::EndSecret => changes::end_secret(),
        Row::Bulk => changes::bulk(),
        Row::AuditOfAll => others::history_of_all(),
        Row::VerifyAudit => others::verify_history(),
        Row::Attention => others::attention(),
        Row::Introspect => others::introspect(),
    }
}
