//! The dashboard with made-up tokens, a clock that stands still and secrets from a seed: the same page
//! on every start, for the tests in the browser. `--help` says what it takes.

mod access;
mod catalog;
mod controls;
mod dice;
mod options;
mod past;
mod plan;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::get;
use chrono::TimeDelta;
use tokenward::admin::AdminApi;
use tokenward::dashboard::Dashboard;
use tokenward::{ManualClock, MemoryStore, SqliteStore, TokenStore, Tokens, TokensBuilder, UsageStore};
use tokio::net::TcpListener;

use crate::controls::Controls;
use crate::dice::{Dice, SeededRandomness};
use crate::options::{HELP, Options};

/// How long before `--clock` the first token is made.
const PAST: TimeDelta = TimeDelta::days(210);

#[tokio::main]
async fn main() -> ExitCode {
    let level = std::env::var("RUST_LOG").ok().and_then(|level| level.parse().ok());
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false);
    log.with_max_level(level.unwrap_or(tracing::Level::WARN)).init();
    let ended = match Options::read(std::env::args().skip(1)) {
        Ok(Some(options)) => run(options).await,
        Ok(None) => {
            println!("{HELP}");
            Ok(())
        }
        Err(mistake) => Err(mistake.into()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(mistake) => {
            eprintln!("{mistake}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), Box<dyn std::error::Error>> {
    let is_new = options.database.as_ref().is_none_or(|path| !path.exists());
    let is_filled = is_new && !options.empty;
    let clock = ManualClock::at(if is_filled { options.clock - PAST } else { options.clock });
    let builder = match &options.database {
        Some(path) => tokens_in(Arc::new(SqliteStore::at(path))),
        None => tokens_in(Arc::new(MemoryStore::new())),
    };
    // Another seed on a second start: ids that are there would be made again.
    let seed = if is_new { options.seed } else { options.seed ^ options.clock.timestamp() as u64 };
    let tokens = builder
        .catalog(catalog::catalog())
        .prefix("acme_live")
        .clock(clock.clone())
        .randomness(SeededRandomness::new(seed))
        .without_background()
        .build()?;
    tokens.open().await?;
    // No secrets: anybody can make them from the seed.
    let secrets = options.database.as_ref().map(|path| path.with_extension("secrets.json"));
    let mut made = BTreeMap::new();
    if is_filled {
        let mut dice = Dice::new(options.seed);
        made = past::play(&tokens, &clock, options.clock, &plan::plans(), &mut dice).await?;
        if let Some(secrets) = secrets {
            std::fs::write(secrets, serde_json::to_vec(&made)?)?;
        }
    } else if let Some(secrets) = secrets.filter(|secrets| secrets.exists()) {
        made = serde_json::from_slice(&std::fs::read(secrets)?)?;
    }

    let listener = TcpListener::bind((options.host, options.port)).await?;
    let controls_listener = TcpListener::bind((options.host, 0)).await?;
    let address = listener.local_addr()?;
    let mount = format!("{}{}", options.nest.as_deref().unwrap_or_default(), options.mount);
    println!(
        "{}",
        serde_json::json!({
            "dashboard": format!("http://{address}{}/", mount.trim_end_matches('/')),
            "controls": format!("http://{}", controls_listener.local_addr()?),
        })
    );
    let app = app(&tokens, &options)?;
    let controls = controls::router(Controls { tokens: tokens.clone(), clock, made });
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::select! {
        served = axum::serve(listener, app).into_future() => served?,
        served = axum::serve(controls_listener, controls).into_future() => served?,
        _ = tokio::signal::ctrl_c() => {}
    }
    tokens.shutdown().await?;
    Ok(())
}

fn tokens_in<S: TokenStore + UsageStore>(store: Arc<S>) -> TokensBuilder {
    Tokens::builder(store.clone()).usage_store(store)
}

/// The dashboard, the admin API, a guarded API and a few pages of the host, which has assets as well.
fn app(tokens: &Tokens, options: &Options) -> Result<Router, Box<dyn std::error::Error>> {
    let who = options.access;
    let mut dashboard = Dashboard::new(tokens.clone())
        .title("Acme Store")
        .back_link("/host")
        .tenant(access::tenant())
        .example_url("http://{host}/v1/orders")
        .note("This shop is made up.");
    if let Some(path) = &options.public_path {
        dashboard = dashboard.public_path(path);
    }
    if options.trust_forwarded_prefix {
        dashboard = dashboard.trust_forwarded_prefix();
    }
    let dashboard = dashboard.authorize(move |parts| async move { who.of(&parts) }).at(&options.mount);
    let api = AdminApi::new(tokens.clone())
        .tenant(access::tenant())
        .authorize(move |parts| async move { who.of(&parts) })
        .at("/admin/api/v1");

    let guard = tokens.guard(catalog::rules()).tenant(access::tenant());
    let data = Router::new()
        .route("/v1/orders", get(|| async { "[]" }))
        .route("/v1/orders/{id}", get(|| async { "{}" }))
        .route("/v1/products", get(|| async { "[]" }))
        .route_layer(guard);
    let mut app = Router::new().merge(data).merge(api).merge(dashboard);
    if let Some(path) = &options.nest {
        app = Router::new().nest(path, app);
    }
    if options.nest.is_some() || !options.mount.trim_end_matches('/').is_empty() {
        app = app
            .route("/host", get(|| async { "The host's own page." }))
            .route("/login", get(|| async { "The host's own login." }))
            .route("/assets/{file}", get(|| async { (StatusCode::NOT_FOUND, "The host has no such file.") }));
    }
    if let Some(policy) = &options.policy {
        let policy = HeaderValue::from_str(policy)?;
        app = app.layer(axum::middleware::map_response(move |mut response: Response| {
            let policy = policy.clone();
            async move {
                response.headers_mut().append("content-security-policy", policy);
                response
            }
        }));
    }
    Ok(app)
}
