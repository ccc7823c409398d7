//! Lets clients go that do not fetch their answer: one that reads a byte a second would hold hundreds of megabytes for
//! days.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// Bytes that have to go within the time.
const LEAST: usize = 16 << 10;

/// A connection on which writing may not stall: while bytes wait, some have to go.
pub(super) struct Patient<S> {
    stream: S,
    patience: Duration,
    /// Runs since a write had to wait, until all has gone.
    waiting: Option<Pin<Box<Sleep>>>,
    /// Bytes that have gone since.
    moved: usize,
}

impl<S> Patient<S> {
    pub(super) fn new(stream: S, patience: Duration) -> Patient<S> {
        Patient { stream, patience, waiting: None, moved: 0 }
    }

    /// What to make of a write that came to this.
    fn judge(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = &written {
            self.moved += bytes;
        }
        if written.is_ready() {
            return written;
        }
        if self.waiting.is_none() {
            self.moved = 0;
        }
        let patience = self.patience;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(patience)));
        while waiting.as_mut().poll(cx).is_ready() {
            if self.moved < LEAST {
                return Poll::Ready(Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the client does not fetch its answer",
                )));
            }
            self.moved = 0;
            waiting.as_mut().reset(Instant::now() + patience);
        }
        Poll::Pending
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.judge(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, bytes);
        this.judge(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(cx);
        if flushed.is_ready() {
            // Whoever flushes has written all there is.
            this.waiting = None;
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn who_fetches_nothing_is_let_go() {
        let (near, _far) = duplex(64);
        let mut patient = Patient::new(near, Duration::from_millis(10));
        let error = patient.write_all(&[0; 65]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn who_fetches_a_byte_now_and_then_is_let_go() {
        let (near, mut far) = duplex(64);
        let mut patient = Patient::new(near, Duration::from_millis(50));
        let reader = tokio::spawn(async move {
            while far.read_u8().await.is_ok() {
                sleep(Duration::from_millis(1)).await;
            }
        });
        assert!(patient.write_all(&[0; 100_000]).await.is_err());
        drop(patient);
        reader.await.unwrap();
    }

    #[tokio::test]
    async fn a_pause_between_answers_is_no_stall() {
        let (near, mut far) = duplex(64);
        let mut patient = Patient::new(near, Duration::from_secs(600));
        let reader = tokio::spawn(async move {
            let mut all = Vec::new();
            far.read_to_end(&mut all).await.unwrap();
            all.len()
        });
        patient.write_all(&[0; 100_000]).await.unwrap();
        assert!(patient.waiting.is_some(), "it had to wait for its reader");
        patient.flush().await.unwrap();
        assert!(patient.waiting.is_none());
        drop(patient);
        assert_eq!(reader.await.unwrap(), 100_000);
    }
}
