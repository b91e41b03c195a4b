//! All tokens within reach: searched, filtered, sorted, page by page.

use askama::Template;

use crate::Query;
use crate::admin::fault::Fault;
use crate::dashboard::frame::{Frame, Place};
use crate::dashboard::visit::Visit;
use crate::web::Reply;

#[derive(Template)]
#[template(path = "list.html")]
struct ListPage<'a> {
    frame: Frame<'a>,
    rows: Vec<Row>,
}

struct Row {
    id: String,
    name: String,
}

pub(in crate::dashboard) async fn show(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let query = Query::new(visit.context.actor.tenants(), visit.context.now());
    let found = visit.context.tokens.list(&query).await?;
    let row = |record: &crate::TokenRecord| Row { id: record.id.to_string(), name: record.name.clone() };
    let rows = found.records.iter().map(row).collect();
    let page = ListPage { frame: visit.frame("API tokens", Place::Tokens), rows };
    Ok(visit.page(200, &page))
}
