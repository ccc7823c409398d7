//! storage-schemas.conf and storage-aggregation.conf: how the file of a new series is laid out; and the lists of names
//! that come in or stay outside.
//!
//! In both of the former the first section whose pattern is found anywhere in the name wins. Source: carbon's `storage.py`.

mod aggregation;
mod lists;
mod schema;

use std::path::{Path, PathBuf};
use std::{fs, io};

use carbon_line::MetricName;
use whisper::CreateOptions;

pub use aggregation::{Aggregation, AggregationRules};
pub use lists::{NameList, NameLists, Verdict};
pub use schema::{Schema, Schemas, parse_retention};

use crate::ini::IniFault;

/// Both rule files together.
#[derive(Clone, Debug, Default)]
pub struct StorageRules {
    /// Which retentions.
    pub schemas: Schemas,
    /// Which aggregation method and xFilesFactor.
    pub aggregation: AggregationRules,
}

/// Why a rule file is refused. Sections that carbon passes over are no error; see `skipped` of each rule set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// The file named in the configuration cannot be read.
    #[error("cannot read the rules in {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Not a rule file at all.
    #[error(transparent)]
    Ini(#[from] IniFault),
    /// A section that carbon, too, refuses to start with.
    #[error("line {line}, [{section}]: {finding}")]
    Section {
        /// Which section.
        section: String,
        /// Where the value at fault stands, counted from 1.
        line: usize,
        /// What is wrong with it.
        finding: String,
    },
    /// A line of a list that cannot be used.
    #[error("line {line}: {finding}")]
    Line {
        /// Which line, counted from 1.
        line: usize,
        /// What is wrong with it.
        finding: String,
    },
    /// Any of the above, in a file.
    #[error("in {path}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What is wrong in it.
        source: Box<RuleError>,
    },
}

impl StorageRules {
    /// How a new file for `name` is laid out.
    pub fn layout(&self, name: &MetricName) -> CreateOptions {
        let mut options = CreateOptions::new(self.schemas.matching(name).retentions.clone());
        let aggregation = self.aggregation.matching(name);
        options.method = aggregation.method;
        options.x_files_factor = aggregation.x_files_factor;
        options
    }
}

/// Reads a rule file and puts its path in front of whatever is wrong with it.
fn read<T>(path: &Path, parse: impl FnOnce(&str) -> Result<T, RuleError>) -> Result<T, RuleError> {
    let text = fs::read_to_string(path).map_err(|source| RuleError::Read { path: path.to_owned(), source })?;
    parse(&text).map_err(|source| RuleError::File { path: path.to_owned(), source: Box::new(source) })
}

/// Compiles a pattern; Python's interpolation writes a percent sign as `%%`.
fn compile(pattern: &str, section: &str, line: usize) -> Result<regex::Regex, RuleError> {
    regex::Regex::new(&pattern.replace("%%", "%")).map_err(|fault| RuleError::Section {
        section: section.to_owned(),
        line,
        finding: format!("pattern `{pattern}` is no regular expression we take: {fault}"),
    })
}
