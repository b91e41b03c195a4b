//! Which token a whole text belongs to.

use crate::admin::fault::Fault;
use crate::dashboard::asked::token_in;
use crate::dashboard::flash::Flash;
use crate::dashboard::visit::Visit;
use crate::web::Reply;

/// The text comes in the body of a form, and is in no answer.
pub(in crate::dashboard) async fn find(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let form = visit.form()?;
    let text = form.text("token");
    // A line of a log has more than the token.
    let text = token_in(text, visit.context.tokens.prefix()).unwrap_or(text);
    Ok(match visit.context.record_by_text(text).await? {
        Some(record) => visit.see_other(&format!("t/{}", record.id), Some(Flash::FoundByText)),
        None => visit.see_other("", Some(Flash::NoTokenWithThisText)),
    })
}
