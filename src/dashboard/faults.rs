//! What went wrong, as a page.

use askama::Template;

use super::answer::{self, Keeping};
use super::frame::{Frame, Place};
use super::visit::Visit;
use crate::admin::fault::Fault;
use crate::web::Reply;

#[derive(Template)]
#[template(path = "fault.html")]
struct FaultPage<'a> {
    frame: Frame<'a>,
    status: u16,
    detail: &'a str,
    request_id: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "bare_fault.html")]
struct BareFaultPage<'a> {
    title: &'a str,
    detail: &'a str,
    request_id: Option<&'a str>,
}

/// A page about it, for somebody who was let in.
pub(super) fn page(visit: &Visit<'_>, fault: Fault) -> Reply {
    fault.log(visit.request_id);
    let frame = visit.frame(fault.title(), Place::Elsewhere);
    let status = fault.status();
    let page = FaultPage { frame, status, detail: fault.detail(), request_id: visit.request_id };
    with_headers(visit.page(status, &page), &fault)
}

/// A page about it, for whoever was not let in: it tells nothing of what is here.
pub(super) fn bare(fault: Fault, request_id: Option<&str>) -> Reply {
    fault.log(request_id);
    let page = BareFaultPage { title: fault.title(), detail: fault.detail(), request_id };
    with_headers(answer::page(fault.status(), &page, Keeping::Never), &fault)
}

fn with_headers(mut reply: Reply, fault: &Fault) -> Reply {
    reply.headers.extend(fault.headers().iter().cloned());
    reply
}
