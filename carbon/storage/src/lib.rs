//! Where points rest. `carbon` writes through these traits, `render` reads through them; neither knows a file.

pub mod error;
pub mod names;
pub mod series;
pub mod store;

pub use error::StorageError;
pub use names::{NameReader, NameTable, SeriesId};
pub use series::Series;
pub use store::{Answer, Failure, Fetch, FetchQuery, Find, FindQuery, Node, NodeKind, Partial, Pending, Recent, Store};
pub use store::{Refusal, Window, WriteReport};
