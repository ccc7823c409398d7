//! What is no HTTP is answered below our routes, by a status without a word. On its way out it gets the JSON that every
//! other refusal has.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::fault::Fault;

/// Longer heads are our own.
const LONGEST: usize = 256;

/// A connection that says why it refuses. After such a refusal nothing more is written.
pub(super) struct Worded<S> {
    stream: S,
    /// What is left of a refusal.
    left: Vec<u8>,
    ended: bool,
}

impl<S: AsyncWrite + Unpin> Worded<S> {
    pub(super) fn new(stream: S) -> Worded<S> {
        Worded { stream, left: Vec::new(), ended: false }
    }

    fn drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.left.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.left))?;
            if written == 0 {
                return Poll::Ready(Err(ErrorKind::WriteZero.into()));
            }
            self.left.drain(..written);
        }
        Poll::Ready(Ok(()))
    }

    /// Takes a refusal without a word, and has one with words written instead.
    fn replace(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Option<Poll<io::Result<usize>>> {
        if self.ended {
            return Some(Poll::Ready(Err(ErrorKind::BrokenPipe.into())));
        }
        let status = bare_refusal(bytes)?;
        self.ended = true;
        self.left = worded(status).into_bytes();
        // What does not go now goes with the flush.
        if let Poll::Ready(Err(error)) = self.drain(cx) {
            return Some(Poll::Ready(Err(error)));
        }
        Some(Poll::Ready(Ok(bytes.len())))
    }
}

/// The status, if this is the whole of an answer that has nothing but one.
fn bare_refusal(bytes: &[u8]) -> Option<StatusCode> {
    if bytes.len() > LONGEST || !bytes.starts_with(b"HTTP/1.") || !bytes.ends_with(b"\r\n\r\n") {
        return None;
    }
    let head = std::str::from_utf8(bytes).ok()?.to_ascii_lowercase();
    let is_bare = head.contains("\r\ncontent-length: 0\r\n") && !head.contains("\r\ncontent-type:");
    let status: u16 = head.get(9..12)?.parse().ok()?;
    StatusCode::from_u16(status).ok().filter(|status| is_bare && status.is_client_error())
}

fn worded(status: StatusCode) -> String {
    let message = match status {
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE | StatusCode::URI_TOO_LONG => {
            "the head of the request is longer than 256 KiB or has more than 100 fields; send long parameters by POST"
        }
        _ => "this is no HTTP request that could be read",
    };
    let body = Fault { status, ..Fault::bad(message) }.json();
    let (code, reason) = (status.as_u16(), status.canonical_reason().unwrap_or("Refused"));
    format!(
        "HTTP/1.1 {code} {reason}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

impl<S: AsyncRead + Unpin> AsyncRead for Worded<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Worded<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match this.replace(cx, bytes) {
            Some(replaced) => replaced,
            None => Pin::new(&mut this.stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let mut full = bytes.iter().filter(|slice| !slice.is_empty());
        let only = full.next().filter(|_| full.next().is_none());
        match only.and_then(|only| this.replace(cx, only)) {
            Some(replaced) => replaced,
            None if this.ended => Poll::Ready(Err(ErrorKind::BrokenPipe.into())),
            None => Pin::new(&mut this.stream).poll_write_vectored(cx, bytes),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.drain(cx))?;
        Pin::new(&mut this.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.drain(cx))?;
        Pin::new(&mut this.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_without_a_word_is_replaced() {
        let bare = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(bare_refusal(bare), Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE));
        for other in [
            &b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"[..],
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: 0\r\n\r\n",
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 7\r\n\r\n",
            b"HTTP/1.",
            b"",
        ] {
            assert_eq!(bare_refusal(other), None);
        }
    }
}
