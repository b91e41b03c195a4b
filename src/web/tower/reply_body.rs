//! The body of an answer of our own, whole or piece by piece.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::super::{BodyStream, BrokenOff};

/// The body of a [`Reply`](crate::web::Reply), whole or piece by piece.
pub struct ReplyBody(Content);

enum Content {
    Whole(Vec<u8>),
    Stream(BodyStream),
}

impl ReplyBody {
    pub(super) fn new(body: Vec<u8>, stream: Option<BodyStream>) -> ReplyBody {
        ReplyBody(stream.map_or(Content::Whole(body), Content::Stream))
    }

    /// The bytes of a body that is whole; of another one none.
    pub(super) fn into_whole(self) -> Vec<u8> {
        match self.0 {
            Content::Whole(body) => body,
            Content::Stream(_) => Vec::new(),
        }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match &mut self.0 {
            Content::Whole(body) if body.is_empty() => Poll::Ready(None),
            Content::Whole(body) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(body).into())))),
            Content::Stream(stream) => {
                stream.poll_next(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece?.into()))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.0, Content::Whole(body) if body.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Content::Whole(body) => SizeHint::with_exact(body.len() as u64),
            Content::Stream(_) => SizeHint::default(),
        }
    }
}

/// How long it is, and nothing of what stands in it: that may be a secret.
impl fmt::Debug for ReplyBody {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Content::Whole(body) => write!(formatter, "ReplyBody({} bytes)", body.len()),
            Content::Stream(_) => formatter.write_str("ReplyBody(stream)"),
        }
    }
}
