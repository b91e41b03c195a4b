//! What can go wrong with a limiter.

use std::fmt;

type Source = Box<dyn std::error::Error + Send + Sync + 'static>;

/// A limiter did not answer: whether the request was counted is not known.
///
/// What its source says is shown in [`LimiterHealth`](crate::limiter::LimiterHealth): it must not tell a
/// secret, such as the password of an address.
#[derive(Debug)]
pub struct LimiterError {
    is_unreachable: bool,
    source: Source,
}

impl LimiterError {
    /// Nobody is there: the connection was refused, or an answer says that none will come. It is not
    /// asked again for a while.
    pub fn unreachable(source: impl Into<Source>) -> LimiterError {
        LimiterError { is_unreachable: true, source: source.into() }
    }

    /// This call failed or took too long. After a few of them it is not asked for a while.
    pub fn failed(source: impl Into<Source>) -> LimiterError {
        LimiterError { is_unreachable: false, source: source.into() }
    }

    /// Whether asking the next time is of no use.
    pub fn is_unreachable(&self) -> bool {
        self.is_unreachable
    }
}

impl fmt::Display for LimiterError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the limiter does not answer: {}", self.source)
    }
}

impl std::error::Error for LimiterError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // Display has told what the source says.
        self.source.source()
    }
}
