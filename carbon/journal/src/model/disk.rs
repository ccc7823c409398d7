//! A disk in memory that keeps what was synced and forgets any part of the rest.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::disk::{Disk, DiskFile};

/// A folder as the running system sees it and as it stands on the platter. Clones are the same disk.
#[derive(Clone, Debug)]
pub(super) struct Forgetful(Arc<Mutex<Folder>>);

#[derive(Debug, Default)]
struct Folder {
    inodes: Vec<Inode>,
    /// Which files there are: as the system sees it, on the platter, and what lies between.
    live: BTreeMap<String, usize>,
    durable: BTreeMap<String, usize>,
    pending: Vec<(String, Option<usize>)>,
    random: u64,
    /// The next sync, or write, goes wrong.
    fail_sync: bool,
    fail_write: bool,
    /// Operations left until the power goes.
    fuse: Option<u32>,
}

#[derive(Clone, Debug, Default)]
struct Inode {
    live: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Cut(usize),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Change::Write(offset, new) => {
                let end = offset + new.len();
                bytes.resize(bytes.len().max(end), 0);
                bytes[*offset..end].copy_from_slice(new);
            }
            Change::Cut(length) => bytes.resize(*length, 0),
        }
    }
}

impl Folder {
    fn random(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % below.max(1)
    }

    /// One operation more; all fail once the power is gone.
    fn operate(&mut self) -> io::Result<()> {
        match &mut self.fuse {
            Some(0) => Err(io::Error::other("the power is gone")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// A part of what is pending reaches the platter, torn anywhere; the rest is forgotten.
    fn settle_file(&mut self, file: usize) {
        let mut inode = std::mem::take(&mut self.inodes[file]);
        for change in inode.pending.drain(..) {
            match (self.random(3), change) {
                (0, _) => {}
                (1, Change::Write(offset, bytes)) => {
                    let start = self.random(bytes.len() as u64) as usize;
                    let end = start + self.random((bytes.len() - start) as u64 + 1) as usize;
                    Change::Write(offset + start, bytes[start..end].to_vec()).apply(&mut inode.durable);
                }
                (_, change) => change.apply(&mut inode.durable),
            }
        }
        self.inodes[file] = inode;
    }

    fn settle_folder(&mut self) {
        for (name, file) in std::mem::take(&mut self.pending) {
            if self.random(2) == 0 {
                continue;
            }
            match file {
                Some(file) => self.durable.insert(name, file),
                None => self.durable.remove(&name),
            };
        }
    }
}

impl Forgetful {
    pub(super) fn new(seed: u64) -> Forgetful {
        Forgetful(Arc::new(Mutex::new(Folder { random: seed | 1, ..Folder::default() })))
    }

    fn folder(&self) -> MutexGuard<'_, Folder> {
        self.0.lock().unwrap()
    }

    pub(super) fn fail_next_sync(&self) {
        self.folder().fail_sync = true;
    }

    pub(super) fn fail_next_write(&self) {
        self.folder().fail_write = true;
    }

    /// The power goes after so many more operations.
    pub(super) fn light_fuse(&self, operations: u32) {
        self.folder().fuse = Some(operations);
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.folder().live.contains_key(name)
    }

    pub(super) fn is_dead(&self) -> bool {
        self.folder().fuse == Some(0)
    }

    /// The power goes and comes back.
    pub(super) fn lose_power(&self) {
        let mut folder = self.folder();
        (0..folder.inodes.len()).for_each(|file| folder.settle_file(file));
        folder.settle_folder();
        folder.inodes.iter_mut().for_each(|inode| inode.live.clone_from(&inode.durable));
        folder.live = folder.durable.clone();
        folder.fuse = None;
    }

    /// Nothing goes wrong by itself.
    pub(super) fn calm(&self) {
        let mut folder = self.folder();
        (folder.fail_sync, folder.fail_write) = (false, false);
    }
}

#[derive(Debug)]
struct Handle {
    disk: Forgetful,
    file: usize,
}

impl DiskFile for Handle {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut folder = self.disk.folder();
        folder.operate()?;
        let failed = std::mem::take(&mut folder.fail_write);
        let length = if failed { folder.random(bytes.len() as u64) as usize } else { bytes.len() };
        let change = Change::Write(offset as usize, bytes[..length].to_vec());
        let inode = &mut folder.inodes[self.file];
        change.apply(&mut inode.live);
        inode.pending.push(change);
        if failed { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync(&self) -> io::Result<()> {
        let mut folder = self.disk.folder();
        folder.operate()?;
        if std::mem::take(&mut folder.fail_sync) {
            // As the kernel does: the pages are clean from now on, whatever became of them.
            folder.settle_file(self.file);
            return Err(io::Error::other("the disk refuses"));
        }
        let inode = &mut folder.inodes[self.file];
        for change in std::mem::take(&mut inode.pending) {
            change.apply(&mut inode.durable);
        }
        Ok(())
    }

    fn cut(&self, length: u64) -> io::Result<()> {
        let mut folder = self.disk.folder();
        folder.operate()?;
        let inode = &mut folder.inodes[self.file];
        Change::Cut(length as usize).apply(&mut inode.live);
        inode.pending.push(Change::Cut(length as usize));
        Ok(())
    }

    fn has_name(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Disk for Forgetful {
    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        let mut folder = self.folder();
        folder.operate()?;
        Ok(folder.live.iter().map(|(name, file)| (name.clone(), folder.inodes[*file].live.len() as u64)).collect())
    }

    fn read(&self, name: &str) -> io::Result<Box<dyn Read>> {
        let mut folder = self.folder();
        folder.operate()?;
        let file = *folder.live.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(Cursor::new(folder.inodes[file].live.clone())))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut folder = self.folder();
        folder.operate()?;
        let file = *folder.live.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(Handle { disk: self.clone(), file }))
    }

    fn create(&self, name: &str, _reserve: u64) -> io::Result<Arc<dyn DiskFile>> {
        let mut folder = self.folder();
        folder.operate()?;
        let file = folder.inodes.len();
        folder.inodes.push(Inode::default());
        folder.live.insert(name.to_owned(), file);
        folder.pending.push((name.to_owned(), Some(file)));
        Ok(Arc::new(Handle { disk: self.clone(), file }))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut folder = self.folder();
        folder.operate()?;
        if folder.live.remove(name).is_some() {
            folder.pending.push((name.to_owned(), None));
        }
        Ok(())
    }

    fn sync_folder(&self) -> io::Result<()> {
        let mut folder = self.folder();
        folder.operate()?;
        if std::mem::take(&mut folder.fail_sync) {
            folder.settle_folder();
            return Err(io::Error::other("the disk refuses"));
        }
        folder.pending.clear();
        folder.durable = folder.live.clone();
        Ok(())
    }
}
