//! Whole pictures: hostile input, equal bytes.

use super::options::AreaMode;
use super::*;

pub(super) fn series(name: &str, values: Vec<f64>) -> Series {
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

pub(super) fn wave(count: usize, phase: f64) -> Vec<f64> {
    (0..count).map(|index| 50.0 + 40.0 * (index as f64 / 9.0 + phase).sin()).collect()
}

pub(super) const WINDOW: TimeRange = TimeRange { from: 1_793_509_200, until: 1_793_512_800 };

pub(super) fn picture(series: &[Series], options: &Options, format: Format) -> Vec<u8> {
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
fn a_tiny_picture_is_a_curve_without_words() {
    for (width, height) in [(30, 20), (60, 200), (300, 30)] {
        let options = Options { width, height, hide_legend: Some(true), ..Options::default() };
        let svg = String::from_utf8(picture(&[series("a", wave(60, 0.0))], &options, Format::Svg)).unwrap();
        assert!(svg.contains("<path") && !svg.contains("<circle") && !svg.contains("<text"), "{width} x {height}");
    }
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

#[test]
fn bytes_are_the_same_on_every_thread_and_after_any_other_picture() {
    let input = [series("a", wave(60, 0.0)), series("b", wave(60, 1.0))];
    let first = picture(&input, &Options::default(), Format::Png);
    let other = Options { width: 90, height: 700, font_italic: true, pixel_ratio: 2.0, ..Options::default() };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..3 {
                    picture(&input, &other, Format::Png);
                    assert!(picture(&input, &Options::default(), Format::Png) == first);
                }
            });
        }
    });
}

#[test]
fn many_shades_stay_near_and_few_stay_exact() {
    let colors = |png: &[u8]| {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(png));
        decoder.set_transformations(png::Transformations::EXPAND);
        let kind = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap().info().color_type;
        let mut reader = decoder.read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut bytes).unwrap();
        (kind, bytes)
    };
    let input: Vec<Series> = (0_u8..4).map(|at| series(&format!("s{at}"), wave(60, f64::from(at)))).collect();
    let options = Options { width: 500, height: 300, ..Options::default() };
    let (kind, bytes) = colors(&picture(&input, &options, Format::Png));
    assert_eq!(kind, png::ColorType::Indexed);
    assert_eq!(bytes[..3], [255; 3]);
    // Each swatch has exactly its colour.
    for color in &options.template.colors[..4] {
        assert!(bytes.chunks(3).filter(|pixel| *pixel == [color.r, color.g, color.b]).count() >= 100, "{color:?}");
    }
}

#[test]
fn any_mixture_of_parameters_draws_something() {
    const VALUES: &[&str] = &[
        "",
        "0",
        "1",
        "-1",
        "1e9",
        "-1e300",
        "1e-300",
        "nan",
        "inf",
        "-inf",
        "2",
        "10",
        "90",
        "0.5",
        "true",
        "false",
        "default",
        "red",
        "#12345678",
        "transparent",
        "max",
        "stacked",
        "all",
        "first",
        "staircase",
        "connected",
        "bar",
        "slope",
        "pie",
        "line",
        "right",
        "binary",
        "sec",
        "msec",
        "none",
        "e",
        "%H:%M:%S %Q %",
        "<svg onload=x>",
        "\u{202e}\u{0}&quot;",
        "4,5,0,-1",
    ];
    const NAMES: &[&str] = &[
        "width",
        "height",
        "margin",
        "pixelRatio",
        "bgcolor",
        "fgcolor",
        "fontName",
        "fontSize",
        "fontBold",
        "fontItalic",
        "colorList",
        "template",
        "title",
        "vtitle",
        "vtitleRight",
        "lineMode",
        "connectedLimit",
        "lineWidth",
        "areaMode",
        "areaAlpha",
        "drawNullAsZero",
        "hideLegend",
        "uniqueLegend",
        "hideNullFromLegend",
        "hideAxes",
        "hideXAxis",
        "hideYAxis",
        "hideGrid",
        "graphOnly",
        "majorGridLineColor",
        "minorGridLineColor",
        "minorY",
        "yDivisors",
        "minXStep",
        "xFormat",
        "yMin",
        "yMax",
        "yLimit",
        "yStep",
        "yUnitSystem",
        "logBase",
        "yAxisSide",
        "yMinLeft",
        "yMaxRight",
        "yLimitRight",
        "yStepLeft",
        "leftWidth",
        "rightColor",
        "rightDashed",
        "graphType",
        "pieMode",
        "pieLabels",
        "valueLabels",
        "valueLabelsMin",
        "valueLabelsColor",
        "min",
        "max",
    ];
    let mut state = 7_u64;
    let mut pick = |most: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % most
    };
    let mut drawn = 0;
    for _ in 0..500 {
        let mut query: Vec<(&str, &str)> = vec![("width", "97"), ("height", "61")];
        query.extend((0..1 + pick(6)).map(|_| (NAMES[pick(NAMES.len())], VALUES[pick(VALUES.len())])));
        let lookup = |name: &str| query.iter().rev().find(|(key, _)| *key == name).map(|(_, value)| *value);
        // A gigantic picture is a test of its own, and takes its time.
        let Ok(options) = Options::from_lookup(&lookup, &template::Templates::default()) else { continue };
        let options = Options { width: options.width.min(200), height: options.height.min(150), ..options };
        let mut input = [series("<a>", wave(30, 0.3)), series("b", vec![-1e18; 30]), series("c", vec![f64::NAN; 30])];
        input[pick(3)].style.second_y_axis = pick(2) == 0;
        input[pick(3)].style.stacked = pick(2) == 0;
        input[pick(3)].style.draw_as_infinite = pick(2) == 0;
        picture(&input, &options, Format::Png);
        let svg = String::from_utf8(picture(&input, &options, Format::Svg)).unwrap();
        assert!(!svg.contains("<svg onload") && !svg.contains("NaN") && !svg.contains("\0"), "{query:?}");
        drawn += 1;
    }
    assert!(drawn > 100, "{drawn}");
}

#[test]
fn hostile_options_draw_something_and_soon() {
    let input: Vec<Series> = (0..20).map(|index| series(&format!("s{index}"), wave(60, 0.3))).collect();
    let queries: [&[(&str, &str)]; 12] = [
        &[("width", "0"), ("height", "-5")],
        &[("width", "1e300"), ("height", "1")],
        &[("yMin", "90"), ("yMax", "10")],
        &[("yMin", "1e308"), ("yMax", "-1e308"), ("yStep", "1e-300")],
        &[("yStep", "1e-9"), ("minorY", "1000000"), ("minXStep", "1e-9")],
        &[("yLimit", "-1e9"), ("logBase", "1.0000001")],
        &[("fontSize", "96"), ("width", "5"), ("height", "5"), ("vtitle", "x"), ("vtitleRight", "y")],
        &[("margin", "1e9"), ("lineWidth", "1e9"), ("areaMode", "stacked")],
        &[("pixelRatio", "1e9"), ("width", "300"), ("height", "200")],
        &[("graphType", "pie"), ("pieLabels", "rotated"), ("valueLabelsMin", "-1"), ("areaAlpha", "7")],
        &[("lineMode", "bar"), ("areaMode", "all"), ("width", "3"), ("xFormat", "%Q%%%ö%-")],
        &[("template", "<script>"), ("fontName", "x\"><script>"), ("bgcolor", "transparent"), ("colorList", ",,,")],
    ];
    for query in queries {
        let lookup = |name: &str| query.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        let options = Options::from_lookup(&lookup, &template::Templates::default()).unwrap();
        picture(&input, &options, Format::Png);
        let svg = String::from_utf8(picture(&input, &options, Format::Svg)).unwrap();
        assert!(!svg.contains("<script") && !svg.contains("NaN") && !svg.contains("inf"), "{query:?}");
    }
}

#[test]
fn the_zone_is_named_with_and_without_numbers_beside_the_plot() {
    let tz = jiff::tz::TimeZone::get("Asia/Kolkata").unwrap();
    for hide_y_axis in [false, true] {
        for width in [200, 800] {
            let options = Options { hide_y_axis, width, ..Options::default() };
            let svg = draw(&[series("a", wave(60, 0.0))], &options, WINDOW, &tz, Format::Svg).unwrap();
            assert!(String::from_utf8(svg).unwrap().contains(">IST<"), "{hide_y_axis} {width}");
        }
    }
}

#[test]
fn a_layer_that_adds_nothing_does_not_hide_the_edge_below() {
    let options = |area_mode| Options { area_mode, hide_legend: Some(true), ..Options::default() };
    let [full, empty] = [series("a", wave(60, 0.0)), series("b", vec![0.0; 60])];
    let strokes = |series: &[Series], mode| {
        let svg = String::from_utf8(picture(series, &options(mode), Format::Svg)).unwrap();
        svg.matches("fill=\"none\"").count()
    };
    let both = [full.clone(), empty.clone()];
    assert_eq!(strokes(&both, AreaMode::Stacked), 1);
    assert_eq!(strokes(&both, AreaMode::None), 2);
    let mut wakes = both;
    wakes[1].values[30] = 9.0;
    assert_eq!(strokes(&wakes, AreaMode::Stacked), 2);
}
