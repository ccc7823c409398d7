//! Values over time: grid, axes, curves, legend.

use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::cartesian::MeshLine;
use plotters::coord::ranged1d::{BoldPoints, LightPoints};
use plotters::prelude::{DrawingArea, IntoDrawingArea};

use super::color::{Color, Palette};
use super::curve::{self, Curve, Sheet};
use super::font;
use super::layout::{Anchor, Look, label};
use super::legend::{self, Entry, Legend};
use super::options::{LineMode, Options};
use super::plot::{Paper, UNITS, place, units};
use super::surface::{Area, Letters, Point, Surface, Turn};
use super::time_axis::{TimeAxis, TimeTick};
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
        time_labels(surface, &time, plot, outer, &look, !options.hide_y_axis);
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

    /// Grid, areas, lines.
    fn plot(&self, surface: &mut dyn Surface, plot: Area, time: &TimeAxis) -> Result<(), DrawError> {
        let (width, height) = (self.options.width, self.options.height);
        let root = Paper { surface, width, height }.into_drawing_area();
        let area = |axis: &ValueAxis| {
            let across = units(plot.left)..units(plot.right);
            let upwards = units(plot.bottom)..units(plot.top);
            root.apply_coord_spec(Cartesian2d::<TimeAxis, ValueAxis>::new(
                time.clone(),
                axis.clone(),
                (across, upwards),
            ))
        };
        let (left, right) = (self.left.as_ref().map(area), self.right.as_ref().map(area));
        if let Some(main) = left.as_ref().or(right.as_ref()).filter(|_| self.shows_axes && !self.options.hide_grid) {
            self.grid(main, plot)?;
        }
        let curves = || {
            self.curves.iter().filter_map(|curve| {
                let (area, axis) = if curve.right { (&right, &self.right) } else { (&left, &self.left) };
                Some((curve, area.as_ref()?, axis.as_ref()?))
            })
        };
        let (mode, limit) = (self.options.line_mode, self.options.connected_limit);
        // A line along the edge keeps its full width.
        let clip = Area { top: plot.top - 1.0, bottom: plot.bottom + 1.0, ..plot };
        let clip = if self.shows_axes { clip } else { Area { left: clip.left - 1.0, right: clip.right + 1.0, ..clip } };
        let on_paper = left.as_ref().or(right.as_ref());
        with_surface(on_paper, |surface| surface.clip(clip))?;
        let until = self.until as f64;
        let sheet = |axis| Sheet { axis, mode, limit, tall: plot.height().into(), until };
        for (curve, area, axis) in curves() {
            for mark in curve.areas(&sheet(axis)) {
                area.draw(&mark)?;
            }
        }
        // Full-height lines mark events behind the data.
        for infinite in [true, false] {
            for (curve, area, axis) in curves().filter(|(curve, ..)| curve.infinite == infinite) {
                for mark in curve.lines(&sheet(axis)) {
                    area.draw(&mark)?;
                }
            }
        }
        with_surface(on_paper, |surface| surface.unclip())
    }

    fn grid(&self, area: &PlotArea<'_>, plot: Area) -> Result<(), DrawError> {
        let (major, minor) = (self.look.major, self.look.minor);
        let many = 10_000;
        for (light, color) in [(true, minor), (false, major)] {
            let line = |paper: &mut Paper<'_>, mesh: MeshLine<'_, TimeAxis, ValueAxis>| {
                paper.surface.rect(hairline(&mesh, plot), color);
                Ok(())
            };
            if light {
                area.draw_mesh(line, LightPoints::new(many, many), LightPoints::new(many, many))?;
            } else {
                area.draw_mesh(line, BoldPoints(many), BoldPoints(many))?;
            }
        }
        let base = self.look.foreground.faded(0.45);
        with_surface(Some(area), |surface| {
            surface.rect(Area { top: plot.bottom, bottom: plot.bottom + 1.0, ..plot }, base);
        })
    }

    /// Numbers and titles beside the plot.
    fn value_labels(&self, surface: &mut dyn Surface, outer: Area, plot: Area) {
        let (left, right) = self.sides();
        let own_color = |right: bool| {
            // With two axes a single curve lends its colour to its numbers.
            let mut own = self.curves.iter().filter(|curve| curve.right == right);
            let single = own.next().filter(|_| own.next().is_none() && self.right.is_some() && self.left.is_some());
            single.map(|curve| readable(curve.color, &self.look))
        };
        if self.shows_values() {
            let gap = self.look.em * 0.5;
            for (axis, x, anchor, is_right) in
                [(left, plot.left - gap, Anchor::Right, false), (right, plot.right + gap, Anchor::Left, true)]
            {
                let Some(axis) = axis else { continue };
                let mut letters = self.look.letters();
                letters.color = own_color(is_right).unwrap_or(letters.color);
                for (value, text) in &axis.ticks {
                    let y = plot.bottom - axis.share(*value) as f32 * plot.height();
                    label(surface, text, Point::new(x, y), anchor, letters);
                }
            }
        }
        let middle = (plot.top + plot.bottom) / 2.0;
        if let Some(text) = self.vtitle() {
            self.upright(surface, text, outer.left + self.look.em * 0.5, middle, plot.height());
        }
        if let Some(text) = self.vtitle_right().filter(|_| right.is_some()) {
            self.upright(surface, text, outer.right - self.look.em * 0.5, middle, plot.height());
        }
    }

    fn upright(&self, surface: &mut dyn Surface, text: &str, x: f32, middle: f32, room: f32) {
        let size = self.look.em * 1.05;
        let line = font::fit(&text.replace('\n', " "), room.max(size), size, self.look.bold);
        let letters = Letters { size, ..self.look.letters() };
        let at = Point::new(x + size * font::CAP_HEIGHT / 2.0, middle + font::width(&line, size, self.look.bold) / 2.0);
        surface.text(&line, at, letters, Turn::Upwards);
    }
}

type PlotArea<'a> = DrawingArea<Paper<'a>, Cartesian2d<TimeAxis, ValueAxis>>;

/// Does something with the surface that plotters holds while a chart is drawn.
fn with_surface(area: Option<&PlotArea<'_>>, act: impl Fn(&mut dyn Surface)) -> Result<(), DrawError> {
    struct Act<F>(F, [(f64, f64); 1]);
    impl<'a, F> plotters::element::PointCollection<'a, (f64, f64)> for &'a Act<F> {
        type Point = &'a (f64, f64);
        type IntoIter = std::slice::Iter<'a, (f64, f64)>;
        fn point_iter(self) -> Self::IntoIter {
            self.1.iter()
        }
    }
    impl<'s, F: Fn(&mut dyn Surface)> plotters::element::Drawable<Paper<'s>> for Act<F> {
        fn draw<I: Iterator<Item = (i32, i32)>>(
            &self,
            _: I,
            paper: &mut Paper<'s>,
            _: (u32, u32),
        ) -> Result<(), plotters_backend::DrawingErrorKind<std::convert::Infallible>> {
            (self.0)(paper.surface);
            Ok(())
        }
    }
    match area {
        Some(area) => Ok(area.draw(&Act(act, [(0.0, 0.0)]))?),
        None => Ok(()),
    }
}

/// A grid line one logical pixel wide, inside the plot.
fn hairline(mesh: &MeshLine<'_, TimeAxis, ValueAxis>, plot: Area) -> Area {
    match mesh {
        MeshLine::XMesh(from, ..) => {
            let x = place(*from).x.round().min(plot.right - 1.0);
            Area { left: x, right: x + 1.0, ..plot }
        }
        MeshLine::YMesh(from, ..) => {
            let y = place(*from).y.round();
            Area { top: y, bottom: y + 1.0, ..plot }
        }
    }
}

/// `color`, moved towards the foreground until text in it can be read.
fn readable(color: Color, look: &Look) -> Color {
    let far = |color: Color| (color.lightness() - look.background.lightness()).abs() > 0.42;
    let mixes = (0..=10).map(|part| look.foreground.faded(f64::from(part) / 10.0).over(Color { a: 255, ..color }));
    let mut mixes = mixes.skip_while(|mix| !far(*mix));
    mixes.next().unwrap_or(look.foreground)
}

fn time_labels(surface: &mut dyn Surface, axis: &TimeAxis, plot: Area, outer: Area, look: &Look, corner: bool) {
    use plotters::coord::ranged1d::Ranged as _;
    let letters = look.letters();
    let (first_row, second_row) = (plot.bottom + look.em * 1.15, plot.bottom + look.em * 2.45);
    // Labels of an axis at the right may reach its edge, and no label leaves the picture.
    let (mut taken, mut day_taken) = (outer.left - look.em, outer.left - look.em);
    let (mut end, mut day_end) = (outer.right, outer.right);
    if let Some(zone) = axis.zone.as_deref() {
        let faint = Letters { color: look.foreground.faded(0.72), size: look.em * 0.9, ..letters };
        let width = font::width(zone, faint.size, faint.bold);
        let row = if axis.names_days() { second_row } else { first_row };
        // The corner below the numbers, or without them the other end.
        let x = if corner { (plot.left - look.em * 0.5 - width).max(outer.left) } else { outer.right - width };
        label(surface, zone, Point::new(x, row), Anchor::Left, faint);
        match (corner, row == first_row) {
            (true, true) => taken = x + width,
            (true, false) => day_taken = x + width,
            (false, true) => end = x - look.em * 0.6,
            (false, false) => day_end = x - look.em * 0.6,
        }
    }
    // The day that begins matters more than the one that ends, if there is room for one only.
    let middle = |tick: &TimeTick| axis.map(&tick.time, (units(plot.left), units(plot.right))) as f32 / UNITS;
    let reach = |tick: &TimeTick| tick.day.as_deref().map(|day| (middle(tick), look.width(day) / 2.0));
    let mut days = axis.ticks.iter().filter_map(reach);
    let yields = match (days.next(), days.next()) {
        (Some((first, a)), Some((second, b))) => first.max(outer.left + a) + a + look.em * 0.6 > second - b,
        _ => false,
    };
    for (index, tick) in axis.ticks.iter().enumerate() {
        let x = middle(tick);
        let left = |text: &str| {
            let width = look.width(text);
            ((x - width / 2.0).min(outer.right - width).max(outer.left), width)
        };
        let (start, width) = left(&tick.label);
        if start > taken + look.em * 0.4 && start + width <= end {
            label(surface, &tick.label, Point::new(start, first_row), Anchor::Left, letters);
            taken = start + width;
        }
        if let Some(day) = tick.day.as_ref().filter(|_| index > 0 || !yields) {
            let (start, width) = left(day);
            if start > day_taken + look.em * 0.6 && start + width <= day_end {
                label(surface, day, Point::new(start, second_row), Anchor::Left, letters);
                day_taken = start + width;
            }
        }
    }
}
