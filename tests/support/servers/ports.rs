//! Ports that nobody uses.

use std::net::TcpListener;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

/// Below those that the system gives to whoever asks for any: a server that is away for a moment
/// finds its port again.
const PORTS: Range<u32> = 12_000..32_000;

/// A port of 127.0.0.1 that is free now. Another process may still be faster: whoever starts a server
/// tries again.
pub fn free() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let span = PORTS.end - PORTS.start;
    for _ in 0..span {
        // Processes of one test run have ids side by side; they begin far from each other.
        let number = std::process::id().wrapping_mul(7_919) + NEXT.fetch_add(1, Ordering::Relaxed);
        let port = u16::try_from(PORTS.start + number % span).expect("below 65,536");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port of {PORTS:?} is free");
}
