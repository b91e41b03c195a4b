//! What the command line says.

use std::net::SocketAddr;
use std::path::PathBuf;

/// How the store is to run.
pub struct Options {
    pub address: SocketAddr,
    pub database: DatabaseKind,
    pub admin_token_file: Option<PathBuf>,
}

/// Where everything is kept.
pub enum DatabaseKind {
    /// In memory, gone with the process.
    Memory,
    /// In one SQLite file, the shops' tables and the tokens' side by side.
    Sqlite(PathBuf),
}

pub const HELP: &str = "\
A store platform with two shops, acme and globex, whose API is guarded by tokenward.

  --addr ADDRESS            where to listen (127.0.0.1:3000)
  --database DATABASE       sqlite:PATH, a path alone, or memory: (sqlite:store.db)
  --admin-token-file PATH   on the first start, write the shops' admin tokens there as
                            {\"acme\": \"...\", \"globex\": \"...\"}, readable by you alone
  --help                    show this";

impl Options {
    /// Reads the arguments; `None` asks for help.
    pub fn read(arguments: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
        let mut options = Options {
            address: SocketAddr::from(([127, 0, 0, 1], 3000)),
            database: DatabaseKind::Sqlite("store.db".into()),
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
        let path = text.strip_prefix("sqlite:").unwrap_or(text);
        if path.is_empty() || (path == text && text.contains("://")) {
            return Err(format!("{text:?} is no database here: try sqlite:store.db or memory:"));
        }
        Ok(DatabaseKind::Sqlite(path.into()))
    }
}
