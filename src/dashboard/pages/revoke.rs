//! Stopping a token for good.

use crate::admin::fault::Fault;
use crate::dashboard::visit::Visit;
use crate::web::Reply;

pub(in crate::dashboard) async fn form(_visit: &Visit<'_>) -> Result<Reply, Fault> {
    Err(Fault::no_such_place())
}

pub(in crate::dashboard) async fn revoke(_visit: &Visit<'_>) -> Result<Reply, Fault> {
    Err(Fault::no_such_place())
}
