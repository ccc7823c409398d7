//! From series to curves: colours, as many points as there are pixels, stacks, envelopes.

mod marks;
mod stack;

pub(super) use self::marks::Sheet;
use super::color::{Color, Palette};
use super::legend::bare_name;
use super::options::{AreaMode, LineMode, Options};
use super::value_axis::{Extent, LARGEST};
use crate::series::{Consolidation, Series, Style};

/// A series as it will be drawn.
pub(super) struct Curve {
    pub(super) name: String,
    pub(super) color: Color,
    /// Belongs to the right axis.
    pub(super) right: bool,
    /// Has no entry in the legend: the next one speaks for it.
    pub(super) unnamed: bool,
    /// Full-height lines instead of values.
    pub(super) infinite: bool,
    /// Time of the first point and seconds between two.
    start: f64,
    step: f64,
    /// NaN where nothing is known.
    points: Vec<f64>,
    /// Least and greatest stored value behind each point, when several were joined.
    low: Vec<f64>,
    high: Vec<f64>,
    /// Opacity of the area below, if it is filled.
    fill: Option<f64>,
    /// What the area stands on; empty for the ground of the axis.
    base: Vec<f64>,
    /// A layer of a stack: where it adds nothing, it has no edge to be drawn over that of the layer below.
    layer: bool,
    width: f32,
    dash: Option<f32>,
    line_alpha: f64,
    /// Which of how many bars side by side.
    bar: (usize, usize),
}

/// Curves for `series`, with one point for each of `room` pixels at most.
pub(super) fn curves(series: &[Series], options: &Options, palette: &Palette, room: f64) -> Vec<Curve> {
    let mut fresh = 0;
    let mut next_color = |style: &Style| match style.color.as_deref().and_then(Color::parse) {
        Some(color) => color,
        None => {
            fresh += 1;
            palette.color(fresh - 1)
        }
    };
    let two_axes = series.iter().any(|one| one.style.second_y_axis);
    let mut colored: Vec<Color> = series.iter().map(|one| next_color(&one.style)).collect();
    for index in 1..series.len() {
        // Both edges of a band are one thing.
        if is_edge(&series[index - 1].style, &series[index].style) {
            colored[index - 1] = colored[index];
        }
    }
    let mut curves: Vec<Curve> =
        series.iter().zip(colored).map(|(one, color)| Curve::new(one, color, options, two_axes, room)).collect();
    set_side_by_side(&mut curves, options);
    stack::fill(&mut curves, series, options);
    for (index, pair) in series.windows(2).enumerate() {
        curves[index].unnamed = is_edge(&pair[0].style, &pair[1].style) && pair[0].name == pair[1].name;
    }
    curves
}

/// The lower edge of a band, of which `next` is the upper one.
fn is_edge(style: &Style, next: &Style) -> bool {
    style.invisible && next.stacked && !next.invisible && style.stack_name == next.stack_name
}

/// Shares the width of a step among the curves, unless they stand on each other.
fn set_side_by_side(curves: &mut [Curve], options: &Options) {
    if options.line_mode == LineMode::Bar && options.area_mode != AreaMode::Stacked {
        let count = curves.iter().filter(|curve| !curve.infinite).count();
        let standing = curves.iter_mut().filter(|curve| !curve.infinite);
        standing.enumerate().for_each(|(index, curve)| curve.bar = (index, count));
    }
}

impl Curve {
    fn new(series: &Series, color: Color, options: &Options, two_axes: bool, room: f64) -> Curve {
        let style = &series.style;
        let right = style.second_y_axis;
        let side = match (two_axes, right) {
            (false, _) => Default::default(),
            (true, false) => options.left,
            (true, true) => options.right,
        };
        let count = series.values.len().max(1) as f64;
        let pitch = if options.line_mode == LineMode::Bar { options.min_x_step.max(4.0) } else { options.min_x_step };
        let joined = (count / (room / pitch).max(1.0)).ceil().max(1.0) as usize;
        let step = series.step.max(1) as f64;
        let centre = match options.line_mode {
            mode if mode.fills_steps() => 0.0,
            _ => (joined - 1) as f64 / 2.0 * step,
        };
        let mut curve = Curve {
            name: bare_name(&series.name).to_owned(),
            color: side.color.unwrap_or(color),
            right,
            unnamed: false,
            infinite: style.draw_as_infinite,
            start: series.start as f64 + centre,
            step: step * joined as f64,
            points: Vec::new(),
            low: Vec::new(),
            high: Vec::new(),
            fill: None,
            base: Vec::new(),
            layer: false,
            width: style.line_width.or(side.width).unwrap_or(options.line_width).clamp(0.1, 50.0) as f32,
            dash: style.dashed.or(side.dashed).filter(|dash| *dash > 0.0).map(|dash| dash.clamp(1.0, 1000.0) as f32),
            line_alpha: 1.0,
            bar: (0, 1),
        };
        let missing = if options.null_as_zero { 0.0 } else { f64::NAN };
        curve.join(series, joined, missing);
        curve
    }

    /// Joins runs of `count` values by the series' own function, and keeps their extremes.
    fn join(&mut self, series: &Series, count: usize, missing: f64) {
        let clean = |value: &f64| if value.is_finite() { value.clamp(-LARGEST, LARGEST) } else { missing };
        if count == 1 {
            self.points = series.values.iter().map(clean).collect();
            return;
        }
        let how = &series.consolidation;
        // For a sum the extremes of its parts say nothing.
        let enveloped = !matches!(how, Consolidation::Sum | Consolidation::Min | Consolidation::Max);
        let buckets = series.values.len().div_ceil(count);
        self.points.reserve(buckets);
        if enveloped {
            self.low.reserve(buckets);
            self.high.reserve(buckets);
        }
        for values in series.values.chunks(count) {
            let mut bucket = Bucket::default();
            values.iter().map(clean).filter(|value| !value.is_nan()).for_each(|value| bucket.take(value));
            let enough = bucket.known > 0 && bucket.known as f64 / values.len() as f64 >= series.x_files_factor;
            let (value, low, high) =
                if enough { (bucket.joined(values.len(), how), bucket.low, bucket.high) } else { GAP };
            self.points.push(value);
            if enveloped {
                self.low.push(low);
                self.high.push(high);
            }
        }
    }

    /// All values the axis has to make room for.
    pub(super) fn extent(&self) -> Option<Extent> {
        if self.infinite {
            return None;
        }
        let all = [&self.points, &self.low, &self.high].into_iter().filter_map(|values| Extent::of(values));
        let own = all.reduce(Extent::and)?;
        let grounded = self.fill.is_some() && self.base.is_empty();
        Some(if grounded { own.and(Extent { least: 0.0, greatest: 0.0 }) } else { own })
    }

    /// There is a value at all.
    pub(super) fn known(&self) -> bool {
        self.points.iter().any(|point| !point.is_nan())
    }

    fn time(&self, index: usize) -> f64 {
        self.start + index as f64 * self.step
    }
}

const GAP: (f64, f64, f64) = (f64::NAN, f64::NAN, f64::NAN);

/// Values that share a pixel.
struct Bucket {
    known: usize,
    sum: f64,
    low: f64,
    high: f64,
    first: f64,
    last: f64,
}

impl Default for Bucket {
    fn default() -> Bucket {
        Bucket { known: 0, sum: 0.0, low: f64::INFINITY, high: f64::NEG_INFINITY, first: f64::NAN, last: f64::NAN }
    }
}

impl Bucket {
    #[inline]
    fn take(&mut self, value: f64) {
        if self.known == 0 {
            self.first = value;
        }
        self.known += 1;
        self.sum += value;
        self.low = if value < self.low { value } else { self.low };
        self.high = if value > self.high { value } else { self.high };
        self.last = value;
    }

    fn joined(&self, all: usize, how: &Consolidation) -> f64 {
        match how {
            Consolidation::Sum => self.sum,
            Consolidation::Min => self.low,
            Consolidation::Max => self.high,
            Consolidation::First => self.first,
            Consolidation::Last => self.last,
            Consolidation::AverageZero => self.sum / all as f64,
            Consolidation::Average | Consolidation::Avg => self.sum / self.known as f64,
        }
    }
}
