//! Which daemons run on this host: as metrics below `ceph.CLUSTER.host.HOST`, and as JSON in a file for those who want it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Serialize;

use super::cleaned::cleaned;
use super::daemon::{Known, Standing};
use crate::{Fail, Out, Site, Value};

/// One daemon, as it stands in the file.
#[derive(Debug, Serialize)]
struct Entry<'a> {
    cluster: &'a str,
    fsid: Option<&'a str>,
    host: &'a str,
    r#type: &'a str,
    id: &'a str,
    version: Option<&'a str>,
    up: bool,
    /// The disk of an OSD.
    device: Option<&'a str>,
    socket: &'a Path,
}

/// What was written last.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    written: String,
}

/// Puts where each daemon runs, and how the sockets stand, into `out`.
pub(super) fn publish(daemons: &[Known], site: &Site, out: &mut Out) {
    let host = cleaned(site.host());
    let mut standings: BTreeMap<(&str, &str), f64> = BTreeMap::new();
    let (mut here, mut disks) = (BTreeMap::new(), Vec::new());
    for known in daemons {
        let standing = match known.standing {
            Standing::Alive => "alive",
            Standing::Refused => "refused",
            Standing::Silent => "silent",
            Standing::Garbled => "garbled",
            Standing::Forbidden => "forbidden",
            Standing::Unknown => continue,
        };
        for word in ["alive", "refused", "silent", "garbled", "forbidden"] {
            *standings.entry((&known.cluster, word)).or_default() += f64::from(u8::from(word == standing));
        }
        let name = known.root.rsplit_once('.').map_or("", |(_, id)| id);
        // With a dash for a separator the kind is in the name already.
        let kind = if name.starts_with(&format!("{}-", known.daemon.kind)) { "" } else { known.daemon.kind.as_str() };
        if let Some(device) = &known.device {
            disks.push((&known.cluster, kind, name, cleaned(&device.name)));
        }
        *here.entry((&known.cluster, kind, name)).or_insert(false) |= known.standing == Standing::Alive;
    }
    for ((cluster, kind, name), up) in here {
        let up = if up { 1.0 } else { 0.0 };
        out.value(&["ceph", cluster, "host", &host, kind, name, "up"], Value::Gauge(up));
    }
    for (cluster, kind, name, disk) in disks {
        out.value(&["ceph", cluster, "host", &host, kind, name, "device", &disk], Value::Gauge(1.0));
    }
    for ((cluster, standing), count) in standings {
        out.value(&["ceph", cluster, "host", &host, "sockets", standing], Value::Gauge(count));
    }
}

impl Inventory {
    /// Writes the file when something in it is another than before.
    ///
    /// # Errors
    /// [`Fail::Read`] with what the system said.
    pub(super) fn write(&mut self, path: &Path, daemons: &[Known], site: &Site) -> Result<(), Fail> {
        let entries: Vec<Entry<'_>> = daemons
            .iter()
            .map(|known| Entry {
                cluster: &known.cluster,
                fsid: known.fsid.as_deref(),
                host: site.host(),
                r#type: &known.daemon.kind,
                id: &known.daemon.id,
                version: known.version.as_ref().map(|version| version.version.as_str()),
                up: known.standing == Standing::Alive,
                device: known.device.as_ref().map(|device| device.name.as_str()),
                socket: &known.path,
            })
            .collect();
        // Strings and numbers always can be written as JSON.
        let text = serde_json::to_string_pretty(&entries).unwrap_or_default();
        if text == self.written {
            return Ok(());
        }
        let draft = path.with_extension("new");
        let written = fs::write(&draft, &text).and_then(|()| fs::rename(&draft, path));
        written.map_err(|source| Fail::Read { path: path.to_owned(), source })?;
        self.written = text;
        Ok(())
    }
}
