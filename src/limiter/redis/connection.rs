//! One connection to Redis.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client};
use tokio::sync::watch;

use super::failure;
use crate::LimiterError;

/// A connection, or the attempt to make one. It is never made anew: when it fails, whoever uses it is
/// told, and takes the next one.
#[derive(Clone)]
pub(super) struct Connection {
    /// How many there were before.
    pub(super) number: u64,
    ready: watch::Receiver<Option<Result<MultiplexedConnection, Failed>>>,
}

/// Why there is none. Several are told.
#[derive(Clone)]
struct Failed {
    is_unreachable: bool,
    words: String,
}

impl Connection {
    /// Begins to connect, which goes on whoever waits for it. Called within a runtime.
    pub(super) fn begin(client: Client, number: u64, budget: Duration) -> Connection {
        let (tell, ready) = watch::channel(None);
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(budget.max(Duration::from_secs(1))))
            .set_response_timeout(Some(budget.max(Duration::from_secs(1))));
        tokio::spawn(async move {
            let connected = client.get_multiplexed_async_connection_with_config(&config).await;
            let failed = |error| {
                let failure = failure::of(&error);
                Failed { is_unreachable: failure.is_unreachable(), words: failure.to_string() }
            };
            // Nobody may be left to tell.
            _ = tell.send(Some(connected.map_err(failed)));
        });
        Connection { number, ready }
    }

    pub(super) async fn ready(&self) -> Result<MultiplexedConnection, LimiterError> {
        let mut ready = self.ready.clone();
        let told = ready.wait_for(Option::is_some).await;
        match told.ok().and_then(|told| told.clone()) {
            Some(Ok(connection)) => Ok(connection),
            Some(Err(Failed { is_unreachable: true, words })) => Err(LimiterError::unreachable(words)),
            Some(Err(Failed { words, .. })) => Err(LimiterError::failed(words)),
            None => Err(LimiterError::failed("the connection to Redis was not made")),
        }
    }
}
