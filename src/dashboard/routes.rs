//! Every page and every form, in one table.

use super::pages::*;
use super::visit::Visit;
use crate::admin::fault::Fault;
use crate::admin::permissions::Right;
use crate::admin::table;
use crate::web::{Reply, path_segments};

/// One page, or what a form does.
pub(super) type Route = table::Route<Page>;

/// What a route shows or does. A page with a form has two: one shows it, the other does it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Page {
    List,
    Attention,
    New,
    Create,
    Token,
    Calls,
    Events,
    TokenHistory,
    Settings,
    SaveSettings,
    Rotate,
    DoRotate,
    ExtendGrace,
    EndGrace,
    Pause,
    DoPause,
    Resume,
    Revoke,
    DoRevoke,
    Purge,
    DoPurge,
    Find,
    Bulk,
    DoBulk,
    Usage,
    History,
    Keys,
    SavePreferences,
    SignIn,
    SignOut,
}

const fn get(template: &'static str, needs: Right, page: Page) -> Route {
    Route { method: "GET", template, needs, row: page }
}

const fn post(template: &'static str, needs: Right, page: Page) -> Route {
    Route { method: "POST", template, needs, row: page }
}

/// The table.
pub(super) const ROUTES: [Route; 31] = [
    get("/", Right::Look, Page::List),
    get("/attention", Right::Look, Page::Attention),
    get("/new", Right::Create, Page::New),
    post("/new", Right::Create, Page::Create),
    get("/t/{id}", Right::Look, Page::Token),
    get("/t/{id}/calls", Right::ViewCalls, Page::Calls),
    get("/t/{id}/events", Right::ViewCalls, Page::Events),
    get("/t/{id}/history", Right::ViewHistory, Page::TokenHistory),
    get("/t/{id}/settings", Right::Edit, Page::Settings),
    post("/t/{id}/settings", Right::Edit, Page::SaveSettings),
    get("/t/{id}/rotate", Right::Rotate, Page::Rotate),
    post("/t/{id}/rotate", Right::Rotate, Page::DoRotate),
    post("/t/{id}/grace/extend", Right::Rotate, Page::ExtendGrace),
    post("/t/{id}/grace/end", Right::Rotate, Page::EndGrace),
    get("/t/{id}/pause", Right::Pause, Page::Pause),
    post("/t/{id}/pause", Right::Pause, Page::DoPause),
    post("/t/{id}/resume", Right::Pause, Page::Resume),
    get("/t/{id}/revoke", Right::Revoke, Page::Revoke),
    post("/t/{id}/revoke", Right::Revoke, Page::DoRevoke),
    get("/t/{id}/purge", Right::Revoke, Page::Purge),
    post("/t/{id}/purge", Right::Revoke, Page::DoPurge),
    post("/find", Right::Look, Page::Find),
    // Which of its actions somebody may do, each of them asks.
    get("/bulk", Right::Look, Page::Bulk),
    post("/bulk", Right::Look, Page::DoBulk),
    get("/usage", Right::Look, Page::Usage),
    get("/history", Right::ViewHistory, Page::History),
    get("/keys", Right::Look, Page::Keys),
    post("/preferences", Right::Look, Page::SavePreferences),
    // Only where the dashboard's own sign-in is used.
    get("/sign-in", Right::Look, Page::SignIn),
    post("/sign-in", Right::Look, Page::SignIn),
    post("/sign-out", Right::Look, Page::SignOut),
];

impl Page {
    pub(super) async fn run(self, visit: &Visit<'_>) -> Result<Reply, Fault> {
        match self {
            Page::List => list::show(visit).await,
            Page::Attention => attention::show(visit).await,
            Page::New => create::form(visit).await,
            Page::Create => create::create(visit).await,
            Page::Token => token::show(visit).await,
            Page::Calls => calls::show(visit).await,
            Page::Events => crate::admin::stream::of_token(&visit.context).await,
            Page::TokenHistory => history::of_token(visit).await,
            Page::Settings => settings::form(visit).await,
            Page::SaveSettings => settings::save(visit).await,
            Page::Rotate => rotate::form(visit).await,
            Page::DoRotate => rotate::rotate(visit).await,
            Page::ExtendGrace => grace::extend(visit).await,
            Page::EndGrace => grace::end(visit).await,
            Page::Pause => pause::form(visit).await,
            Page::DoPause => pause::pause(visit).await,
            Page::Resume => pause::resume(visit).await,
            Page::Revoke => revoke::form(visit).await,
            Page::DoRevoke => revoke::revoke(visit).await,
            Page::Purge => purge::form(visit).await,
            Page::DoPurge => purge::purge(visit).await,
            Page::Find => find::find(visit).await,
            Page::Bulk => bulk::form(visit).await,
            Page::DoBulk => bulk::act(visit).await,
            Page::Usage => usage::show(visit).await,
            Page::History => history::of_all(visit).await,
            Page::Keys => keys::show(visit),
            Page::SavePreferences => preferences::save(visit),
            Page::SignIn | Page::SignOut => Err(Fault::no_such_place()),
        }
    }
}

/// Where a request leads.
pub(super) enum Found {
    Asset(String),
    /// The same page under its one address, relative to the mount: `t/tok_…` without the slash.
    ElsewhereInstead(String),
    InTheTable(table::Found<Page>),
}

/// Finds the route of a method and a path below the mount.
pub(super) fn find(method: &str, path: &str) -> Result<Found, Fault> {
    if path.is_empty() {
        return Ok(Found::ElsewhereInstead(String::new()));
    }
    let bare = path.strip_suffix('/').filter(|bare| !bare.is_empty());
    let segments = path_segments(bare.unwrap_or(path)).map_err(|unclear| Fault::malformed(unclear.0))?;
    if let [folder, name] = &*segments
        && folder == "assets"
    {
        return Ok(Found::Asset(name.clone().into_owned()));
    }
    Ok(match (table::find(&ROUTES, method, &segments), bare) {
        (table::Found::Nothing, _) => Found::InTheTable(table::Found::Nothing),
        (_, Some(bare)) => Found::ElsewhereInstead(bare.trim_start_matches('/').to_owned()),
        (found, None) => Found::InTheTable(found),
    })
}
