//! What is looked at once, when Redis has answered for the first time.

use redis::aio::MultiplexedConnection;

/// Warns of settings with which limits do not hold. Where they cannot be read, nothing is said.
pub(super) async fn warn(mut connection: MultiplexedConnection) {
    let Ok(info) = redis::cmd("INFO").query_async::<String>(&mut connection).await else { return };
    for warning in warnings(&info) {
        tracing::warn!("{warning}");
    }
}

fn warnings(info: &str) -> Vec<String> {
    let field = |name: &str| {
        let value = |line: &str| line.strip_prefix(name)?.strip_prefix(':').map(str::to_owned);
        info.lines().find_map(|line| value(line.trim()))
    };
    let mut warnings = Vec::new();
    if let Some(policy) = field("maxmemory_policy").filter(|policy| policy != "noeviction") {
        warnings.push(format!(
            "Redis may evict keys (maxmemory-policy {policy}): a limit whose key is evicted begins anew; \
             set noeviction"
        ));
    }
    if field("role").is_some_and(|role| role == "slave") {
        warnings
            .push("this Redis is a replica, which takes no writes: give the address of the primary".into());
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_warns_where_keys_may_be_evicted_and_where_nothing_can_be_written() {
        let info = |policy: &str, role: &str| {
            format!(
                "# Memory\r\nmaxmemory:0\r\nmaxmemory_policy:{policy}\r\n# Replication\r\nrole:{role}\r\n"
            )
        };
        assert_eq!(warnings(&info("noeviction", "master")), Vec::<String>::new());
        for policy in ["allkeys-lru", "allkeys-random", "volatile-ttl"] {
            let [warning] = &warnings(&info(policy, "master"))[..] else { panic!("{policy}") };
            assert!(warning.contains(policy) && warning.contains("noeviction"));
        }
        assert_eq!(warnings(&info("noeviction", "slave")).len(), 1);
        assert_eq!(warnings("-ERR"), Vec::<String>::new());
    }
}
