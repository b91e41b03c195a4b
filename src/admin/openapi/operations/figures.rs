//! How tokens are used.

use serde_json::json;

use crate::admin::openapi::operation::{Operation, operation};
use crate::admin::openapi::parameters::{last_day, limit, query, range, word, words};

pub(super) fn of_token() -> Operation {
    operation(
        "use",
        "tokenUsage",
        "How a token is used",
        "Its totals, its last 24 hours, and in `range` the same of any range. Minutes are kept for two days \
         and hours for 35 unless the service says otherwise: a range is widened to what is kept.",
    )
    .parameters(last_day())
    .answers(200, "The figures.", "UsageAndRange", &[])
    .codes(&["usage-unavailable"])
}

pub(super) fn of_all() -> Operation {
    operation(
        "use",
        "usage",
        "How all tokens are used",
        "All tokens within reach together, and by token, by endpoint or by what became of the calls.",
    )
    .parameters(last_day())
    .parameters([
        word("group_by", "Tell the parts as well.", &["token", "endpoint", "status"], None),
        limit("parts"),
    ])
    .answers(200, "The figures.", "UsageOfAll", &[])
    .codes(&["usage-unavailable"])
}

pub(super) fn series_of_token() -> Operation {
    series("tokenTimeSeries", "The use of a token by time")
}

pub(super) fn series_of_all() -> Operation {
    series("timeSeries", "The use of all tokens by time")
}

fn series(id: &'static str, summary: &'static str) -> Operation {
    let step = json!({ "type": "integer", "minimum": 60, "maximum": 2_592_000, "multipleOf": 60 });
    operation(
        "use",
        id,
        summary,
        "Columns with one value for each step: what charts are drawn from. A step in which nothing was counted \
         has 0 calls and no times.",
    )
    .parameters(last_day())
    .parameters([
        query(
            "step",
            "How long a step is, in seconds: whole minutes, and at most 2,000 steps in the range. Unless said \
             there are at most about 120.",
            step,
            60,
        ),
        words(
            "metric",
            "Only these columns; may be repeated. Unless said all of them.",
            &["calls", "latency", "limited"],
        ),
    ])
    .answers(200, "The columns.", "TimeSeries", &[])
    .codes(&["usage-unavailable"])
}

pub(super) fn endpoints() -> Operation {
    operation(
        "use",
        "tokenEndpoints",
        "What a token calls",
        "Endpoints by their calls, told by the hour; those that are not shown are in `other`.",
    )
    .parameters(last_day())
    .parameters([limit("endpoints")])
    .answers(200, "The endpoints.", "EndpointList", &[])
    .codes(&["usage-unavailable"])
}

pub(super) fn clients() -> Operation {
    operation(
        "use",
        "tokenClients",
        "Who calls with a token",
        "Addresses and agents by their calls, as far as the service records them, told by the hour.",
    )
    .parameters(last_day())
    .parameters([limit("clients")])
    .answers(200, "The clients.", "ClientList", &[])
    .codes(&["usage-unavailable"])
}

pub(super) fn scopes() -> Operation {
    operation(
        "use",
        "tokenScopes",
        "What a token uses its scopes for",
        "Which of its scopes it uses, which it never does, and which it lacked.",
    )
    .parameters(range("Unless said the range is 30 days long."))
    .answers(200, "The scopes.", "ScopeUseList", &[])
    .codes(&["usage-unavailable"])
}
