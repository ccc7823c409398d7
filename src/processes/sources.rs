//! What queries are answered from.

use std::sync::Arc;

use carbon_storage::{Explain, Explained, Fetch, Find, Recent, WhisperTree};
use render::{Sources, Status};

use crate::names::KeptNames;
use crate::status::NamesPart;
use crate::store::overlay;

/// What render reads: names from the index, points from the tree, with what waits in a cache laid over it.
pub(super) fn sources(
    tree: &WhisperTree,
    recent: Option<Arc<dyn Recent>>,
    index: &KeptNames,
    mut status: Status,
) -> Sources {
    status.parts.push(Arc::new(NamesPart(index.index.clone())));
    let (find, fetch): (Arc<dyn Find>, Arc<dyn Fetch>) = (Arc::new(index.index.clone()), Arc::new(tree.clone()));
    let stored: Arc<dyn Explain> = Arc::new(tree.clone());
    let Some(recent) = recent else { return Sources { explain: Some(stored), ..Sources::new(find, fetch, status) } };
    let overlay = Arc::new(overlay(tree, Arc::clone(&find), recent));
    // What waits in a cache of this process is in the index.
    let find = if index.follows() { find } else { overlay.clone() };
    let explain = Arc::new(Explained { overlay: overlay.clone(), stored });
    Sources { explain: Some(explain), ..Sources::new(find, overlay, status) }
}
