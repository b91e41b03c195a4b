//! Tokens over the stores of this crate, in one call.

use std::sync::Arc;

use crate::store::MemoryStore;
use crate::{Catalog, Error, ManualClock, Tokens};

impl Tokens {
    /// Tokens in this process's memory, gone with it.
    ///
    /// # Errors
    /// [`Error::InvalidCatalog`] where the catalogue is not right.
    pub fn in_memory(catalog: Catalog) -> Result<Tokens, Error> {
        let store = Arc::new(MemoryStore::new());
        Tokens::builder(store.clone()).usage_store(store).catalog(catalog).build()
    }

    /// Tokens in a SQLite file, which is created if it is not there. It belongs to this process
    /// while it runs: a second one is refused.
    ///
    /// # Errors
    /// [`Error::InvalidCatalog`] where the catalogue is not right, [`Error::Store`] where the
    /// file cannot be opened.
    #[cfg(feature = "sqlite")]
    pub async fn sqlite(path: impl Into<std::path::PathBuf>, catalog: Catalog) -> Result<Tokens, Error> {
        let store = Arc::new(crate::SqliteStore::at(path));
        let tokens = Tokens::builder(store.clone()).usage_store(store).catalog(catalog).build()?;
        tokens.open().await?;
        Ok(tokens)
    }

    /// Tokens in PostgreSQL, shared by any number of nodes:
    /// `postgres://user:password@host:port/database`, without TLS. For all else see
    /// [`PostgresStore`](crate::PostgresStore).
    ///
    /// # Errors
    /// [`Error::InvalidCatalog`] where the catalogue is not right, [`Error::Store`] where the address
    /// cannot be read or the database cannot be used.
    #[cfg(feature = "postgres")]
    pub async fn postgres(address: &str, catalog: Catalog) -> Result<Tokens, Error> {
        let store = Arc::new(crate::PostgresStore::at(address)?);
        let tokens = Tokens::builder(store.clone())
            .usage_store(store.clone())
            .change_feed(store)
            .catalog(catalog)
            .build()?;
        tokens.open().await?;
        Ok(tokens)
    }

    /// Tokens for tests: in memory, with a clock that stands still until it is moved, and nothing
    /// in the background. The catalogue is the reference one of a store platform, `products`,
    /// `orders`, `customers`, `webhooks` and `settings` with `read` and `write`, and
    /// `analytics:read`.
    ///
    /// ```
    /// # tokenward::block_on(async {
    /// use chrono::TimeDelta;
    /// use tokenward::{Need, NewToken, Tokens};
    /// let (tokens, clock) = Tokens::for_tests();
    /// let asked = NewToken::named("Trial").expires_in(TimeDelta::days(90));
    /// let issued = tokens.issue(asked).by("maria").await.unwrap();
    /// clock.advance(TimeDelta::days(91));
    /// let verdict = tokens.verify(issued.secret.expose(), &Need::live()).await.unwrap();
    /// assert_eq!(verdict.denied().unwrap().code(), "token-expired");
    /// # });
    /// ```
    pub fn for_tests() -> (Tokens, ManualClock) {
        let mut catalog = Catalog::new().scope("analytics:read", "See revenue reports and sales analytics");
        for resource in ["products", "orders", "customers", "webhooks", "settings"] {
            catalog = catalog
                .scope(format!("{resource}:read"), format!("Look at {resource}"))
                .scope(format!("{resource}:write"), format!("Change {resource}"));
        }
        Tokens::for_tests_with(catalog)
    }

    /// [`Tokens::for_tests`] with a catalogue of one's own.
    ///
    /// # Panics
    /// Where the catalogue is not right.
    pub fn for_tests_with(catalog: Catalog) -> (Tokens, ManualClock) {
        let clock = ManualClock::new();
        let store = Arc::new(MemoryStore::new());
        let tokens = Tokens::builder(store.clone())
            .usage_store(store)
            .catalog(catalog)
            .clock(clock.clone())
            .without_background()
            .build();
        (tokens.unwrap_or_else(|error| panic!("{error}")), clock)
    }
}
