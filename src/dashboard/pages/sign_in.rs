//! The dashboard's own sign-in, for hosts without a login that keeps a session.

use crate::admin::AdminRequest;
use crate::admin::fault::Fault;
use crate::dashboard::Dashboard;
use crate::dashboard::faults;
use crate::dashboard::preferences::Preferences;
use crate::dashboard::routes::Route;
use crate::web::Reply;

pub(in crate::dashboard) async fn answer(
    _dashboard: &Dashboard,
    _route: &Route,
    _request: &AdminRequest<'_>,
    _preferences: Preferences,
    request_id: Option<&str>,
) -> Reply {
    faults::bare(Fault::no_such_place(), request_id)
}
