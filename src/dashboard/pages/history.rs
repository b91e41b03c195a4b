//! Who did what, when, and why.

use crate::admin::fault::Fault;
use crate::dashboard::visit::Visit;
use crate::web::Reply;

pub(in crate::dashboard) async fn of_token(_visit: &Visit<'_>) -> Result<Reply, Fault> {
    Err(Fault::no_such_place())
}

pub(in crate::dashboard) async fn of_all(_visit: &Visit<'_>) -> Result<Reply, Fault> {
    Err(Fault::no_such_place())
}
