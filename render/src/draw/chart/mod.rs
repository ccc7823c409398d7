//! Values over time: grid, axes, curves, legend.

mod field;
mod labels;

use super::color::Palette;
use super::curve::{self, Curve};
use super::layout::Look;
use super::legend::{self, Entry, Legend};
use super::options::{LineMode, Options};
use super::surface::{Area, Point, Surface};
use super::time_axis::TimeAxis;
use super::value_axis::{Extent, ValueAxis};
use super::{DrawError, TimeRange};
use crate::series::Series;

/// More series than this are not drawn, and the picture says so: nobody could tell them apart, and time is bounded.
pub(super) const MOST_SERIES: usize = 500;
/// Above this many series the legend is hidden unless asked for, as in the reference.
const LEGEND_LIMIT: usize = 10;

/// What one picture is made from.
struct Chart<'a> {
    options: &'a Options,
    look: Look,
    curves: Vec<Curve>,
    left: Option<ValueAxis>,
    right: Option<ValueAxis>,
    shows_axes: bool,
    /// End of the window that was asked for.
    until: i64,
}

/// Draws a chart of `series`, of which at least one has a value, into `free`.
///
/// # Errors
/// What plotters reports; nothing is known to make it.
pub(super) fn draw(
    surface: &mut dyn Surface,
    series: &[Series],
    options: &Options,
    window: TimeRange,
    tz: &jiff::tz::TimeZone,
    look: Look,
    mut free: Area,
) -> Result<(), DrawError> {
    let palette = palette(options, &look);
    // What is too small for words still shows its curves.
    let is_tiny = free.height() < look.em * 4.0 || free.width() < look.em * 6.0;
    let shows_axes = !options.hide_axes && !options.graph_only && !is_tiny;
    let room = f64::from(free.width() - if shows_axes { look.em * 4.0 } else { 0.0 });
    let curves = curve::curves(series, options, &palette, room);
    legend_below(surface, &curves, options, &look, &mut free);
    let mut chart = Chart { options, look, curves, left: None, right: None, shows_axes, until: window.until };
    let x_axis_shown = shows_axes && !options.hide_x_axis;
    let range = time_range(series, window, options.line_mode);
    let day_line = |axis: &TimeAxis| if axis.names_days() { look.em * 1.3 } else { 0.0 };
    let time_axis = |width: f32| {
        TimeAxis::new(range, tz, options.x_format.as_deref(), f64::from(width), &|text| f64::from(look.width(text)))
    };
    if x_axis_shown {
        free.bottom -= look.em * 1.75 + day_line(&time_axis(free.width() - look.em * 4.0));
    }
    chart.value_axes(free.height());
    let outer = free;
    chart.make_room_beside(&mut free);
    if x_axis_shown && chart.sides().1.is_none() {
        // Half of the last time label may hang over the plot's end.
        free.right -= (look.width("00:00") / 2.0 - options.margin as f32).max(0.0);
    }
    let plot = Area {
        left: free.left.round(),
        top: free.top.round(),
        right: free.right.round().max(free.left.round() + 1.0),
        bottom: free.bottom.round().max(free.top.round() + 1.0),
    };
    let time = time_axis(plot.width());
    chart.plot(surface, plot, &time)?;
    chart.value_labels(surface, outer, plot);
    if x_axis_shown {
        labels::time_labels(surface, &time, plot, outer, &look, !options.hide_y_axis);
    }
    Ok(())
}

/// Colours for series without one of their own.
pub(super) fn palette(options: &Options, look: &Look) -> Palette {
    if options.colors.is_empty() {
        Palette::continued(&options.template.colors, look.is_dark())
    } else {
        Palette::cycled(&options.colors, look.is_dark())
    }
}

/// From the first point to the last; the window where no data reaches its edge.
///
/// The first stored point lies up to a step after `from`, the last up to a step before `until`: an axis over the window
/// itself would begin and end with an empty strip.
fn time_range(series: &[Series], window: TimeRange, mode: LineMode) -> TimeRange {
    let step = series.iter().map(|one| one.step.max(1)).max().unwrap_or(1);
    let start = series.iter().map(|one| one.start).min().unwrap_or(window.from);
    let last = |one: &Series| {
        let width = if mode.fills_steps() { 0 } else { one.step };
        let by_values = one.start.saturating_add(one.step.saturating_mul(one.values.len() as i64));
        by_values.min(one.end.max(one.start)).saturating_sub(width).max(one.start)
    };
    let end = series.iter().map(last).max().unwrap_or(window.until);
    let from = if start.saturating_sub(window.from) > step { window.from } else { start };
    let until = if window.until.saturating_sub(end) > step { window.until } else { end };
    if from < until { TimeRange { from, until } } else { TimeRange { from, until: from.saturating_add(step) } }
}

fn legend_below(surface: &mut dyn Surface, curves: &[Curve], options: &Options, look: &Look, free: &mut Area) {
    let crowded = curves.len() > LEGEND_LIMIT || free.height() < look.em * 6.0;
    let hidden = options.hide_legend.unwrap_or(crowded);
    if hidden || options.graph_only {
        return;
    }
    let shown = curves.iter().filter(|curve| !curve.unnamed && (!options.hide_null_from_legend || curve.known()));
    let entry = |curve: &Curve| Entry { name: curve.name.clone(), color: curve.color, right: curve.right };
    let mut entries: Vec<Entry> = shown.map(entry).collect();
    if options.unique_legend {
        entries = legend::unique(entries);
    }
    if entries.is_empty() {
        return;
    }
    // Who asks for a long legend wants to read it.
    let most = if options.hide_legend == Some(false) { 0.6 } else { 0.5 };
    let legend = Legend::new(&entries, free.width(), free.height() * most, look.em);
    free.bottom -= legend.height();
    legend.draw(surface, Point::new(free.left, free.bottom), look.foreground.faded(0.94));
    free.bottom -= look.em * 0.45;
}

impl Chart<'_> {
    fn value_axes(&mut self, height: f32) {
        let two = self.curves.iter().any(|curve| curve.right);
        let axis = |right: bool| {
            let own: Vec<&Curve> = self.curves.iter().filter(|curve| curve.right == right).collect();
            if own.is_empty() {
                return None;
            }
            let extent = own.iter().filter_map(|curve| curve.extent()).reduce(Extent::and);
            let extent = extent.unwrap_or(Extent { least: 0.0, greatest: 1.0 });
            let mut bounds = self.options.y;
            if two {
                let side = if right { self.options.right.axis } else { self.options.left.axis };
                bounds = super::options::AxisOptions {
                    min: side.min.or(bounds.min),
                    max: side.max.or(bounds.max),
                    limit: side.limit.or(bounds.limit),
                    step: side.step.or(bounds.step),
                };
            }
            Some(ValueAxis::new(extent, &bounds, self.options, height.max(1.0).into(), self.look.em.into()))
        };
        (self.left, self.right) = (axis(false), axis(true));
    }

    fn shows_values(&self) -> bool {
        self.shows_axes && !self.options.hide_y_axis
    }

    /// Labels of the axis at the left edge and at the right one.
    fn sides(&self) -> (Option<&ValueAxis>, Option<&ValueAxis>) {
        if self.right.is_none() && self.options.axis_on_right {
            (None, self.left.as_ref())
        } else {
            (self.left.as_ref(), self.right.as_ref())
        }
    }

    /// Moves the sides of `free` past titles and labels of the value axes.
    fn make_room_beside(&self, free: &mut Area) {
        let title_room = self.look.em * 1.6;
        let (left, right) = self.sides();
        if self.vtitle().is_some() {
            free.left += title_room;
        }
        if right.is_some() && self.vtitle_right().is_some() {
            free.right -= title_room;
        }
        if self.shows_values() {
            let widest = |axis: &ValueAxis| {
                axis.ticks.iter().map(|(_, label)| self.look.width(label)).fold(0.0, f32::max) + self.look.em * 0.55
            };
            // At most a third of the picture each, however long a number may be.
            let most = free.width() / 3.0;
            free.left += left.map_or(0.0, |axis| widest(axis).min(most));
            free.right -= right.map_or(0.0, |axis| widest(axis).min(most));
        }
    }

    fn vtitle(&self) -> Option<&str> {
        self.options.vtitle.as_deref().filter(|_| !self.options.graph_only)
    }

    fn vtitle_right(&self) -> Option<&str> {
        self.options.vtitle_right.as_deref().filter(|_| !self.options.graph_only)
    }
}
