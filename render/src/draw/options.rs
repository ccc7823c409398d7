//! The graph parameters of a request, typed, with defaults and caps.
//!
//! Parameter names and defaults are graphite-web's (1.1.10); what differs says so. Nothing here draws.

use std::sync::Arc;

use super::color::Color;
use super::template::{Template, Templates};

/// Widest and highest picture in logical pixels.
pub const MAX_SIDE: u32 = 8192;
/// Most device pixels of a picture, a little more than a 4K screen; bounds its memory to about 100 MB.
pub const MAX_PIXELS: f64 = 9e6;
/// Largest `fontSize`.
pub const MAX_FONT_SIZE: f64 = 96.0;
/// Longest title, in characters; the rest is cut with an ellipsis.
const MAX_TEXT: usize = 500;
/// Most entries taken from `colorList` and `yDivisors`.
const MAX_LIST: usize = 256;

/// How a picture is to look.
#[derive(Clone, Debug)]
pub struct Options {
    /// Logical pixels, 1 to [`MAX_SIDE`]. Default 330.
    pub width: u32,
    /// Logical pixels, 1 to [`MAX_SIDE`]. Default 250.
    pub height: u32,
    /// Free space around everything, logical pixels. Default 10.
    pub margin: f64,
    /// Device pixels per logical pixel in PNG, 0.5 to 4. Default 1. As carbonapi.
    pub pixel_ratio: f64,
    /// Colours for whatever the request does not name itself.
    pub template: Arc<Template>,
    /// `bgcolor`.
    pub background: Option<Color>,
    /// `fgcolor`.
    pub foreground: Option<Color>,
    /// `majorGridLineColor`.
    pub major_grid: Option<Color>,
    /// `minorGridLineColor`.
    pub minor_grid: Option<Color>,
    /// `colorList`; empty means the template's.
    pub colors: Vec<Color>,
    /// `fontSize`, points as the reference counts them. Default 10.
    pub font_size: f64,
    /// `fontBold`.
    pub font_bold: bool,
    /// `fontItalic`: slanted letters.
    pub font_italic: bool,
    /// `fontName`: what a reader of SVG may have; pixels are drawn with the font inside the binary.
    pub font_name: Option<String>,
    /// `title`; `\n` breaks lines.
    pub title: Option<String>,
    /// `vtitle`, along the left axis.
    pub vtitle: Option<String>,
    /// `vtitleRight`, along the right axis when there are two.
    pub vtitle_right: Option<String>,
    /// `graphType`.
    pub graph_type: GraphType,
    /// `lineMode`.
    pub line_mode: LineMode,
    /// `connectedLimit`: longest gap, in points, that `lineMode=connected` bridges. Default: every gap.
    pub connected_limit: Option<usize>,
    /// `lineWidth` or `thickness`, logical pixels. Default 1.5 (the reference: 1.2).
    pub line_width: f64,
    /// `areaMode`.
    pub area_mode: AreaMode,
    /// `areaAlpha`, opacity of fills, 0 to 1.
    pub area_alpha: Option<f64>,
    /// `drawNullAsZero`.
    pub null_as_zero: bool,
    /// `hideLegend`; `None` hides it above ten series.
    pub hide_legend: Option<bool>,
    /// `uniqueLegend`: one entry per name.
    pub unique_legend: bool,
    /// `hideNullFromLegend`: no entry for series without a value.
    pub hide_null_from_legend: bool,
    /// `hideAxes`, which hides the grid too.
    pub hide_axes: bool,
    /// `hideXAxis`.
    pub hide_x_axis: bool,
    /// `hideYAxis`.
    pub hide_y_axis: bool,
    /// `hideGrid`.
    pub hide_grid: bool,
    /// `graphOnly`: nothing but the curves, edge to edge.
    pub graph_only: bool,
    /// `minorY`: grid lines between two labelled ones. Default 1.
    pub minor_y: usize,
    /// `yDivisors`: numbers of divisions to choose from. Default 4, 5, 6, fewer in low pictures.
    pub y_divisors: Option<Vec<usize>>,
    /// `minXStep`: fewest logical pixels between two points before they are joined. Default 1.
    pub min_x_step: f64,
    /// `xFormat`, as strftime.
    pub x_format: Option<String>,
    /// `yMin`, `yMax`, `yLimit`, `yStep`: the only axis, or what both share.
    pub y: AxisOptions,
    /// `yMinLeft` and the like, when there are two axes.
    pub left: SideOptions,
    /// `yMinRight` and the like, when there are two axes.
    pub right: SideOptions,
    /// `yUnitSystem`.
    pub units: UnitSystem,
    /// `logBase`, more than 1.
    pub log_base: Option<f64>,
    /// `yAxisSide=right` with a single axis.
    pub axis_on_right: bool,
    /// `pieMode`: which value of a series its slice stands for.
    pub pie_mode: PieMode,
    /// `pieLabels=rotated` (default: horizontal).
    pub pie_labels_rotated: bool,
    /// `valueLabels`.
    pub value_labels: ValueLabels,
    /// `valueLabelsMin`, per cent below which a slice has no label. Default 5.
    pub value_labels_min: f64,
    /// `valueLabelsColor`; by default what reads best on the slice.
    pub value_labels_color: Option<Color>,
    /// What the picture should own up to, such as a capped width; drawn small at its foot.
    pub notes: Vec<String>,
}

/// Bounds of a value axis; unset ones follow the data.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AxisOptions {
    /// Value at the foot.
    pub min: Option<f64>,
    /// Value at the top.
    pub max: Option<Top>,
    /// Values above this do not stretch the axis.
    pub limit: Option<f64>,
    /// Distance between labels.
    pub step: Option<f64>,
}

/// Where an axis ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Top {
    /// At this value.
    At(f64),
    /// `yMax=max`: at the greatest value of the data, without rounding up.
    Data,
}

/// What belongs to the series of one axis when there are two.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SideOptions {
    /// Bounds of this axis.
    pub axis: AxisOptions,
    /// `leftWidth`, `rightWidth`: line width.
    pub width: Option<f64>,
    /// `leftColor`, `rightColor`: colour of all its series.
    pub color: Option<Color>,
    /// `leftDashed`, `rightDashed`: dash length.
    pub dashed: Option<f64>,
}

/// `graphType`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GraphType {
    /// Values over time.
    #[default]
    Line,
    /// One slice a series.
    Pie,
}

/// `lineMode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineMode {
    /// Points joined by straight lines, broken at gaps.
    #[default]
    Slope,
    /// Each value holds until the next.
    Staircase,
    /// As slope, across gaps.
    Connected,
    /// A bar from zero for each value, side by side for several series; not in graphite-web.
    Bar,
}

impl LineMode {
    /// A value fills the time until the next one, rather than being a point in it.
    pub(super) fn fills_steps(self) -> bool {
        matches!(self, LineMode::Staircase | LineMode::Bar)
    }
}

/// `areaMode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AreaMode {
    /// Lines only.
    #[default]
    None,
    /// The first series is filled.
    First,
    /// Every series is filled.
    All,
    /// Every series is filled and stands on the one before.
    Stacked,
}

/// `yUnitSystem`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnitSystem {
    /// Powers of 1000: k, M, G, T, P.
    #[default]
    Si,
    /// Powers of 1024: Ki, Mi, Gi, Ti, Pi.
    Binary,
    /// The value is in seconds: m, H, D, M, Y.
    Seconds,
    /// The value is in milliseconds: s, m, H, D, M, Y.
    Milliseconds,
    /// Plain numbers.
    None,
}

/// `pieMode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PieMode {
    /// Mean of the known values.
    #[default]
    Average,
    /// Greatest value.
    Maximum,
    /// Smallest value.
    Minimum,
}

/// `valueLabels`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ValueLabels {
    /// No labels.
    None,
    /// The value itself.
    Number,
    /// The share of the whole.
    #[default]
    Percent,
}

/// A graph parameter that could not be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}={value:?}: expected {expected}")]
pub struct OptionFault {
    /// The parameter.
    pub name: &'static str,
    /// What the request gave, shortened.
    pub value: String,
    /// What would have been right.
    pub expected: &'static str,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            width: 330,
            height: 250,
            margin: 10.0,
            pixel_ratio: 1.0,
            template: Template::named("default"),
            background: None,
            foreground: None,
            major_grid: None,
            minor_grid: None,
            colors: Vec::new(),
            font_size: 10.0,
            font_bold: false,
            font_italic: false,
            font_name: None,
            title: None,
            vtitle: None,
            vtitle_right: None,
            graph_type: GraphType::default(),
            line_mode: LineMode::default(),
            connected_limit: None,
            line_width: 1.5,
            area_mode: AreaMode::default(),
            area_alpha: None,
            null_as_zero: false,
            hide_legend: None,
            unique_legend: false,
            hide_null_from_legend: false,
            hide_axes: false,
            hide_x_axis: false,
            hide_y_axis: false,
            hide_grid: false,
            graph_only: false,
            minor_y: 1,
            y_divisors: None,
            min_x_step: 1.0,
            x_format: None,
            y: AxisOptions::default(),
            left: SideOptions::default(),
            right: SideOptions::default(),
            units: UnitSystem::default(),
            log_base: None,
            axis_on_right: false,
            pie_mode: PieMode::default(),
            pie_labels_rotated: false,
            value_labels: ValueLabels::default(),
            value_labels_min: 5.0,
            value_labels_color: None,
            notes: Vec::new(),
        }
    }
}

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
}

impl Options {
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

/// The parameters of one request, and what had to be bent on the way.
struct Given<'f, 'a> {
    lookup: &'f dyn Fn(&str) -> Option<&'a str>,
    notes: Vec<String>,
}

impl<'a> Given<'_, 'a> {
    fn text(&self, name: &str) -> Option<&'a str> {
        (self.lookup)(name).filter(|value| !value.is_empty() && *value != "default")
    }

    fn title(&self, name: &str) -> Option<String> {
        self.text(name).map(|text| shorten(text, MAX_TEXT))
    }

    /// `Ok(None)` when unset.
    fn number(&self, name: &'static str) -> Result<Option<f64>, OptionFault> {
        let Some(text) = self.text(name) else { return Ok(None) };
        match text.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Some(number)),
            _ => Err(fault(name, text, "a number")),
        }
    }

    /// The length of dashes; `true` stands for the usual one.
    fn dash(&self, name: &'static str) -> Result<Option<f64>, OptionFault> {
        const USUAL: f64 = 5.0;
        match self.text(name).map(str::to_ascii_lowercase).as_deref() {
            Some("true") => Ok(Some(USUAL)),
            Some("false") => Ok(None),
            _ => Ok(self.number(name)?.filter(|dash| *dash > 0.0)),
        }
    }

    /// Any number but 0 and any word but `false` is true, as in Python.
    fn flag(&self, name: &str) -> Option<bool> {
        let text = self.text(name)?;
        Some(!text.eq_ignore_ascii_case("false") && text.trim().parse::<f64>() != Ok(0.0))
    }

    fn word<T: Copy + Default>(
        &self,
        name: &'static str,
        expected: &'static str,
        words: &[(&str, T)],
    ) -> Result<T, OptionFault> {
        let Some(text) = self.text(name) else { return Ok(T::default()) };
        match words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)) {
            Some((_, meaning)) => Ok(*meaning),
            None => Err(fault(name, text, expected)),
        }
    }

    fn color(&mut self, name: &str) -> Option<Color> {
        let text = self.text(name)?;
        let color = Color::parse(text);
        if color.is_none() {
            self.notes.push(format!("{name}: no colour {:?}", shorten(text, 20)));
        }
        color
    }

    fn color_list(&mut self, name: &str) -> Vec<Color> {
        let Some(text) = self.text(name) else { return Vec::new() };
        let mut colors = Vec::new();
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()).take(MAX_LIST) {
            match Color::parse(item) {
                Some(color) => colors.push(color),
                None => self.notes.push(format!("{name}: no colour {:?}", shorten(item, 20))),
            }
        }
        self.notes.truncate(3);
        colors
    }

    fn divisors(&self, name: &'static str) -> Result<Option<Vec<usize>>, OptionFault> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let read = |item: &str| match item.trim().parse::<usize>() {
            Ok(divisor @ 1..=100) => Ok(divisor),
            _ => Err(fault(name, text, "numbers from 1 to 100, parted by commas")),
        };
        text.split(',').take(MAX_LIST).map(read).collect::<Result<Vec<_>, _>>().map(Some)
    }

    fn axis(&self, [min, max, limit, step]: [&'static str; 4]) -> Result<AxisOptions, OptionFault> {
        let max = match self.text(max) {
            Some(word) if word.eq_ignore_ascii_case("max") => Some(Top::Data),
            _ => self.number(max)?.map(Top::At),
        };
        Ok(AxisOptions {
            min: self.number(min)?,
            max,
            limit: self.number(limit)?,
            step: self.number(step)?.filter(|step| *step > 0.0),
        })
    }

    fn side(
        &mut self,
        axis: [&'static str; 4],
        width: &'static str,
        color: &'static str,
        dashed: &'static str,
    ) -> Result<SideOptions, OptionFault> {
        Ok(SideOptions {
            axis: self.axis(axis)?,
            width: self.number(width)?.map(|width| line_width(Some(width), width)),
            color: self.color(color),
            dashed: self.dash(dashed)?,
        })
    }

    fn log_base(&self) -> Result<Option<f64>, OptionFault> {
        let expected = "a number above 1, or e";
        match self.text("logBase") {
            None => Ok(None),
            Some("e") => Ok(Some(std::f64::consts::E)),
            Some(text) => match self.number("logBase")? {
                Some(base) if base > 1.0 => Ok(Some(base)),
                _ => Err(fault("logBase", text, expected)),
            },
        }
    }

    fn sizes(&mut self, options: &mut Options) -> Result<(), OptionFault> {
        options.width = self.capped("width", options.width.into(), 1.0, MAX_SIDE.into())? as u32;
        options.height = self.capped("height", options.height.into(), 1.0, MAX_SIDE.into())? as u32;
        options.font_size = self.capped("fontSize", options.font_size, 1.0, MAX_FONT_SIZE)?;
        options.pixel_ratio = self.capped("pixelRatio", 1.0, 0.5, 4.0)?;
        let area = f64::from(options.width) * f64::from(options.height);
        if area > MAX_PIXELS {
            let shrink = (MAX_PIXELS / area).sqrt();
            options.width = (f64::from(options.width) * shrink).floor().max(1.0) as u32;
            options.height = (f64::from(options.height) * shrink).floor().max(1.0) as u32;
            self.notes.push(format!("reduced to {} x {} pixels", options.width, options.height));
        }
        let area = f64::from(options.width) * f64::from(options.height);
        options.pixel_ratio = options.pixel_ratio.min((MAX_PIXELS / area).sqrt());
        Ok(())
    }

    fn capped(&mut self, name: &'static str, default: f64, least: f64, most: f64) -> Result<f64, OptionFault> {
        let Some(number) = self.number(name)? else { return Ok(default) };
        if number > most {
            self.notes.push(format!("{name} {number} is more than {most}"));
        }
        Ok(number.clamp(least, most))
    }
}

fn line_width(given: Option<f64>, default: f64) -> f64 {
    given.filter(|width| *width > 0.0).unwrap_or(default).clamp(0.1, 50.0)
}

fn fault(name: &'static str, value: &str, expected: &'static str) -> OptionFault {
    OptionFault { name, value: shorten(value, 40), expected }
}

/// The first `most` characters, with an ellipsis if something was cut.
pub(super) fn shorten(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
