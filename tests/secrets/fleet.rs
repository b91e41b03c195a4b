//! What nodes tell each other and of themselves shows no secret.

use std::sync::Arc;

use tokenward::changes::{Hint, Mark, Position};
use tokenward::{ChangeFeed, MemoryStore, Need, NewToken, NodeId, Tokens};

use super::seen::{Hidden, Shown};

/// Two nodes over one store, of which one changes tokens.
pub async fn show(shown: &mut Shown, hidden: &mut Hidden) {
    let store = Arc::new(MemoryStore::shared());
    let node = || {
        let builder = Tokens::builder(store.clone()).change_feed(store.clone()).without_background();
        builder.build().unwrap()
    };
    let (one, other) = (node(), node());
    one.open().await.unwrap();
    let issued = one.issue(NewToken::named("Export")).by("maria").await.unwrap();
    hidden.add(&issued.secret);
    assert!(other.verify(issued.secret.expose(), &Need::live()).await.unwrap().is_granted());
    one.revoke(&issued.record.id).by("maria").await.unwrap();
    shown.debug(&store.pull(NodeId(7), Position::default(), 10).await.unwrap());
    shown.debug(&store.join(NodeId(7), 10_000).await.unwrap());
    let pulled = store.pull(NodeId(7), Position::default(), 10).await.unwrap();
    shown.debug(&pulled);
    let tokenward::changes::Pulled::Changes { changes, .. } = pulled else { panic!("nothing is lost") };
    assert_eq!(changes.len(), 2);
    changes.iter().for_each(|change| shown.debug(change));
    shown.debug(&Mark([7; 16]));
    shown.display(&NodeId(7));
    let roll = store.roll_call().await.unwrap();
    roll.nodes.iter().for_each(|row| shown.debug(row));
    shown.debug(&roll);
    shown.debug(&Hint::new(|| false));
    let health = one.health();
    shown.debug(&health);
    shown.debug(&health.lease.unwrap());
    one.shutdown().await.unwrap();
}
