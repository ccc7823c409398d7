//! Names under the plot, in columns; as a table when the names carry figures (`cactiStyle`, `legendValue`).

mod table;

use std::collections::HashSet;

use self::table::Table;
use super::color::Color;
use super::font;
use super::surface::{Area, Letters, Point, Surface, Turn};

/// One line of a legend.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) color: Color,
    /// Belongs to the right axis.
    pub(super) right: bool,
}

/// A legend that knows its height before anything is drawn.
pub(super) struct Legend {
    rows: Vec<Vec<Cell>>,
    row_height: f32,
    em: f32,
}

/// A swatch or a text at a distance from the legend's left edge.
enum Cell {
    Swatch { x: f32, color: Color },
    Text { x: f32, text: String, faint: bool },
}

const SWATCH: f32 = 10.0;
const BESIDE_SWATCH: f32 = 6.0;
const BETWEEN: f32 = 18.0;

/// The name without the functions that only draw: the picture shows what they did.
pub(super) fn bare_name(mut name: &str) -> &str {
    const PLAIN: [&str; 3] = ["secondYAxis(", "drawAsInfinite(", "stacked("];
    loop {
        let Some(inside) = name.strip_suffix(')') else { return name };
        name = if let Some(inner) = PLAIN.iter().find_map(|call| inside.strip_prefix(call)) {
            inner
        } else if let Some((inner, _)) = inside.strip_prefix("dashed(").and_then(|inside| inside.rsplit_once(", ")) {
            inner
        } else {
            return name;
        };
    }
}

impl Legend {
    /// Arranges `entries` in `room` by at most `most_height` logical pixels; what does not fit is counted at the end.
    pub(super) fn new(entries: &[Entry], room: f32, most_height: f32, em: f32) -> Legend {
        let row_height = (em * 1.45).max(SWATCH + 3.0);
        let most_rows = (most_height / row_height).floor().max(1.0) as usize;
        let rows = match Table::read(entries) {
            Some(table) => table.rows(room, most_rows, em),
            None => {
                let (left, right): (Vec<&Entry>, Vec<&Entry>) = entries.iter().partition(|entry| !entry.right);
                two_sides(&left, &right, room, most_rows, em)
            }
        };
        Legend { rows, row_height, em }
    }

    /// Logical pixels from the first row to the last.
    pub(super) fn height(&self) -> f32 {
        self.rows.len() as f32 * self.row_height
    }

    /// Draws it with its upper left corner at `at`.
    pub(super) fn draw(&self, surface: &mut dyn Surface, at: Point, foreground: Color) {
        for (index, row) in self.rows.iter().enumerate() {
            let middle = at.y + (index as f32 + 0.5) * self.row_height;
            for cell in row {
                match cell {
                    Cell::Swatch { x, color } => {
                        let (left, top) = ((at.x + x).round(), (middle - SWATCH / 2.0).round());
                        let area = Area { left, top, right: left + SWATCH, bottom: top + SWATCH };
                        if is_lost_beside(*color, foreground) {
                            surface.rect(area, foreground.faded(0.45));
                            let inner = Area {
                                left: left + 1.0,
                                top: top + 1.0,
                                right: area.right - 1.0,
                                bottom: area.bottom - 1.0,
                            };
                            surface.rect(inner, Color { a: 255, ..*color });
                        } else {
                            surface.rect(area, *color);
                        }
                    }
                    Cell::Text { x, text, faint } => {
                        let color = if *faint { foreground.faded(0.72) } else { foreground };
                        let letters = Letters { size: self.em, bold: false, color };
                        let baseline = middle + self.em * font::CAP_HEIGHT / 2.0;
                        surface.text(text, Point::new(at.x + x, baseline), letters, Turn::Level);
                    }
                }
            }
        }
    }
}

/// So light on a light ground, or so dark on a dark one, that its swatch needs a rim; text is the ground's opposite.
fn is_lost_beside(color: Color, foreground: Color) -> bool {
    let ground = if foreground.lightness() < 0.5 { 1.0 } else { 0.0 };
    (color.lightness() - ground).abs() < 0.12
}

/// Entries that stay with `uniqueLegend`: the first of each name.
pub(super) fn unique(entries: Vec<Entry>) -> Vec<Entry> {
    let mut seen = HashSet::new();
    entries.into_iter().filter(|entry| seen.insert(entry.name.clone())).collect()
}

/// Left-axis names from the left; right-axis names from the right, swatch last, as in the reference.
fn two_sides(left: &[&Entry], right: &[&Entry], room: f32, most_rows: usize, em: f32) -> Vec<Vec<Cell>> {
    let widths = |side: &[&Entry]| side.iter().map(|entry| width(entry, em) + BETWEEN).sum::<f32>();
    if right.is_empty() {
        return columns(left, room, most_rows, em);
    }
    if left.is_empty() || widths(left) + widths(right) > room + BETWEEN {
        let in_a_row = widths(right) <= room + BETWEEN;
        let share = if in_a_row { most_rows.saturating_sub(1).max(1) } else { most_rows.div_ceil(2) };
        let mut rows = if left.is_empty() { Vec::new() } else { columns(left, room, share, em) };
        if in_a_row {
            let mut row = Vec::new();
            from_the_right(&mut row, right, room, em);
            rows.push(row);
        } else {
            rows.extend(columns(right, room, most_rows.saturating_sub(rows.len()).max(1), em));
        }
        return rows;
    }
    let mut row = columns(left, room, 1, em).pop().unwrap_or_default();
    from_the_right(&mut row, right, room, em);
    vec![row]
}

fn from_the_right(row: &mut Vec<Cell>, right: &[&Entry], room: f32, em: f32) {
    let mut x = room;
    for entry in right.iter().rev() {
        x -= SWATCH;
        row.push(Cell::Swatch { x, color: entry.color });
        x -= BESIDE_SWATCH + font::width(&entry.name, em, false);
        row.push(Cell::Text { x, text: entry.name.clone(), faint: false });
        x -= BETWEEN;
    }
}

fn width(entry: &Entry, em: f32) -> f32 {
    SWATCH + BESIDE_SWATCH + font::width(&entry.name, em, false)
}

/// One row as wide as its names need if that is enough, else equal columns as the longest name allows.
fn columns(entries: &[&Entry], room: f32, most_rows: usize, em: f32) -> Vec<Vec<Cell>> {
    // Measuring thousands of names to draw twenty would take longer than the picture.
    let looked_at = &entries[..entries.len().min(most_rows.saturating_mul(64))];
    let widths: Vec<f32> = looked_at.iter().map(|entry| width(entry, em)).collect();
    let needed = widths.iter().map(|width| width + BETWEEN).sum::<f32>() - BETWEEN;
    if needed <= room && entries.len() == looked_at.len() {
        let mut x = 0.0;
        let mut row = Vec::new();
        for (entry, width) in entries.iter().zip(widths) {
            push(&mut row, x, entry, width, em);
            x += width + BETWEEN;
        }
        return vec![row];
    }
    let longest = widths.iter().fold(0.0, |most: f32, width| most.max(*width));
    let most_columns = (((room + BETWEEN) / (longest + BETWEEN)).floor() as usize).max(1);
    // Rows of about the same length, rather than one entry alone in the last.
    let count = entries.len().div_ceil(entries.len().div_ceil(most_columns).max(1)).max(1);
    let column = if count == 1 { room } else { (room + BETWEEN) / count as f32 };
    let capacity = count * most_rows;
    if capacity == 1 && entries.len() > 1 {
        // "and 4 more" alone tells nobody anything.
        return Vec::new();
    }
    let shown = if entries.len() > capacity { capacity - 1 } else { entries.len() };
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for (index, entry) in entries[..shown].iter().enumerate() {
        if index % count == 0 {
            rows.push(Vec::new());
        }
        if let Some(row) = rows.last_mut() {
            push(row, (index % count) as f32 * column, entry, column - BETWEEN.min(column / 4.0), em);
        }
    }
    if shown < entries.len() {
        if shown % count == 0 {
            rows.push(Vec::new());
        }
        if let Some(row) = rows.last_mut() {
            let text = format!("… and {} more", entries.len() - shown);
            row.push(Cell::Text { x: (shown % count) as f32 * column, text, faint: true });
        }
    }
    rows
}

fn push(row: &mut Vec<Cell>, x: f32, entry: &Entry, room: f32, em: f32) {
    row.push(Cell::Swatch { x, color: entry.color });
    let text = font::fit(&entry.name, (room - SWATCH - BESIDE_SWATCH + 0.5).max(em), em, false);
    row.push(Cell::Text { x: x + SWATCH + BESIDE_SWATCH, text, faint: false });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(names: &[&str]) -> Vec<Entry> {
        let entry = |name: &&str| Entry { name: (*name).to_owned(), color: Color::rgb(0), right: false };
        names.iter().map(entry).collect()
    }

    fn texts(legend: &Legend) -> Vec<&str> {
        let cells = legend.rows.iter().flatten();
        cells.filter_map(|cell| if let Cell::Text { text, .. } = cell { Some(text.as_str()) } else { None }).collect()
    }

    #[test]
    fn a_legend_shows_names_without_what_only_draws() {
        assert_eq!(bare_name("secondYAxis(dashed(scale(a.b,10), 5))"), "scale(a.b,10)");
        assert_eq!(bare_name("drawAsInfinite(deploys)"), "deploys");
        assert_eq!(bare_name("dashed(a"), "dashed(a");
        assert_eq!(bare_name("sumSeries(a.*)"), "sumSeries(a.*)");
    }

    #[test]
    fn figures_become_columns_with_one_head() {
        let names =
            ["web01   Current:28.55    Max:30.70    Min:23.41  ", "db01   Current:1.72   Max:7.08   Min:-0.94 "];
        let legend = Legend::new(&entries(&names), 300.0, 100.0, 11.0);
        assert_eq!(texts(&legend)[..3], ["Current", "Max", "Min"]);
        assert!(
            texts(&legend).contains(&"28.55") && texts(&legend).contains(&"-0.94") && texts(&legend).contains(&"db01")
        );
    }

    #[test]
    fn padded_figures_become_columns_too() {
        let names = [
            "cpu.idle            last 48.31     max  74.34     ",
            "cpu.user            last 7.29k     max  None      ",
        ];
        let legend = Legend::new(&entries(&names), 300.0, 100.0, 11.0);
        assert_eq!(texts(&legend)[..2], ["last", "max"]);
        assert!(["48.31", "7.29k", "None", "cpu.user"].iter().all(|text| texts(&legend).contains(text)));
        assert!(Table::read(&entries(&["the load at its max 90", "a much longer name, max 3"])).is_none());
    }

    #[test]
    fn rows_have_about_the_same_length_and_the_right_axis_stays_right() {
        let names: Vec<String> = (0..10).map(|index| format!("walk.{index:03}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let legend = Legend::new(&entries(&names), 780.0, 100.0, 11.0);
        assert_eq!(legend.rows.iter().map(|row| row.len() / 2).collect::<Vec<_>>(), [5, 5]);
        let mut two = entries(&["a somewhat long name", "a somewhat long name"]);
        two[1].right = true;
        let legend = Legend::new(&two, 190.0, 100.0, 11.0);
        let ends = |cell: &Cell| matches!(cell, Cell::Swatch { x, .. } if *x == 180.0);
        assert!(legend.rows.len() == 2 && legend.rows[1].iter().any(ends));
    }

    #[test]
    fn a_legend_without_room_for_two_names_is_left_out() {
        assert!(Legend::new(&entries(&["a long name", "another long name"]), 60.0, 10.0, 8.0).rows.is_empty());
    }

    #[test]
    fn names_without_the_same_figures_stay_as_they_are() {
        assert!(Table::read(&entries(&["a (avg: 1)", "b (max: 2)"])).is_none());
        assert!(Table::read(&entries(&["a:b", "host: web"])).is_none());
        assert!(Table::read(&entries(&["a (avg: 1)", "b (avg: 2.5 Mi)"])).is_some());
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let names: Vec<String> = (0..5000).map(|index| format!("servers.web{index:04}.cpu.user")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let legend = Legend::new(&entries(&names), 600.0, 100.0, 11.0);
        assert!(legend.height() <= 100.0);
        assert!(texts(&legend).last().unwrap().starts_with("… and 49"), "{:?}", texts(&legend).last());
    }
}
