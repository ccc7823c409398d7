//! Takes request lines as people type them: `curl 'http://.../render?target=alias(a.b,"x")'` sends its quotes as they
//! are, which URLs do not allow and hyper refuses before any of our code is asked.
//!
//! On the way from the socket, the characters `"`, `<` and `>` of a connection's first line are percent-encoded. Clients
//! that send several requests over a connection are programs, and those encode.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes looked at in one go while the first line lasts.
const CHUNK: usize = 4_096;

/// A connection whose first line is put in order as it is read.
#[derive(Debug)]
pub(super) struct RawQuotes<S> {
    stream: S,
    in_first_line: bool,
    /// Encoded bytes that the reader had no room for; at most three times a chunk.
    waiting: Vec<u8>,
}

impl<S> RawQuotes<S> {
    pub(super) fn new(stream: S) -> RawQuotes<S> {
        RawQuotes { stream, in_first_line: true, waiting: Vec::new() }
    }

    fn encode(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.in_first_line &= *byte != b'\n';
            match byte {
                b'"' if self.in_first_line => self.waiting.extend(b"%22"),
                b'<' if self.in_first_line => self.waiting.extend(b"%3C"),
                b'>' if self.in_first_line => self.waiting.extend(b"%3E"),
                other => self.waiting.push(*other),
            }
        }
    }

    fn hand_over(&mut self, into: &mut ReadBuf<'_>) {
        let length = self.waiting.len().min(into.remaining());
        into.put_slice(&self.waiting[..length]);
        self.waiting.drain(..length);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for RawQuotes<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.waiting.is_empty() {
            if !this.in_first_line {
                return Pin::new(&mut this.stream).poll_read(cx, into);
            }
            let mut chunk = [0; CHUNK];
            let mut read = ReadBuf::new(&mut chunk);
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut read))?;
            this.encode(read.filled());
        }
        this.hand_over(into);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for RawQuotes<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    async fn read(sent: &[u8], room: usize) -> String {
        let (mut stream, mut read, mut part) = (RawQuotes::new(sent), Vec::new(), vec![0; room]);
        loop {
            match stream.read(&mut part).await.unwrap() {
                0 => return String::from_utf8(read).unwrap(),
                length => read.extend(&part[..length]),
            }
        }
    }

    #[tokio::test]
    async fn only_the_first_line_is_put_in_order() {
        let sent = b"GET /render?target=alias(a,\"b<c>\") HTTP/1.1\r\nA: \"b\"\r\n\r\n\"body\"";
        let expected = "GET /render?target=alias(a,%22b%3Cc%3E%22) HTTP/1.1\r\nA: \"b\"\r\n\r\n\"body\"";
        for room in [1, 2, 3, 7, 8_192] {
            assert_eq!(read(sent, room).await, expected);
        }
        let long = format!("GET /{} HTTP/1.1\r\n", "\"".repeat(10_000));
        assert_eq!(read(long.as_bytes(), 100).await, long.replace('"', "%22"));
    }
}
