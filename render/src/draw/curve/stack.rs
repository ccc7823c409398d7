//! What is filled, how strongly, and what it stands on.

use super::Curve;
use crate::draw::options::{AreaMode, LineMode, Options};
use crate::series::Series;

/// Decides what is filled, how strongly, and on what it stands.
pub(super) fn fill(curves: &mut [Curve], series: &[Series], options: &Options) {
    let several = curves.len() > 1;
    let left_is_stacked = options.area_mode == AreaMode::Stacked && curves.iter().any(|curve| !curve.right);
    for (index, (curve, one)) in curves.iter_mut().zip(series).enumerate() {
        let own_alpha = one.style.alpha.map(|alpha| alpha.clamp(0.0, 1.0));
        let usual = match options.area_mode {
            // The lower edge of a band: the next series is filled down to it.
            _ if curve.infinite || one.style.invisible => None,
            _ if options.line_mode == LineMode::Bar => Some(0.9),
            _ if one.style.stacked && index > 0 && series[index - 1].style.invisible => Some(0.35),
            _ if one.style.stacked => Some(0.75),
            // A stack over another one, by another scale, would hide it and could not be read.
            AreaMode::Stacked if left_is_stacked && curve.right => None,
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
        curve.layer = true;
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
        // Both edges of a band are drawn, also where they meet.
        curves[index].layer = !series[before].style.invisible;
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
