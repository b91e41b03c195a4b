//! A form on a page, as a browser reads and sends it.

use super::kit::Page;

/// The fields of the form of a token's settings, as they would be sent.
#[derive(Clone, Debug)]
pub struct Filled(pub Vec<(String, String)>);

impl Filled {
    /// The fields of the form with this id: what is typed, ticked and hidden; nothing disabled.
    pub fn of(page: &Page) -> Filled {
        let start = page.html.find("id=\"token-form\"").expect("there is a form on the page");
        let form = &page.html[start..];
        let form = &form[..form.find("</form>").unwrap()];
        let mut fields = Vec::new();
        for (place, _) in form.match_indices('<') {
            let rest = &form[place + 1..];
            let tag = &rest[..rest.find('>').unwrap()];
            let Some(name) = attribute(tag, "name") else { continue };
            if has(tag, "disabled") {
                continue;
            }
            let kind = attribute(tag, "type").unwrap_or_default();
            let value = if tag.starts_with("input ") {
                match kind.as_str() {
                    "radio" | "checkbox" if !has(tag, "checked") => continue,
                    _ => attribute(tag, "value").unwrap_or_default(),
                }
            } else if tag.starts_with("textarea ") {
                let text = &rest[tag.len() + 1..];
                unescaped(&text[..text.find("</textarea>").unwrap()])
            } else {
                continue;
            };
            fields.push((name, value));
        }
        Filled(fields)
    }

    /// The same with other values in a field; none takes it away.
    pub fn with(mut self, name: &str, values: &[&str]) -> Filled {
        self.0.retain(|(is, _)| is != name);
        self.0.extend(values.iter().map(|value| (name.to_owned(), (*value).to_owned())));
        self
    }

    /// The values of a field.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(is, _)| is == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The only value of a field.
    #[track_caller]
    pub fn one(&self, name: &str) -> &str {
        let all = self.all(name);
        assert_eq!(all.len(), 1, "{name}: {all:?}");
        all[0]
    }

    /// As a browser sends it.
    pub fn text(&self) -> String {
        let pairs = self.0.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
        pairs.collect::<Vec<_>>().join("&")
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    Some(unescaped(&tag[start..start + tag[start..].find('"')?]))
}

fn has(tag: &str, name: &str) -> bool {
    tag.split_whitespace().any(|word| word == name)
}

fn unescaped(text: &str) -> String {
    let text = text.replace("&#60;", "<").replace("&#62;", ">").replace("&#34;", "\"");
    text.replace("&#39;", "'").replace("&#38;", "&")
}

pub fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
