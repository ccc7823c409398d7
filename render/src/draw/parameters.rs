//! How a request's graph parameters become [`Options`].

use super::given::{Given, OptionFault, line_width, shorten};
use super::options::{AreaMode, GraphType, LineMode, Options, PieMode, Top, UnitSystem, ValueLabels};
use super::template::Templates;

impl Options {
    /// Reads the parameters of a request; `lookup` gives the last value of a name.
    ///
    /// An empty value and `default` mean unset. Sizes beyond the caps are cut and a note in the picture says so; an
    /// unknown colour is passed over, with a note too.
    ///
    /// # Errors
    /// Names the parameter whose value is no number or none of the words it may be.
    pub fn from_lookup<'a>(
        lookup: &dyn Fn(&str) -> Option<&'a str>,
        templates: &Templates,
    ) -> Result<Options, OptionFault> {
        let mut given = Given { lookup, notes: Vec::new() };
        let template = templates.named(given.text("template").unwrap_or("default"));
        let defaults = Options { font_size: template.font_size.unwrap_or(10.0), ..Options::default() };
        let mut options = Options {
            margin: given.number("margin")?.filter(|margin| *margin >= 0.0).unwrap_or(defaults.margin).min(500.0),
            background: given.color("bgcolor"),
            foreground: given.color("fgcolor"),
            major_grid: given.color("majorGridLineColor"),
            minor_grid: given.color("minorGridLineColor"),
            colors: given.color_list("colorList"),
            font_bold: given.flag("fontBold").unwrap_or(template.font_bold),
            font_italic: given.flag("fontItalic").unwrap_or(template.font_italic),
            font_name: given.text("fontName").map(font_name),
            template,
            title: given.title("title"),
            vtitle: given.title("vtitle"),
            vtitle_right: given.title("vtitleRight"),
            graph_type: given.word(
                "graphType",
                "line or pie",
                &[("line", GraphType::Line), ("pie", GraphType::Pie)],
            )?,
            line_mode: given.word("lineMode", "slope, staircase, connected or bar", LINE_MODES)?,
            connected_limit: given.number("connectedLimit")?.map(|limit| limit.max(0.0) as usize),
            line_width: line_width(given.number("lineWidth")?.or(given.number("thickness")?), defaults.line_width),
            area_mode: given.word("areaMode", "none, first, all or stacked", AREA_MODES)?,
            area_alpha: given.number("areaAlpha")?.map(|alpha| alpha.clamp(0.0, 1.0)),
            null_as_zero: given.flag("drawNullAsZero").unwrap_or(false),
            hide_legend: given.flag("hideLegend"),
            unique_legend: given.flag("uniqueLegend").unwrap_or(false),
            hide_null_from_legend: given.flag("hideNullFromLegend").unwrap_or(false),
            hide_axes: given.flag("hideAxes").unwrap_or(false),
            hide_x_axis: given.flag("hideXAxis").unwrap_or(false),
            hide_y_axis: given.flag("hideYAxis").unwrap_or(false),
            hide_grid: given.flag("hideGrid").unwrap_or(false),
            graph_only: given.flag("graphOnly").unwrap_or(false),
            minor_y: given.number("minorY")?.map_or(defaults.minor_y, |lines| lines.clamp(0.0, 20.0) as usize),
            y_divisors: given.divisors("yDivisors")?,
            min_x_step: given.number("minXStep")?.unwrap_or(defaults.min_x_step).clamp(0.1, 100.0),
            x_format: given.text("xFormat").map(|format| shorten(format, 64)),
            y: given.axis(["yMin", "yMax", "yLimit", "yStep"])?,
            left: given.side(
                ["yMinLeft", "yMaxLeft", "yLimitLeft", "yStepLeft"],
                "leftWidth",
                "leftColor",
                "leftDashed",
            )?,
            right: given.side(
                ["yMinRight", "yMaxRight", "yLimitRight", "yStepRight"],
                "rightWidth",
                "rightColor",
                "rightDashed",
            )?,
            units: given.word("yUnitSystem", "si, binary, sec, msec or none", UNIT_SYSTEMS)?,
            log_base: given.log_base()?,
            axis_on_right: given.word("yAxisSide", "left or right", &[("left", false), ("right", true)])?,
            pie_mode: given.word("pieMode", "average, maximum or minimum", PIE_MODES)?,
            pie_labels_rotated: given.word(
                "pieLabels",
                "horizontal or rotated",
                &[("horizontal", false), ("rotated", true)],
            )?,
            value_labels: given.word("valueLabels", "none, number or percent", VALUE_LABELS)?,
            value_labels_min: given.number("valueLabelsMin")?.unwrap_or(defaults.value_labels_min),
            value_labels_color: given.color("valueLabelsColor"),
            ..defaults
        };
        options.y.min = options.y.min.or(given.number("min")?);
        options.y.max = options.y.max.or(given.number("max")?.map(Top::At));
        given.sizes(&mut options)?;
        options.notes = given.notes;
        Ok(options)
    }

    /// What a picture of a fault takes over from a request that cannot be understood: size, title and colours, where
    /// they can be read.
    pub fn for_fault<'a>(lookup: &dyn Fn(&str) -> Option<&'a str>, templates: &Templates) -> Options {
        let but = |unread: &[&str]| {
            let few = ["width", "height", "title", "template", "bgcolor", "fgcolor"];
            let read = |name: &str| lookup(name).filter(|_| few.contains(&name) && !unread.contains(&name));
            Options::from_lookup(&read, templates).ok()
        };
        let tries: [&[&str]; 4] = [&[], &["width"], &["height"], &["width", "height"]];
        tries.into_iter().find_map(but).unwrap_or_default()
    }
}

/// A name of a font is letters, digits, blanks and hyphens; nothing else of it gets into a file.
fn font_name(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric() || " -".contains(*letter)).take(64).collect()
}

const LINE_MODES: &[(&str, LineMode)] = &[
    ("slope", LineMode::Slope),
    ("staircase", LineMode::Staircase),
    ("connected", LineMode::Connected),
    ("bar", LineMode::Bar),
];

const AREA_MODES: &[(&str, AreaMode)] =
    &[("none", AreaMode::None), ("first", AreaMode::First), ("all", AreaMode::All), ("stacked", AreaMode::Stacked)];

const UNIT_SYSTEMS: &[(&str, UnitSystem)] = &[
    ("si", UnitSystem::Si),
    ("binary", UnitSystem::Binary),
    ("sec", UnitSystem::Seconds),
    ("msec", UnitSystem::Milliseconds),
    ("none", UnitSystem::None),
];

const PIE_MODES: &[(&str, PieMode)] =
    &[("average", PieMode::Average), ("maximum", PieMode::Maximum), ("minimum", PieMode::Minimum)];

const VALUE_LABELS: &[(&str, ValueLabels)] = &[
    ("percent", ValueLabels::Percent),
    ("percentage", ValueLabels::Percent),
    ("number", ValueLabels::Number),
    ("none", ValueLabels::None),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::options::{MAX_FONT_SIZE, MAX_PIXELS};

    fn read(query: &[(&'static str, &'static str)]) -> Result<Options, OptionFault> {
        let lookup = |name: &str| query.iter().rev().find(|(key, _)| *key == name).map(|(_, value)| *value);
        Options::from_lookup(&lookup, &Templates::default())
    }

    #[test]
    fn an_empty_request_gets_the_defaults_of_the_reference() {
        let options = read(&[]).unwrap();
        assert_eq!((options.width, options.height, options.margin, options.font_size), (330, 250, 10.0, 10.0));
        assert_eq!(options.hide_legend, None);
    }

    #[test]
    fn gigantic_sizes_are_cut_and_owned_up_to() {
        let options =
            read(&[("width", "1000000"), ("height", "99999"), ("fontSize", "5000"), ("pixelRatio", "4")]).unwrap();
        let pixels = f64::from(options.width) * f64::from(options.height) * options.pixel_ratio.powi(2);
        assert!(pixels <= MAX_PIXELS * 1.001);
        assert_eq!(options.font_size, MAX_FONT_SIZE);
        assert!(options.notes[0].contains("width 1000000"), "{:?}", options.notes);
    }

    #[test]
    fn a_fault_names_parameter_value_and_expectation() {
        let fault = read(&[("lineMode", "wavy")]).unwrap_err();
        assert_eq!(fault.to_string(), r#"lineMode="wavy": expected slope, staircase, connected or bar"#);
        assert!(read(&[("width", "wide")]).is_err());
        assert!(read(&[("yMin", "inf")]).is_err());
        assert!(read(&[("logBase", "1")]).is_err());
        assert!(read(&[("yDivisors", "4,0")]).is_err());
    }

    #[test]
    fn default_and_empty_mean_unset() {
        let options = read(&[("lineMode", "default"), ("width", ""), ("yMax", "max"), ("thickness", "3")]).unwrap();
        assert_eq!(options.line_mode, LineMode::Slope);
        assert_eq!(options.width, 330);
        assert_eq!(options.y.max, Some(Top::Data));
        assert_eq!(options.line_width, 3.0);
    }

    #[test]
    fn an_unknown_colour_leaves_a_note_and_the_default() {
        let options = read(&[("bgcolor", "puce"), ("colorList", "red,,nope,#00ff00")]).unwrap();
        assert_eq!(options.background, None);
        assert_eq!(options.colors.len(), 2);
        assert_eq!(options.notes.len(), 2);
    }
}
