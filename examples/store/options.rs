//! What the command line says.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// How the store is to run.
pub struct Options {
    pub address: SocketAddr,
    pub database: DatabaseKind,
    /// Where the shops' own rows are, if tokens are in PostgreSQL.
    pub shop_data: PathBuf,
    /// Where requests are counted for all copies together.
    pub redis: Option<String>,
    pub lease: Option<Duration>,
    pub admin_token_file: Option<PathBuf>,
}

/// Where everything is kept.
pub enum DatabaseKind {
    /// In memory, gone with the process.
    Memory,
    /// In one SQLite file, the shops' tables and the tokens' side by side.
    Sqlite(PathBuf),
    /// The tokens in PostgreSQL, at this address, for any number of copies.
    Postgres(String),
}

pub const HELP: &str = "\
A store platform with two shops, acme and globex, whose API is guarded by tokenward.

  --addr ADDRESS            where to listen (127.0.0.1:3000)
  --database DATABASE       sqlite:PATH, a path alone, memory:, or postgres://USER@HOST/DATABASE
                            for several copies that share their tokens (sqlite:store.db)
  --shop-data PATH          with PostgreSQL, the SQLite file of what the shops sell; copies on
                            one machine share it (shop.db)
  --redis ADDRESS           count limits in Redis, for all copies together: redis://HOST
  --lease TIME              with PostgreSQL, for how long a copy may answer without it, from 1s
                            to 60s (10s)
  --admin-token-file PATH   on the first start, write the shops' admin tokens there as
                            {\"acme\": \"...\", \"globex\": \"...\"}, readable by you alone
  --help                    show this";

impl Options {
    /// Reads the arguments; `None` asks for help.
    pub fn read(arguments: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
        let mut options = Options {
            address: SocketAddr::from(([127, 0, 0, 1], 3000)),
            database: DatabaseKind::Sqlite("store.db".into()),
            shop_data: "shop.db".into(),
            redis: None,
            lease: None,
            admin_token_file: None,
        };
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            // Both `--addr X` and `--addr=X` are what people type.
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (argument, None),
            };
            let mut value = || {
                value
                    .clone()
                    .or_else(|| arguments.next())
                    .ok_or_else(|| format!("{name} needs a value; try --help"))
            };
            match name.as_str() {
                "--help" | "-h" => return Ok(None),
                "--addr" => {
                    let text = value()?;
                    options.address = text.parse().map_err(|_| {
                        format!("{text:?} is no address to listen on: try --addr 127.0.0.1:3000")
                    })?;
                }
                "--database" => options.database = DatabaseKind::read(&value()?)?,
                "--shop-data" => options.shop_data = value()?.into(),
                "--redis" => options.redis = Some(redis(value()?)?),
                "--lease" => options.lease = Some(lease(&value()?)?),
                "--admin-token-file" => options.admin_token_file = Some(value()?.into()),
                _ => return Err(format!("there is no option {name}; try --help")),
            }
        }
        Ok(Some(options))
    }
}

impl DatabaseKind {
    fn read(text: &str) -> Result<DatabaseKind, String> {
        if text == "memory:" {
            return Ok(DatabaseKind::Memory);
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(DatabaseKind::Postgres(text.to_owned()));
        }
        let path = text.strip_prefix("sqlite:").unwrap_or(text);
        if path.is_empty() || (path == text && text.contains("://")) {
            let text = without_password(text);
            return Err(format!(
                "{text:?} is no database here: try sqlite:store.db or memory: or postgres://localhost/store"
            ));
        }
        Ok(DatabaseKind::Sqlite(path.into()))
    }

    /// What it is called, for people.
    pub fn place(&self) -> String {
        match self {
            DatabaseKind::Memory => "memory".to_owned(),
            DatabaseKind::Sqlite(path) => path.display().to_string(),
            DatabaseKind::Postgres(address) => without_password(address),
        }
    }
}

fn redis(text: String) -> Result<String, String> {
    if text.starts_with("redis://") || text.starts_with("redis+unix://") {
        return Ok(text);
    }
    Err(format!("{:?} is no address of Redis: try redis://localhost", without_password(&text)))
}

fn lease(text: &str) -> Result<Duration, String> {
    let number = text.strip_suffix('s').and_then(|number| number.parse().ok());
    let seconds = number.filter(|seconds| (1..=60).contains(seconds));
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| format!("{text:?} is no lease: try --lease 10s, up to 60s"))
}

/// An address that may be shown: with `PASSWORD` in the place of one.
pub fn without_password(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let shown = match authority.rsplit_once('@') {
        Some((login, host)) => match login.split_once(':') {
            Some((user, _)) => format!("{user}:PASSWORD@{host}"),
            None => authority.to_owned(),
        },
        None => authority.to_owned(),
    };
    let path = match path.split_once("password=") {
        Some((before, after)) => {
            let after = after.find('&').map_or("", |end| &after[end..]);
            format!("{before}password=PASSWORD{after}")
        }
        None => path.to_owned(),
    };
    format!("{scheme}://{shown}{path}")
}
