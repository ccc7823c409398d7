//! Whole pictures: hostile input, equal bytes, and own golden pictures compared by eye-like tolerance.

use super::options::AreaMode;
use super::*;

fn series(name: &str, values: Vec<f64>) -> Series {
    Series {
        name: name.to_owned(),
        tags: Default::default(),
        path_expression: name.to_owned(),
        start: 1_793_509_260,
        end: 1_793_509_260 + 60 * values.len() as i64,
        step: 60,
        values: values.into(),
        integers: false,
        consolidation: Default::default(),
        values_per_point: 1,
        x_files_factor: 0.0,
        style: Default::default(),
    }
}

fn wave(count: usize, phase: f64) -> Vec<f64> {
    (0..count).map(|index| 50.0 + 40.0 * (index as f64 / 9.0 + phase).sin()).collect()
}

const WINDOW: TimeRange = TimeRange { from: 1_793_509_200, until: 1_793_512_800 };

fn picture(series: &[Series], options: &Options, format: Format) -> Vec<u8> {
    draw(series, options, WINDOW, &jiff::tz::TimeZone::UTC, format).unwrap()
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let input = [series("a", wave(60, 0.0)), series("b", wave(60, 1.0))];
    for format in [Format::Png, Format::Svg] {
        assert_eq!(picture(&input, &Options::default(), format), picture(&input, &Options::default(), format));
    }
}

#[test]
fn a_picture_has_the_size_that_was_asked_for() {
    let options = Options { width: 321, height: 123, pixel_ratio: 2.0, ..Options::default() };
    let png = picture(&[series("a", wave(60, 0.0))], &options, Format::Png);
    let info = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
    assert_eq!((info.info().width, info.info().height), (642, 246));
}

#[test]
fn hostile_values_draw_something() {
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    let inputs: [&[f64]; 12] = [
        &[],
        &[nan],
        &[inf, -inf],
        &[1.0],
        &[nan, 5.0, nan],
        &[7.0; 60],
        &[0.0; 60],
        &[f64::MAX, f64::MIN, f64::MAX],
        &[5e-324, 0.0, -5e-324],
        &[1e-300, 1e300],
        &[1.0, 1.0 + f64::EPSILON],
        &[-1.0, -2.0, -3.0],
    ];
    for values in inputs {
        for area_mode in [AreaMode::None, AreaMode::Stacked] {
            for log_base in [None, Some(10.0)] {
                for (width, height) in [(1, 1), (1, 300), (300, 1), (20, 20), (330, 250)] {
                    let options = Options { area_mode, log_base, width, height, ..Options::default() };
                    let input = [series("a", values.to_vec()), series("b", values.to_vec())];
                    picture(&input, &options, Format::Png);
                    picture(&input, &options, Format::Svg);
                }
            }
        }
    }
}

#[test]
fn markup_in_names_is_text() {
    let name = "<script>alert('1')</script>&\u{1}\"\u{202e}שלום";
    let options = Options { title: Some(name.to_owned()), vtitle: Some(name.to_owned()), ..Options::default() };
    let svg = String::from_utf8(picture(&[series(name, wave(60, 0.0))], &options, Format::Svg)).unwrap();
    assert!(!svg.contains("<script") && svg.contains("&lt;script&gt;"));
    assert!(!svg.contains('\u{1}'));
}

#[test]
fn thousands_of_series_are_cut_and_the_picture_says_so() {
    let input: Vec<Series> = (0..5000).map(|index| series(&format!("s{index}"), wave(10, 0.1))).collect();
    let options = Options { hide_legend: Some(false), ..Options::default() };
    let svg = String::from_utf8(picture(&input, &options, Format::Svg)).unwrap();
    assert!(svg.contains("500 of 5000 series drawn"));
}

#[test]
fn no_data_keeps_the_title() {
    let options = Options { title: Some("nothing here".to_owned()), ..Options::default() };
    let svg = String::from_utf8(picture(&[], &options, Format::Svg)).unwrap();
    assert!(svg.contains("No Data") && svg.contains("nothing here"));
}

#[test]
fn a_message_is_wrapped_into_its_frame() {
    let text = "Unknown function \"frobnicate\" in target 1 ".repeat(30);
    for (width, height) in [(1, 1), (100, 40), (500, 200)] {
        let options = Options { width, height, ..Options::default() };
        message(&text, Some("broken"), &options, Format::Png).unwrap();
    }
}

/// Compares with `testdata/NAME.png`, or rewrites it under `UPDATE_GOLDEN=1`.
///
/// A pixel may be off a little, and very few may be off more: other processors round other last bits.
#[track_caller]
fn check_picture(name: &str, series: &[Series], options: &Options, zone: &str) {
    let tz = jiff::tz::TimeZone::get(zone).unwrap();
    let png = draw(series, options, WINDOW, &tz, Format::Png).unwrap();
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
    let options = Options { template: template::Template::named("grafana-dark"), ..small("two axes") };
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
