//! How much of a client is kept.

use std::time::Duration;

use tokenward::usage::{Call, CallQuery};
use tokenward::{Privacy, Recording, Subject, block_on};

use super::Watched;

/// What is told of a client after calls from these addresses.
fn told(privacy: Privacy, addresses: &[&str]) -> Vec<(String, String, u64)> {
    let watched = Watched::with(Recording { privacy, ..Recording::default() });
    let issued = watched.issue(None);
    for address in addresses {
        let call = Call::new("GET /orders", 200, Duration::ZERO).address(address.parse().unwrap());
        watched.grant(&issued).record_call(&call.agent("curl/8.5.0"));
    }
    watched.flush();
    let everything = format!("{:?}", watched.usage.batches.lock().unwrap());
    if privacy != Privacy::Full {
        assert!(addresses.iter().all(|address| !everything.contains(address)), "{everything}");
    }
    if matches!(privacy, Privacy::Hashed | Privacy::Off) {
        assert!(!everything.contains("curl"), "{everything}");
    }
    let told = watched.last_24_hours(Subject::All);
    told.clients.iter().map(|(client, of)| (client.address.clone(), client.agent.clone(), of.calls)).collect()
}

#[test]
fn a_client_is_told_as_far_as_the_service_allows() {
    let addresses = ["203.0.113.7", "203.0.113.9", "2001:db8:1:2::3"];
    let agent = || "curl/8.5.0".to_owned();
    assert_eq!(
        told(Privacy::Network, &addresses),
        [("2001:db8:1::/48".to_owned(), agent(), 1), ("203.0.113.0/24".to_owned(), agent(), 2)]
    );
    assert_eq!(told(Privacy::Full, &addresses).len(), 3);
    let hashed = told(Privacy::Hashed, &addresses);
    assert!(hashed.len() == 3 && hashed.iter().all(|(address, ..)| address.len() == 16), "{hashed:?}");
    assert!(told(Privacy::Off, &addresses).is_empty());
}

#[test]
fn clients_are_forgotten_when_that_is_asked_for() {
    let watched = Watched::new();
    let issued = watched.issue(None);
    let id = issued.record.id;
    let call = Call::new("GET /orders", 200, Duration::ZERO).address("203.0.113.7".parse().unwrap());
    watched.grant(&issued).record_call(&call);
    watched.flush();
    assert!(block_on(watched.tokens.usage(&id)).unwrap().last_client.is_some());
    block_on(watched.tokens.forget_clients(&id)).unwrap();
    let usage = block_on(watched.tokens.usage(&id)).unwrap();
    assert_eq!((usage.last_client.clone(), usage.total()), (None, 1));
    let told = watched.last_24_hours(Subject::Token(id));
    assert!(told.clients.is_empty() && !format!("{:?}", told.detail).contains("203.0.113.7"));
    let calls = block_on(watched.tokens.recent_calls(&CallQuery::new(Subject::Token(id)))).unwrap().calls;
    assert!(calls.len() == 1 && calls[0].client.is_none());
}
