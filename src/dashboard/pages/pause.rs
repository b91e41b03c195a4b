//! Stopping a token for a while.

use crate::admin::fault::Fault;
use crate::dashboard::visit::Visit;
use crate::web::Reply;

pub(in crate::dashboard) async fn form(_visit: &Visit<'_>) -> Result<Reply, Fault> {
    Err(Fault::no_such_place())
}

pub(in crate::dashboard) async fn pause(_visit: &Visit<'_>) -> Result<Reply, Fault> {
    Err(Fault::no_such_place())
}

pub(in crate::dashboard) async fn resume(_visit: &Visit<'_>) -> Result<Reply, Fault> {
    Err(Fault::no_such_place())
}
