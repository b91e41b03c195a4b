//! Who comes: in a real service its own login says it, here the command line or a cookie.

use http::request::Parts;
use tokenward::Actor;
use tokenward::admin::{Access, Permissions};
use tokenward::web::{Request, TenantSource};

/// Somebody whom the demonstration knows.
#[derive(Clone, Copy)]
pub enum Known {
    Manage,
    /// Manages, and holds `orders:read` alone.
    Orders,
    /// A support desk: pauses, and sees no address.
    Support,
    ReadOnly,
    SignIn,
    Login,
    Nobody,
    Forbidden,
}

impl Known {
    pub fn named(text: &str) -> Option<Known> {
        Some(match text {
            "manage" => Known::Manage,
            "orders" => Known::Orders,
            "support" => Known::Support,
            "read-only" => Known::ReadOnly,
            "sign-in" => Known::SignIn,
            "login" => Known::Login,
            "nobody" => Known::Nobody,
            "forbidden" => Known::Forbidden,
            _ => return None,
        })
    }

    /// The cookie's word before the command line's.
    pub fn of(self, parts: &Parts) -> Access {
        let cookies = parts.headers.get_all("cookie").iter().filter_map(|cookie| cookie.to_str().ok());
        let mut pairs = cookies.flat_map(|cookie| cookie.split(';'));
        let said = pairs.find_map(|pair| Known::named(pair.trim().strip_prefix("demo_access=")?));
        let headers: Vec<_> =
            parts.headers.get_all("host").iter().filter_map(|host| host.to_str().ok()).collect();
        let actor = |name: &str| Actor::new(name).tenant(tenant_of(headers.first().unwrap_or(&"")));
        match said.unwrap_or(self) {
            Known::Manage => Access::manage(actor("maria@acme.example")),
            Known::Orders => Access::manage(actor("olga@acme.example").may_grant(["orders:read"])),
            Known::Support => {
                let mut permissions = Permissions::read_only();
                permissions.pause = true;
                permissions.view_addresses = false;
                Access::Custom(actor("sam@acme.example"), permissions)
            }
            Known::ReadOnly => Access::read_only(actor("ruth@acme.example")),
            Known::SignIn => Access::SignIn,
            Known::Login => Access::login("/login"),
            Known::Nobody => Access::Nobody,
            Known::Forbidden => Access::Forbidden,
        }
    }
}

/// `globex.localhost` is globex, and every other host acme, so that a test can use any address.
pub fn tenant() -> TenantSource {
    TenantSource::by(|request: &Request<'_>| {
        let host = request.only_header("host").ok().flatten().unwrap_or_default();
        Some(tenant_of(&String::from_utf8_lossy(host)).to_owned())
    })
}

fn tenant_of(host: &str) -> &'static str {
    if host.starts_with("globex.") { "globex" } else { "acme" }
}
