//! Colours and whose time, kept in the browser.

use crate::admin::fault::Fault;
use crate::dashboard::flash::Flash;
use crate::dashboard::visit::{Visit, is_below_mount};
use crate::web::Reply;

pub(in crate::dashboard) fn save(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let form = visit.form()?;
    let chosen = visit.preferences.with(form.some("theme"), form.some("zone"), form.some("keys"));
    // Back to the page that it was chosen on: one below the mount, and no other.
    let back = form.text("back");
    let is_ours = is_below_mount(back);
    let reply = visit.see_other(if is_ours { back } else { "" }, Some(Flash::PreferencesSaved));
    Ok(chosen.keep(reply))
}
