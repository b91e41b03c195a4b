//! What may not be seen, what was shown, and whether one stands in the other.

use std::any::type_name;
use std::collections::BTreeMap;
use std::fmt::{Debug, Display};
use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Serialize;
use sha2::Digest as _;
use tokenward::Token;

use super::source::Declared;

/// Everything that may not be seen: the texts of tokens, their secret parts, and their digests.
#[derive(Default)]
pub struct Hidden {
    pub secrets: Vec<String>,
    pub digests: Vec<String>,
}

impl Hidden {
    pub fn add(&mut self, secret: &Token) {
        self.add_text(secret.expose());
    }

    pub fn add_text(&mut self, text: &str) {
        let body = &text[text.len() - 58..];
        // Any run of the secret that is longer than the last four characters, which are shown.
        let secret = &body[16..52];
        self.secrets.extend([secret[..12].to_owned(), secret[12..24].to_owned(), secret[24..].to_owned()]);
        let digest = sha2::Sha256::digest(&body[..52]);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let words =
            digest.chunks_exact(8).map(|word| u64::from_be_bytes(word.try_into().unwrap()).to_string());
        self.digests.extend(words);
        self.digests.push(hex[8..40].to_owned());
        self.digests.push(hex[8..40].to_uppercase());
        // With the byte for its version in front and without; a part, which needs no padding.
        for bytes in [digest.to_vec(), [&[1][..], &digest].concat()] {
            self.digests.push(STANDARD.encode(&bytes[..30]));
            self.digests.push(URL_SAFE_NO_PAD.encode(&bytes[..30]));
        }
        self.digests.push(format!("{:?}", &digest[..8]).trim_matches(['[', ']']).to_owned());
    }

    pub fn assert_absent(&self, what: &str, text: &str) {
        self.assert_no_secret(what, text);
        assert!(!self.digests.iter().any(|digest| text.contains(digest)), "a digest in {what}");
    }

    pub fn assert_no_secret(&self, what: &str, text: &str) {
        assert!(!self.stands_in(text), "a secret in {what}");
    }

    /// Whether a secret stands there, as text or as a list of bytes.
    pub fn stands_in(&self, text: &str) -> bool {
        let bytes = listed_bytes(text);
        self.secrets.iter().any(|secret| text.contains(secret) || bytes.contains(secret))
    }
}

/// What the lists of bytes in a text say (`[116, 119, 95]`, on one line or on several), which is how
/// `Debug` shows a body. The first and the last of a list may be missing.
fn listed_bytes(text: &str) -> String {
    let bytes = text.split(',').filter_map(|part| part.trim().parse::<u8>().ok());
    bytes.map(char::from).collect()
}

/// What the types of this crate have shown of themselves.
#[derive(Default)]
pub struct Shown {
    pub debugged: BTreeMap<String, Vec<String>>,
    pub displayed: BTreeMap<String, Vec<String>>,
    pub serialized: BTreeMap<String, Vec<String>>,
}

pub fn short(name: &str) -> String {
    let name = name.split('<').next().unwrap_or(name);
    name.rsplit("::").next().unwrap_or(name).trim_start_matches('&').to_owned()
}

impl Shown {
    pub fn debug<T: Debug>(&mut self, value: &T) {
        let texts = self.debugged.entry(short(type_name::<T>())).or_default();
        texts.extend([format!("{value:?}"), format!("{value:#?}")]);
    }

    pub fn display<T: Debug + Display>(&mut self, value: &T) {
        self.debug(value);
        let texts = self.displayed.entry(short(type_name::<T>())).or_default();
        texts.extend([format!("{value}"), format!("{value:#}")]);
    }

    pub fn json<T: Debug + Serialize>(&mut self, value: &T) {
        self.debug(value);
        let texts = self.serialized.entry(short(type_name::<T>())).or_default();
        texts.push(serde_json::to_string(value).unwrap());
    }

    pub fn both<T: Debug + Display + Serialize>(&mut self, value: &T) {
        self.display(value);
        self.json(value);
    }

    pub fn error<T: std::error::Error>(&mut self, error: &T) {
        self.display(error);
        let mut source = error.source();
        while let Some(error) = source {
            let text = format!("{error} {error:?}");
            self.displayed.entry("sources of errors".into()).or_default().push(text);
            source = error.source();
        }
    }

    /// Whether each type was looked at in each way in which it shows itself.
    pub fn assert_complete(&self, types: &BTreeMap<String, Declared>) {
        let mut forgotten = Vec::new();
        for (name, declared) in types {
            let ways = [
                (declared.debug, &self.debugged, "Debug"),
                (declared.display, &self.displayed, "Display"),
                (declared.serialize, &self.serialized, "Serialize"),
            ];
            forgotten.extend(
                ways.iter().filter(|way| way.0 && !way.1.contains_key(name)).map(|way| (name, way.2)),
            );
        }
        assert!(forgotten.is_empty(), "to be looked at here as well: {forgotten:?}");
    }

    /// Digests stand in the rows of a store, and nowhere else.
    pub fn assert_hidden(&self, hidden: &Hidden) {
        for (texts, way) in
            [(&self.debugged, "Debug"), (&self.displayed, "Display"), (&self.serialized, "Serialize")]
        {
            for (name, texts) in texts {
                let holds_digests = way == "Serialize" && (name == "StoredToken" || name == "Digest");
                for text in texts {
                    let what = format!("{way} of {name}");
                    if holds_digests {
                        hidden.assert_no_secret(&what, text);
                    } else {
                        hidden.assert_absent(&what, text);
                    }
                }
            }
        }
    }
}

/// What was logged since the start, by all tests of this file.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// The log of this program, at its finest.
pub fn log() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = Log::default();
        let writer = log.clone();
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .init();
        log
    })
}
