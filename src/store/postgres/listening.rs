//! Hearing of changes as soon as they are committed: LISTEN, on a connection of its own.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use deadpool_postgres::Pool;
use tokio::runtime::Handle;
use tokio::sync::watch::{Receiver, Sender};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_postgres::types::Type;
use tokio_postgres::{AsyncMessage, Client};

use super::connecting::{Connecting, Messages};
use super::session::{Session, tried};
use super::{PATIENCE, PostgresStore};
use crate::StoreError;
use crate::changes::{Hint, Hints};
use crate::randomness::{Randomness, SystemRandomness};

/// Between two tries to connect: the first, and the longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(5)];
/// After so long in which nothing was heard it makes sure that it still hears.
const QUIET: Duration = Duration::from_secs(5);
/// After so long it tries again to send what could not be sent.
const UNSENT: Duration = Duration::from_secs(1);
/// So long a notification may take.
const ANSWER: Duration = Duration::from_secs(2);
/// Where notifications do not arrive, it is tried again after this.
const DEAF: Duration = Duration::from_secs(30);

/// What a notification begins with by which it is found out whether any arrive. Those of changes are
/// numbers.
const PROBE: &str = "probe ";

/// Those who listen, and the task that hears for them once there is one.
#[derive(Default)]
pub(super) struct Listening {
    shared: Arc<Shared>,
    started: OnceLock<()>,
}

#[derive(Default)]
struct Shared {
    hints: Hints,
    hears: AtomicBool,
}

impl Listening {
    /// Where nothing is known of how to connect, nothing is ever heard.
    pub(super) fn listen(&self, hint: Hint, store: &PostgresStore) {
        let Some(connecting) = &store.connecting else { return };
        self.shared.hints.add(hint);
        self.started.get_or_init(|| {
            let ear = Ear {
                shared: self.shared.clone(),
                connecting: connecting.clone(),
                pool: store.pool.clone(),
                channel: store.schema.channel(),
            };
            // It ends with the runtime, which ends with the store.
            store.runtime.handle().spawn(ear.listen());
        });
    }

    pub(super) fn hears(&self) -> bool {
        self.shared.hears.load(Ordering::Acquire)
    }
}

/// The task that hears.
struct Ear {
    shared: Arc<Shared>,
    connecting: Connecting,
    /// What others hear is sent through this, as changes are.
    pool: Pool,
    channel: String,
}

/// What was heard on a connection.
struct Heard {
    at: Instant,
    /// The probe that has not come yet.
    awaited: Option<String>,
    is_lost: bool,
}

/// Why a connection is given up.
enum End {
    Lost,
    /// It is there, and what was sent did not arrive.
    Deaf,
}

impl Ear {
    async fn listen(self) {
        let mut pause = PAUSES[0];
        // How often in a row a probe did not arrive. Once may be a connection that is only half open.
        let mut deaf = 0_u32;
        loop {
            match timeout(PATIENCE, self.connect()).await {
                Ok(Ok((client, heard))) => {
                    // Something may have been missed.
                    self.shared.hints.give();
                    let begin = Instant::now();
                    let end = self.hear(&heard, &mut deaf).await;
                    drop(client);
                    if begin.elapsed() > QUIET {
                        pause = PAUSES[0];
                    }
                    if matches!(end, End::Deaf) {
                        deaf += 1;
                        self.say_that_it_is_deaf(deaf);
                    }
                }
                Ok(Err(error)) => tracing::debug!(%error, "no connection to listen for changes of tokens"),
                Err(_) => tracing::debug!("no connection to listen for changes of tokens in time"),
            }
            if self.shared.hears.swap(false, Ordering::AcqRel) {
                // Whoever relies on hints is to ask by itself from now on.
                self.shared.hints.give();
            }
            sleep(if deaf > 1 { DEAF } else { pause }).await;
            pause = (2 * pause).min(PAUSES[1]);
        }
    }

    /// A connection that listens, and what is heard on it.
    async fn connect(&self) -> Result<(Client, Sender<Heard>), StoreError> {
        let (client, messages) = self.connecting.connect().await.map_err(StoreError::unavailable)?;
        let heard = Sender::new(Heard { at: Instant::now(), awaited: None, is_lost: false });
        tokio::spawn(receive(messages, self.channel.clone(), self.shared.clone(), heard.clone()));
        let listen = format!("LISTEN \"{}\"", self.channel);
        client.batch_execute(&listen).await.map_err(StoreError::unavailable)?;
        Ok((client, heard))
    }

    /// Makes sure, again and again, that what is sent arrives; until it does not.
    async fn hear(&self, heard: &Sender<Heard>, deaf: &mut u32) -> End {
        let mut receiver = heard.subscribe();
        loop {
            let mut rest = QUIET;
            match self.probe(heard, &mut receiver).await {
                Ok(None) => {
                    self.shared.hears.store(true, Ordering::Release);
                    if std::mem::take(deaf) > 1 {
                        tracing::info!(
                            channel = self.channel,
                            "notifications of changes of tokens arrive again"
                        );
                    }
                }
                Ok(Some(end)) => return end,
                // Nothing was sent, so that nothing is known: changes cannot be asked for either.
                Err(error) => {
                    tracing::debug!(%error, "no notification could be sent");
                    rest = UNSENT;
                }
            }
            let begin = Instant::now();
            loop {
                let over = receiver.borrow().at.max(begin) + rest;
                if timeout_at(over, receiver.wait_for(|heard| heard.is_lost)).await.is_ok() {
                    return End::Lost;
                }
                // What others have sent meanwhile shows the same.
                if receiver.borrow().at.max(begin) + rest <= over {
                    break;
                }
            }
        }
    }

    /// Sends a notification in the way in which changes do, and waits for it.
    async fn probe(
        &self,
        heard: &Sender<Heard>,
        receiver: &mut Receiver<Heard>,
    ) -> Result<Option<End>, StoreError> {
        let mut random = [0; 16];
        SystemRandomness.fill(&mut random).map_err(StoreError::unavailable)?;
        let payload = format!("{PROBE}{:032x}", u128::from_ne_bytes(random));
        heard.send_modify(|heard| heard.awaited = Some(payload.clone()));
        let (channel, payload) = (&self.channel, &payload);
        let send = |mut session: Session| async move {
            let parameters = [(channel as _, Type::TEXT), (payload as _, Type::TEXT)];
            session.rows("SELECT pg_notify($1, $2)", &parameters).await
        };
        tried(&self.pool, &Handle::current(), PATIENCE, send).await?;
        let arrives = receiver.wait_for(|heard| heard.awaited.is_none() || heard.is_lost);
        Ok(match timeout(ANSWER, arrives).await {
            Ok(Ok(heard)) if !heard.is_lost => None,
            Ok(_) => Some(End::Lost),
            Err(_) => Some(End::Deaf),
        })
    }

    /// Once, where it was tried on a second connection in vain.
    fn say_that_it_is_deaf(&self, times: u32) {
        if times == 2 {
            tracing::warn!(
                channel = self.channel,
                "notifications of changes of tokens do not arrive here: is there a pooler in between that hands \
                 out connections for one transaction at a time (pgbouncer), or a server that drops them? The \
                 database is asked at intervals instead, and a change is known on every node only within the \
                 length of a lease. Give PostgresStore::listening_on an address without such a pooler"
            );
        }
    }
}

/// Hears until the connection is gone.
async fn receive(mut messages: Messages, channel: String, shared: Arc<Shared>, heard: Sender<Heard>) {
    while let Some(Ok(message)) = poll_fn(&mut messages).await {
        let AsyncMessage::Notification(notification) = message else { continue };
        if notification.channel() != channel {
            continue;
        }
        let payload = notification.payload();
        if !payload.starts_with(PROBE) {
            shared.hints.give();
        }
        heard.send_modify(|heard| {
            heard.at = Instant::now();
            heard.awaited.take_if(|awaited| *awaited == payload);
        });
    }
    heard.send_modify(|heard| heard.is_lost = true);
}
