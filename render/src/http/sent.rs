//! An answer on its way: handed over piece by piece, and counted as held memory until its last piece has gone.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use super::answer::PIECE;
use crate::query::{EvalError, Held};

/// A body whose bytes are on the account of `held` while the client fetches them.
///
/// # Errors
/// All requests together hold too much.
pub(super) fn counted(bytes: Bytes, mut held: Held) -> Result<Body, EvalError> {
    if bytes.len() <= PIECE {
        return Ok(Body::from(bytes));
    }
    held.more(bytes.len())?;
    Ok(Body::new(Sent { bytes, _held: held }))
}

struct Sent {
    bytes: Bytes,
    _held: Held,
}

impl HttpBody for Sent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        let length = this.bytes.len().min(PIECE);
        Poll::Ready((length > 0).then(|| Ok(Frame::data(this.bytes.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Budget;

    #[tokio::test]
    async fn an_answer_counts_until_it_has_gone() {
        let budget = Budget::new(300_000);
        let answer = || Bytes::from(vec![7; 200_000]);
        let first = counted(answer(), Held::nothing_of(&budget)).unwrap();
        assert_eq!((budget.used(), first.size_hint().exact()), (200_000, Some(200_000)));
        assert!(counted(answer(), Held::nothing_of(&budget)).is_err());
        assert_eq!(axum::body::to_bytes(first, usize::MAX).await.unwrap(), vec![7; 200_000]);
        assert_eq!(budget.used(), 0);
    }
}
