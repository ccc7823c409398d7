//! One daemon: what is remembered of it between runs, what it is asked in this one, and what becomes of its answers.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tracing::info;

use super::Options;
use super::cluster::Counters;
use super::device::{Device, folders};
use super::discover::{Daemon, Socket};
use super::flatten::Reader;
use super::names::Addresses;
use super::schema::{Schema, Schemas, Wanted};
use super::socket::Fault;
use super::status::{MdsStatus, MonStatus, Version};
use crate::{Fail, Out, Site};

/// Runs between two looks at the schema of a daemon that shows sections its schema lacks.
const SCHEMA_AGE: u32 = 12;

/// A daemon that gives no answer is left in peace for up to this many runs.
const MOST_SKIPPED: u32 = 8;

/// Sets of labels of one section that are read.
const MOST_LABELLED: usize = 1000;

/// What a daemon can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    /// Which cluster it belongs to.
    Fsid,
    Version,
    /// Where an OSD keeps its data.
    DataPath,
    Schema,
    Dump,
    /// What it is doing: `mon_status` and its like.
    Status,
}

/// How a daemon stands after a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Standing {
    /// It was not asked yet.
    #[default]
    Unknown,
    Alive,
    /// Its socket refuses: left behind, or the daemon is only starting.
    Refused,
    /// It gives no answer.
    Silent,
    /// Its answers make no sense.
    Garbled,
    /// We may not look.
    Forbidden,
}

/// What is remembered of a daemon between runs.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) path: PathBuf,
    pub(super) daemon: Daemon,
    file: (u64, u64, i64),
    /// The same in words.
    pub(super) socket: String,
    /// What it says of itself, once per start.
    pub(super) fsid: Option<String>,
    pub(super) version: Option<Version>,
    data_path: Option<PathBuf>,
    /// The disk of an OSD; looked for once it has said where its data are.
    pub(super) device: Option<Device>,
    asked_who: bool,
    /// What it does now.
    pub(super) status: Option<MonStatus>,
    /// A monitor's section `cluster`.
    pub(super) counters: Counters,
    pub(super) mds: Option<MdsStatus>,
    pub(super) mgr_active: Option<bool>,
    schema: Option<Arc<Schema>>,
    schema_age: u32,
    addresses: Addresses,
    /// Whether it knows `counter dump`; nobody knows before it was asked.
    labelled: Option<bool>,
    /// Its number among processes of one name; 0 when it has none yet.
    pub(super) twin: u32,
    /// What its cluster is called.
    pub(super) cluster: String,
    /// What names of it begin with: those of its counters, and our own below `ceph.CLUSTER`.
    pub(super) prefix: String,
    pub(super) root: String,
    pub(super) standing: Standing,
    /// What went wrong in this run.
    pub(super) fail: Option<Fail>,
    /// Answers that did not come, one after another, and runs still to be left out for that.
    silences: u32,
    skip: u32,
    /// Whether it is not asked any more in this run.
    gave_up: bool,
    /// What is still to be asked in this run, last first.
    script: Vec<Question>,
}

impl Known {
    pub(super) fn new(socket: Socket) -> Known {
        let fsid = socket.fsid().map(str::to_owned);
        let Socket { path, daemon, file } = socket;
        Known {
            path,
            daemon,
            file,
            socket: format!("{:x}-{:x}-{:x}", file.0, file.1, file.2),
            fsid,
            version: None,
            data_path: None,
            device: None,
            asked_who: false,
            status: None,
            counters: Counters::new(),
            mds: None,
            mgr_active: None,
            schema: None,
            schema_age: 0,
            addresses: Addresses::default(),
            labelled: None,
            twin: 0,
            cluster: String::new(),
            prefix: String::new(),
            root: String::new(),
            standing: Standing::Unknown,
            fail: None,
            silences: 0,
            skip: 0,
            gave_up: false,
            script: Vec::new(),
        }
    }

    /// Whether this is still the daemon behind `socket`; a new file means a new start.
    pub(super) fn is(&self, socket: &Socket) -> bool {
        self.path == socket.path && self.file == socket.file
    }

    /// Begins a run: plans to ask who it is, if nobody knows yet.
    pub(super) fn begin(&mut self) {
        self.fail = None;
        self.status = None;
        self.mds = None;
        self.mgr_active = None;
        self.script.clear();
        self.gave_up = self.skip > 0;
        if self.gave_up {
            self.skip -= 1;
        } else if !self.asked_who {
            self.script.extend([Question::Version, Question::Fsid]);
            if self.daemon.kind == "osd" {
                self.script.insert(0, Question::DataPath);
            }
        }
    }

    /// Looks for the disk of an OSD that has just said where its data are.
    pub(super) fn find_device(&mut self, site: &Site) {
        if let Some(said) = self.data_path.take() {
            self.device = Device::below(&folders(&said, &self.daemon.id, self.fsid.as_deref(), site), site);
        }
    }

    /// Plans to ask for its counters, unless it is to be left in peace.
    pub(super) fn plan(&mut self) {
        if self.gave_up {
            return;
        }
        if matches!(self.daemon.kind.as_str(), "mon" | "mds" | "mgr") {
            self.script.push(Question::Status);
        }
        self.script.push(Question::Dump);
        if self.schema.is_none() {
            self.script.push(Question::Schema);
        }
    }

    /// The next request, if there is one.
    pub(super) fn question(&self) -> Option<String> {
        let labelled = self.labelled != Some(false);
        let command = match self.script.last()? {
            Question::Fsid => return Some(request("config get", ",\"var\":\"fsid\"")),
            Question::DataPath => return Some(request("config get", ",\"var\":\"osd_data\"")),
            Question::Version => "version",
            Question::Schema if labelled => "counter schema",
            Question::Schema => "perf schema",
            Question::Dump if labelled => "counter dump",
            Question::Dump => "perf dump",
            Question::Status if self.daemon.kind == "mon" => "mon_status",
            Question::Status if self.daemon.kind == "mgr" => "mgr_status",
            Question::Status => "status",
        };
        Some(request(command, ""))
    }

    /// Takes the answer to the last question; counters go into `out`.
    pub(super) fn answer(
        &mut self,
        answer: Result<&[u8], Fault>,
        options: &Options,
        schemas: &mut Schemas,
        out: &mut Out,
    ) {
        let Some(question) = self.script.pop() else { return };
        let result = answer.and_then(|answer| self.take(question, answer, options, schemas, out));
        match result {
            Ok(()) => self.standing = Standing::Alive,
            // Older than `counter dump`: the same in the old form.
            Err(Fault::Refused(_)) if question == Question::Schema && self.labelled.is_none() => {
                self.labelled = Some(false);
                self.script.push(Question::Schema);
            }
            // A standby knows less than an active manager, an old daemon less than a new one.
            Err(Fault::Refused(_)) if !matches!(question, Question::Schema | Question::Dump) => {
                self.standing = Standing::Alive;
                if question == Question::Status && self.daemon.kind == "mgr" {
                    self.mgr_active = Some(false);
                }
            }
            Err(fault) => self.give_up(fault, options.timeout),
        }
        if self.script.is_empty() && !self.gave_up {
            self.asked_who = true;
            self.silences = 0;
        }
    }

    fn take(
        &mut self,
        question: Question,
        answer: &[u8],
        options: &Options,
        schemas: &mut Schemas,
        out: &mut Out,
    ) -> Result<(), Fault> {
        match question {
            Question::Fsid => self.fsid = Some(told::<Fsid>(answer)?.fsid),
            Question::DataPath => self.data_path = Some(told::<DataPath>(answer)?.osd_data),
            Question::Version => self.version = Some(told(answer)?),
            Question::Status => match self.daemon.kind.as_str() {
                "mon" => self.status = Some(told(answer)?),
                "mds" => self.mds = Some(told(answer)?),
                _ => self.mgr_active = Some(true),
            },
            Question::Schema => {
                let wanted = Wanted { min_priority: options.min_priority(), include: &options.include };
                let schema = schemas.parse(answer, wanted, options.naming, &mut self.addresses);
                self.schema = Some(schema.map_err(Fault::garbled)?);
                self.schema_age = 0;
                self.labelled.get_or_insert(true);
            }
            Question::Dump => self.read(answer, options, out)?,
        }
        Ok(())
    }

    fn read(&mut self, dump: &[u8], options: &Options, out: &mut Out) -> Result<(), Fault> {
        // A dump is never asked for before there is a schema.
        let Some(schema) = &self.schema else { return Ok(()) };
        let reader = Reader { schema, naming: options.naming, prefix: &self.prefix, most_labelled: MOST_LABELLED };
        let mark = out.mark();
        let seen = reader.flatten(dump, out).map_err(|error| {
            // Half a dump is no dump.
            out.rewind(mark);
            Fault::garbled(error)
        })?;
        if seen.left_out > 0 {
            let what = format!("{} has {} sets of labels too many in a section", self.path.display(), seen.left_out);
            self.fail = Some(Fail::Refused { what, answer: format!("only {MOST_LABELLED} are read") });
        }
        if self.daemon.kind == "mon" {
            self.counters = cluster_counters(dump);
        }
        self.schema_age += 1;
        if seen.unknown && self.schema_age >= SCHEMA_AGE {
            self.schema = None;
        }
        Ok(())
    }

    fn give_up(&mut self, fault: Fault, timeout: Duration) {
        self.script.clear();
        let what = || format!("the admin socket {}", self.path.display());
        let (standing, fail) = match fault {
            // A stopped daemon leaves its socket behind; one that starts has a socket before it has counters.
            Fault::Down => (Standing::Refused, None),
            Fault::Silent => {
                // Every question to a daemon that hangs costs a place for a whole timeout, so it is asked less and less.
                self.silences += 1;
                self.skip = (1 << self.silences.min(16)).min(MOST_SKIPPED) - 1;
                (Standing::Silent, Some(Fail::Timeout { what: what(), after: timeout }))
            }
            Fault::Io(source) => (Standing::Forbidden, Some(Fail::Read { path: self.path.clone(), source })),
            Fault::Refused(answer) => (Standing::Garbled, Some(Fail::Refused { what: what(), answer })),
            Fault::Garbled { expectation, finding } => {
                // Perhaps the schema belongs to another daemon than the one that answers now.
                self.schema = None;
                (Standing::Garbled, Some(Fail::parse(&self.path, 1, expectation, finding.as_bytes())))
            }
        };
        if standing == Standing::Refused && self.standing != Standing::Refused {
            info!(path = %self.path.display(), "Nobody listens at an admin socket; its daemon is counted as down.");
        }
        if standing == Standing::Refused {
            // Another process of that name may have its number.
            self.twin = 0;
        }
        self.standing = standing;
        self.fail = fail;
        self.gave_up = true;
    }
}

fn request(command: &str, more: &str) -> String {
    format!("{{\"prefix\":\"{command}\",\"format\":\"json\"{more}}}\0")
}

#[derive(Deserialize)]
struct Fsid {
    fsid: String,
}

#[derive(Deserialize)]
struct DataPath {
    osd_data: PathBuf,
}

/// The section `cluster` of a monitor's dump, with or without labels; empty when it has none.
fn cluster_counters(dump: &[u8]) -> Counters {
    #[derive(Deserialize)]
    struct Dump {
        cluster: Section,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Section {
        Plain(Counters),
        Labelled(Vec<Labelled>),
    }
    #[derive(Deserialize)]
    struct Labelled {
        counters: Counters,
    }
    match serde_json::from_slice(dump) {
        Ok(Dump { cluster: Section::Plain(counters) }) => counters,
        Ok(Dump { cluster: Section::Labelled(sets) }) => sets.into_iter().flat_map(|set| set.counters).collect(),
        Err(_) => Counters::new(),
    }
}

fn told<'a, T: Deserialize<'a>>(answer: &'a [u8]) -> Result<T, Fault> {
    serde_json::from_slice(answer).map_err(Fault::garbled)
}
