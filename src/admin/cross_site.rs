//! Pages of other sites cannot change anything through somebody's login.

use super::Fault;
use crate::web::Request;

/// Refuses what a page of another site may have sent. A bearer token needs none of it: no page
/// sends one by itself.
///
/// `same-site` is refused as well: two ports of one machine are the same site.
pub(crate) fn check(request: &Request<'_>, allowed_origins: &[String]) -> Result<(), Fault> {
    if matches!(request.method, "GET" | "HEAD" | "OPTIONS") {
        return Ok(());
    }
    let header = |name| match request.only_header(name) {
        Ok(value) => Ok(value.and_then(|value| std::str::from_utf8(value).ok())),
        Err(_) => Err(Fault::cross_site()),
    };
    let origin = header("origin")?;
    if origin.is_some_and(|origin| allowed_origins.iter().any(|allowed| allowed == origin)) {
        return Ok(());
    }
    let is_ours = match header("sec-fetch-site")? {
        Some(site) => matches!(site, "same-origin" | "none"),
        // A browser that does not send it names the origin of every change.
        None => {
            let host = header("host")?.or(request.authority);
            let named = origin.and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
            named.zip(host).is_some_and(|(named, host)| named.eq_ignore_ascii_case(host))
        }
    };
    if is_ours { Ok(()) } else { Err(Fault::cross_site()) }
}
