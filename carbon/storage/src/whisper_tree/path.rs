//! From names to paths and back.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use carbon_line::{MetricName, tags};

use super::WhisperTree;

/// Ending of an archive's file.
pub(super) const ENDING: &str = ".wsp";

impl WhisperTree {
    /// Where the archive of `name` is to lie.
    pub(crate) fn file_of(&self, name: &MetricName) -> PathBuf {
        if tags::is_tagged(name) { tagged(self.root(), name, self.tag_hash) } else { plain(self.root(), name) }
    }

    /// Where a carbon, or we, with the other choice of `tag-hash-filenames` has put the archive of a tagged series.
    pub(super) fn other_file_of(&self, name: &MetricName) -> Option<PathBuf> {
        let other = tags::is_tagged(name).then(|| tagged(self.root(), name, !self.tag_hash))?;
        Some(other).filter(|other| *other != self.file_of(name))
    }

    /// Whether there is an archive of `name`.
    pub fn has_file(&self, name: &MetricName) -> bool {
        std::fs::metadata(self.present_file_of(name)).is_ok_and(|meta| meta.is_file())
    }

    /// Where the archive of `name` lies; where it is to lie if it is nowhere.
    pub(super) fn present_file_of(&self, name: &MetricName) -> PathBuf {
        let path = self.file_of(name);
        let other = || self.other_file_of(name).filter(|other| !path.exists() && other.exists());
        other().unwrap_or(path)
    }
}

/// A plain name has a directory for each part. It has neither slashes nor empty parts, so `..` cannot come about.
fn plain(root: &Path, name: &str) -> PathBuf {
    let root = root.as_os_str();
    let mut path = OsString::with_capacity(root.len() + 1 + name.len() + ENDING.len());
    path.push(root);
    let (branches, leaf) = name.rsplit_once('.').unwrap_or(("", name));
    for part in branches.split('.').filter(|part| !part.is_empty()).chain([leaf]) {
        if !path.is_empty() && path.as_encoded_bytes().last() != Some(&b'/') {
            path.push("/");
        }
        path.push(part);
    }
    path.push(ENDING);
    path.into()
}

/// A tagged series (`name;tag=value`) lies under `_tagged`, spread by the SHA-256 of the whole name, as carbon does: named
/// by the hash, or in words as with `TAG_HASH_FILENAMES = False`. What in words cannot be the name of a file has the one
/// by its hash in any case.
fn tagged(root: &Path, name: &str, hash: bool) -> PathBuf {
    let words = if hash { None } else { tags::readable_path(name) };
    root.join(words.unwrap_or_else(|| tags::hashed_path(name)) + ENDING)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{StorageRules, TreeOptions};

    fn file(name: &str, tag_hash_filenames: bool) -> PathBuf {
        let options = TreeOptions { tag_hash_filenames, ..TreeOptions::from(whisper::Allocation::Sparse) };
        let tree = WhisperTree::with(Path::new("/root"), StorageRules::default(), options);
        tree.file_of(&MetricName::parse(name).unwrap())
    }

    #[track_caller]
    fn check(name: &str, expected: &str) {
        assert_eq!(file(name, true), Path::new(expected));
        assert_eq!(file(name, false), Path::new(expected));
    }

    #[test]
    fn each_part_of_a_name_is_a_directory() {
        check("servers.web01.load", "/root/servers/web01/load.wsp");
        check("load", "/root/load.wsp");
        check("..a..b", "/root/a/b.wsp");
        check("a.b.wsp", "/root/a/b/wsp.wsp");
    }

    #[test]
    fn a_tagged_name_lies_under_its_hash() {
        let parts = |hash: bool| -> Vec<String> {
            file("disk.used;dc=a", hash).iter().map(|part| part.to_str().unwrap().to_owned()).collect()
        };
        let (hashed, readable) = (parts(true), parts(false));
        assert_eq!(hashed[2], "_tagged");
        assert_eq!((hashed[3].len(), hashed[4].len(), hashed[5].len()), (3, 3, 64 + ENDING.len()));
        assert!(hashed[5].starts_with(&format!("{}{}", hashed[3], hashed[4])));
        assert_eq!(readable[..5], hashed[..5]);
        assert_eq!(readable[5], "disk_DOT_used;dc=a.wsp");
    }

    #[test]
    fn what_cannot_be_the_name_of_a_file_lies_under_its_hash_always() {
        for name in [format!("a;b={}", "c".repeat(300)), "a;b=c/d".to_owned()] {
            assert_eq!(file(&name, false), file(&name, true));
        }
    }
}
