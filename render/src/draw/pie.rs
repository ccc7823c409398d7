//! One slice a series.

use super::chart::palette;
use super::color::Color;
use super::font;
use super::layout::{Anchor, Look, label};
use super::legend::{self, Entry, Legend, bare_name};
use super::options::{Options, PieMode, ValueLabels};
use super::surface::{Area, Letters, Point, Surface, Turn, arc};
use super::units;
use crate::series::Series;

/// A share of the pie.
struct Slice {
    name: String,
    color: Color,
    value: f64,
}

/// Draws a pie of `series` into `free`; `false` if no series has a positive value.
pub(super) fn draw(
    surface: &mut dyn Surface,
    series: &[Series],
    options: &Options,
    look: &Look,
    mut free: Area,
) -> bool {
    let slices = slices(series, options, look);
    // Halves keep the sum of huge values finite; only shares matter.
    let total: f64 = slices.iter().map(|slice| slice.value / 1e4).sum();
    if total.is_nan() || total <= 0.0 {
        return false;
    }
    if !options.hide_legend.unwrap_or(false) {
        legend_below(surface, &slices, options, look, &mut free);
    }
    let centre = Point::new((free.left + free.right) / 2.0, (free.top + free.bottom) / 2.0);
    let radius = (free.width().min(free.height()) / 2.0 - 2.0).max(1.0);
    let turn = |share: f64| (share * std::f64::consts::TAU - std::f64::consts::FRAC_PI_2) as f32;
    let mut begun = 0.0;
    let mut labels = Vec::new();
    for slice in &slices {
        let share = slice.value / 1e4 / total;
        let alpha = options.area_alpha.unwrap_or(1.0);
        let mut outline = arc(centre, radius, turn(begun), turn(begun + share));
        if slices.len() > 1 {
            outline.push(centre);
        }
        surface.fill(&outline, slice.color.faded(alpha));
        labels.push((turn(begun + share / 2.0), share, slice));
        begun += share;
    }
    if slices.len() > 1 {
        part(surface, &slices, total, centre, radius, look);
    }
    for (angle, share, slice) in labels {
        value_label(surface, options, look, slice, share, centre, radius, angle);
    }
    true
}

fn slices(series: &[Series], options: &Options, look: &Look) -> Vec<Slice> {
    let palette = palette(options, look);
    let mut fresh = 0;
    let slice = |one: &Series| {
        let color = one.style.color.as_deref().and_then(Color::parse).unwrap_or_else(|| {
            fresh += 1;
            palette.color(fresh - 1)
        });
        let known: Vec<f64> = one.values.iter().copied().filter(|value| value.is_finite()).collect();
        let value = match options.pie_mode {
            PieMode::Average => known.iter().map(|value| value / known.len() as f64).sum(),
            PieMode::Maximum => known.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            PieMode::Minimum => known.iter().copied().fold(f64::INFINITY, f64::min),
        };
        let name = bare_name(&one.name).to_owned();
        Slice { name, color, value: if value.is_finite() { value.max(0.0) } else { 0.0 } }
    };
    series.iter().map(slice).filter(|slice| slice.value > 0.0).collect()
}

fn legend_below(surface: &mut dyn Surface, slices: &[Slice], options: &Options, look: &Look, free: &mut Area) {
    let entry = |slice: &Slice| Entry { name: slice.name.clone(), color: slice.color, right: false };
    let mut entries: Vec<Entry> = slices.iter().map(entry).collect();
    if options.unique_legend {
        entries = legend::unique(entries);
    }
    let legend = Legend::new(&entries, free.width(), free.height() * 0.45, look.em);
    free.bottom -= legend.height();
    legend.draw(surface, Point::new(free.left, free.bottom), look.foreground.faded(0.94));
    free.bottom -= look.em;
}

/// Thin lines of the ground between slices.
fn part(surface: &mut dyn Surface, slices: &[Slice], total: f64, centre: Point, radius: f32, look: &Look) {
    let mut begun = 0.0;
    for slice in slices {
        let angle = (begun * std::f64::consts::TAU - std::f64::consts::FRAC_PI_2) as f32;
        let rim = Point::new(centre.x + (radius + 1.0) * angle.cos(), centre.y + (radius + 1.0) * angle.sin());
        surface.stroke(&[centre, rim], 1.5, look.background);
        begun += slice.value / 1e4 / total;
    }
}

#[expect(clippy::too_many_arguments, reason = "a slice and where it lies")]
fn value_label(
    surface: &mut dyn Surface,
    options: &Options,
    look: &Look,
    slice: &Slice,
    share: f64,
    centre: Point,
    radius: f32,
    angle: f32,
) {
    if share * 100.0 < options.value_labels_min {
        return;
    }
    let text = match options.value_labels {
        ValueLabels::None => return,
        ValueLabels::Percent => format!("{:.1} %", share * 100.0),
        ValueLabels::Number => units::single(slice.value, options.units),
    };
    let contrast = if slice.color.lightness() > 0.55 { Color::rgb(0x1f2329) } else { Color::rgb(0xffffff) };
    let color = options.value_labels_color.unwrap_or(contrast);
    // Along the slice, and never upside down; or level.
    let lean = match (options.pie_labels_rotated, angle.cos() < -1e-3) {
        (false, _) => 0.0,
        (true, true) => angle + std::f32::consts::PI,
        (true, false) => angle,
    };
    let half_sweep = share as f32 * std::f32::consts::PI;
    let place = |(reach, size): (f32, f32)| {
        let half = Point::new(font::width(&text, size, true) / 2.0, size * font::CAP_HEIGHT / 2.0);
        fits(half, reach * radius, angle - lean, half_sweep, radius).then_some((reach * radius, size))
    };
    // Large and well out first. What fits nowhere in a size that can be read is left to the legend.
    let sizes = [1.0, 0.9, 0.8].map(|part| look.em * part);
    let places = sizes.iter().flat_map(|size| [0.66, 0.6, 0.72, 0.54, 0.48, 0.76].map(|reach| (reach, *size)));
    let whole = (share > 0.999).then_some((0.0, look.em));
    let Some((reach, size)) = whole.or_else(|| places.into_iter().find_map(place)) else { return };
    let at = Point::new(centre.x + reach * angle.cos(), centre.y + reach * angle.sin());
    let letters = Letters { size, bold: true, color };
    if !options.pie_labels_rotated {
        return label(surface, &text, at, Anchor::Middle, letters);
    }
    let (sin, cos) = lean.sin_cos();
    let (back, down) = (font::width(&text, size, true) / 2.0, size * font::CAP_HEIGHT / 2.0);
    let start = Point::new(at.x - cos * back - sin * down, at.y - sin * back + cos * down);
    surface.text(&text, start, letters, Turn::By(lean));
}

/// Whether a text of these halves of width and height, whose middle is `reach` from the centre, lies within a slice:
/// whether all its corners do. `angle` is that of the slice's middle as the text sees it.
fn fits(half: Point, reach: f32, angle: f32, half_sweep: f32, radius: f32) -> bool {
    let (sin, cos) = angle.sin_cos();
    [(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0), (0.0, -1.0), (0.0, 1.0)].iter().all(|(x, y)| {
        let (x, y) = (reach * cos + x * (half.x + 1.0), reach * sin + y * (half.y + 1.0));
        // Turned so that the slice's middle lies along the x axis.
        let (along, across) = (x * cos + y * sin, y * cos - x * sin);
        across.atan2(along).abs() <= half_sweep && x.hypot(y) <= radius
    })
}
