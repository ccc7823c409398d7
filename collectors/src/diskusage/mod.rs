//! What each block device did since the last run, from `/proc/diskstats`. Names and units are those of Diamond's
//! DiskUsageCollector, whose root is `iostat`.
//!
//! Most values join several counters (time per request, bytes per request), so the differences are made here and not
//! by the agent.

use std::collections::BTreeMap;
use std::time::Duration;

use regex_lite::Regex;
use serde::{Deserialize, Deserializer, de};

use crate::proc::{ProcFile, fields, lines, number, text};
use crate::{Bits, Class, Collector, Fail, Kept, Made, Out, Site, Slot, Spec, Unit, moved};

/// `[collectors.diskusage]`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    /// Regular expression that a device's name has to match from its start. Default: md, sd, vd, xvd, disk, dm, nvme.
    #[serde(deserialize_with = "anchored")]
    devices: Regex,
    /// Bytes of a sector in the kernel's counters. Default 512.
    sector_size: u32,
    /// Devices without I/O since the last run, too. Default false.
    send_zero: bool,
}

const DEVICES: &str = "(md[0-9]+|sd[a-z]+[0-9]*|x?vd[a-z]+[0-9]*|disk[0-9]+|dm-[0-9]+|nvme[0-9]+n[0-9]+(p[0-9]+)?)$";

impl Default for Options {
    fn default() -> Options {
        let devices = Regex::new(&format!("^(?:{DEVICES})")).expect("a pattern of our own, which a test compiles");
        Options { devices, sector_size: 512, send_zero: false }
    }
}

fn anchored<'de, D: Deserializer<'de>>(input: D) -> Result<Regex, D::Error> {
    let pattern = String::deserialize(input)?;
    Regex::new(&format!("^(?:{pattern})")).map_err(|error| de::Error::custom(format!("`{pattern}`: {error}")))
}

/// Devices come and go; more than a host has at a time are not remembered.
const MOST_KNOWN: usize = 4096;

struct DiskUsage {
    options: Options,
    diskstats: ProcFile,
    /// Whether a device is wanted, by its name: asking the expression costs more than all else.
    wanted: BTreeMap<String, bool>,
    /// What each device had counted at the last run, and when that was.
    last: BTreeMap<String, (Counts, Duration)>,
}

/// The columns after the device's name, by their place.
type Counts = [u64; COLUMNS];
const COLUMNS: usize = 11;
const READS: usize = 0;
const READS_MERGED: usize = 1;
const READ_SECTORS: usize = 2;
const READ_MS: usize = 3;
const WRITES: usize = 4;
const WRITES_MERGED: usize = 5;
const WRITE_SECTORS: usize = 6;
const WRITE_MS: usize = 7;
const IN_PROGRESS: usize = 8;
const IO_MS: usize = 9;
const WEIGHTED_MS: usize = 10;

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    let diskstats = ProcFile::of_lines_below(512, site.path("proc/diskstats"));
    Ok(Box::new(DiskUsage { options: options.try_into()?, diskstats, wanted: BTreeMap::new(), last: BTreeMap::new() }))
}

impl Collector for DiskUsage {
    fn spec(&self) -> Spec {
        Spec { name: "diskusage", class: Class::Fast, default_interval: None, deadline: Duration::from_secs(1) }
    }

    fn run(&mut self, slot: Slot, out: &mut Out) -> Result<(), Fail> {
        let (path, diskstats) = self.diskstats.read()?;
        for (at, line) in lines(diskstats) {
            let mut columns = fields(line).skip(2);
            let Some(device) = columns.next().and_then(text) else { continue };
            if !wants(&self.options.devices, &mut self.wanted, device) {
                continue;
            }
            let Some(now) = counts(&mut columns)
                .map_err(|column| Fail::parse(path, at, "a count", column))?
                .filter(|_| !device.is_empty())
            else {
                // Kernels before 2.6.25 tell less about partitions.
                continue;
            };
            let entry = (now, slot.monotonic);
            let Some(last) = self.last.get_mut(device) else {
                self.last.insert(device.to_owned(), entry);
                continue;
            };
            let (before, then) = std::mem::replace(last, entry);
            let elapsed = slot.monotonic.saturating_sub(then).as_secs_f64();
            if let Some(step) = step(&before, &now).filter(|_| elapsed > 0.0)
                && (self.options.send_zero || step[READS] + step[WRITES] > 0.0)
            {
                publish(device, &step, elapsed, self.options.sector_size.into(), out);
            }
        }
        // A device that was taken away is forgotten; one that comes back begins anew.
        self.last.retain(|_, (_, seen)| *seen == slot.monotonic);
        Ok(())
    }

    fn keep(&self, kept: &mut Kept) {
        for (device, (counts, at)) in &self.last {
            kept.add(device, Some(*at), counts.to_vec());
        }
    }

    fn recall(&mut self, kept: &Kept) {
        for row in kept.rows() {
            if let (Some(at), Ok(counts)) = (row.at, Counts::try_from(row.numbers.as_slice())) {
                self.last.insert(row.name.clone(), (counts, at));
            }
        }
    }
}

fn wants(devices: &Regex, known: &mut BTreeMap<String, bool>, device: &str) -> bool {
    if let Some(wanted) = known.get(device) {
        return *wanted;
    }
    if known.len() >= MOST_KNOWN {
        known.clear();
    }
    let wanted = devices.is_match(device);
    known.insert(device.to_owned(), wanted);
    wanted
}

/// The first columns as counts; `None` when there are fewer, an error with the column that is no count.
fn counts<'a>(columns: &mut impl Iterator<Item = &'a [u8]>) -> Result<Option<Counts>, &'a [u8]> {
    let mut counts = [0; COLUMNS];
    for count in &mut counts {
        let Some(column) = columns.next() else { return Ok(None) };
        *count = number(column).ok_or(column)?;
    }
    Ok(Some(counts))
}

/// How far each column moved; `None` when the device was reset. Requests in progress stay as they are.
fn step(before: &Counts, now: &Counts) -> Option<[f64; COLUMNS]> {
    let mut step = [0.0; COLUMNS];
    for (column, step) in step.iter_mut().enumerate() {
        // The kernel keeps times in 32 bits of milliseconds, everything else in a machine word.
        let bits = match column {
            READ_MS | WRITE_MS | IO_MS | WEIGHTED_MS => Bits::B32,
            _ => Bits::B64,
        };
        *step = match column {
            IN_PROGRESS => now[column],
            _ => moved(before[column], now[column], bits)?,
        } as f64;
    }
    Some(step)
}

fn publish(device: &str, step: &[f64; COLUMNS], elapsed: f64, sector: f64, out: &mut Out) {
    let mut gauge = |name: &str, value: f64, unit: Unit| {
        out.gauge(&["iostat", device, name], value).decimals(3).unit(unit);
    };
    let per = |sum: f64, count: f64| if count > 0.0 { sum / count } else { 0.0 };
    let io = step[READS] + step[WRITES];
    let (read_bytes, write_bytes) = (step[READ_SECTORS] * sector, step[WRITE_SECTORS] * sector);
    let service_time = per(step[IO_MS], io);

    gauge("reads", step[READS], Unit::None);
    gauge("reads_merged", step[READS_MERGED], Unit::None);
    gauge("reads_byte", read_bytes, Unit::Bytes);
    gauge("reads_milliseconds", step[READ_MS], Unit::Milliseconds);
    gauge("writes", step[WRITES], Unit::None);
    gauge("writes_merged", step[WRITES_MERGED], Unit::None);
    gauge("writes_byte", write_bytes, Unit::Bytes);
    gauge("writes_milliseconds", step[WRITE_MS], Unit::Milliseconds);
    gauge("io", io, Unit::None);
    gauge("io_in_progress", step[IN_PROGRESS], Unit::None);
    gauge("io_milliseconds", step[IO_MS], Unit::Milliseconds);
    gauge("io_milliseconds_weighted", step[WEIGHTED_MS], Unit::Milliseconds);

    gauge("reads_per_second", step[READS] / elapsed, Unit::None);
    gauge("writes_per_second", step[WRITES] / elapsed, Unit::None);
    gauge("read_byte_per_second", read_bytes / elapsed, Unit::Bytes);
    gauge("write_byte_per_second", write_bytes / elapsed, Unit::Bytes);
    gauge("read_requests_merged_per_second", step[READS_MERGED] / elapsed, Unit::None);
    gauge("write_requests_merged_per_second", step[WRITES_MERGED] / elapsed, Unit::None);
    gauge("iops", io / elapsed, Unit::None);

    gauge("average_request_size_byte", per(read_bytes + write_bytes, io), Unit::Bytes);
    gauge("average_queue_length", step[WEIGHTED_MS] / elapsed / 1000.0, Unit::None);
    gauge("util_percentage", step[IO_MS] / elapsed / 10.0, Unit::Percent);
    gauge("read_await", per(step[READ_MS], step[READS]), Unit::Milliseconds);
    gauge("write_await", per(step[WRITE_MS], step[WRITES]), Unit::Milliseconds);
    gauge("await", per(step[READ_MS] + step[WRITE_MS], io), Unit::Milliseconds);
    gauge("service_time", service_time, Unit::Milliseconds);
    gauge("concurrent_io", io / elapsed * service_time / 1000.0, Unit::None);
}

#[cfg(test)]
mod tests;
