//! Draws some thirty pictures from made-up data, to be looked at: `cargo run -p render --example contact_sheet DIR`.
//!
//! Requests are close to those whose pictures by graphite-web are kept for comparison; each becomes PNG and SVG, and
//! `index.html` shows them all.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

use jiff::tz::TimeZone;
use render::Series;
use render::draw::template::Templates;
use render::draw::{Format, Options, TimeRange, draw, message};

const NOW: i64 = 1_793_512_800;

/// One picture: its file name, its request, its data.
struct Sheet {
    name: &'static str,
    query: &'static str,
    seconds: i64,
    series: Vec<Series>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(env::args().nth(1).ok_or("usage: contact_sheet DIR")?);
    fs::create_dir_all(&folder)?;
    let mut index = String::from("<!doctype html><meta charset=utf-8><title>Contact sheet</title>\n");
    for sheet in sheets() {
        let query: BTreeMap<&str, &str> = sheet.query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let options = Options::from_lookup(&|name| query.get(name).copied(), &Templates::default())?;
        let tz = TimeZone::get(query.get("tz").copied().unwrap_or("UTC"))?;
        let window = TimeRange { from: NOW - sheet.seconds, until: NOW };
        for (format, ending) in [(Format::Png, "png"), (Format::Svg, "svg")] {
            let picture = match query.get("error") {
                Some(text) => message(text, options.title.as_deref(), &options, format)?,
                None => draw(&sheet.series, &options, window, &tz, format)?,
            };
            fs::write(folder.join(format!("{}.{ending}", sheet.name)), picture)?;
        }
        let _ = writeln!(index, "<p>{0}<br><img src={0}.png> <img src={0}.svg>", sheet.name);
    }
    fs::write(folder.join("index.html"), index)?;
    println!("{}", folder.join("index.html").display());
    Ok(())
}

/// Numbers that look like noise and are the same in every run.
struct Noise(u64);

impl Noise {
    /// From 0 to 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / f64::from(1_u32 << 31)
    }
}

fn series(name: &str, seconds: i64, step: i64, value: impl FnMut(i64) -> f64) -> Series {
    let count = seconds / step;
    let start = NOW - seconds + step;
    Series {
        name: name.to_owned(),
        tags: render::SeriesTags::default(),
        path_expression: name.to_owned(),
        start,
        end: start + count * step,
        step,
        values: (0..count).map(value).collect(),
        integers: false,
        consolidation: Default::default(),
        values_per_point: 1,
        x_files_factor: 0.0,
        style: Default::default(),
    }
}

/// A slow wave with noise on it.
fn load(name: &str, seconds: i64, step: i64, level: f64, swing: f64, noise: f64, seed: u64) -> Series {
    let mut random = Noise(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let phase = random.next() * 6.0;
    let mut drift = 0.0;
    series(name, seconds, step, |index| {
        drift = drift * 0.9 + (random.next() - 0.5) * noise;
        let time = (index * step) as f64;
        (level + swing * (time / 7000.0 + phase).sin() + drift).max(0.0)
    })
}

fn gaps(mut series: Series, every: usize, length: usize) -> Series {
    for (index, value) in series.values.iter_mut().enumerate() {
        if index % every < length {
            *value = f64::NAN;
        }
    }
    series
}

fn styled(mut series: Series, change: impl FnOnce(&mut render::series::Style)) -> Series {
    change(&mut series.style);
    series
}

fn web(count: u64, seconds: i64, step: i64) -> Vec<Series> {
    (1..=count)
        .map(|host| load(&format!("web{host:02}"), seconds, step, 20.0 + 6.0 * host as f64, 9.0, 9.0, host))
        .collect()
}

fn spiky(seconds: i64) -> Vec<Series> {
    let mut random = Noise(7);
    (1..=5).map(|host| series(&format!("db{host:02}"), seconds, 60, |_| (random.next() * 3.4 - 0.4).max(0.0))).collect()
}

fn cpu_stack(seconds: i64, step: i64) -> Vec<Series> {
    [("user", 22.0, 8.0), ("system", 9.0, 4.0), ("iowait", 5.0, 4.0), ("idle", 55.0, 12.0)]
        .iter()
        .zip(1..)
        .map(|((name, level, swing), seed)| load(name, seconds, step, *level, *swing, 3.0, seed))
        .collect()
}

fn cacti(count: u64) -> Vec<Series> {
    let mut all = web(count, 3600, 60);
    for one in &mut all {
        let known = || one.values.iter().copied();
        let last = known().last().unwrap_or(0.0);
        let (max, min) = (known().fold(0.0, f64::max), known().fold(f64::MAX, f64::min));
        one.name = format!("{}.cpu    Current:{last:.2}    Max:{max:.2}    Min:{min:.2}  ", one.name);
    }
    all
}

fn sheets() -> Vec<Sheet> {
    let hour = 3600;
    let sheet = |name, seconds, query, series| Sheet { name, query, seconds, series };
    let mib = 1_048_576.0;
    let mut memory = Noise(3);
    let mut temperature = Noise(5);
    let mut requests = Noise(11);
    let mut gappy = Noise(13);
    vec![
        sheet("01-line", hour, "width=800&height=400&title=CPU user&vtitle=percent", {
            let mut hosts = web(3, hour, 60);
            hosts[2] = gaps(hosts[2].clone(), 17, 3);
            hosts
        }),
        sheet(
            "02-stacked-area",
            6 * hour,
            "width=800&height=400&title=web01 CPU&areaMode=stacked&yMin=0&yMax=100&vtitle=percent",
            cpu_stack(6 * hour, 60),
        ),
        sheet("03-many-series-legend", hour, "width=900&height=700&hideLegend=false&title=all cpu", cacti(20)),
        sheet(
            "04-dual-y",
            6 * hour,
            "width=800&height=400&title=load and memory&vtitle=load&vtitleRight=bytes&yUnitSystem=binary",
            vec![
                load("load", 6 * hour, 60, 1.2, 0.7, 0.7, 4),
                styled(series("memory", 6 * hour, 600, |_| 4096.0 * mib + memory.next() * 16.0 * mib), |style| {
                    style.second_y_axis = true
                }),
            ],
        ),
        sheet(
            "05-solarized-light",
            hour,
            "width=800&height=400&template=solarized-light&title=load, solarized-light",
            spiky(hour),
        ),
        sheet(
            "05b-solarized-dark",
            hour,
            "width=800&height=400&template=solarized-dark&title=load, solarized-dark",
            spiky(hour),
        ),
        sheet(
            "06-dark-custom",
            hour,
            "width=800&height=400&bgcolor=#111217&fgcolor=#ccccdc&colorList=#7EB26D,#EAB839,#6ED0E0,#EF843C,#E24D42&lineWidth=2&title=dark, custom colours",
            spiky(hour),
        ),
        sheet("07-log", 2 * hour, "width=800&height=400&logBase=10&title=log scale", {
            vec![
                series("spike", 2 * hour, 60, |index| if index % 37 == 28 { 1000.0 } else { 5.0 }),
                series("square", 2 * hour, 60, |index| if index / 5 % 2 == 0 { 1.0 } else { 11.0 }),
            ]
        }),
        sheet("08-dashed-infinite", 2 * hour, "width=800&height=400&title=dashed limit and events", {
            vec![
                load("user", 2 * hour, 60, 23.0, 7.0, 4.0, 9),
                styled(series("limit", 2 * hour, 60, |_| 30.0), |style| style.dashed = Some(8.0)),
                styled(
                    series("cleanup", 2 * hour, 60, |index| if index % 10 == 9 { 1.0 } else { f64::NAN }),
                    |style| {
                        style.draw_as_infinite = true;
                        style.color = Some("#aa3333".to_owned());
                    },
                ),
            ]
        }),
        sheet("09-pie", hour, "graphType=pie&width=500&height=350&title=load share", web(6, hour, 60)),
        sheet(
            "09b-pie-rotated",
            hour,
            "graphType=pie&width=500&height=350&title=load share, rotated&pieLabels=rotated&fontItalic=true&template=forest2",
            web(8, hour, 60),
        ),
        sheet(
            "10-small",
            hour,
            "width=200&height=100",
            vec![load("servers.web01.cpu.user", hour, 60, 27.0, 4.0, 4.0, 2)],
        ),
        sheet("10b-default-size", hour, "", vec![load("servers.web01.cpu.user", hour, 60, 27.0, 4.0, 4.0, 2)]),
        sheet("11-big-staircase", hour, "width=1400&height=600&title=gaps, staircase mode&lineMode=staircase", {
            vec![
                series("gappy", hour, 60, |index| if index % 7 == 2 { f64::NAN } else { 50.0 + gappy.next() * 10.0 }),
                gaps(load("web03 user", hour, 60, 25.0, 4.0, 4.0, 3), 17, 3),
            ]
        }),
        sheet("12-sparkline", hour, "width=300&height=80&hideLegend=true&hideAxes=true", web(2, hour, 60)),
        sheet("12b-graph-only", hour, "width=300&height=80&graphOnly=true&areaMode=all", web(1, hour, 60)),
        sheet("13-bars", 2 * hour, "width=800&height=400&areaMode=all&lineMode=staircase&yMin=0&title=requests", {
            vec![series("requests / 5 min", 2 * hour, 300, |index| {
                if index == 23 { 260.0 } else { 900.0 + requests.next() * 1100.0 }
            })]
        }),
        sheet("13b-bar", 2 * hour, "width=800&height=400&lineMode=bar&yMin=0&title=requests, lineMode=bar", {
            let mut bars =
                series("requests / 5 min", 2 * hour, 300, |index| 900.0 + 500.0 * (index as f64 / 3.0).sin());
            // The last step ends after the window.
            bars.start += 60;
            bars.end += 60;
            vec![bars]
        }),
        sheet(
            "13c-bar-stacked",
            6 * hour,
            "width=800&height=300&lineMode=bar&areaMode=stacked&yMin=0&title=stacked bars",
            cpu_stack(6 * hour, 900),
        ),
        sheet(
            "13d-bars-beside",
            6 * hour,
            "width=800&height=300&lineMode=bar&title=side by side",
            web(3, 6 * hour, 1800),
        ),
        sheet("14-no-data", hour, "width=500&height=200&title=nothing here", Vec::new()),
        sheet(
            "14b-error",
            hour,
            "width=500&height=200&title=broken&error=Unknown function \"frobnicate\" at byte 12 of target 1",
            Vec::new(),
        ),
        sheet(
            "15-new-york",
            24 * hour,
            "width=800&height=400&tz=America/New_York&yUnitSystem=binary&title=New York time, day range",
            vec![load("rx", 24 * hour, 60, 2.2e9, 1.4e9, 6e8, 21), load("tx", 24 * hour, 60, 0.9e9, 0.5e9, 3e8, 22)],
        ),
        sheet("16-area-between", hour, "width=800&height=400&yMax=50&yMin=0&minorY=3&yDivisors=5&areaAlpha=0.4", {
            let mut all = vec![
                load("lowest", hour, 60, 22.0, 3.0, 3.0, 31),
                load("highest", hour, 60, 33.0, 4.0, 3.0, 32),
                gaps(load("web03", hour, 60, 27.0, 3.0, 5.0, 33), 17, 3),
            ];
            all[0].style.stacked = true;
            all[0].style.invisible = true;
            all[1].style.stacked = true;
            all
        }),
        sheet(
            "17-grafana-dark",
            24 * hour,
            "width=800&height=400&template=grafana-dark&title=CPU user by host",
            web(10, 24 * hour, 60),
        ),
        sheet(
            "17b-dark-filled",
            24 * hour,
            "width=800&height=400&template=dark&areaMode=all&title=dark template",
            web(4, 24 * hour, 60),
        ),
        sheet("17c-grafana", hour, "width=800&height=400&template=grafana&title=load, grafana template", spiky(hour)),
        sheet("17d-classic", hour, "width=800&height=400&template=classic&title=load, classic template", spiky(hour)),
        sheet("18-two-days", 48 * hour, "width=800&height=400&title=two days&xFormat=%a %H:%M", {
            vec![series("temperature", 48 * hour, 300, |index| {
                18.0 + 4.0 * (index as f64 / 46.0).sin() + temperature.next() * 0.5
            })]
        }),
        sheet("19-week", 7 * 24 * hour, "width=800&height=300&title=a week, with its spikes&tz=Europe/Berlin", {
            let mut spike = Noise(17);
            vec![series("latency", 7 * 24 * hour, 60, |index| {
                let calm = 20.0 + 5.0 * (index as f64 / 230.0).sin() + spike.next() * 6.0;
                if spike.next() > 0.999 { calm + 80.0 * spike.next() } else { calm }
            })]
        }),
        sheet("20-year", 365 * 24 * hour, "width=800&height=300&title=a year&yUnitSystem=si", {
            vec![load("bytes", 365 * 24 * hour, 6 * hour, 3.1e6, 0.9e6, 8e5, 5)]
        }),
        sheet(
            "21-forty",
            hour,
            "width=800&height=500&title=forty colours&hideLegend=false&template=default",
            web(40, hour, 60),
        ),
        sheet(
            "22-long-title",
            hour,
            "width=420&height=260&title=An unusually long title that says everything about this chart and then goes on",
            web(2, hour, 60),
        ),
        sheet(
            "23-retina",
            hour,
            "width=400&height=200&pixelRatio=2&title=two device pixels each&vtitle=percent",
            web(2, hour, 60),
        ),
        sheet("24-negative", hour, "width=800&height=300&areaMode=all&title=below zero", {
            vec![series("balance", hour, 60, |index| 40.0 * (index as f64 / 8.0).sin() - 8.0)]
        }),
        sheet("25-lone-points", hour, "width=800&height=300&title=lone points", {
            vec![series("sparse", hour, 60, |index| {
                if index % 7 < 2 && index % 3 == 0 { 40.0 + index as f64 } else { f64::NAN }
            })]
        }),
        sheet("26-connected", hour, "width=800&height=300&lineMode=connected&title=connected across gaps", {
            vec![gaps(load("web01", hour, 60, 30.0, 9.0, 9.0, 8), 9, 4)]
        }),
        sheet("27-seconds", hour, "width=800&height=300&yUnitSystem=sec&title=uptime in seconds", {
            vec![series("uptime", hour, 60, |index| 86_000.0 + 60.0 * index as f64)]
        }),
        sheet("28-capped", hour, "width=800&height=300&fontSize=5000&bgcolor=nocolour&title=capped", web(2, hour, 60)),
        sheet(
            "29-hundred",
            24 * hour,
            "width=800&height=400&template=grafana-dark&title=a hundred series",
            web(100, 24 * hour, 60),
        ),
    ]
}
