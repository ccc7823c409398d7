//! The graph parameters of a request, typed, with defaults and caps.
//!
//! Parameter names and defaults are graphite-web's (1.1.10); what differs says so. Nothing here draws.

use std::sync::Arc;

use super::color::Color;
use super::template::Template;

/// Widest and highest picture in logical pixels.
pub const MAX_SIDE: u32 = 8192;
/// Most device pixels of a picture, a little more than a 4K screen; bounds its memory to about 100 MB.
pub const MAX_PIXELS: f64 = 9e6;
/// Largest `fontSize`.
pub const MAX_FONT_SIZE: f64 = 96.0;

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
