//! Where connections come from.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use tokio_postgres::tls::MakeTlsConnect;
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
        <T::TlsConnect as tokio_postgres::tls::TlsConnect<Socket>>::Future: Send,
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

const CONNECTIONS: usize = 16;
const USAGE_CONNECTIONS: usize = 4;

impl PostgresStore {
    /// [`PostgresStore::at`] over TLS, by any connector of the `tokio-postgres` family.
    ///
    /// # Errors
    /// Where the address cannot be read.
    pub fn with_tls<T>(address: &str, tls: T) -> Result<PostgresStore, StoreError>
    where
        T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
        T::Stream: Send + Sync,
        T::TlsConnect: Send + Sync,
        <T::TlsConnect as tokio_postgres::tls::TlsConnect<Socket>>::Future: Send,
    {
        let mut config: Config = address.parse().map_err(|error: tokio_postgres::Error| {
            // Never with the address, in which a password may stand.
            StoreError::broken(format!("the address of the database cannot be read: {error}"))
        })?;
        // Half-open connections are noticed, and none is waited for without end.
        config.connect_timeout(Duration::from_secs(3));
        config.keepalives_idle(Duration::from_secs(15));
        config.tcp_user_timeout(Duration::from_secs(10));
        if config.get_application_name().is_none() {
            config.application_name("tokenward");
        }
        let pool = |connections| {
            let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
            Pool::builder(Manager::from_config(config.clone(), tls.clone(), recycling))
                .max_size(connections)
                .runtime(Runtime::Tokio1)
                .build()
                .map_err(StoreError::broken)
        };
        Ok(PostgresStore {
            runtime: IoRuntime::start("tokenward-postgres", 1)?,
            pool: pool(CONNECTIONS)?,
            usage_pool: pool(USAGE_CONNECTIONS)?,
            connecting: Connecting::new(config, tls),
            listening: Listening::default(),
            schema: Schema::default(),
            patience: PATIENCE,
        })
    }
}
