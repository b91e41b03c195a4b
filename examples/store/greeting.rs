//! What a curious person reads on the terminal, and pastes.

use std::net::SocketAddr;

use crate::first_start::FirstTokens;
use crate::login::DASHBOARD;
use crate::options::{DatabaseKind, Options, without_password};
use crate::seed::SHOPS;

/// Greets on the first start: the tokens, and what to try with them.
pub fn first(address: SocketAddr, first: &FirstTokens, options: &Options) {
    let port = address.port();
    let demo = first.demo.secret.expose();
    let admin = first.admins[0].secret.expose();
    let id = first.demo.record.id;
    let shop = format!("http://{}.localhost:{port}", SHOPS[0]);
    let api = format!("{shop}/admin/api/v1/tokens");
    let json = "-H 'Content-Type: application/json'";
    hosts(port);
    println!("\nThese tokens are shown once, now:\n");
    for (name, token) in SHOPS.iter().zip(&first.admins) {
        println!("  {name:<8} admin    {}", token.secret.expose());
    }
    println!("  {:<8} demo     {demo}", SHOPS[0]);
    println!("\nOpen {shop}{DASHBOARD} in a browser and log in with the admin token of {}:", SHOPS[0]);
    println!("create, watch, change, rotate and revoke tokens there.");
    println!("\nOr here, in this order:\n");
    let lines = [
        ("a good call", format!("curl -i '{shop}/orders?limit=2' -H 'Authorization: Bearer {demo}'")),
        (
            "a scope that is missing",
            format!("curl -i -X POST {shop}/orders/1240/fulfil -H 'Authorization: Bearer {demo}'"),
        ),
        (
            "a limit that is hit",
            format!(
                "for i in $(seq 62); do curl -s -o /dev/null -w '%{{http_code}} ' {shop}/products -H 'Authorization: Bearer {demo}'; done; echo"
            ),
        ),
        ("how the token is used", format!("curl -s {api}/{id}/usage -H 'Authorization: Bearer {admin}'")),
        (
            "which endpoints it calls, how often and how fast",
            format!("curl -s {api}/{id}/endpoints -H 'Authorization: Bearer {admin}'"),
        ),
        (
            "its calls as they come, for a minute: make some in another terminal",
            format!("curl -sN -m 60 '{api}/{id}/calls/stream?after=0' -H 'Authorization: Bearer {admin}'"),
        ),
        (
            "create a token",
            format!(
                "curl -s -X POST {api} -H 'Authorization: Bearer {admin}' {json} -d '{{\"name\":\"Warehouse\",\"scopes\":[\"orders:read\",\"orders:write\"]}}'"
            ),
        ),
        (
            "rotate the demo token: its old text is dead at once",
            format!("curl -s -X POST {api}/{id}/rotate -H 'Authorization: Bearer {admin}'"),
        ),
        (
            "revoke it, for good",
            format!("curl -s -X POST {api}/{id}/revoke -H 'Authorization: Bearer {admin}'"),
        ),
    ];
    for (what, line) in lines {
        println!("  # {what}\n  {line}\n");
    }
    second_copy(address, options);
    println!("Ctrl-C stops it. Started again it still knows everything, but shows no token twice.");
}

/// Greets when there are tokens already.
pub fn again(address: SocketAddr, options: &Options) {
    hosts(address.port());
    println!(
        "\nThe tokens of the first start still work; they were shown then, and cannot be shown again.\n"
    );
    second_copy(address, options);
    match &options.database {
        DatabaseKind::Postgres(database) => println!(
            "To begin anew, stop every copy, drop the schema: psql {} -c 'DROP SCHEMA tokenward CASCADE'; and delete {}.",
            quoted(&without_password(database)),
            options.shop_data.display()
        ),
        database => println!(
            "To begin anew, stop it and delete {} (and what stands beside it with that name).",
            database.place()
        ),
    }
}

/// How to start another copy, where that is possible.
fn second_copy(address: SocketAddr, options: &Options) {
    let DatabaseKind::Postgres(database) = &options.database else { return };
    let next = SocketAddr::new(address.ip(), address.port().wrapping_add(1).max(1_024));
    let program = std::env::args().next().unwrap_or_else(|| "store".to_owned());
    let shop_data = options.shop_data.display().to_string();
    let mut words = vec![
        quoted(&program),
        format!("--addr {next}"),
        format!("--database {}", quoted(&without_password(database))),
        format!("--shop-data {}", quoted(&shop_data)),
    ];
    words.extend(options.redis.iter().map(|redis| format!("--redis {}", quoted(&without_password(redis)))));
    words.extend(options.lease.map(|lease| format!("--lease {}s", lease.as_secs())));
    println!("  # a second copy, in another terminal: what one revokes, the other refuses at once");
    println!("  {}\n", words.join(" "));
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |sign: char| sign.is_ascii_alphanumeric() || "_@%+=:,./-".contains(sign);
    if word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

fn hosts(port: u16) {
    println!("\nTwo shops are open:\n");
    for shop in SHOPS {
        println!(
            "  {shop:<8} http://{shop}.localhost:{port}   dashboard at {DASHBOARD}, admin API at /admin/api/v1"
        );
    }
}
