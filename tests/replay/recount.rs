//! What a script of a few lines has counted in the same log, and the comparison.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::DateTime;
use serde::Deserialize;
use serde_json::Value;

use crate::python::Python;

#[derive(Deserialize)]
pub struct Recount {
    pub lines: u64,
    unreadable: u64,
    tokens: BTreeMap<String, Token>,
    endpoints: BTreeMap<String, u64>,
    /// By their beginning, in seconds since 1970.
    minutes: BTreeMap<String, u64>,
}

#[derive(Deserialize, PartialEq, Debug)]
struct Token {
    total: u64,
    bytes: u64,
    statuses: [u64; 5],
}

impl Recount {
    pub fn of(python: &Python, folder: &Path) -> Recount {
        let path = folder.join("access.log");
        serde_json::from_str(&python.run("recount.py", &[path.to_str().unwrap()], "")).unwrap()
    }

    pub fn calls(&self) -> u64 {
        self.tokens.values().map(|token| token.total).sum()
    }

    /// Each token's total is the recount's, exactly.
    pub fn compare_totals(&self, report: &Value) {
        let told: BTreeMap<&str, u64> =
            list(report, "tokens").map(|token| (text(token, "name"), number(token, "total"))).collect();
        let counted = self.tokens.iter().map(|(name, token)| (name.as_str(), token.total)).collect();
        assert!(told == counted, "{}", difference(&told, &counted));
    }

    /// Everything is the recount's, exactly; endpoints within the error that is told.
    pub fn compare(&self, report: &Value) {
        self.compare_totals(report);
        let log = &report["log"];
        assert_eq!((number(log, "lines"), number(log, "unreadable")), (self.lines, self.unreadable));
        assert_eq!(number(&report["calls"], "total"), self.calls());
        for told in list(report, "tokens") {
            let names = ["informational", "success", "redirection", "client_error", "server_error"];
            let statuses = names.map(|name| number(&told["statuses"], name));
            let told_of = (text(told, "name"), number(told, "bytes"), statuses);
            let counted = &self.tokens[told_of.0];
            assert_eq!(told_of, (told_of.0, counted.bytes, counted.statuses));
        }
        let start = |minute: &Value| DateTime::parse_from_rfc3339(text(minute, "start")).unwrap().timestamp();
        let minutes: BTreeMap<String, u64> = list(report, "minutes")
            .map(|minute| (start(minute).to_string(), number(minute, "calls")))
            .collect();
        assert!(minutes == self.minutes, "the minutes of the last day are others");
        self.compare_endpoints(&report["endpoints"]);
    }

    fn compare_endpoints(&self, endpoints: &Value) {
        let error = number(endpoints, "error");
        let mut told = BTreeMap::new();
        for endpoint in list(endpoints, "told") {
            let (route, calls) = (text(endpoint, "route"), number(endpoint, "calls"));
            let counted = self.endpoints[route];
            assert!(
                calls <= counted && counted <= calls + error,
                "{route}: {calls} of {counted}, error {error}"
            );
            told.insert(route, calls);
        }
        for (route, calls) in &self.endpoints {
            assert!(told.contains_key(route.as_str()) || *calls <= error, "{route} with {calls} is not told");
        }
        assert_eq!(told.values().sum::<u64>() + number(endpoints, "other"), self.calls());
    }
}

fn difference(told: &BTreeMap<&str, u64>, counted: &BTreeMap<&str, u64>) -> String {
    let names = told.keys().chain(counted.keys());
    let wrong = names.filter(|name| told.get(*name) != counted.get(*name)).take(10);
    wrong.map(|name| format!("{name}: {:?} for {:?}\n", told.get(name), counted.get(name))).collect()
}

pub fn number(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap_or_else(|| panic!("no number {name} in {value}"))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no text {name} in {value}"))
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value[name].as_array().unwrap_or_else(|| panic!("no list {name} in {value}")).iter()
}
