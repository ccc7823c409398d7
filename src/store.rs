//! `[store]`: where points rest, opened from configuration for whoever writes or reads.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use carbon_storage::{
    AggregationRules, Find, Nowhere, Overlay, Recent, Schemas, StorageRules, Store, TreeOptions, WhisperTree,
};
use serde::Deserialize;
use tracing::warn;
use whisper::Allocation;

use crate::memory::Shares;

/// Where points rest and how new series are laid out.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct StoreConfig {
    /// Everything that is kept lies below this folder, archives in `whisper`. Default "plumbago-data".
    pub(crate) data: PathBuf,
    /// What becomes of points: "whisper" keeps them in a tree of `.wsp` files, "none" counts and forgets them, for
    /// measuring and for dry runs. Default "whisper".
    pub(crate) kind: StoreKind,
    /// A tree of `.wsp` files elsewhere, such as graphite's, used in place. Default: `whisper` below `data`.
    pub(crate) whisper: Option<PathBuf>,
    /// Graphite's storage-schemas.conf. Default: 60s:7d for carbon's own metrics, else 5s:6h,60s:7d,10m:1y.
    pub(crate) schemas: Option<PathBuf>,
    /// Graphite's storage-aggregation.conf. Default: the rules of carbon's example file.
    pub(crate) aggregation: Option<PathBuf>,
    /// How a new file takes its room: "reserved" or "zeroed" all of it at once, so that a full disk stops new series and
    /// not old ones; "sparse" as points arrive, which is quicker and cannot promise this. Default "reserved".
    pub(crate) allocation: AllocationName,
    /// Files kept open for writing at most; the others are opened for each write. Default: what the process may have
    /// (`ulimit -n`) but for an eighth, at least 2 048 and at most half; no more than 250 000. Some are closed when
    /// connections need their descriptors.
    pub(crate) descriptors: Option<usize>,
    /// Whether files of tagged series are named by hashes, as carbon's TAG_HASH_FILENAMES; if not, in words. Files with the
    /// other kind of name are read, and renamed by the next write. Default true.
    pub(crate) tag_hash_filenames: bool,
    /// New series a minute that get their file, as carbon's MAX_CREATES_PER_MINUTE, a minute's worth of them at once; the
    /// points of further ones wait. 0 for no limit. Default 0.
    pub(crate) creates_per_minute: u32,
    /// Files a minute that are given the retentions that `schemas` wants now, in the background, beginning at the start and
    /// whenever rules are read anew; 0 for none. Names that no section speaks of keep theirs. Default 0.
    pub(crate) migrate_per_minute: u32,
    /// How long a tagged series whose archive is gone, and of which no points wait, is still found by its tags. Default:
    /// forever.
    #[serde(with = "humantime_serde")]
    pub(crate) forget_tagged_after: Option<Duration>,
    /// Where a carbon in another process answers cache queries, so that a separate render sees what is not in files
    /// yet. Default: none.
    pub(crate) carbonlink: Option<SocketAddr>,
}

/// What becomes of points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StoreKind {
    #[default]
    Whisper,
    None,
}

/// The names of [`Allocation`] in a configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AllocationName {
    Sparse,
    Zeroed,
    #[default]
    Reserved,
}

/// The retentions of series for which no schema file speaks. Carbon tells of itself once a minute; everything else may
/// come as often as our own agent measures.
const SCHEMAS: &str = "[carbon]\npattern = ^carbon\\.\nretentions = 60s:7d,10m:1y\n\
                       [default]\npattern = .*\nretentions = 5s:6h,60s:7d,10m:1y\n";

impl Default for StoreConfig {
    fn default() -> StoreConfig {
        StoreConfig {
            data: PathBuf::from("plumbago-data"),
            kind: StoreKind::Whisper,
            whisper: None,
            schemas: None,
            aggregation: None,
            allocation: AllocationName::Reserved,
            descriptors: None,
            tag_hash_filenames: true,
            creates_per_minute: 0,
            migrate_per_minute: 0,
            forget_tagged_after: None,
            carbonlink: None,
        }
    }
}

impl StoreConfig {
    /// The directory of archives.
    pub(crate) fn tree(&self) -> PathBuf {
        self.whisper.clone().unwrap_or_else(|| self.data.join("whisper"))
    }

    /// Reads the rule files, and warns of sections that carbon, too, would pass over.
    ///
    /// # Errors
    /// Names the file, the line and the section at fault.
    pub(crate) fn rules(&self) -> anyhow::Result<StorageRules> {
        let schemas = match &self.schemas {
            Some(file) => Schemas::read(file)?,
            None => Schemas::parse(SCHEMAS).context("in the built-in schemas")?,
        };
        let aggregation = match &self.aggregation {
            Some(file) => AggregationRules::read(file)?,
            None => AggregationRules::builtin(),
        };
        for reason in schemas.skipped.iter().chain(&aggregation.skipped) {
            warn!(reason, "A section of the storage rules is passed over.");
        }
        Ok(StorageRules { schemas, aggregation })
    }

    /// How many files a minute are brought to the schemas; none by schemas that nobody has written.
    pub(crate) fn migrations(&self) -> u32 {
        if self.migrate_per_minute > 0 && self.schemas.is_none() {
            warn!("Nothing is migrated, since `[store] schemas` names no file.");
        }
        match (self.kind, &self.schemas) {
            (StoreKind::Whisper, Some(_)) => self.migrate_per_minute,
            _ => 0,
        }
    }

    /// What carbon writes to: the tree, unless nothing is kept.
    pub(crate) fn destination(&self, tree: &WhisperTree) -> Arc<dyn Store> {
        match self.kind {
            StoreKind::Whisper => Arc::new(tree.clone()),
            StoreKind::None => {
                warn!("Points are counted and forgotten, because `[store] kind` is \"none\".");
                Arc::new(Nowhere)
            }
        }
    }

    /// Opens the tree for writing, and makes it if it is not there, unless nothing is kept. Its `shares` say how
    /// much of the files it keeps in mind, which saves reading; see [`TreeOptions`].
    pub(crate) fn open(&self, shares: &Shares) -> anyhow::Result<WhisperTree> {
        if self.kind == StoreKind::None {
            return self.open_for_reading();
        }
        let allocation = match self.allocation {
            AllocationName::Sparse => Allocation::Sparse,
            AllocationName::Zeroed => Allocation::Zeroed,
            AllocationName::Reserved => Allocation::Reserved,
        };
        let quarantine = Some(self.data.join("quarantine"));
        let remedy = "choose another folder with `--data DIR` or `[store] data`";
        let tag_hash_filenames = self.tag_hash_filenames;
        let Shares { tips, pages, .. } = *shares;
        let descriptors = self.descriptors.unwrap_or_else(TreeOptions::default_descriptors);
        WhisperTree::open(
            &self.tree(),
            self.rules()?,
            TreeOptions { allocation, descriptors, tips, pages, quarantine, tag_hash_filenames },
        )
        .context(remedy)
    }

    /// Opens the tree for reading; it may be empty or not there yet.
    pub(crate) fn open_for_reading(&self) -> anyhow::Result<WhisperTree> {
        Ok(WhisperTree::read_only(&self.tree(), self.rules()?))
    }
}

/// What waits in a cache over what the tree holds and `find` finds.
pub(crate) fn overlay(tree: &WhisperTree, find: Arc<dyn Find>, recent: Arc<dyn Recent>) -> Overlay {
    let layouts = tree.clone();
    let layout = Arc::new(move |name: &_| layouts.rules().layout(name));
    Overlay::new(find, Arc::new(tree.clone()), recent, layout)
}
