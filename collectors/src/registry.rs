//! From `[collectors.NAME]` tables to collectors that are ready to run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::origin::{self, Origin};
use crate::{COLLECTORS, Collector, Ears};

/// Declares the folders of the table as modules and makes the table, so that a collector is one line and not two. One
/// behind a feature is in the table without it, too, so that nobody takes its name for a misspelled one.
macro_rules! collectors {
    ($($name:ident: $on:expr $(=> $feature:literal)?,)*) => {
        $($(#[cfg(feature = $feature)])? mod $name;)*

        /// Every collector there is.
        pub const COLLECTORS: &[Entry] = &[$(
            $(#[cfg(feature = $feature)])?
            Entry {
                name: stringify!($name),
                on: $on,
                sample: include_str!(concat!(stringify!($name), "/sample.toml")),
                names: include_str!(concat!(stringify!($name), "/names.txt")),
                build: $name::build,
                built_in: true,
            },
            $(#[cfg(not(feature = $feature))] Entry::left_out(stringify!($name)),)?
        )*];
    };
}
pub(crate) use collectors;

/// A collector made from its options, or what is wrong with them.
pub type Made = Result<Box<dyn Collector>, toml::de::Error>;

/// One line of the table of collectors.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Name of the folder and of the `[collectors.NAME]` table.
    pub name: &'static str,
    /// Whether it runs when its table does not say.
    pub on: bool,
    /// Its table with every option at its default, as TOML.
    pub sample: &'static str,
    /// Where each of its names comes from, see [`Origin`].
    pub(crate) names: &'static str,
    /// Makes it from its own options.
    pub build: fn(&Site, toml::Table) -> Made,
    /// Whether this program has it: a smaller one leaves some out.
    pub built_in: bool,
}

impl Entry {
    /// One that this program was built without.
    #[cfg_attr(not(test), allow(dead_code, reason = "a full program has them all"))]
    pub(crate) const fn left_out(name: &'static str) -> Entry {
        let build = |_: &Site, _: toml::Table| {
            Err(serde::de::Error::custom("this program was built without it; the full `plumbago agent` has it"))
        };
        Entry { name, on: false, sample: "", names: "", build, built_in: false }
    }

    /// Where `name`, which is without prefix and host, comes from; `None` when it is no name of this collector.
    pub fn origin(&self, name: &str) -> Option<Origin> {
        origin::find(self.names, name)
    }
}

/// Where the host is to be seen.
#[derive(Clone, Debug)]
pub struct Site {
    root: PathBuf,
    host: String,
    ears: Option<Arc<dyn Ears>>,
    compat: Compat,
}

/// Whose habits are followed where ours are other ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compat {
    /// Our own.
    #[default]
    Native,
    /// Those of Diamond, for series that have to go on as they were: COMPATIBILITY.md lists them.
    Diamond,
}

impl Site {
    /// The host whose `/proc`, `/sys` and `/run` lie below `root`: `/`, or what a container has them mounted under.
    pub fn below(root: impl Into<PathBuf>) -> Site {
        Site { root: root.into(), host: "localhost".to_owned(), ears: None, compat: Compat::Native }
    }

    /// The same, called `host` in the names of metrics.
    pub fn called(self, host: &str) -> Site {
        Site { host: host.to_owned(), ..self }
    }

    /// The same, with a server that can be asked.
    pub fn hearing(self, ears: Arc<dyn Ears>) -> Site {
        Site { ears: Some(ears), ..self }
    }

    /// What this host is called.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The server that values go to, when there is one to be asked.
    pub fn ears(&self) -> Option<&dyn Ears> {
        self.ears.as_deref()
    }

    /// The same host, measured with the habits of `compat`.
    pub fn with(mut self, compat: Compat) -> Site {
        self.compat = compat;
        self
    }

    /// Whether Diamond's habits are wanted.
    pub fn is_diamond(&self) -> bool {
        self.compat == Compat::Diamond
    }

    /// The path of `absolute` on this host.
    pub fn path(&self, absolute: &str) -> PathBuf {
        self.root.join(absolute.trim_start_matches('/'))
    }

    /// The directory that stands for the host's `/`.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

impl Default for Site {
    fn default() -> Site {
        Site::below("/")
    }
}

/// The `[collectors]` section: a table for each collector that differs from its defaults.
///
/// Each table may hold `enabled`, `interval` and `compat` beside the options of its collector.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Settings(BTreeMap<String, toml::Table>);

/// A collector with what the schedule was told about it.
pub struct Built {
    /// Ready to run.
    pub collector: Box<dyn Collector>,
    /// How often, when its table says so.
    pub interval: Option<Duration>,
    /// Whose habits it follows.
    pub compat: Compat,
    /// Tells its settings from others. One that runs under the same goes on when settings are read anew, and is not begun
    /// again; without it all begin again.
    pub settings: Option<String>,
}

impl std::fmt::Debug for Built {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Built").field("spec", &self.collector.spec()).field("interval", &self.interval).finish()
    }
}

/// What is wrong with the `[collectors]` section.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsFault {
    /// Usually a misspelled name.
    #[error("[collectors.{name}]: there is no such collector; there are {}", names())]
    Unknown {
        /// As it was written.
        name: String,
    },
    /// An option that the collector does not have, or a value of another type.
    #[error("[collectors.{name}]")]
    Options {
        /// Whose table.
        name: String,
        /// Which key, and what is wrong with it.
        source: Box<toml::de::Error>,
    },
}

/// The options that every table may hold.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Common {
    enabled: Option<bool>,
    #[serde(with = "humantime_serde")]
    interval: Option<Duration>,
    compat: Option<Compat>,
}

impl Settings {
    /// Switches `name` on, whatever its table says.
    pub fn enable(&mut self, name: &str) {
        self.0.entry(name.to_owned()).or_default().insert("enabled".to_owned(), true.into());
    }

    /// The collectors that are to run, in the order of the table.
    ///
    /// # Errors
    /// Every fault of every table at once, those of collectors that are switched off included.
    pub fn build(&self, site: &Site) -> Result<Vec<Built>, Vec<SettingsFault>> {
        let known = |name: &str| COLLECTORS.iter().any(|entry| entry.name == name);
        let unknown = self.0.keys().filter(|name| !known(name));
        let mut faults: Vec<_> = unknown.map(|name| SettingsFault::Unknown { name: name.clone() }).collect();
        let mut built = Vec::new();
        for entry in COLLECTORS {
            match self.build_one(entry, site) {
                Ok(Some(one)) => built.push(one),
                Ok(None) => {}
                Err(source) => {
                    faults.push(SettingsFault::Options { name: entry.name.to_owned(), source: Box::new(source) });
                }
            }
        }
        if faults.is_empty() { Ok(built) } else { Err(faults) }
    }

    fn build_one(&self, entry: &Entry, site: &Site) -> Result<Option<Built>, toml::de::Error> {
        let mut options = self.0.get(entry.name).cloned().unwrap_or_default();
        let mut common = toml::Table::new();
        for key in ["enabled", "interval", "compat"] {
            if let Some(value) = options.remove(key) {
                common.insert(key.to_owned(), value);
            }
        }
        let common: Common = common.try_into()?;
        if !entry.built_in && !common.enabled.unwrap_or(false) {
            return Ok(None);
        }
        let compat = common.compat.unwrap_or(site.compat);
        let collector = (entry.build)(&site.clone().with(compat), options)?;
        Ok(common.enabled.unwrap_or(entry.on).then_some(Built {
            collector,
            interval: common.interval,
            compat,
            settings: None,
        }))
    }
}

fn names() -> String {
    let names: Vec<&str> = COLLECTORS.iter().map(|entry| entry.name).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Settings {
        toml::from_str(text).unwrap()
    }

    #[track_caller]
    fn fault(text: &str, expected: &str) {
        let faults = settings(text).build(&Site::default()).unwrap_err();
        let told = match &faults[0] {
            SettingsFault::Options { source, .. } => format!("{}: {source}", faults[0]),
            fault => fault.to_string(),
        };
        assert!(told.contains(expected), "{told}");
    }

    #[test]
    fn every_folder_has_readme_sample_tests_and_an_entry() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        for found in std::fs::read_dir(&source).unwrap() {
            let folder = found.unwrap();
            if !folder.file_type().unwrap().is_dir() {
                continue;
            }
            let name = folder.file_name().into_string().unwrap();
            assert!(COLLECTORS.iter().any(|entry| entry.name == name), "{name} is not in the table of lib.rs");
            for file in ["mod.rs", "tests.rs", "README.md", "sample.toml", "names.txt"] {
                assert!(folder.path().join(file).is_file(), "{name} lacks {file}");
            }
            let readme = std::fs::read_to_string(folder.path().join("README.md")).unwrap();
            let sample = std::fs::read_to_string(folder.path().join("sample.toml")).unwrap();
            assert!(readme.contains(sample.trim()), "the README of {name} does not show its sample.toml");
        }
    }

    #[test]
    fn every_sample_builds_the_same_collector_as_an_empty_table() {
        for entry in COLLECTORS {
            let sample: BTreeMap<String, Settings> = toml::from_str(entry.sample).unwrap();
            let tables = &sample["collectors"];
            let table = tables.0.get(entry.name).unwrap_or_else(|| panic!("{} has another table", entry.name));
            assert_eq!(table.get("enabled"), Some(&entry.on.into()), "{}: `enabled` is not at its default", entry.name);
            tables.build(&Site::default()).unwrap_or_else(|faults| panic!("{}: {faults:?}", entry.name));
            let spec = (entry.build)(&Site::default(), toml::Table::new()).unwrap().spec();
            assert_eq!(spec.name, entry.name);
        }
    }

    #[test]
    fn a_collector_can_be_switched_off_and_given_an_interval() {
        let built = settings("[cpu]\nenabled = false\n[memory]\ninterval = \"1m\"").build(&Site::default()).unwrap();
        let found = |name| built.iter().find(|built| built.collector.spec().name == name);
        assert!(found("cpu").is_none());
        assert_eq!(found("memory").map(|built| built.interval), Some(Some(Duration::from_secs(60))));
    }

    #[test]
    fn what_a_small_program_lacks_is_said_when_it_is_wanted_and_else_passed_over() {
        let entry = Entry::left_out("postgres");
        let build = |text: &str| settings(text).build_one(&entry, &Site::default()).map(|built| built.is_some());
        assert_eq!(build(""), Ok(false));
        assert_eq!(build("[postgres]\nenabled = false\ndatabase = \"a\""), Ok(false));
        assert!(build("[postgres]\nenabled = true").unwrap_err().to_string().contains("built without"));
    }

    #[test]
    fn a_misspelled_name_or_option_is_named() {
        fault("[cpus]", "[collectors.cpus]: there is no such collector; there are cpu, memory");
        fault("[cpu]\nper-cores = true", "unknown field `per-cores`");
        fault("[cpu]\nenabled = \"no\"", "enabled");
        fault("[cpu]\nenabled = false\nper-cores = true", "unknown field `per-cores`");
    }
}
