//! Makes accepted points safe at once, so that archive writes can wait and be gathered.
//!
//! A [`Journal`] is a folder of append-only files. A batch of points is encoded into memory ([`Journal::append`]), handed
//! to the kernel within a tenth of a second, and synced twice a second; listeners wait when that takes too long. So
//! nothing read from a socket more than a second ago is lost, by `kill -9` or by a power cut, with any backlog. At start
//! everything that was not yet [released](Journal::release) is handed over again.
//!
//! ```text
//!  append ──> memory ──────────> kernel ──────────> disk ──────────> release
//!             encoded, no        writer thread, or  syncer thread,   archives hold it,
//!             system call        who appended,      <= 500 ms        and are synced
//!                                <= 100 ms
//! ```
//!
//! The journal knows points by the ids of the name table. A names file holds the names of one generation, which is one
//! run of the program; each segment of points says which generation it refers to.
//!
//! It decides nothing about archives: the daemon asks for the [oldest segment in transit](Journal::oldest_in_transit),
//! compares it with what waits in its cache, syncs the store, and releases what lies below.
//!
//! What it survives: the end of the process at any instruction; a power cut that forgets any part of what was not
//! synced; damage to any byte of any file, which costs the record it lies in; a full disk and a failing one, which stop
//! the listeners and lose nothing that was appended.

#![forbid(unsafe_code)]

mod options;
pub use options::{Options, Sync};

mod journal;
pub use journal::Journal;

mod chunk;
pub use chunk::{Position, Segment};

mod core;
pub use core::Ticket;

mod state;
pub use state::Wait;

mod growing;
mod write;
mod sync;
mod release;
mod threads;

mod replay;
pub use replay::Replayed;
mod generation;
mod records;

mod dump;
pub use dump::dump;

mod layout;
mod frames;
mod points;
mod names;

mod files;
mod lock;
mod disk;

mod snapshot;
pub use snapshot::Snapshot;

mod error;
pub use error::JournalError;

#[cfg(test)]
mod model;
