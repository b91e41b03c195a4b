//! The body of a guarded response.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::super::Admitted;

/// The body of a guarded response: our own answer, or the service's. When it is finished or
/// dropped, the request is recorded.
pub struct GuardBody<B> {
    content: Content<B>,
    /// Kept until the body is done.
    admitted: Option<Box<Admitted>>,
}

enum Content<B> {
    Own(Option<Bytes>),
    Inner(Pin<Box<B>>),
}

impl<B> GuardBody<B> {
    pub(super) fn inner(body: B, admitted: Option<Admitted>) -> GuardBody<B> {
        GuardBody { content: Content::Inner(Box::pin(body)), admitted: admitted.map(Box::new) }
    }
}

/// Our own answer.
impl<B> From<Vec<u8>> for GuardBody<B> {
    fn from(body: Vec<u8>) -> Self {
        let bytes = (!body.is_empty()).then(|| Bytes::from(body));
        GuardBody { content: Content::Own(bytes), admitted: None }
    }
}

/// An empty body, as some layers need one.
impl<B> Default for GuardBody<B> {
    fn default() -> Self {
        GuardBody { content: Content::Own(None), admitted: None }
    }
}

impl<B: Body<Data = Bytes>> Body for GuardBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let frame = match &mut self.content {
            Content::Own(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Content::Inner(body) => body.as_mut().poll_frame(context),
        };
        if let (Poll::Ready(Some(Ok(frame))), Some(admitted)) = (&frame, &mut self.admitted) {
            admitted.sent(frame.data_ref().map_or(0, |data| data.len() as u64));
        }
        let is_last = match &frame {
            Poll::Pending => false,
            Poll::Ready(None) => true,
            Poll::Ready(Some(Err(_))) => {
                // The client sees its response break off, whatever the head has promised.
                if let Some(admitted) = &mut self.admitted {
                    admitted.responded(500);
                }
                true
            }
            Poll::Ready(Some(Ok(_))) => self.is_end_stream(),
        };
        if is_last {
            self.admitted = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Own(bytes) => bytes.is_none(),
            Content::Inner(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Own(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Content::Inner(body) => body.size_hint(),
        }
    }
}

/// Whose body it is and who comes, and nothing of what stands in it: that may be a secret.
impl<B> fmt::Debug for GuardBody<B> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut body = formatter.debug_struct("GuardBody");
        match &self.content {
            Content::Own(bytes) => {
                let length = bytes.as_ref().map_or(0, Bytes::len);
                body.field("own", &format_args!("{length} bytes"))
            }
            Content::Inner(_) => body.field("inner", &format_args!("…")),
        };
        body.field("admitted", &self.admitted).finish()
    }
}
