//! Names that end in figures, as a table: one column for each kind of figure.

use std::sync::LazyLock;

use regex::Regex;

use super::{BESIDE_SWATCH, BETWEEN, Cell, Entry, SWATCH, push};
use crate::draw::color::Color;
use crate::draw::font;

/// Names with the same figures behind each, taken apart.
pub(super) struct Table {
    heads: Vec<String>,
    lines: Vec<(String, Color, Vec<String>)>,
}

impl Table {
    /// `None` if the names have no figures, or not the same ones, or belong to two axes.
    pub(super) fn read(entries: &[Entry]) -> Option<Table> {
        let mut table = Table { heads: Vec::new(), lines: Vec::new() };
        for entry in entries {
            let (name, figures) = figures(&entry.name)?;
            let heads: Vec<&str> = figures.iter().map(|(head, _)| head.as_str()).collect();
            if table.lines.is_empty() {
                table.heads = heads.iter().map(|head| (*head).to_owned()).collect();
            }
            if table.heads != heads || entry.right {
                return None;
            }
            table.lines.push((name, entry.color, figures.into_iter().map(|(_, value)| value).collect()));
        }
        (!table.lines.is_empty()).then_some(table)
    }

    /// Blocks of columns side by side, each with a head; figures are set to the right.
    pub(super) fn rows(&self, room: f32, most_rows: usize, em: f32) -> Vec<Vec<Cell>> {
        let measure = |text: &str| font::width(text, em, false);
        let figure_widths: Vec<f32> = (0..self.heads.len())
            .map(|column| {
                let values = self.lines.iter().map(|(_, _, values)| measure(&values[column]));
                values.fold(measure(&self.heads[column]), f32::max) + BETWEEN * 0.75
            })
            .collect();
        let figures: f32 = figure_widths.iter().sum();
        let longest = self.lines.iter().map(|(name, ..)| measure(name)).fold(0.0, f32::max);
        let name_room = longest.min((room - figures - SWATCH - BESIDE_SWATCH).max(em * 4.0));
        let block = SWATCH + BESIDE_SWATCH + name_room + figures;
        let beside = (((room + BETWEEN * 1.5) / (block + BETWEEN * 1.5)).floor() as usize).clamp(1, self.lines.len());
        let height = self.lines.len().div_ceil(beside).min(most_rows.saturating_sub(1).max(1));
        let mut rows: Vec<Vec<Cell>> = (0..=height).map(|_| Vec::new()).collect();
        let shown = self.lines.len().min(height * beside);
        for (index, (name, color, values)) in self.lines[..shown].iter().enumerate() {
            let (column, line) = (index % beside, index / beside);
            let left = column as f32 * (block + BETWEEN * 1.5);
            let row = &mut rows[line + 1];
            let entry = Entry { name: name.clone(), color: *color, right: false };
            push(row, left, &entry, SWATCH + BESIDE_SWATCH + name_room, em);
            let mut end = left + SWATCH + BESIDE_SWATCH + name_room;
            for ((value, head), width) in values.iter().zip(&self.heads).zip(&figure_widths) {
                end += width;
                rows[line + 1].push(Cell::Text { x: end - measure(value), text: value.clone(), faint: false });
                if line == 0 {
                    rows[0].push(Cell::Text { x: end - measure(head), text: head.clone(), faint: true });
                }
            }
        }
        if shown < self.lines.len() {
            let text = format!("… and {} more", self.lines.len() - shown);
            rows[0].push(Cell::Text { x: 0.0, text, faint: true });
        }
        rows
    }
}

/// `web01  Current:3.0  Max:9.0` or `web01 (avg: 3.0)`: the bare name and its figures.
fn figures(name: &str) -> Option<(String, Vec<(String, String)>)> {
    padded_figures(name).or_else(|| named_figures(name))
}

/// What `legendValue` makes with a system of units: name, word and number, each filled up with blanks.
fn padded_figures(name: &str) -> Option<(String, Vec<(String, String)>)> {
    static FIELD: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"([A-Za-z]\w*)\s+(-?[\d.]\S*|None)\s*$").expect("the pattern is constant and a test uses it")
    });
    /// Where its first word begins at the earliest.
    const LEAST: usize = 20;
    let (mut rest, mut figures) = (name, Vec::new());
    // Something people write themselves has no blanks at its end.
    while let Some(field) = FIELD.captures(rest).filter(|_| !figures.is_empty() || name.ends_with(' ')) {
        let (start, word, value) = (field.get(0)?.start(), field[1].to_owned(), field[2].to_owned());
        if rest[..start].chars().count() < LEAST {
            break;
        }
        figures.insert(0, (word, value));
        rest = &rest[..start];
    }
    (!figures.is_empty()).then(|| (rest.trim_end().to_owned(), figures))
}

fn named_figures(name: &str) -> Option<(String, Vec<(String, String)>)> {
    static TAIL: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^(.*?)((?:\s+\(?[A-Za-z]\w*:\s*-?[\d.][^\s():]*(?:\s(?:[KMGTPkm]i?|s|H|D|Y)\b)?\)?)+)\s*$")
            .expect("the pattern is constant and a test uses it")
    });
    static FIGURE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"([A-Za-z]\w*):\s*(-?[\d.][^\s():]*(?:\s(?:[KMGTPkm]i?|s|H|D|Y)\b)?)")
            .expect("the pattern is constant and a test uses it")
    });
    let found = TAIL.captures(name)?;
    let figures = FIGURE.captures_iter(&found[2]).map(|figure| (figure[1].to_owned(), figure[2].to_owned())).collect();
    Some((found[1].trim_end().to_owned(), figures))
}
