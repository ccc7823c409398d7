//! How many files are open on the whole host, as `/proc/sys/fs/file-nr` says. Names are those of Diamond's
//! FilestatCollector.

use std::time::Duration;

use serde::Deserialize;

use crate::proc::{ProcFile, fields, number};
use crate::{Class, Collector, Fail, Made, Out, Site, Slot, Spec};

/// `[collectors.filestat]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {}

struct Filestat {
    file_nr: ProcFile,
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    let Options {} = options.try_into()?;
    Ok(Box::new(Filestat { file_nr: ProcFile::made_at_once(site.path("proc/sys/fs/file-nr")) }))
}

impl Collector for Filestat {
    fn spec(&self) -> Spec {
        Spec { name: "filestat", class: Class::Fast, default_interval: None, deadline: Duration::from_secs(1) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        let (path, file_nr) = self.file_nr.read()?;
        let mut columns = fields(file_nr);
        for name in ["assigned", "unused", "max"] {
            let count = columns.next().unwrap_or_default();
            let count = number(count).ok_or_else(|| Fail::parse(path, 1, "three counts of files", file_nr))?;
            out.gauge(&["files", name], count as f64);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
