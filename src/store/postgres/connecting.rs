//! Where connections come from.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use tokio::sync::Semaphore;
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{AsyncMessage, Client, Config, Error, Socket};

use super::listening::Listening;
use super::sql::Schema;
use super::{PATIENCE, PostgresStore};
use crate::StoreError;
use crate::executor::IoRuntime;

/// How a connection of its own is made, beside the pools: the one that listens.
#[derive(Clone)]
pub(super) struct Connecting(Arc<dyn Fn() -> Connected + Send + Sync>);

type Connected = Pin<Box<dyn Future<Output = Result<(Client, Messages), Error>> + Send>>;

/// Drives a connection when it is polled, and gives what the server says unasked. A pool throws that
/// away.
pub(super) type Messages =
    Box<dyn FnMut(&mut Context<'_>) -> Poll<Option<Result<AsyncMessage, Error>>> + Send>;

impl Connecting {
    fn new<T>(config: Config, tls: T) -> Connecting
    where
        T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
        T::Stream: Send + Sync,
        T::TlsConnect: Send + Sync,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        Connecting(Arc::new(move || {
            let (config, tls) = (config.clone(), tls.clone());
            Box::pin(async move {
                let (client, mut connection) = config.connect(tls).await?;
                let messages: Messages = Box::new(move |context| connection.poll_message(context));
                Ok((client, messages))
            })
        }))
    }

    pub(super) async fn connect(&self) -> Result<(Client, Messages), Error> {
        (self.0)().await
    }
}

/// How use leaves enough connections to what somebody waits for.
pub(super) enum Share {
    /// It has a pool of its own. Pools are made by this, of so many connections.
    Apart(MakePool),
    /// The pool is the service's: whoever adds use takes a turn, of which there are fewer.
    Turns(Semaphore),
}

pub(super) type MakePool = Box<dyn Fn(usize) -> Result<Pool, StoreError> + Send + Sync>;

const CONNECTIONS: usize = 16;
const USAGE_CONNECTIONS: usize = 4;
const CONNECTING: Duration = Duration::from_secs(3);
/// After so long in which a connection was silent it is asked whether it is still there.
const KEPT_ALIVE: Duration = Duration::from_secs(15);
/// After so long in which nothing that was sent was received it is given up.
const UNHEARD: Duration = Duration::from_secs(10);

/// What an address says, and what has to hold of every connection of ours.
fn configured(address: &str) -> Result<Config, StoreError> {
    // In what the driver says of it a part of a password may stand, if that is not quoted as it should.
    let mut config: Config = address.parse().map_err(|_| {
        StoreError::broken(
            "the address of the database cannot be read: it is like postgres://user:password@host:5432/database, \
             where a password has its special characters as %40, or like host=… user=… password='…' dbname=…",
        )
    })?;
    // Half-open connections are noticed, and none is waited for without end.
    config.connect_timeout(CONNECTING);
    config.keepalives_idle(KEPT_ALIVE);
    config.tcp_user_timeout(UNHEARD);
    // Of several hosts the primary is found, and after a failover the new one.
    config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    if config.get_application_name().is_none() {
        config.application_name("tokenward");
    }
    Ok(config)
}

impl PostgresStore {
    /// [`PostgresStore::at`] over TLS, by any connector of the `tokio-postgres` family.
    ///
    /// # Errors
    /// Broken where the address cannot be read, unavailable where the system has no thread to give.
    pub fn with_tls<T>(address: &str, tls: T) -> Result<PostgresStore, StoreError>
    where
        T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
        T::Stream: Send + Sync,
        T::TlsConnect: Send + Sync,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let config = configured(address)?;
        let connecting = Connecting::new(config.clone(), tls.clone());
        let pool: MakePool = Box::new(move |connections| {
            let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
            Pool::builder(Manager::from_config(config.clone(), tls.clone(), recycling))
                .max_size(connections)
                .runtime(Runtime::Tokio1)
                .build()
                .map_err(StoreError::broken)
        });
        let pools = (pool(CONNECTIONS)?, pool(USAGE_CONNECTIONS)?);
        PostgresStore::over(pools, Share::Apart(pool), Some(connecting))
    }

    /// On a pool of the service's own, whose size, time limits and TLS are then the service's. Use
    /// takes at most half of its connections, so that it never keeps a verification waiting.
    ///
    /// A pool cannot tell what it hears unasked. With [`PostgresStore::listening_on`] the nodes hear of
    /// each other's changes at once; without it they ask at intervals.
    ///
    /// # Errors
    /// Unavailable where the system has no thread to give.
    pub fn on_pool(pool: Pool) -> Result<PostgresStore, StoreError> {
        let turns = Semaphore::new((pool.status().max_size / 2).max(1));
        PostgresStore::over((pool.clone(), pool), Share::Turns(turns), None)
    }

    /// Where a connection of its own is made on which to hear of changes: needed beside
    /// [`PostgresStore::on_pool`], or where the pools go through a pooler that hands out connections for
    /// one transaction at a time. It must lead to the same database, without such a pooler.
    ///
    /// # Errors
    /// Broken where the address cannot be read.
    pub fn listening_on<T>(mut self, address: &str, tls: T) -> Result<PostgresStore, StoreError>
    where
        T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
        T::Stream: Send + Sync,
        T::TlsConnect: Send + Sync,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        self.connecting = Some(Connecting::new(configured(address)?, tls));
        Ok(self)
    }

    /// How many connections there may be: for what somebody waits for, verifications and changes, 16
    /// unless set, and for use, 4 unless set; at least one each. A pool of the service's own keeps its
    /// size, and use may take so many of it.
    ///
    /// # Errors
    /// Broken where a pool cannot be made.
    pub fn connections(mut self, tokens: usize, usage: usize) -> Result<PostgresStore, StoreError> {
        let (tokens, usage) = (tokens.max(1), usage.max(1));
        match &mut self.share {
            Share::Turns(turns) => *turns = Semaphore::new(usage),
            // Made anew: a pool that is made smaller before it has a connection gives out as many as before.
            Share::Apart(pool) => (self.pool, self.usage_pool) = (pool(tokens)?, pool(usage)?),
        }
        Ok(self)
    }

    fn over(
        (pool, usage_pool): (Pool, Pool),
        share: Share,
        connecting: Option<Connecting>,
    ) -> Result<PostgresStore, StoreError> {
        Ok(PostgresStore {
            runtime: IoRuntime::start("tokenward-postgres", 1)?,
            connecting,
            listening: Listening::default(),
            pool,
            usage_pool,
            share,
            schema: Schema::default(),
            patience: PATIENCE,
        })
    }
}
