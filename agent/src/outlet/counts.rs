//! What went through a queue.

/// What went through a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Points that wait in memory.
    pub queued: u64,
    /// Memory that these take and what was handed over last, in bytes.
    pub bytes: u64,
    /// Points that wait on disk.
    pub spooled: u64,
    /// Bytes of the files they are in.
    pub spool_bytes: u64,
    /// Points that were handed to the destination, each counted once.
    pub sent: u64,
    /// Points that were handed to it once more.
    pub resent: u64,
    /// Points that will never be.
    pub lost: u64,
    /// Connections that were made.
    pub connects: u64,
}

impl Counts {
    /// Adds another destination's.
    pub(crate) fn add(&mut self, other: Counts) {
        let Counts { queued, bytes, spooled, spool_bytes, sent, resent, lost, connects } = other;
        self.queued += queued;
        self.bytes += bytes;
        self.spooled += spooled;
        self.spool_bytes += spool_bytes;
        self.sent += sent;
        self.resent += resent;
        self.lost += lost;
        self.connects += connects;
    }
}
