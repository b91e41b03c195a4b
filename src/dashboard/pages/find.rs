//! Which token a whole text belongs to.

use crate::admin::fault::Fault;
use crate::dashboard::visit::Visit;
use crate::web::Reply;

pub(in crate::dashboard) async fn find(_visit: &Visit<'_>) -> Result<Reply, Fault> {
    Err(Fault::no_such_place())
}
