//! Creating a token, and the one page that shows its secret.

use crate::admin::fault::Fault;
use crate::dashboard::visit::Visit;
use crate::web::Reply;

pub(in crate::dashboard) async fn form(_visit: &Visit<'_>) -> Result<Reply, Fault> {
    Err(Fault::no_such_place())
}

pub(in crate::dashboard) async fn create(_visit: &Visit<'_>) -> Result<Reply, Fault> {
    Err(Fault::no_such_place())
}
