//! A store platform with two shops, whose API is guarded by tokenward: the example that shows all
//! of it at work. `--help` says what it takes.

mod analytics;
mod attention;
mod catalog;
mod customers;
mod database;
mod first_start;
mod greeting;
mod input;
mod login;
mod options;
mod orders;
mod paging;
mod problem;
mod products;
mod routes;
mod seed;
mod seed_words;
mod settings;
mod shop;
mod text_enum;
mod webhooks;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use chrono::Utc;
use tokenward::admin::AdminApi;
use tokenward::dashboard::Dashboard;
use tokenward::limiter::RedisLimiter;
use tokenward::{MemoryStore, PostgresStore, SqliteStore, TokenStore, Tokens, TokensBuilder, UsageStore};
use tokio::net::TcpListener;

use crate::database::Database;
use crate::options::{DatabaseKind, HELP, Options};

/// The domain below which each shop has its host.
const DOMAIN: &str = "localhost";
/// How long a client that dawdles can keep the store from stopping.
const PATIENCE: Duration = Duration::from_secs(3);

#[tokio::main]
async fn main() -> ExitCode {
    let level = std::env::var("RUST_LOG").ok().and_then(|level| level.parse().ok());
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false);
    log.with_max_level(level.unwrap_or(tracing::Level::WARN)).init();
    let options = match Options::read(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(mistake) => return fail(&mistake),
    };
    match run(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(mistake) => fail(&mistake),
    }
}

fn fail(mistake: &str) -> ExitCode {
    eprintln!("{mistake}");
    ExitCode::FAILURE
}

async fn run(options: Options) -> Result<(), String> {
    // The port first: whoever starts it twice by mistake learns it before anything is written.
    let listener = listen(options.address).await?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let (tokens, shops) = open(&options).await?;

    let first = first_start::issue(&tokens).await.map_err(|error| explain(&error))?;
    match (&options.admin_token_file, &first) {
        (Some(path), Some(first)) => first_start::write_admin_tokens(path, first)
            .map_err(|error| format!("the admin tokens cannot be written to {}: {error}", path.display()))?,
        (Some(path), None) if !path.exists() => {
            eprintln!("{} is not written: the admin tokens were made on an earlier start", path.display());
        }
        _ => {}
    }

    let app = app(&tokens, shops);
    match &first {
        Some(first) => greeting::first(address, first, &options),
        None => greeting::again(address, &options),
    }
    drop(first);
    serve(listener, app).await.map_err(|error| error.to_string())?;
    tokens
        .shutdown()
        .await
        .map_err(|error| format!("the last use of tokens is not written: {}", explain(&error)))
}

/// The shops behind the guard, and beside it the admin API, the dashboard and the login.
fn app(tokens: &Tokens, shops: Database) -> Router {
    let guard = tokens.guard(catalog::rules()).tenant_from_subdomain_of(DOMAIN).realm("store");
    let admin = AdminApi::new(tokens.clone()).tenant_from_subdomain_of(DOMAIN).at("/admin/api/v1");
    let sessions = login::Sessions::new(tokens);
    let who_may_see = sessions.clone();
    let dashboard = Dashboard::new(tokens.clone())
        .title("Store")
        .tenant_from_subdomain_of(DOMAIN)
        .example_url("http://{host}/{resource}")
        .authorize(move |parts| {
            let sessions = who_may_see.clone();
            async move { sessions.access(parts).await }
        });
    routes::shop(shops.clone())
        .merge(routes::health(shops))
        .route_layer(guard)
        .merge(admin)
        .merge(dashboard.at(login::DASHBOARD))
        .merge(login::routes(sessions))
        .fallback(problem::unknown_path)
}

async fn open(options: &Options) -> Result<(Tokens, Database), String> {
    let place = options.database.place();
    let cannot_open = |place: &str, why: &dyn std::fmt::Display| format!("{place} cannot be opened: {why}");
    let file = match &options.database {
        DatabaseKind::Memory => Path::new(":memory:"),
        DatabaseKind::Sqlite(path) => path,
        DatabaseKind::Postgres(_) => &options.shop_data,
    };
    let shops = Database::open(file, Utc::now());
    let shops = shops.map_err(|error| cannot_open(&file.display().to_string(), &error))?;
    let mut builder = match &options.database {
        DatabaseKind::Memory => tokens_in(Arc::new(MemoryStore::new())),
        DatabaseKind::Sqlite(path) => tokens_in(Arc::new(SqliteStore::at(path))),
        DatabaseKind::Postgres(address) => {
            let store = PostgresStore::at(address).map_err(|error| cannot_open(&place, &explain(&error)))?;
            let store = Arc::new(store);
            tokens_in(store.clone()).change_feed(store)
        }
    };
    if let Some(address) = &options.redis {
        let limiter = RedisLimiter::at(address).map_err(|error| explain(&error))?;
        builder = builder.limiter(Arc::new(limiter));
    }
    if let Some(lease) = options.lease {
        builder = builder.lease(lease);
    }
    let tokens = builder.build().map_err(|error| explain(&error))?;
    tokens.open().await.map_err(|error| cannot_open(&place, &explain(&error)))?;
    Ok((tokens, shops))
}

/// Tokens that are kept where their use is kept, start with a word of their own, and say on the
/// terminal what deserves attention.
fn tokens_in<S: TokenStore + UsageStore>(store: Arc<S>) -> TokensBuilder {
    Tokens::builder(store.clone())
        .usage_store(store)
        .catalog(catalog::catalog())
        .prefix("store_live")
        .on_event_blocking(attention::tell)
}

async fn listen(address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => {
            let next = SocketAddr::new(address.ip(), address.port().wrapping_add(1).max(1024));
            format!("port {} is taken: try --addr {next}", address.port())
        }
        _ => format!("cannot listen on {address}: {error}"),
    })
}

/// Serves until it is told to stop, and then for as long as requests under way may take.
async fn serve(listener: TcpListener, app: Router) -> std::io::Result<()> {
    let (stop, stopping) = tokio::sync::watch::channel(false);
    tokio::spawn(async move {
        told_to_stop().await;
        _ = stop.send(true);
    });
    let stopped = |mut stopping: tokio::sync::watch::Receiver<bool>| async move {
        _ = stopping.wait_for(|stop| *stop).await;
    };
    let server = axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>());
    let server = server.with_graceful_shutdown(stopped(stopping.clone())).into_future();
    tokio::select! {
        served = server => served,
        () = async { stopped(stopping).await; tokio::time::sleep(PATIENCE).await } => Ok(()),
    }
}

/// Ctrl-C, or the signal by which a supervisor stops a service.
async fn told_to_stop() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    _ = interrupted.await;
}

/// An error with what it came from.
fn explain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
