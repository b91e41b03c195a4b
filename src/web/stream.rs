//! A body that comes piece by piece.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

/// A body that comes piece by piece, each made when it is asked for: whoever reads slowly holds
/// back what is made, and nothing waits in memory. Dropping it ends it.
///
/// Clones are one body: each piece goes to one of them.
///
/// ```
/// # tokenward::block_on(async {
/// use tokenward::web::BodyStream;
/// let mut body = BodyStream::unfold(1, |number| async move {
///     (number <= 3).then(|| (Ok(vec![number]), number + 1))
/// });
/// let mut whole = Vec::new();
/// while let Some(piece) = body.next().await {
///     whole.extend(piece.unwrap());
/// }
/// assert_eq!(whole, [1, 2, 3]);
/// # });
/// ```
#[derive(Clone)]
pub struct BodyStream(Arc<Mutex<dyn Pieces>>);

/// A piece of a body, or that there will be no more although the body is not whole.
pub type Piece = Result<Vec<u8>, BrokenOff>;

/// A body breaks off: what was sent of it is not all of it. An adapter ends the response in such a
/// way that the client can see it, not as if the body were whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the body breaks off before its end")]
pub struct BrokenOff;

trait Pieces: Send {
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Piece>>;
}

impl BodyStream {
    /// A body whose pieces a function makes of a state, one after the other, until it gives none.
    /// Nothing is polled again after that, nor after a piece that says that the body breaks off.
    pub fn unfold<State, Step, Making>(state: State, step: Step) -> BodyStream
    where
        State: Send + 'static,
        Step: FnMut(State) -> Making + Send + 'static,
        Making: Future<Output = Option<(Piece, State)>> + Send + 'static,
    {
        BodyStream(Arc::new(Mutex::new(Unfold { state: Some(state), making: None, step })))
    }

    /// A body without any piece: its length is not told beforehand, as that of no stream is.
    pub fn empty() -> BodyStream {
        BodyStream::unfold((), |()| async { None })
    }

    /// The next piece; none at the end.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Piece>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).poll_next(context)
    }

    /// The next piece; none at the end.
    pub async fn next(&mut self) -> Option<Piece> {
        poll_fn(|context| self.poll_next(context)).await
    }
}

struct Unfold<State, Step, Making> {
    /// Between two pieces.
    state: Option<State>,
    /// While a piece is made.
    making: Option<Pin<Box<Making>>>,
    step: Step,
}

impl<State, Step, Making> Pieces for Unfold<State, Step, Making>
where
    State: Send,
    Step: FnMut(State) -> Making + Send,
    Making: Future<Output = Option<(Piece, State)>> + Send,
{
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Piece>> {
        if let Some(state) = self.state.take() {
            self.making = Some(Box::pin((self.step)(state)));
        }
        let Some(making) = &mut self.making else { return Poll::Ready(None) };
        let Poll::Ready(made) = making.as_mut().poll(context) else { return Poll::Pending };
        self.making = None;
        Poll::Ready(made.map(|(piece, state)| {
            self.state = piece.is_ok().then_some(state);
            piece
        }))
    }
}

/// Two are the same if they are one: what comes of them is not known before.
impl PartialEq for BodyStream {
    fn eq(&self, other: &BodyStream) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for BodyStream {}

impl fmt::Debug for BodyStream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("BodyStream")
    }
}
