//! A store platform with two shops, served without any guard for now.

mod analytics;
mod customers;
mod database;
mod input;
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

use std::error::Error;
use std::path::PathBuf;

use axum::extract::Request;
use axum::http::header;
use axum::middleware::{self, Next};
use axum::response::Response;
use chrono::Utc;

use crate::database::Database;
use crate::shop::ShopName;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().init();
    let mut address = "127.0.0.1:3000".to_owned();
    let mut file = PathBuf::from("store.db");
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{argument} needs a value"))?;
        match argument.as_str() {
            "--addr" => address = value,
            "--database" => file = value.into(),
            _ => return Err(format!("{argument} is unknown; there are --addr and --database").into()),
        }
    }

    let database = Database::open(&file, Utc::now())?;
    let store = routes::shop(database.clone())
        .layer(middleware::from_fn(shop_of_host))
        .merge(routes::health(database))
        .fallback(problem::unknown_path);
    let listener = tokio::net::TcpListener::bind(&address).await?;
    println!("http://acme.localhost:{0} and http://globex.localhost:{0}", listener.local_addr()?.port());
    axum::serve(listener, store)
        .with_graceful_shutdown(async {
            if let Err(error) = tokio::signal::ctrl_c().await {
                tracing::error!(%error, "cannot listen for ctrl-c");
            }
        })
        .await?;
    Ok(())
}

async fn shop_of_host(mut request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("");
    let label = host.split(['.', ':']).next().unwrap_or("").to_ascii_lowercase();
    request.extensions_mut().insert(ShopName(label));
    next.run(request).await
}
