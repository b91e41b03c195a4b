//! What the command line says.

use std::path::PathBuf;
use std::time::Duration;

use crate::format::Format;

/// What is replayed, and how.
pub struct Options {
    /// None is standard input.
    pub file: Option<PathBuf>,
    /// None is guessed from the first line.
    pub format: Option<Format>,
    /// None is memory.
    pub database: Option<PathBuf>,
    pub resume: bool,
    pub tokens: usize,
    /// None is no limit.
    pub per_minute: Option<u32>,
    pub clock: ClockKind,
    pub threads: usize,
    pub interval: Duration,
    pub progress: ProgressKind,
    pub json: bool,
}

/// What time it is for a line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ClockKind {
    /// The line's own.
    Log,
    /// The machine's.
    Now,
}

/// How it is shown how far it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ProgressKind {
    /// A bar on a terminal, nothing elsewhere.
    Auto,
    /// A line for each flush, for scripts.
    Plain,
    None,
}

pub const HELP: &str = "\
Pushes an access log through verification and recording at full speed, and prints what the statistics say of
it and what a call costs. Each user of the log (the client's address where no user is named) gets a token.

  replay [OPTIONS] FILE      or - for standard input: zcat access.log.gz | replay -

  --format FORMAT      combined (Apache, nginx) or json (a JSON object a line); guessed from the first line
  --database PATH      keep it all in this SQLite file (in memory); what is in it already counts as well
  --resume             go on after a kill with the same log and database: of each token, as many calls as
                       the database has are left out
  --tokens N           at most so many tokens; the users beyond share one (100000)
  --limit N            calls per minute and token; those above are refused and counted (none)
  --clock CLOCK        log: a call is made when the log says; now: at this moment (log)
  --threads N          how many threads verify and record, beside the one that reads (1)
  --interval SECONDS   how often what was counted is written (1)
  --progress KIND      auto, plain (a line for each flush) or none, on standard error (auto)
  --json               print the statistics as JSON, with every token and every endpoint
  --help               show this

A path becomes a template before it is counted: the query is cut off, and segments that are numbers, UUIDs or
long random words become {id}. To begin later in a log: tail -n +1000001 access.log | replay -";

impl Options {
    /// Reads the arguments; `None` asks for help.
    pub fn read(arguments: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
        let mut options = Options {
            file: None,
            format: None,
            database: None,
            resume: false,
            tokens: 100_000,
            per_minute: None,
            clock: ClockKind::Log,
            threads: 1,
            interval: Duration::from_secs(1),
            progress: ProgressKind::Auto,
            json: false,
        };
        let mut named = false;
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            if argument == "-" || !argument.starts_with('-') {
                if named {
                    return Err(format!("one log at a time: {argument:?} is one too many"));
                }
                named = true;
                options.file = (argument != "-").then(|| argument.into());
                continue;
            }
            // Both `--limit 60` and `--limit=60` are what people type.
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (argument, None),
            };
            let is_alone = value.is_none();
            let mut value = || {
                value
                    .clone()
                    .or_else(|| arguments.next())
                    .ok_or_else(|| format!("{name} needs a value; try --help"))
            };
            match name.as_str() {
                "--help" | "-h" => return Ok(None),
                "--resume" if is_alone => options.resume = true,
                "--json" if is_alone => options.json = true,
                "--resume" | "--json" => return Err(format!("{name} takes no value")),
                "--format" => {
                    let kinds = [("combined", Format::Combined), ("json", Format::Json)];
                    options.format = Some(one_of(&name, &value()?, &kinds)?);
                }
                "--database" => options.database = Some(value()?.into()),
                "--tokens" => options.tokens = number(&name, &value()?, 1, 10_000_000)?,
                "--limit" => {
                    let text = value()?;
                    options.per_minute = match text.as_str() {
                        "none" => None,
                        _ => Some(number(&name, &text, 1, 1_000_000)? as u32),
                    };
                }
                "--clock" => {
                    let kinds = [("log", ClockKind::Log), ("now", ClockKind::Now)];
                    options.clock = one_of(&name, &value()?, &kinds)?;
                }
                "--threads" => options.threads = number(&name, &value()?, 1, 256)?,
                "--interval" => {
                    let text = value()?;
                    let seconds = text.parse().ok().filter(|seconds| (0.01..=3_600.0).contains(seconds));
                    options.interval = seconds
                        .map(Duration::from_secs_f64)
                        .ok_or_else(|| format!("--interval {text:?}: give seconds from 0.01 to 3600"))?;
                }
                "--progress" => {
                    let kinds = [
                        ("auto", ProgressKind::Auto),
                        ("plain", ProgressKind::Plain),
                        ("none", ProgressKind::None),
                    ];
                    options.progress = one_of(&name, &value()?, &kinds)?;
                }
                _ => return Err(format!("there is no option {name}; try --help")),
            }
        }
        if !named {
            return Err("name a log, or - for standard input; try --help".to_owned());
        }
        if options.resume && options.database.is_none() {
            return Err("--resume needs the --database that was written to before".to_owned());
        }
        Ok(Some(options))
    }
}

fn one_of<T: Copy>(option: &str, text: &str, kinds: &[(&str, T)]) -> Result<T, String> {
    let found = kinds.iter().find(|(name, _)| *name == text);
    found.map(|(_, kind)| *kind).ok_or_else(|| {
        let names: Vec<_> = kinds.iter().map(|(name, _)| *name).collect();
        format!("{option} {text:?}: it is one of {}", names.join(", "))
    })
}

fn number(option: &str, text: &str, least: usize, greatest: usize) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (least..=greatest).contains(number));
    number.ok_or_else(|| format!("{option} {text:?}: give a number from {least} to {greatest}"))
}
