//! From names to paths and back.

use std::path::{Path, PathBuf};

use carbon_line::{MetricName, tags};

/// Ending of an archive's file.
pub(super) const ENDING: &str = ".wsp";

/// Where the archive of `name` lies below `root`.
///
/// A plain name has a directory for each part. A tagged one (`name;tag=value`) lies under `_tagged`, spread by the
/// SHA-256 of the whole name, as carbon does with TAG_HASH_FILENAMES. A plain [`MetricName`] has neither slashes nor
/// empty parts, so `..` cannot come about.
pub(super) fn file_of(root: &Path, name: &MetricName) -> PathBuf {
    let mut path = root.to_owned();
    if tags::is_tagged(name) {
        path.push(tags::hashed_path(name) + ENDING);
        return path;
    }
    let (branches, leaf) = name.rsplit_once('.').unwrap_or(("", name));
    path.extend(branches.split('.').filter(|part| !part.is_empty()));
    path.push(format!("{leaf}{ENDING}"));
    path
}

/// Where a carbon without TAG_HASH_FILENAMES has put the archive of a tagged series, if its name can be a file's.
pub(super) fn readable_file_of(root: &Path, name: &MetricName) -> Option<PathBuf> {
    let path = tags::is_tagged(name).then(|| tags::readable_path(name)).flatten()?;
    Some(root.join(path + ENDING))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: &str) {
        let name = MetricName::parse(name).unwrap();
        assert_eq!(file_of(Path::new("/root"), &name), Path::new(expected));
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
        let path = file_of(Path::new("/r"), &MetricName::parse("disk.used;dc=a").unwrap());
        let parts: Vec<_> = path.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
        assert_eq!(parts[2], "_tagged");
        assert_eq!((parts[3].len(), parts[4].len(), parts[5].len()), (3, 3, 64 + ENDING.len()));
        assert!(parts[5].starts_with(&format!("{}{}", parts[3], parts[4])));
    }
}
