//! What stands beside and below the plot.

use super::Chart;
use crate::draw::color::Color;
use crate::draw::font;
use crate::draw::layout::{Anchor, Look, label};
use crate::draw::plot::{UNITS, units};
use crate::draw::surface::{Area, Letters, Point, Surface, Turn};
use crate::draw::time_axis::{TimeAxis, TimeTick};

impl Chart<'_> {
    /// Numbers and titles beside the plot.
    pub(super) fn value_labels(&self, surface: &mut dyn Surface, outer: Area, plot: Area) {
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

/// `color`, moved towards the foreground until text in it can be read.
fn readable(color: Color, look: &Look) -> Color {
    let far = |color: Color| (color.lightness() - look.background.lightness()).abs() > 0.42;
    let mixes = (0..=10).map(|part| look.foreground.faded(f64::from(part) / 10.0).over(Color { a: 255, ..color }));
    let mut mixes = mixes.skip_while(|mix| !far(*mix));
    mixes.next().unwrap_or(look.foreground)
}

/// Times, and the days they belong to.
pub(super) fn time_labels(
    surface: &mut dyn Surface,
    axis: &TimeAxis,
    plot: Area,
    outer: Area,
    look: &Look,
    corner: bool,
) {
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
