//! From series to curves: colours, as many points as there are pixels, stacks, envelopes.

use super::color::{Color, Palette};
use super::legend::bare_name;
use super::options::{AreaMode, LineMode, Options};
use super::plot::{Mark, MarkKind};
use super::value_axis::{Extent, LARGEST, ValueAxis};
use crate::series::{Consolidation, Series, Style};

/// A series as it will be drawn.
pub(super) struct Curve {
    pub(super) name: String,
    pub(super) color: Color,
    /// Belongs to the right axis.
    pub(super) right: bool,
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
    width: f32,
    dash: Option<f32>,
    line_alpha: f64,
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
    let colored: Vec<Color> = series.iter().map(|one| next_color(&one.style)).collect();
    let mut curves: Vec<Curve> =
        series.iter().zip(colored).map(|(one, color)| Curve::new(one, color, options, two_axes, room)).collect();
    fill(&mut curves, series, options);
    curves
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
        let joined = (count / (room / options.min_x_step).max(1.0)).ceil().max(1.0) as usize;
        let step = series.step.max(1) as f64;
        let centre = match options.line_mode {
            LineMode::Staircase => 0.0,
            _ => (joined - 1) as f64 / 2.0 * step,
        };
        let mut curve = Curve {
            name: bare_name(&series.name).to_owned(),
            color: side.color.unwrap_or(color),
            right,
            infinite: style.draw_as_infinite,
            start: series.start as f64 + centre,
            step: step * joined as f64,
            points: Vec::new(),
            low: Vec::new(),
            high: Vec::new(),
            fill: None,
            base: Vec::new(),
            width: style.line_width.or(side.width).unwrap_or(options.line_width).clamp(0.1, 50.0) as f32,
            dash: style.dashed.or(side.dashed).filter(|dash| *dash > 0.0).map(|dash| dash.clamp(1.0, 1000.0) as f32),
            line_alpha: 1.0,
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
        // For a sum the extremes of its parts say nothing.
        let enveloped = !matches!(series.consolidation, Consolidation::Sum | Consolidation::Min | Consolidation::Max);
        for bucket in series.values.chunks(count) {
            let known = || bucket.iter().map(clean).filter(|value| !value.is_nan());
            let total = known().count();
            let enough = total > 0 && total as f64 / bucket.len() as f64 >= series.x_files_factor;
            let value = if enough { joined(known(), total, bucket.len(), &series.consolidation) } else { f64::NAN };
            self.points.push(value);
            if enveloped {
                let gap = value.is_nan();
                let fold =
                    |pick: fn(f64, f64) -> f64| if gap { f64::NAN } else { known().reduce(pick).unwrap_or(value) };
                self.low.push(fold(f64::min));
                self.high.push(fold(f64::max));
            }
        }
    }

    /// All values the axis has to make room for.
    pub(super) fn extent(&self) -> Option<Extent> {
        if self.infinite {
            return None;
        }
        let grounded = (self.fill.is_some() && self.base.is_empty()).then_some(0.0);
        let curve = self.points.iter().chain(&self.low).chain(&self.high).copied();
        let own = Extent::of(curve)?;
        Extent::of([own.least, own.greatest].into_iter().chain(grounded))
    }

    /// There is a value at all.
    pub(super) fn known(&self) -> bool {
        self.points.iter().any(|point| !point.is_nan())
    }

    /// Filled areas and envelopes, which lie below all lines.
    pub(super) fn areas(&self, axis: &ValueAxis, mode: LineMode, limit: Option<usize>) -> Vec<Mark> {
        let mut marks = Vec::new();
        if self.infinite {
            return marks;
        }
        if let Some(alpha) = self.fill {
            let ground = axis.ground();
            let base = |index: usize| self.base.get(index).copied().filter(|base| axis.shows(*base)).unwrap_or(ground);
            let color = self.color.faded(alpha);
            self.between(&mut marks, axis, mode, limit, color, |index| self.points[index], base);
        } else if !self.low.is_empty() {
            let color = self.color.faded(0.38 * self.line_alpha);
            self.between(&mut marks, axis, mode, limit, color, |index| self.high[index], |index| self.low[index]);
        }
        marks
    }

    #[expect(clippy::too_many_arguments, reason = "two edges and how to walk them")]
    fn between(
        &self,
        marks: &mut Vec<Mark>,
        axis: &ValueAxis,
        mode: LineMode,
        limit: Option<usize>,
        color: Color,
        upper: impl Fn(usize) -> f64,
        lower: impl Fn(usize) -> f64,
    ) {
        for run in self.runs(axis, mode, limit) {
            let mut outline = Vec::with_capacity(run.len() * 4);
            for &index in &run {
                self.trace(index, upper(index), mode, &mut outline);
            }
            let turn = outline.len();
            for &index in &run {
                self.trace(index, lower(index), mode, &mut outline);
            }
            outline[turn..].reverse();
            if outline.len() > 2 {
                marks.push(Mark { points: outline, color, kind: MarkKind::Filled });
            }
        }
    }

    /// Lines, dots at lone points, full-height lines.
    pub(super) fn lines(&self, axis: &ValueAxis, mode: LineMode, limit: Option<usize>) -> Vec<Mark> {
        // Events cross the whole plot; at full strength they would outshout the data.
        let color = self.color.faded(if self.infinite { self.line_alpha * 0.6 } else { self.line_alpha });
        let line = MarkKind::Line { width: self.width, dash: self.dash };
        if self.line_alpha <= 0.0 {
            return Vec::new();
        }
        if self.infinite {
            let lit = |values: &[f64], index: usize| values.get(index).is_some_and(|value| value.abs() > 0.0);
            let set = (0..self.points.len())
                .filter(|index| [&self.points, &self.low, &self.high].iter().any(|values| lit(values, *index)));
            let (bottom, top) = (axis.lowest(), axis.highest());
            return set
                .map(|index| self.time(index))
                .map(|time| Mark { points: vec![(time, bottom), (time, top)], color, kind: line })
                .collect();
        }
        let mut marks = Vec::new();
        for run in self.runs(axis, mode, limit) {
            let mut points = Vec::with_capacity(run.len() * 2);
            for &index in &run {
                self.trace(index, self.points[index], mode, &mut points);
            }
            let kind = if points.len() == 1 { MarkKind::Dots { radius: (self.width * 1.3).max(1.8) } } else { line };
            marks.push(Mark { points, color, kind });
        }
        marks
    }

    fn time(&self, index: usize) -> f64 {
        self.start + index as f64 * self.step
    }

    fn trace(&self, index: usize, value: f64, mode: LineMode, out: &mut Vec<(f64, f64)>) {
        out.push((self.time(index), value));
        if mode == LineMode::Staircase {
            out.push((self.time(index) + self.step, value));
        }
    }

    /// Points that belong together: up to the next gap, or across it in connected mode.
    fn runs(&self, axis: &ValueAxis, mode: LineMode, limit: Option<usize>) -> Vec<Vec<usize>> {
        let mut runs: Vec<Vec<usize>> = Vec::new();
        let mut gap = usize::MAX;
        for (index, point) in self.points.iter().enumerate() {
            if !axis.shows(*point) {
                gap = gap.saturating_add(1);
                continue;
            }
            let bridged = mode == LineMode::Connected && limit.is_none_or(|limit| gap <= limit);
            match runs.last_mut() {
                Some(run) if gap == 0 || bridged => run.push(index),
                _ => runs.push(vec![index]),
            }
            gap = 0;
        }
        runs
    }
}

fn joined(values: impl Iterator<Item = f64>, known: usize, all: usize, how: &Consolidation) -> f64 {
    let mut values = values;
    match how {
        Consolidation::Sum => values.sum(),
        Consolidation::Min => values.fold(f64::INFINITY, f64::min),
        Consolidation::Max => values.fold(f64::NEG_INFINITY, f64::max),
        Consolidation::First => values.next().unwrap_or(f64::NAN),
        Consolidation::Last => values.last().unwrap_or(f64::NAN),
        Consolidation::AverageZero => values.sum::<f64>() / all as f64,
        Consolidation::Average | Consolidation::Unknown(_) => values.map(|value| value / known as f64).sum(),
    }
}

/// Decides what is filled, how strongly, and on what it stands.
fn fill(curves: &mut [Curve], series: &[Series], options: &Options) {
    let several = curves.len() > 1;
    for (index, (curve, one)) in curves.iter_mut().zip(series).enumerate() {
        let own_alpha = one.style.alpha.map(|alpha| alpha.clamp(0.0, 1.0));
        let usual = match options.area_mode {
            // The lower edge of a band: the next series is filled down to it.
            _ if curve.infinite || one.style.invisible => None,
            _ if one.style.stacked && index > 0 && series[index - 1].style.invisible => Some(0.35),
            _ if one.style.stacked => Some(0.75),
            AreaMode::Stacked => Some(0.75),
            AreaMode::First if index == 0 => Some(0.35),
            AreaMode::All => Some(if several { 0.25 } else { 0.45 }),
            AreaMode::First | AreaMode::None => None,
        };
        // As in the reference, `alpha()` pales what is filled, and the line where nothing is.
        curve.fill = usual.map(|usual| own_alpha.or(options.area_alpha).unwrap_or(usual));
        if usual.is_none() || own_alpha == Some(0.0) {
            curve.line_alpha = own_alpha.unwrap_or(1.0);
        }
        if curve.fill.is_some() {
            curve.low.clear();
            curve.high.clear();
        }
    }
    for right in [false, true] {
        if options.area_mode == AreaMode::Stacked {
            let plain = curves.iter_mut().zip(series).filter(|(_, one)| !one.style.stacked).map(|(curve, _)| curve);
            stack(plain.filter(|curve| curve.right == right && curve.fill.is_some()));
        }
    }
    stand_on_the_one_before(curves, series);
}

/// Adds each curve to the sum of those before it.
fn stack<'c>(pile: impl Iterator<Item = &'c mut Curve>) {
    let mut total: Option<(f64, f64, Vec<f64>)> = None;
    for curve in pile {
        let Some((start, step, sums)) = &mut total else {
            total = Some((curve.start, curve.step, curve.points.iter().map(|point| known_or_zero(*point)).collect()));
            continue;
        };
        let below: Vec<f64> = (0..curve.points.len()).map(|index| at(*start, *step, sums, curve.time(index))).collect();
        for (point, below) in curve.points.iter_mut().zip(&below) {
            *point += below;
        }
        if (*start, *step, sums.len()) == (curve.start, curve.step, curve.points.len()) {
            for (sum, point) in sums.iter_mut().zip(&curve.points) {
                *sum = if point.is_nan() { *sum } else { *point };
            }
        } else {
            // Another grid: the sum moves to it, so that the next curve stands on this one.
            let moved =
                curve.points.iter().zip(&below).map(|(point, below)| if point.is_nan() { *below } else { *point });
            (*start, *step, *sums) = (curve.start, curve.step, moved.collect());
        }
        curve.base = below;
    }
}

/// `stacked()` hands over running sums and `areaBetween()` two edges: either is filled down to the one before it.
fn stand_on_the_one_before(curves: &mut [Curve], series: &[Series]) {
    for index in 1..curves.len() {
        let style = &series[index].style;
        if !style.stacked {
            continue;
        }
        let same_stack = |other: &usize| {
            let other = &series[*other].style;
            other.stacked && other.stack_name == style.stack_name && other.second_y_axis == style.second_y_axis
        };
        let Some(before) = (0..index).rev().find(same_stack) else { continue };
        let below = &curves[before];
        let curve = &curves[index];
        let base = (0..curve.points.len())
            .map(|point| {
                let value = at(below.start, below.step, &below.points, curve.time(point));
                if value.is_nan() { at(below.start, below.step, &below.base, curve.time(point)) } else { value }
            })
            .collect();
        curves[index].base = base;
    }
}

fn known_or_zero(value: f64) -> f64 {
    if value.is_nan() { 0.0 } else { value }
}

/// The value of a grid at `time`; 0 outside.
fn at(start: f64, step: f64, values: &[f64], time: f64) -> f64 {
    let index = ((time - start) / step + 1e-9).floor();
    if index < 0.0 { 0.0 } else { values.get(index as usize).copied().unwrap_or(0.0) }
}
