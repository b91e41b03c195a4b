//! The tokens that the store makes for itself when it starts for the first time.

use std::io::{self, Write};
use std::path::Path;

use tokenward::{Error, Issued, NewToken, Query, RateLimit, TOKENS_MANAGE, TenantFilter, Tokens};

use crate::catalog::{SCOPES, mobile_app};
use crate::seed::SHOPS;

/// The tokens of the first start, whose secrets are known only now.
pub struct FirstTokens {
    /// One for each shop, in the order of [`SHOPS`].
    pub admins: Vec<Issued>,
    /// A token of the first shop with the preset of a mobile app.
    pub demo: Issued,
}

/// Makes them, unless there are tokens already. Of several copies that start at the same moment one
/// makes them: the others find its first one there, and leave the rest to it.
pub async fn issue(tokens: &Tokens) -> Result<Option<FirstTokens>, Error> {
    let mut query = Query::new(TenantFilter::Any, tokens.clock().now().wall());
    query.limit = 1;
    if !tokens.list(&query).await?.records.is_empty() {
        return Ok(None);
    }
    let mut admins = Vec::new();
    for shop in SHOPS {
        let admin = NewToken::named("Store administration")
            .description("Manages the tokens of this shop, and may do everything that it grants")
            .tenant(shop)
            .scopes(SCOPES.iter().chain([&TOKENS_MANAGE]).copied())
            .rate_limit(RateLimit::per_minute(6_000).expect("more than none"));
        match tokens.issue(admin).idempotency_key("first-start").by("store").await {
            Err(Error::AlreadyDone { .. }) => return Ok(None),
            admin => admins.push(admin?),
        }
    }
    let demo = NewToken::named("Demo mobile app")
        .description("Made on the first start, to try things out with")
        .tenant(SHOPS[0])
        .preset(&mobile_app());
    let demo = tokens.issue(demo).by("store").await?;
    Ok(Some(FirstTokens { admins, demo }))
}

/// Writes `{"acme": "...", "globex": "..."}` to a file that only its owner can read.
pub fn write_admin_tokens(path: &Path, first: &FirstTokens) -> io::Result<()> {
    let secrets: serde_json::Map<_, _> = SHOPS
        .iter()
        .zip(&first.admins)
        .map(|(shop, admin)| ((*shop).to_owned(), admin.secret.expose().into()))
        .collect();
    // Written beside it and moved into place: nobody ever reads half of it, nor with other rights.
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let beside = Path::new(&name);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(beside)?;
    let written = serde_json::to_writer_pretty(&mut file, &secrets).map_err(io::Error::from);
    let written = written.and_then(|()| file.write_all(b"\n")).and_then(|()| file.sync_all());
    let moved = written.and_then(|()| std::fs::rename(beside, path));
    if moved.is_err() {
        _ = std::fs::remove_file(beside);
    }
    moved
}
