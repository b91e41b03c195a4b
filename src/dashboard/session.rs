//! The dashboard's own sign-in: a session that a token has opened, and that dies with it.

use std::sync::Arc;

use super::Dashboard;
use crate::Error;
use crate::admin::viewer::Recheck;
use crate::admin::{Access, AdminRequest};

/// Somebody who has signed in.
pub(super) struct Known {
    pub(super) access: Access,
    /// The same question asked again, for a live tail.
    pub(super) recheck: Arc<Recheck>,
}

/// Whoever has signed in before, if its token still lives.
pub(super) async fn access(
    _dashboard: &Dashboard,
    _request: &AdminRequest<'_>,
) -> Result<Option<Known>, Error> {
    Ok(None)
}
