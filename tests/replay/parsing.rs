//! Lines as real servers write them.

use std::net::IpAddr;
use std::time::Duration;

use crate::entry::{Entry, Request, Unreadable, local_time};
use crate::lines::{LONGEST, Lines};
use crate::{combined, json_lines, template};

/// 2027-01-15T08:00:00Z.
const MOMENT: i64 = 1_800_000_000_000;

fn templated(path: &str) -> String {
    let mut text = String::new();
    template::write(&Request::of_line(format!("GET {path} HTTP/1.1").into()), &mut text);
    text
}

#[test]
fn a_combined_line_is_read_whole() {
    let line = r#"203.0.113.9 - maria [15/Jan/2027:10:00:00 +0200] "POST /orders?x=1 HTTP/2.0" 201 512 "https://a.example/" "Mozilla/5.0 (X11; \"q\")" 0.012"#;
    let address: IpAddr = "203.0.113.9".parse().unwrap();
    let expected = Entry {
        user: "maria".into(),
        address: Some(address),
        at_ms: MOMENT,
        request: Request { method: "POST".into(), path: "/orders?x=1".into() },
        status: 201,
        duration: Some(Duration::from_millis(12)),
        bytes: Some(512),
        agent: r#"Mozilla/5.0 (X11; "q")"#.into(),
    };
    assert_eq!(combined::read(line), Ok(expected));
}

#[test]
fn what_a_combined_line_leaves_open_is_not_known() {
    let line = r#"2001:db8::1 - - [15/Jan/2027:08:00:00 +0000] "GET / HTTP/1.1" 304 - "-" "-""#;
    let entry = combined::read(line).unwrap();
    assert_eq!((&*entry.user, entry.bytes, entry.duration, &*entry.agent), ("2001:db8::1", None, None, ""));
    assert_eq!(entry.address, Some("2001:db8::1".parse().unwrap()));
    // The common format ends before the referrer, and a name of a host is no address.
    let entry =
        combined::read(r#"host.example - "" [15/Jan/2027:08:00:00 +0000] "GET / HTTP/1.0" 200 7"#).unwrap();
    assert_eq!((&*entry.user, entry.address, entry.bytes), ("host.example", None, Some(7)));
    // Without an agent, and a user with a space.
    let entry = combined::read(
        r#"::ffff:192.0.2.1 - Ann Lee [15/Jan/2027:08:00:00 +0000] "GET / HTTP/1.1" 200 7 "-""#,
    );
    let entry = entry.unwrap();
    assert_eq!((&*entry.user, entry.address), ("Ann Lee", Some("192.0.2.1".parse().unwrap())));
}

#[test]
fn the_time_taken_is_seconds_with_a_point_and_microseconds_without() {
    let took = |rest: &str| {
        let line =
            format!(r#"192.0.2.1 - - [15/Jan/2027:08:00:00 +0000] "GET / HTTP/1.1" 200 7 "-" "a"{rest}"#);
        combined::read(&line).unwrap().duration
    };
    assert_eq!(took(" 1.250"), Some(Duration::from_millis(1_250)));
    assert_eq!(took(" 1250"), Some(Duration::from_micros(1_250)));
    assert_eq!(took(r#" "10.0.0.7" rt=0.003"#), Some(Duration::from_millis(3)));
    for unknown in ["", " -", " \"x\"", " 1.2.3", " ."] {
        assert_eq!(took(unknown), None, "{unknown}");
    }
}

#[test]
fn what_is_no_request_still_is_a_call() {
    for request in ["-", "", r"\x16\x03\x01\x02\x00", "GET", "get / HTTP/1.1", "GET evil HTTP/1.1"] {
        let line = format!(r#"192.0.2.1 - - [15/Jan/2027:08:00:00 +0000] "{request}" 400 0 "-" "-""#);
        let entry = combined::read(&line).unwrap();
        assert_eq!(entry.request, Request::default(), "{request}");
        let mut text = String::new();
        template::write(&entry.request, &mut text);
        assert_eq!(text, "(none)");
    }
}

#[test]
fn a_line_that_cannot_be_read_says_why() {
    let reasons = [
        ("", "it has no fields"),
        ("nonsense", "it has no fields"),
        ("a b", "it has two fields only"),
        ("a b c d", "there is no time in [brackets]"),
        ("a b c [15/Jan/2027", "the time has no closing bracket"),
        (
            "a b c [31/Feb/2027:08:00:00 +0000] \"GET /\" 200 1",
            "the time is not like 10/Oct/2027:13:55:36 -0700",
        ),
        ("a b c [15/Jan/2027:08:00:00 +0000] GET / 200 1", "there is no request in quotes"),
        ("a b c [15/Jan/2027:08:00:00 +0000] \"GET / 200 1", "there is no request in quotes"),
        ("a b c [15/Jan/2027:08:00:00 +0000] \"GET /\" - 1", "the status is no number from 100 to 999"),
        ("a b c [15/Jan/2027:08:00:00 +0000] \"GET /\" 200 x", "the length is no number"),
    ];
    for (line, reason) in reasons {
        assert_eq!(combined::read(line), Err(Unreadable(reason)), "{line}");
    }
}

#[test]
fn times_have_zones_and_real_dates() {
    assert_eq!(local_time("15/Jan/2027:00:30:00 -0730"), Some(MOMENT));
    assert_eq!(local_time("15/Jan/2027:07:59:60 +0000"), Some(MOMENT - 1_000));
    for wrong in [
        "15/jan/2027:08:00:00 +0000",
        "+5/Jan/2027:08:00:00 +0000",
        "15/Jan/2027:24:00:00 +0000",
        "15/Jan/2027:08:00:00 *0000",
        "15/Jan/2027:08:00:00 +9900",
        "15/Jän/2027:08:00:00 +000",
        "2027-01-15T08:00:00Z",
    ] {
        assert_eq!(local_time(wrong), None, "{wrong}");
    }
}

#[test]
fn json_lines_are_read_under_the_names_that_servers_write() {
    let nginx = r#"{"time_iso8601":"2027-01-15T10:00:00+02:00","remote_addr":"192.0.2.1","remote_user":"","request":"GET /a HTTP/1.1","status":"200","body_bytes_sent":"17","request_time":"0.250","http_user_agent":"curl/8.5.0"}"#;
    let service = r#"{"@timestamp":1800000000000,"client_ip":"192.0.2.1","method":"GET","path":"/a","status":200,"bytes":17,"duration_ms":250,"user_agent":"curl/8.5.0"}"#;
    let caddy = r#"{"ts":1800000000.0,"request":{"remote_ip":"192.0.2.1","method":"GET","uri":"/a","headers":{"User-Agent":["curl/8.5.0"]}},"user_id":"","duration":0.25,"size":17,"status":200}"#;
    for line in [nginx, service, caddy] {
        let entry = json_lines::read(line).unwrap();
        let expected = Entry {
            user: "192.0.2.1".into(),
            address: Some("192.0.2.1".parse().unwrap()),
            at_ms: MOMENT,
            request: Request { method: "GET".into(), path: "/a".into() },
            status: 200,
            duration: Some(Duration::from_millis(250)),
            bytes: Some(17),
            agent: "curl/8.5.0".into(),
        };
        assert_eq!(entry, expected, "{line}");
    }
    let named = r#"{"time":"15/Jan/2027:08:00:00 +0000","remote_user":"maria","status":204}"#;
    let entry = json_lines::read(named).unwrap();
    assert_eq!((&*entry.user, entry.at_ms, entry.request), ("maria", MOMENT, Request::default()));
}

#[test]
fn a_json_line_that_cannot_be_read_says_why() {
    let reasons = [
        ("[1]", "it is no JSON object"),
        ("{\"time\":", "it is no JSON object"),
        (r#"{"status":200,"user":"a"}"#, "it has no time that can be read"),
        (r#"{"time":"yesterday","status":200,"user":"a"}"#, "it has no time that can be read"),
        (r#"{"time":-1,"status":200,"user":"a"}"#, "it has no time that can be read"),
        (r#"{"time":1e300,"status":200,"user":"a"}"#, "it has no time that can be read"),
        (r#"{"time":1,"status":99,"user":"a"}"#, "the status is no number from 100 to 999"),
        (r#"{"time":1,"status":200}"#, "it names neither a user nor a client"),
    ];
    for (line, reason) in reasons {
        assert_eq!(json_lines::read(line), Err(Unreadable(reason)), "{line}");
    }
}

#[test]
fn paths_become_templates() {
    let paths = [
        ("/", "/"),
        ("/orders/", "/orders"),
        ("/orders/1240/fulfil?now=1#x", "/orders/{id}/fulfil"),
        ("//orders", "/orders"),
        ("https://shop.example/orders/7", "/orders/{id}"),
        ("https://shop.example", "/"),
        ("/files/7.json", "/files/{id}.json"),
        ("/assets/app.3f2a91bc.js", "/assets/app.3f2a91bc.js"),
        ("/users/2f1b6c9e-0a1b-4c2d-8e3f-5a6b7c8d9e0f", "/users/{id}"),
        ("/commits/9fceb02d0ae598e95dc970b74767f19372d61af8", "/commits/{id}"),
        ("/t/dGhpcyBpcyBhIHRlc3Q1", "/t/{id}"),
        ("/events/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/events/{id}"),
        ("/v1/oauth2/deadbeef/facade", "/v1/oauth2/deadbeef/facade"),
        ("/blog/how-to-make-tea-in-10-steps", "/blog/how-to-make-tea-in-10-steps"),
        ("/a/b/c/d/e/f/g/h/i/j", "/a/b/c/d/e/f/g/h/{more}"),
    ];
    for (path, template) in paths {
        assert_eq!(templated(path), format!("GET {template}"), "{path}");
    }
    assert_eq!(templated(&format!("/{}", "x".repeat(70))), "GET /{id}");
}

#[test]
fn lines_of_any_length_take_no_more_memory_than_the_longest_that_is_kept() {
    let long = "x".repeat(3 * LONGEST);
    let exact = "y".repeat(LONGEST - 1);
    let log = format!("first\r\n\n{long}\n{exact}\nlast");
    let mut lines = Lines::new(log.as_bytes());
    let mut seen = Vec::new();
    let mut bytes = 0;
    while let Some(line) = lines.next().unwrap() {
        seen.push((line.text.len(), line.is_cut));
        bytes += line.bytes;
    }
    let expected = [(5, false), (0, false), (LONGEST, true), (LONGEST - 1, false), (4, false)];
    assert_eq!(seen, expected);
    assert_eq!(bytes, log.len() as u64);
}

#[test]
fn no_bytes_make_a_parser_fail() {
    let pieces = [
        "\"",
        "\\",
        "\\x",
        "\\xé",
        "[",
        "]",
        " ",
        "é",
        "15/Jan/2027:08:00:00 +0000",
        "GET /",
        "200",
        "{",
        "\u{0}",
    ];
    let mut state = 7_u64;
    for _ in 0..20_000 {
        let mut line = String::new();
        for _ in 0..12 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            line.push_str(pieces[(state >> 33) as usize % pieces.len()]);
        }
        if let Ok(entry) = combined::read(&line) {
            template::write(&entry.request, &mut String::new());
        }
        _ = json_lines::read(&line);
    }
}
