//! Names of tagged series that the tree itself can tell: those whose files are named in words.

use std::fs;
use std::path::{Path, PathBuf};

use carbon_line::{MetricName, tags};

use super::WhisperTree;
use super::path::ENDING;

impl WhisperTree {
    /// Every tagged series whose file is named in words; a name that is a hash tells nothing. Lists all folders of
    /// tagged files, so it may take minutes; what cannot be listed is passed over. Blocks.
    pub fn tagged_names(&self) -> Vec<MetricName> {
        let mut names = Vec::new();
        for folder in entries(&self.root().join(tags::DIRECTORY)) {
            for below in entries(&folder) {
                names.extend(entries(&below).iter().filter_map(|file| name_of(file)));
            }
        }
        names
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect()
}

/// The name that the file's name spells, if its place is the one for that name.
fn name_of(file: &Path) -> Option<MetricName> {
    let parts: Vec<&str> = file.iter().rev().take(4).map_while(|part| part.to_str()).collect();
    let [words, second, first, directory] = parts[..] else { return None };
    let path = [directory, first, second, words.strip_suffix(ENDING)?].join("/");
    let name = tags::name_of_path(&path);
    let fits = tags::is_tagged(&name) && tags::readable_path(&name).as_deref() == Some(&path);
    MetricName::parse(&name).ok().filter(|_| fits)
}
