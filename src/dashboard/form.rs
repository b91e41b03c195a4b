//! A form as browsers send it (`application/x-www-form-urlencoded`), and the parameters of an
//! address.

use percent_encoding::percent_decode_str;

use crate::admin::fault::Fault;
use crate::admin::{AdminRequest, BODY_LIMIT};

/// Names and values, in their order.
#[derive(Clone, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// What a browser has sent as the body of a request.
    pub(super) fn of(request: &AdminRequest<'_>) -> Result<Form, Fault> {
        if request.body.len() > BODY_LIMIT {
            return Err(Fault::too_large());
        }
        let essence = request.http.only_header("content-type").ok().flatten().unwrap_or_default();
        let essence = essence.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        if !request.body.is_empty() && !essence.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
            return Err(Fault::media_type("application/x-www-form-urlencoded"));
        }
        Form::read(request.body)
    }

    /// Reads `name=value&…`. What is no UTF-8 is refused, and so is a NUL.
    pub(super) fn read(text: &[u8]) -> Result<Form, Fault> {
        let text = std::str::from_utf8(text).map_err(|_| unreadable())?;
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let read = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decoded(name)?, decoded(value)?))
        };
        pairs.map(read).collect::<Result<_, _>>().map(Form)
    }

    /// A value, without spaces around it; empty where the field is not there.
    pub(super) fn text(&self, name: &str) -> &str {
        self.raw(name).unwrap_or_default().trim()
    }

    /// A value as it came; none where the field is not there.
    pub(super) fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(is, _)| is == name).map(|(_, value)| value.as_str())
    }

    /// A value that says something: none where the field is not there or empty.
    pub(super) fn some(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// Every value of a field that may stand several times.
    pub(super) fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> + 'f {
        self.0.iter().filter(move |(is, _)| is == name).map(|(_, value)| value.as_str())
    }

    /// Whether a field is there: a tick box that is ticked.
    pub(super) fn has(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }

    /// Every field.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

fn decoded(text: &str) -> Result<String, Fault> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().map_err(|_| unreadable())?;
    // Text areas send CR LF.
    let decoded = decoded.replace("\r\n", "\n");
    if decoded.contains('\0') { Err(unreadable()) } else { Ok(decoded) }
}

fn unreadable() -> Fault {
    Fault::malformed("The form has a part that is no UTF-8 text.")
}
