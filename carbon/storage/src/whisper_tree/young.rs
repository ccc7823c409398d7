//! Files that were made a moment ago, held open until no other file can be taken for them.
//!
//! A file is told from others by its number and its time of birth. Numbers are given again, and the clocks of file systems
//! tick in steps, so a file that replaces another in the moment of its birth may look the same. The number of an open
//! file is not given away: once a file was held for longer than a tick, whatever gets its number is younger. So what is
//! known of a new file from making it serves for its second write as well, which then reads nothing.

use std::collections::VecDeque;
use std::fs::File;

use super::devices::DeviceId;

/// Milliseconds of being held that are longer than a tick, with the time by which a clock read between ticks is behind.
const TICK: u64 = 20;

/// The new files of one part, in the order of their making.
#[derive(Debug, Default)]
pub(super) struct Young(VecDeque<Newborn>);

/// A file that is held open, without its lock.
#[derive(Debug)]
pub(super) struct Newborn {
    /// Place of its series in the part.
    pub(super) place: u32,
    /// Its device, and its number there.
    pub(super) identity: (DeviceId, u64),
    /// When it was written, in milliseconds since the epoch.
    pub(super) written: u64,
    pub(super) file: File,
}

impl Young {
    /// Takes one more; gives the eldest file if there are more than `most` then.
    pub(super) fn hold(&mut self, newborn: Newborn, most: usize) -> Option<File> {
        self.0.push_back(newborn);
        if self.0.len() > most { self.0.pop_front().map(|eldest| eldest.file) } else { None }
    }

    /// The eldest, if at this time in milliseconds it was held for long enough.
    pub(super) fn grown_up(&mut self, milliseconds: u64) -> Option<Newborn> {
        self.0.pop_front_if(|eldest| eldest.written + TICK < milliseconds)
    }
}

#[cfg(test)]
mod tests {
    use super::super::devices::Devices;
    use super::*;

    #[test]
    fn a_file_is_held_for_longer_than_a_tick_while_there_is_room() {
        let (devices, folder) = (Devices::default(), tempfile::tempdir().unwrap());
        let device = devices.of(1, folder.path()).unwrap();
        let newborn = |place: u32, written| Newborn {
            place,
            identity: (device, 7),
            written,
            file: tempfile::tempfile().unwrap(),
        };
        let mut young = Young::default();
        let grown_up = |young: &mut Young, now| young.grown_up(now).map(|eldest| eldest.place);
        assert!(young.hold(newborn(1, 1000), 2).is_none());
        assert!(young.hold(newborn(2, 1001), 2).is_none());
        assert!(young.hold(newborn(3, 1002), 2).is_some(), "the eldest had to go");
        assert_eq!(grown_up(&mut young, 1001 + TICK), None);
        assert_eq!(grown_up(&mut young, 1002 + TICK), Some(2));
        assert_eq!(grown_up(&mut young, 1002 + TICK), None);
        assert!(young.hold(newborn(4, 1003), 0).is_some());
    }
}
