//! What the command line says.

use std::net::IpAddr;
use std::path::PathBuf;

use chrono::{DateTime, Utc};

use crate::access::Known;

/// How the demonstration is to run.
pub struct Options {
    pub seed: u64,
    pub clock: DateTime<Utc>,
    pub host: IpAddr,
    pub port: u16,
    pub database: Option<PathBuf>,
    pub mount: String,
    pub nest: Option<String>,
    pub access: Known,
    pub policy: Option<String>,
    pub public_path: Option<String>,
    pub trust_forwarded_prefix: bool,
    pub empty: bool,
}

pub const HELP: &str = "\
The dashboard with made-up tokens and a clock that stands still: what the tests in the browser look at.

  --seed NUMBER             what ids, secrets and use are made of (42)
  --clock TIME              where the clock stands (2026-11-24T14:00:00Z)
  --host ADDRESS            where to listen (127.0.0.1)
  --port PORT               0 takes any that is free (0)
  --database PATH           keep everything in a SQLite file; one that is there is gone on with
  --mount PATH              where the dashboard is (/admin/tokens)
  --nest PATH               put the router with the dashboard below this path of another
  --access WHO              who comes: manage, orders (manages what holds orders:read alone), support,
                            read-only, sign-in, login, nobody or forbidden (manage); the cookie
                            demo_access says it of one browser
  --csp POLICY              a content security policy of the host, on every answer
  --public-path PATH        where browsers see the mount
  --trust-forwarded-prefix  believe X-Forwarded-Prefix
  --empty                   no tokens at all
  --help                    show this

It prints one line of JSON: the address of the dashboard, and the address of its controls, which move
the clock, write down what was counted, and call with tokens.";

impl Options {
    /// Reads the arguments; `None` asks for help.
    pub fn read(mut arguments: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
        let mut options = Options {
            seed: 42,
            clock: DateTime::UNIX_EPOCH,
            host: IpAddr::from([127, 0, 0, 1]),
            port: 0,
            database: None,
            mount: "/admin/tokens".to_owned(),
            nest: None,
            access: Known::Manage,
            policy: None,
            public_path: None,
            trust_forwarded_prefix: false,
            empty: false,
        };
        let mut clock = "2026-11-24T14:00:00Z".to_owned();
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{name} needs a value; try --help"));
            match name.as_str() {
                "--help" | "-h" => return Ok(None),
                "--seed" => options.seed = read(&name, &value()?)?,
                "--clock" => clock = value()?,
                "--host" => options.host = read(&name, &value()?)?,
                "--port" => options.port = read(&name, &value()?)?,
                "--database" => options.database = Some(value()?.into()),
                "--mount" => options.mount = value()?,
                "--nest" => options.nest = Some(value()?),
                "--access" => {
                    let text = value()?;
                    options.access = Known::named(&text)
                        .ok_or_else(|| format!("{text:?} says nothing of --access; try --help"))?;
                }
                "--csp" => options.policy = Some(value()?),
                "--public-path" => options.public_path = Some(value()?),
                "--trust-forwarded-prefix" => options.trust_forwarded_prefix = true,
                "--empty" => options.empty = true,
                _ => return Err(format!("there is no option {name}; try --help")),
            }
        }
        options.clock = read("--clock", &clock)?;
        Ok(Some(options))
    }
}

fn read<T: std::str::FromStr>(name: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text:?} is no value for {name}; try --help"))
}
