//! What the command line asks for.

use std::error::Error;
use std::time::Duration;

/// What the command line asks for.
pub struct Arguments {
    pub sizes: Vec<usize>,
    pub rounds: usize,
    /// How often a token is used, in seconds: what stands in its window depends on it.
    pub every: Duration,
    filter: Option<String>,
}

impl Arguments {
    pub fn read(mut words: impl Iterator<Item = String>) -> Result<Arguments, Box<dyn Error>> {
        let mut arguments = Arguments {
            sizes: vec![1_000, 100_000, 1_000_000],
            rounds: 301,
            every: Duration::from_secs(15),
            filter: None,
        };
        while let Some(word) = words.next() {
            let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
            match word.as_str() {
                "--sizes" => arguments.sizes = value.split(',').map(str::parse).collect::<Result<_, _>>()?,
                "--rounds" => arguments.rounds = value.parse()?,
                "--every" => arguments.every = Duration::from_secs(value.parse()?),
                "--filter" => arguments.filter = Some(value),
                _ => return Err(format!("{word}: known are --sizes, --rounds, --every and --filter").into()),
            }
        }
        Ok(arguments)
    }

    /// Whether this part is to be measured: `verify`, `refusal` or `threads`.
    pub fn wants(&self, part: &str) -> bool {
        self.filter.as_deref().is_none_or(|filter| part.contains(filter))
    }
}
