//! Where points rest. `carbon` writes through these traits, `render` reads through them; neither knows a file.

pub mod carbonlink;
pub mod error;
pub mod event_log;
pub mod events;
pub mod explain;
pub mod flush;
pub mod housekeeping;
mod ini;
pub mod memory;
pub mod metadata;
pub mod name_index;
pub mod names;
pub mod node_ends;
pub mod node_list;
pub mod nowhere;
mod off_worker;
pub mod overlay;
pub mod rules;
pub mod series;
pub mod store;
pub mod tag_index;
pub mod tags;
pub mod whisper_tree;

pub use carbonlink::CarbonLinkRecent;
pub use error::StorageError;
pub use event_log::EventLog;
pub use events::{Event, EventQuery, Events, NewEvent, TagSet};
pub use explain::{ArchiveOrigin, Explain, FileOrigin, Origin, Slot};
pub use flush::{Flush, Flushed};
pub use housekeeping::{Changed, Housekeeping, Rearrange, Selection};
pub use ini::IniFault;
pub use memory::Memory;
pub use metadata::Metadata;
pub use name_index::{NameIndex, Tending};
pub use names::{NameReader, NameTable, SeriesId};
pub use node_ends::{NodeEnd, NodeEnds};
pub use node_list::NodeList;
pub use nowhere::Nowhere;
pub use off_worker::on_blocking_thread;
pub use overlay::{Explained, Layout, Overlay};
pub use rules::{AggregationRules, NameList, NameLists, RuleError, Schemas, StorageRules, Verdict};
pub use series::Series;
pub use store::{
    Answer, Failure, Fetch, FetchQuery, Find, FindQuery, ListQuery, Node, NodeKind, Partial, Pending, Recent, Store,
};
pub use store::{Refusal, Waiting, Window, WriteReport};
pub use tag_index::{Expiry, TagIndex};
pub use tags::{TagEntry, TagExpression, TagQuery, Tags, ValueEntry, ValueTest};
pub use whisper_tree::{TreeOptions, WhisperTree};
