//! What goes wrong with Redis, in words.

use redis::RedisError;

use crate::LimiterError;

/// What an answer says that will come to every request until somebody mends it, and what to do.
const UNTIL_MENDED: [(&str, &str); 10] = [
    ("READONLY", "this Redis is a replica, which takes no writes: give the address of the primary"),
    ("NOAUTH", "Redis wants a password: give redis://:password@host"),
    ("authentication failed", "Redis does not take the password"),
    ("WRONGPASS", "Redis does not take the password"),
    (
        "NOPERM",
        "the user of Redis may not do this: it needs EVALSHA, EVAL, SCRIPT LOAD, TIME, INFO, GETRANGE, SETRANGE, SET and PEXPIRE",
    ),
    ("MOVED", "this Redis is part of a cluster, which needs a client that knows all of it"),
    ("OOM", "Redis has no memory left"),
    ("MISCONF", "Redis cannot save, and takes no writes"),
    ("LOADING", "Redis reads its data and answers in a moment"),
    ("unknown command", "this Redis is too old: version 5 or later is needed"),
];

/// None of it holds the address, which may hold a password.
pub(super) fn of(error: &RedisError) -> LimiterError {
    let said = error.to_string();
    let known = UNTIL_MENDED.iter().find(|(sign, _)| said.contains(sign));
    // Before version 5 a script that has asked for the time may not write.
    let is_too_old = said.contains("non deterministic commands");
    match known {
        Some((_, words)) => LimiterError::unreachable(*words),
        None if is_too_old => {
            LimiterError::unreachable("this Redis is too old: version 5 or later is needed")
        }
        None if error.is_connection_refusal() => {
            LimiterError::unreachable("nobody listens where Redis should")
        }
        None if error.is_timeout() => LimiterError::failed("Redis has not answered in time"),
        None if error.is_io_error() => LimiterError::failed("the connection to Redis was lost"),
        None => LimiterError::failed(format!("Redis says: {said}")),
    }
}
