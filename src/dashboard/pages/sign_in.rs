//! The dashboard's own sign-in, for hosts without a login that keeps a session.

use std::time::Duration;

use askama::Template;

use crate::admin::fault::Fault;
use crate::admin::{AdminRequest, cross_site};
use crate::dashboard::answer::{self, Keeping};
use crate::dashboard::assets;
use crate::dashboard::form::Form;
use crate::dashboard::preferences::Preferences;
use crate::dashboard::routes::{Page, Route};
use crate::dashboard::visit::is_below_mount;
use crate::dashboard::{Dashboard, faults, session};
use crate::web::{Reply, Tenant, agent, of_tenant};
use crate::{Call, Need, TOKENS_READ, Verdict};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    site: &'a str,
    theme: &'static str,
    style: &'static str,
    script: &'static str,
    icons: &'static str,
    return_to: &'a str,
    /// Why it did not work the last time.
    refused: Option<String>,
}

pub(in crate::dashboard) async fn answer(
    dashboard: &Dashboard,
    route: &Route,
    request: &AdminRequest<'_>,
    preferences: Preferences,
    request_id: Option<&str>,
) -> Reply {
    let answered = match (route.row, request.http.method) {
        (Page::SignOut, _) => sign_out(dashboard, request),
        (_, "POST") => sign_in(dashboard, request, preferences).await,
        _ => form(dashboard, request, preferences),
    };
    answered.unwrap_or_else(|fault| faults::bare(fault, request_id))
}

fn form(dashboard: &Dashboard, request: &AdminRequest<'_>, preferences: Preferences) -> Result<Reply, Fault> {
    let query = Form::read(request.http.query.unwrap_or_default().as_bytes())?;
    Ok(page(dashboard, preferences, 200, query.text("return_to"), None))
}

async fn sign_in(
    dashboard: &Dashboard,
    request: &AdminRequest<'_>,
    preferences: Preferences,
) -> Result<Reply, Fault> {
    cross_site::check(&request.http, &dashboard.api.allowed_origins)?;
    let form = Form::of(request)?;
    let return_to = form.text("return_to");
    let tokens = dashboard.tokens();
    let tenant = dashboard.api.reading.tenant_of(&request.http);
    if tenant == Tenant::Malformed {
        return Err(Fault::malformed("The request does not say which host it is for."));
    }
    let requirement = tokens.requirement([TOKENS_READ]).map_err(|_| Fault::no_such_place())?;
    let (route, agent) = (format!("POST {}/sign-in", dashboard.api.mount), agent(&request.http));
    let need = of_tenant(Need::of(&requirement), &tenant).on_route(&route).from_agent(&agent);
    let need = request.http.address.map_or(need, |address| need.from_address(address));
    match tokens.verify(form.text("token"), &need).await? {
        Verdict::Denied(denied) => {
            let why = format!("{}. {}", denied.title(), denied.detail());
            Ok(page(dashboard, preferences, denied.status(), return_to, Some(why)))
        }
        Verdict::Granted(grant) => {
            let mut call = Call::new(&route, 303, Duration::ZERO);
            call.address = request.http.address;
            call.agent = Some(&agent);
            grant.record_call(&call);
            let on_to = if is_below_mount(return_to) { return_to } else { "" };
            let reply = answer::see_other(format!("./{on_to}"));
            let is_secure = is_secure(request);
            Ok(session::begin(tokens, grant.token_id(), grant.secret_version(), is_secure, reply).await?)
        }
    }
}

fn sign_out(dashboard: &Dashboard, request: &AdminRequest<'_>) -> Result<Reply, Fault> {
    cross_site::check(&request.http, &dashboard.api.allowed_origins)?;
    Ok(session::end(answer::see_other("./sign-in")))
}

/// Whether the browser sees the page over TLS: it says so with every form.
fn is_secure(request: &AdminRequest<'_>) -> bool {
    matches!(request.http.only_header("origin"), Ok(Some(origin)) if origin.starts_with(b"https://"))
}

fn page(
    dashboard: &Dashboard,
    preferences: Preferences,
    status: u16,
    return_to: &str,
    refused: Option<String>,
) -> Reply {
    let page = SignInPage {
        site: &dashboard.settings.title,
        theme: preferences.theme.word(),
        style: assets::STYLE.name(),
        script: assets::SCRIPT.name(),
        icons: assets::ICONS.name(),
        return_to,
        refused,
    };
    answer::page(status, &page, Keeping::Never)
}
