//! Own golden pictures, compared by eye-like tolerance. `testdata/README.md` says how to renew and look at them.

use super::options::{AreaMode, GraphType, LineMode};
use super::template::Template;
use super::tests::{WINDOW, picture, series, wave};
use super::*;

/// Compares with `testdata/NAME.png`, or rewrites it under `UPDATE_GOLDEN=1`.
///
/// A pixel may be off a little, and very few may be off more: other processors round other last bits.
#[track_caller]
fn check_picture(name: &str, series: &[Series], options: &Options, zone: &str) {
    let tz = jiff::tz::TimeZone::get(zone).unwrap();
    check(name, draw(series, options, WINDOW, &tz, Format::Png).unwrap());
}

#[track_caller]
fn check(name: &str, png: Vec<u8>) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/draw/testdata").join(format!("{name}.png"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &png).unwrap();
    }
    if let Some(folder) = std::env::var_os("SAVE_PICTURES") {
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}.png")), &png).unwrap();
    }
    let known =
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run with UPDATE_GOLDEN=1", path.display()));
    let (found, expected) = (pixels(&png), pixels(&known));
    assert_eq!(found.0, expected.0, "{name}: size");
    let far = found.1.iter().zip(&expected.1).filter(|(a, b)| a.abs_diff(**b) > 24).count();
    let sum: u64 = found.1.iter().zip(&expected.1).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    let mean = sum as f64 / found.1.len() as f64;
    assert!(mean < 0.3 && far * 400 < found.1.len(), "{name}: {mean:.2} off on average, {far} bytes far off");
}

fn pixels(png: &[u8]) -> ((u32, u32), Vec<u8>) {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(png));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut bytes).unwrap();
    ((frame.width, frame.height), bytes)
}

fn small(title: &str) -> Options {
    Options { width: 320, height: 180, title: Some(title.to_owned()), ..Options::default() }
}

#[test]
fn lines_with_gaps_look_as_they_did() {
    let mut input = [series("web01", wave(60, 0.0)), series("web02", wave(60, 2.0))];
    input[1].values[20..26].fill(f64::NAN);
    input[1].values[23] = 44.0;
    check_picture("lines", &input, &Options { vtitle: Some("percent".to_owned()), ..small("lines") }, "UTC");
}

#[test]
fn a_stack_looks_as_it_did() {
    let input = [series("user", wave(60, 0.0)), series("system", wave(60, 2.0)), series("idle", wave(60, 4.0))];
    check_picture("stack", &input, &Options { area_mode: AreaMode::Stacked, ..small("stack") }, "America/New_York");
}

#[test]
fn two_axes_look_as_they_did() {
    let mut input = [series("load", wave(60, 0.0)), series("bytes", wave(60, 2.0))];
    input[1].values.iter_mut().for_each(|value| *value *= 1e6);
    input[1].style.second_y_axis = true;
    input[1].style.dashed = Some(5.0);
    let options = Options { template: Template::named("grafana-dark"), ..small("two axes") };
    check_picture("two-axes", &input, &options, "UTC");
}

#[test]
fn a_pie_looks_as_it_did() {
    let input: Vec<Series> = (0..5).map(|index| series(&format!("web{index}"), vec![1.0 + f64::from(index)])).collect();
    check_picture("pie", &input, &Options { graph_type: GraphType::Pie, ..small("pie") }, "UTC");
}

#[test]
fn more_points_than_pixels_show_their_extremes() {
    let mut input = series("spiky", wave(2000, 0.0));
    input.step = 2;
    input.end = input.start + 4000;
    input.values[777] = 250.0;
    let options = Options { width: 400, height: 200, ..Options::default() };
    let svg = String::from_utf8(picture(&[input.clone()], &options, Format::Svg)).unwrap();
    assert!(svg.contains(">250<") || svg.contains(">300<"), "the axis makes room for the spike");
    check_picture("envelope", &[input], &small("envelope"), "UTC");
}

#[test]
fn a_night_with_its_change_of_clocks_looks_as_it_did() {
    // 1 November 2026, 06:00 UTC: New York goes back to EST.
    let (from, until) = (1_793_484_000, 1_793_530_800);
    let mut input = series("requests", wave(156, 0.0));
    (input.start, input.step, input.end) = (from + 300, 300, from + 300 * 157);
    let tz = jiff::tz::TimeZone::get("America/New_York").unwrap();
    let png = draw(&[input], &small("the clocks go back"), TimeRange { from, until }, &tz, Format::Png).unwrap();
    check("day-and-zone", png);
}

#[test]
fn a_legend_with_figures_looks_as_it_did() {
    let name = |host: &str, now: f64| format!("{host}.cpu    Current:{now:.2}    Max:{:.2}    Min:-3.00  ", now * 7.0);
    let input = [("web01", 9.5), ("database-of-the-shop", 12.25), ("cache", 100.0)];
    let input: Vec<Series> =
        (0_u8..).zip(input).map(|(at, (host, now))| series(&name(host, now), wave(60, f64::from(at)))).collect();
    check_picture("table", &input, &small("figures"), "UTC");
}

#[test]
fn no_data_an_error_and_a_long_title_look_as_they_did() {
    check_picture("no-data", &[], &small("nothing here"), "UTC");
    let options = Options { width: 320, height: 140, ..Options::default() };
    check(
        "error",
        message("Unknown function \"frobnicate\"\nfrobnicate(a.b)\n^", Some("broken"), &options, Format::Png).unwrap(),
    );
    let title = "An unusually long title that says everything about this chart and then goes on";
    check_picture("long-title", &[series("a", wave(60, 0.0))], &small(title), "UTC");
}

#[test]
fn two_device_pixels_each_look_as_they_did() {
    let options = Options { width: 200, height: 120, pixel_ratio: 2.0, ..Options::default() };
    check_picture("ratio", &[series("a", wave(60, 0.0)), series("b", wave(60, 2.0))], &options, "UTC");
}

#[test]
fn bars_look_as_they_did() {
    let mut input = [series("user", wave(12, 0.0)), series("system", wave(12, 2.0))];
    for one in &mut input {
        // The last step is not over.
        (one.start, one.step, one.end) = (WINDOW.from + 200, 300, WINDOW.from + 200 + 12 * 300);
    }
    let bars = Options { line_mode: LineMode::Bar, ..small("bars") };
    check_picture("bars", &input, &bars, "UTC");
    let stacked = Options { area_mode: AreaMode::Stacked, template: Template::named("dark"), ..bars };
    check_picture("bars-stacked", &input, &stacked, "UTC");
}

#[test]
fn turned_and_slanted_letters_look_as_they_did() {
    let input: Vec<Series> = (0..8).map(|index| series(&format!("web{index}"), vec![1.0 + f64::from(index)])).collect();
    let template = Template::named("forest2");
    let options = Options {
        graph_type: GraphType::Pie,
        pie_labels_rotated: true,
        font_italic: true,
        template,
        height: 300,
        ..small("pie")
    };
    check_picture("pie-rotated", &input, &options, "UTC");
}

#[test]
fn events_and_limits_look_as_they_did() {
    let mut input =
        [series("load", wave(60, 0.0)), series("limit", vec![75.0; 60]), series("deploys", vec![f64::NAN; 60])];
    input[1].style.dashed = Some(6.0);
    input[2].style.draw_as_infinite = true;
    input[2].values[18] = 1.0;
    input[2].values[44] = 1.0;
    check_picture("events", &input, &Options { template: Template::named("light"), ..small("events") }, "UTC");
}
