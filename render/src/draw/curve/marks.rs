//! Curves as marks on the axes: areas, envelopes, lines, dots.

use std::ops::Range;

use super::Curve;
use crate::draw::color::Color;
use crate::draw::options::LineMode;
use crate::draw::plot::{Mark, MarkKind};
use crate::draw::value_axis::ValueAxis;

/// How curves are put on paper: what they share.
#[derive(Clone, Copy)]
pub(in crate::draw) struct Sheet<'a> {
    pub(in crate::draw) axis: &'a ValueAxis,
    pub(in crate::draw) mode: LineMode,
    /// Longest gap, in points, that [`LineMode::Connected`] bridges.
    pub(in crate::draw) limit: Option<usize>,
    /// Logical pixels from the foot of the axis to its top.
    pub(in crate::draw) tall: f64,
    /// End of the window that was asked for: what reaches beyond it is not complete yet.
    pub(in crate::draw) until: f64,
}

impl Curve {
    /// Filled areas and envelopes, which lie below all lines.
    pub(in crate::draw) fn areas(&self, sheet: &Sheet<'_>) -> Vec<Mark> {
        let mut marks = Vec::new();
        if self.infinite {
            return marks;
        }
        let axis = sheet.axis;
        if let Some(alpha) = self.fill {
            let ground = axis.ground();
            let base = |index: usize| self.base.get(index).copied().filter(|base| axis.shows(*base)).unwrap_or(ground);
            let color = self.color.faded(alpha);
            if sheet.mode == LineMode::Bar {
                return self.bars(sheet, color, base);
            }
            for run in self.runs(sheet) {
                marks.extend(self.between(run, sheet, color, |index| self.points[index], base));
            }
        } else if !self.low.is_empty() {
            let color = self.color.faded(0.5 * self.line_alpha);
            for run in self.runs(sheet).into_iter().flat_map(|run| self.beyond_the_line(run, sheet)) {
                marks.extend(self.between(run, sheet, color, |index| self.high[index], |index| self.low[index]));
            }
        }
        marks
    }

    /// A bar for each value, nine tenths of its step wide, and pale while its step is not over.
    fn bars(&self, sheet: &Sheet<'_>, color: Color, base: impl Fn(usize) -> f64) -> Vec<Mark> {
        let (place, count) = self.bar;
        let width = self.step * 0.9 / count as f64;
        let bar = |index: usize| {
            let left = self.time(index) + self.step * 0.05 + place as f64 * width;
            let (right, foot, top) = (left + width, base(index), self.points[index]);
            let over = self.time(index) + self.step <= sheet.until;
            let color = if over { color } else { color.faded(0.45) };
            Mark { points: vec![(left, foot), (left, top), (right, top), (right, foot)], color, kind: MarkKind::Filled }
        };
        let all = 0..self.points.len();
        self.shown(&all, sheet).map(bar).collect()
    }

    /// Where the envelope of a run can be seen beside the line; elsewhere it would be painted for nothing.
    fn beyond_the_line(&self, run: Range<usize>, sheet: &Sheet<'_>) -> Vec<Range<usize>> {
        let covered = f64::from(self.width) / 2.0 + 0.25;
        let reach = |from: f64, to: f64| (sheet.axis.share(to) - sheet.axis.share(from)) * sheet.tall;
        let is_seen = |index: &usize| {
            let point = self.points[*index];
            reach(point, self.high[*index]) > covered || reach(self.low[*index], point) > covered
        };
        joined(run.clone().filter(is_seen), &run)
    }

    fn between(
        &self,
        run: Range<usize>,
        sheet: &Sheet<'_>,
        color: Color,
        upper: impl Fn(usize) -> f64,
        lower: impl Fn(usize) -> f64,
    ) -> Option<Mark> {
        let mut outline = Vec::with_capacity(run.len() * 4);
        for index in self.shown(&run, sheet) {
            self.trace(index, upper(index), sheet.mode, &mut outline);
        }
        for index in self.shown(&run, sheet) {
            self.trace(index, lower(index), sheet.mode, &mut outline);
        }
        (outline.len() > 2).then_some(Mark { points: outline, color, kind: MarkKind::Band })
    }

    /// Lines, dots at lone points, full-height lines.
    pub(in crate::draw) fn lines(&self, sheet: &Sheet<'_>) -> Vec<Mark> {
        // Events cross the whole plot; at full strength they would outshout the data.
        let color = self.color.faded(if self.infinite { self.line_alpha * 0.6 } else { self.line_alpha });
        let line = MarkKind::Line { width: self.width, dash: self.dash };
        let is_bars = sheet.mode == LineMode::Bar && !self.infinite;
        if self.line_alpha <= 0.0 || is_bars {
            return Vec::new();
        }
        if self.infinite {
            let lit = |values: &[f64], index: usize| values.get(index).is_some_and(|value| value.abs() > 0.0);
            let set = (0..self.points.len())
                .filter(|index| [&self.points, &self.low, &self.high].iter().any(|values| lit(values, *index)));
            let (bottom, top) = (sheet.axis.lowest(), sheet.axis.highest());
            return set
                .map(|index| self.time(index))
                .map(|time| Mark { points: vec![(time, bottom), (time, top)], color, kind: line })
                .collect();
        }
        let mark = |run: Range<usize>| {
            let mut points = Vec::with_capacity(run.len() * 2);
            for index in self.shown(&run, sheet) {
                self.trace(index, self.points[index], sheet.mode, &mut points);
            }
            let kind = if points.len() == 1 { MarkKind::Dots { radius: (self.width * 1.3).max(1.8) } } else { line };
            Mark { points, color, kind }
        };
        self.runs(sheet).into_iter().flat_map(|run| self.edges(run)).map(mark).collect()
    }

    /// The parts of a run that have an edge: all, or where a layer is not empty.
    fn edges(&self, run: Range<usize>) -> Vec<Range<usize>> {
        if !self.layer {
            return vec![run];
        }
        let adds = |index: &usize| self.base.get(*index).is_none_or(|base| self.points[*index] != *base);
        joined(run.clone().filter(adds), &run)
    }

    fn trace(&self, index: usize, value: f64, mode: LineMode, out: &mut Vec<(f64, f64)>) {
        out.push((self.time(index), value));
        if mode == LineMode::Staircase {
            out.push((self.time(index) + self.step, value));
        }
    }

    /// Points of a run that have a place on the axis.
    fn shown<'a>(&'a self, run: &Range<usize>, sheet: &'a Sheet<'_>) -> impl Iterator<Item = usize> + 'a {
        run.clone().filter(|index| sheet.axis.shows(self.points[*index]))
    }

    /// Points that belong together: up to the next gap, or across it in connected mode.
    fn runs(&self, sheet: &Sheet<'_>) -> Vec<Range<usize>> {
        let mut runs: Vec<Range<usize>> = Vec::new();
        for (index, point) in self.points.iter().enumerate() {
            if !sheet.axis.shows(*point) {
                continue;
            }
            let bridges =
                |gap: usize| sheet.mode == LineMode::Connected && sheet.limit.is_none_or(|limit| gap <= limit);
            match runs.last_mut() {
                Some(run) if run.end == index || bridges(index - run.end) => run.end = index + 1,
                _ => runs.push(index..index + 1),
            }
        }
        runs
    }
}

/// The given points of a run with the neighbours that lines lead to, as ranges.
fn joined(points: impl Iterator<Item = usize>, run: &Range<usize>) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for index in points {
        let (from, to) = (index.saturating_sub(1).max(run.start), (index + 2).min(run.end));
        match ranges.last_mut() {
            Some(last) if from <= last.end => last.end = to,
            _ => ranges.push(from..to),
        }
    }
    ranges
}
