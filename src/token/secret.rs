//! The whole text of a token, which is shown once.

use std::fmt;

use zeroize::{Zeroize, Zeroizing};

use super::{BODY_LENGTH, Digest, ID_LENGTH, Prefix, SECRET_LENGTH, TokenId, alphabet};
use crate::randomness::{Randomness, RandomnessFailed};

/// The whole text of a token: shown once, when it is issued or rotated, and never stored.
///
/// Not `Clone`, not `Display`, not `Serialize`, and redacted in `Debug`, so that showing it is
/// always the named act [`Token::expose`]. The text is wiped when this is dropped, as far as that
/// can be done: a framework's copy of it is out of reach.
///
/// ```
/// # tokenward::block_on(async {
/// use tokenward::{NewToken, Tokens};
/// let (tokens, _clock) = Tokens::for_tests();
/// let issued = tokens.issue(NewToken::named("Nightly export")).by("maria").await.unwrap();
/// assert!(issued.secret.expose().starts_with("tw_"));
/// assert_eq!(format!("{:?}", issued.secret), "Token(redacted)");
/// # });
/// ```
// Not `Clone`: each copy would be one more place that has to forget it.
pub struct Token(Zeroizing<String>);

impl Token {
    /// Draws a new secret for `id`, with over 192 random bits.
    pub(crate) fn draw(
        prefix: &Prefix,
        id: &TokenId,
        randomness: &dyn Randomness,
    ) -> Result<Token, RandomnessFailed> {
        let mut text = Zeroizing::new(String::with_capacity(prefix.as_str().len() + 1 + BODY_LENGTH));
        for _ in 0..alphabet::DRAWS {
            let mut bytes = [0; 27];
            let mut secret = [0; SECRET_LENGTH];
            randomness.fill(&mut bytes)?;
            let fits = alphabet::encode(&bytes, &mut secret);
            bytes.zeroize();
            text.clear();
            text.push_str(prefix.as_str());
            text.push('_');
            text.push_str(id.as_str());
            text.push_str(std::str::from_utf8(&secret).expect("base64 is ASCII"));
            secret.zeroize();
            let checksum = alphabet::checksum(text.as_bytes());
            if fits && !checksum.contains(&b'-') {
                text.push_str(std::str::from_utf8(&checksum).expect("base64 is ASCII"));
                return Ok(Token(text));
            }
        }
        Err(RandomnessFailed)
    }

    /// The text, to be shown to its holder now: it cannot be had again. Keep it out of logs,
    /// URLs and rows.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub(crate) fn digest(&self) -> Digest {
        Digest::of(&self.body()[..ID_LENGTH + SECRET_LENGTH])
    }

    /// What a listing may show of the secret: the last four characters before the checksum.
    pub(crate) fn last_four(&self) -> &str {
        let end = self.0.len() - super::CHECKSUM_LENGTH;
        &self.0[end - 4..end]
    }

    fn body(&self) -> &[u8] {
        &self.0.as_bytes()[self.0.len() - BODY_LENGTH..]
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::randomness::SystemRandomness;

    #[test]
    fn tokens_are_all_different_and_no_character_is_preferred() {
        const DRAWN: usize = 100_000;
        let prefix = Prefix::default();
        let mut seen = HashSet::with_capacity(DRAWN);
        let mut counts = vec![[0_u32; 256]; ID_LENGTH + SECRET_LENGTH];
        for _ in 0..DRAWN {
            let id = TokenId::random(&SystemRandomness).unwrap();
            let token = Token::draw(&prefix, &id, &SystemRandomness).unwrap();
            for (counts, byte) in counts.iter_mut().zip(token.body()) {
                counts[usize::from(*byte)] += 1;
            }
            let secret: [u8; SECRET_LENGTH] = token.body()[ID_LENGTH..][..SECRET_LENGTH].try_into().unwrap();
            assert!(seen.insert((id, secret)));
        }
        let secrets: HashSet<_> = seen.iter().map(|(_, secret)| secret).collect();
        assert_eq!(secrets.len(), DRAWN);
        // 63 characters at each place. The sum has a mean of 62 and a deviation of 11.
        let expected = DRAWN as f64 / 63.0;
        for (place, counts) in counts.iter().enumerate() {
            let used = counts.iter().filter(|count| **count > 0);
            let sum: f64 = used.clone().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
            assert_eq!(used.count(), 63, "at {place}");
            assert!((15.0..140.0).contains(&sum), "at {place}: {sum}");
        }
    }
}
