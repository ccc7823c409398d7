//! What the sensors of the hardware say: volts, temperatures, fans, from `/sys/class/hwmon`. Names and units are those of
//! Diamond's LMSensorsCollector, without its library.

mod chip;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::proc::{ProcFile, text};
use crate::{Class, Collector, Fail, Made, Out, Site, Slot, Spec};

/// No host has as many sensors; each keeps a file open.
const MOST: usize = 512;
/// Runs after which chips are looked for again.
const FRESH: u32 = 60;

/// What a file is called, and how much of the unit its number counts.
const KINDS: [(&str, f64); 7] =
    [("in", 1e-3), ("fan", 1.0), ("temp", 1e-3), ("curr", 1e-3), ("power", 1e-6), ("energy", 1e-6), ("humidity", 1e-3)];

/// `[collectors.sensors]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    /// Sends 0 for a sensor that has no value. Default false.
    send_zero: bool,
}

struct Sensors {
    options: Options,
    folder: PathBuf,
    found: Vec<Sensor>,
    runs: u32,
}

struct Sensor {
    chip: String,
    label: String,
    scale: f64,
    file: ProcFile,
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    let folder = site.path("sys/class/hwmon");
    Ok(Box::new(Sensors { options: options.try_into()?, folder, found: Vec::new(), runs: 0 }))
}

impl Collector for Sensors {
    fn spec(&self) -> Spec {
        // A chip may be asked over a slow bus, a disk by a command.
        Spec { name: "sensors", class: Class::Slow, default_interval: None, deadline: Duration::from_secs(5) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        if self.runs.is_multiple_of(FRESH) {
            self.found = find(&self.folder);
        }
        self.runs = self.runs.wrapping_add(1);
        if self.found.is_empty() {
            return Err(Fail::Absent { what: self.folder.display().to_string() });
        }
        let mut result = Ok(());
        for sensor in &mut self.found {
            let value = match sensor.value() {
                Ok(value) => Some(value),
                // Nothing is connected there, or the chip sleeps.
                Err(Fail::Absent { .. } | Fail::Read { .. }) => self.options.send_zero.then_some(0.0),
                Err(fail) => {
                    result = Err(fail);
                    None
                }
            };
            if let Some(value) = value {
                out.gauge(&["sensors", &sensor.chip, &sensor.label], value).decimals(2);
            }
        }
        result
    }
}

impl Sensor {
    fn value(&mut self) -> Result<f64, Fail> {
        let (path, value) = self.file.read()?;
        let value = value.trim_ascii();
        let number: Option<i64> = text(value).and_then(|value| value.parse().ok());
        let number = number.ok_or_else(|| Fail::parse(path, 1, "a whole number", value))?;
        Ok(number as f64 * self.scale)
    }
}

/// Every sensor of every chip, in an order that does not change. A name that comes twice, as two chips of one kind on no
/// bus give, is kept once.
fn find(folder: &Path) -> Vec<Sensor> {
    let mut sensors = BTreeMap::new();
    for chip in names(folder) {
        let chip = folder.join(chip);
        // Old drivers have their files below the device.
        let folder = if chip.join("name").is_file() { chip.clone() } else { chip.join("device") };
        let Some(prefix) = line(folder.join("name")) else { continue };
        let name = chip::name(&chip, &prefix);
        for file in names(&folder) {
            let Some((feature, scale)) = feature(&file, &folder) else { continue };
            let label = line(folder.join(format!("{feature}_label"))).unwrap_or_else(|| feature.to_owned());
            let sensor = Sensor {
                chip: name.clone(),
                label: label.replace(' ', "-"),
                scale,
                file: ProcFile::new(folder.join(&file)),
            };
            sensors.entry((name.clone(), sensor.label.clone())).or_insert(sensor);
        }
    }
    sensors.into_values().take(MOST).collect()
}

/// `temp1` of `temp1_input`, with its scale; `power1` of `power1_average` where there is no `power1_input`.
fn feature<'a>(file: &'a str, folder: &Path) -> Option<(&'a str, f64)> {
    let feature = match file.strip_suffix("_input") {
        Some(feature) => feature,
        None => {
            let feature = file.strip_suffix("_average").filter(|feature| feature.starts_with("power"))?;
            (!folder.join(format!("{feature}_input")).exists()).then_some(feature)?
        }
    };
    let kind = feature.trim_end_matches(|c: char| c.is_ascii_digit());
    let (_, scale) = KINDS.iter().find(|(known, _)| *known == kind && kind.len() < feature.len())?;
    Some((feature, *scale))
}

/// The names of what is in `folder`, sorted; none when it cannot be read.
fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).take(8 * MOST).collect();
    names.sort_unstable();
    names
}

/// The one line of a file of `/sys`, when there is anything on it.
fn line(path: PathBuf) -> Option<String> {
    let mut file = ProcFile::new(path);
    let (_, bytes) = file.read().ok()?;
    text(bytes.trim_ascii()).filter(|line| !line.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests;
