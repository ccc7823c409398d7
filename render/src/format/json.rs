//! Series as JSON, in the three shapes that graphite-web offers. An infinite value is `1e9999`, as there.

use super::number;
use super::points::{Cursor, points_of, shown};
use super::value::{json_number, json_value, quote};
use super::{Output, TooLong};
use crate::series::{Series, Style};

/// How JSON is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// On one line with a blank after comma and colon, as Python's `json.dumps`.
    #[default]
    Line,
    /// One value a line, indented by two.
    Pretty,
}

/// Bytes of most points.
const POINT: usize = 26;

/// `[{"target", "tags", "datapoints": [[value, epoch], ...]}, ...]`, with a `style` where one is set; with `known_only`, points without a value are left
/// out, and series that have none at all. The list is empty if no series has a point, as graphite-web's.
///
/// # Errors
/// When it grows too long.
pub fn json(series: &[Series], layout: Layout, known_only: bool, out: &mut Output) -> Result<(), TooLong> {
    let points: usize = series.iter().map(|one| one.values.len()).sum();
    out.expect(points.saturating_mul(POINT));
    let mut set = Setter::new(out, layout);
    set.open(b'[');
    let series = if series.iter().all(|one| one.values.is_empty()) { &[] } else { series };
    for one in series {
        if known_only && shown(one).iter().all(|value| value.is_nan()) {
            continue;
        }
        set.item();
        head(one, &mut set);
        datapoints(one, known_only, &mut set)?;
        set.close(b'}');
        set.out.check()?;
    }
    set.close(b']');
    set.out.check()
}

/// What stands before the points of a series.
fn head(one: &Series, set: &mut Setter<'_>) {
    set.open(b'{');
    set.key("target");
    quote(set.bytes(), &one.name);
    set.key("tags");
    set.open(b'{');
    for (tag, value) in one.tags.iter() {
        set.key(tag);
        quote(set.bytes(), value);
    }
    set.close(b'}');
    if one.style != Style::default() {
        set.key("style");
        style(&one.style, set);
    }
    set.key("datapoints");
}

/// The marks of functions that draw; only those that are set.
fn style(style: &Style, set: &mut Setter<'_>) {
    set.open(b'{');
    let texts = [("color", &style.color), ("stack", &style.stack_name)];
    for (name, text) in texts.into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?))) {
        set.key(name);
        quote(set.bytes(), text);
    }
    let figures = [("alpha", style.alpha), ("lineWidth", style.line_width), ("dashed", style.dashed)];
    for (name, figure) in figures.into_iter().filter_map(|(name, figure)| Some((name, figure?))) {
        set.key(name);
        json_number(set.bytes(), figure, false);
    }
    let marks = [
        ("secondYAxis", style.second_y_axis),
        ("infinite", style.draw_as_infinite),
        ("invisible", style.invisible),
        ("stacked", style.stacked),
    ];
    for (name, _) in marks.into_iter().filter(|(_, is_set)| *is_set) {
        set.key(name);
        set.bytes().extend_from_slice(b"true");
    }
    set.close(b'}');
}

/// As [`json`] sets it on one line, up to the points.
pub(super) fn head_on_a_line(one: &Series, out: &mut Output) {
    head(one, &mut Setter::new(out, Layout::Line));
}

/// `[{"target", "datapoints": [{"x": epoch, "y": value}, ...]}, ...]`.
///
/// # Errors
/// When it grows too long.
pub fn rickshaw(series: &[Series], layout: Layout, out: &mut Output) -> Result<(), TooLong> {
    let mut set = Setter::new(out, layout);
    set.open(b'[');
    for one in series {
        set.item();
        set.open(b'{');
        set.key("target");
        quote(set.bytes(), &one.name);
        set.key("datapoints");
        set.open(b'[');
        for (at, (time, value)) in points(one).filter(|(time, _)| *time < one.end).enumerate() {
            set.item();
            set.open(b'{');
            set.key("x");
            number::whole(set.bytes(), time);
            set.key("y");
            json_value(set.bytes(), one, at, value);
            set.close(b'}');
            set.out.check()?;
        }
        set.close(b']');
        set.close(b'}');
        set.out.check()?;
    }
    set.close(b']');
    set.out.check()
}

/// `{"labels": ["Time", name, ...], "data": [[epoch in ms, value, ...], ...]}`; `{}` without series.
///
/// Rows follow the times of the first series; where another has no value at that place, `null` stands.
///
/// # Errors
/// When it grows too long.
pub fn dygraph(series: &[Series], out: &mut Output) -> Result<(), TooLong> {
    let Some(first) = series.first() else {
        out.text("{}");
        return Ok(());
    };
    out.text("{\"labels\" : [\"Time\"");
    for one in series {
        out.text(", ");
        quote(out.bytes(), &one.name);
        out.check()?;
    }
    out.text("], \"data\" : [");
    for (row, (time, _)) in points(first).filter(|(time, _)| *time < first.end).enumerate() {
        out.text(if row == 0 { "[" } else { ", [" });
        number::whole(out.bytes(), time.saturating_mul(1_000));
        for one in series {
            out.text(", ");
            json_value(out.bytes(), one, row, one.values.get(row).copied().unwrap_or(f64::NAN));
        }
        out.text("]");
        out.check()?;
    }
    out.text("]}");
    out.check()
}

fn datapoints(one: &Series, known_only: bool, set: &mut Setter<'_>) -> Result<(), TooLong> {
    if !set.pretty {
        let mut cursor = Cursor::of(one);
        while points_of(one, &mut cursor, known_only, set.bytes()) {
            set.out.check()?;
        }
        set.empty = false;
        return Ok(());
    }
    set.open(b'[');
    for (at, (time, value)) in points(one).enumerate() {
        if known_only && value.is_nan() {
            continue;
        }
        set.item();
        set.open(b'[');
        set.item();
        json_value(set.bytes(), one, at, value);
        set.item();
        number::whole(set.bytes(), time);
        set.close(b']');
        set.out.check()?;
    }
    set.close(b']');
    Ok(())
}

/// The points of a series that are shown.
fn points(one: &Series) -> impl Iterator<Item = (i64, f64)> {
    let (start, step) = (one.start, one.step);
    shown(one).iter().enumerate().map(move |(at, &value)| (start + step.saturating_mul(at as i64), value))
}

/// Puts commas, blanks and line breaks between the parts.
struct Setter<'a> {
    out: &'a mut Output,
    pretty: bool,
    depth: usize,
    /// Nothing stands yet between the innermost brackets.
    empty: bool,
}

impl<'a> Setter<'a> {
    fn new(out: &'a mut Output, layout: Layout) -> Setter<'a> {
        Setter { out, pretty: layout == Layout::Pretty, depth: 0, empty: true }
    }

    fn bytes(&mut self) -> &mut Vec<u8> {
        self.out.bytes()
    }

    fn open(&mut self, bracket: u8) {
        self.bytes().push(bracket);
        self.depth += 1;
        self.empty = true;
    }

    fn close(&mut self, bracket: u8) {
        self.depth -= 1;
        if !self.empty {
            self.break_line();
        }
        self.bytes().push(bracket);
        self.empty = false;
    }

    fn item(&mut self) {
        if !self.empty {
            self.out.text(if self.pretty { "," } else { ", " });
        }
        self.empty = false;
        self.break_line();
    }

    fn key(&mut self, name: &str) {
        self.item();
        quote(self.bytes(), name);
        self.out.text(": ");
    }

    fn break_line(&mut self) {
        if self.pretty {
            let depth = self.depth;
            let bytes = self.bytes();
            bytes.push(b'\n');
            bytes.resize(bytes.len() + 2 * depth, b' ');
        }
    }
}
