//! storage-schemas.conf: which retentions a new series gets.

use std::path::Path;

use regex::Regex;
use whisper::{Interval, Retention, Retentions};

use super::{RuleError, compile, read};
use crate::ini;

/// One section: names that match get these retentions.
#[derive(Clone, Debug)]
pub struct Schema {
    /// The section's name.
    pub name: String,
    pattern: Option<Regex>,
    /// From fine to coarse.
    pub retentions: Retentions,
}

/// The sections in force, in file order; the last one matches every name.
#[derive(Clone, Debug)]
pub struct Schemas {
    sections: Vec<Schema>,
    /// Sections that carbon passes over, each with the reason, for a warning at start.
    pub skipped: Vec<String>,
}

impl Schemas {
    /// Reads storage-schemas.conf.
    ///
    /// # Errors
    /// As [`Schemas::parse`], and when the file cannot be read.
    pub fn read(path: &Path) -> Result<Schemas, RuleError> {
        read(path, Schemas::parse)
    }

    /// Reads the text of a storage-schemas.conf. Behind its sections stands carbon's last resort, 60 s for 7 days.
    ///
    /// # Errors
    /// What keeps carbon from starting: a text that is no rule file, a retention that cannot be read, a pattern that is
    /// no regular expression.
    pub fn parse(text: &str) -> Result<Schemas, RuleError> {
        let (mut sections, mut skipped) = (Vec::new(), Vec::new());
        for section in ini::parse(text)? {
            let Some((list, line)) = section.get("retentions") else {
                skipped.push(format!("[{}] lacks retentions", section.name));
                continue;
            };
            let fault = |finding: String| RuleError::Section { section: section.name.to_owned(), line, finding };
            let numbers = list.split(',').map(parse_retention).collect::<Result<Vec<_>, _>>().map_err(fault)?;
            let Some((pattern, at)) = section.get_filled("pattern") else {
                skipped.push(format!("[{}] lacks a pattern", section.name));
                continue;
            };
            let pattern = compile(pattern, section.name, at)?;
            match retentions(&numbers) {
                Ok(retentions) => {
                    sections.push(Schema { name: section.name.into(), pattern: Some(pattern), retentions })
                }
                Err(finding) => skipped.push(format!("[{}]: {finding}", section.name)),
            }
        }
        sections.push(last_resort());
        Ok(Schemas { sections, skipped })
    }

    /// The first section whose pattern is found anywhere in `name`.
    pub fn matching(&self, name: &str) -> &Schema {
        let found = self.sections.iter().find(|schema| schema.pattern.as_ref().is_none_or(|p| p.is_match(name)));
        found.expect("the last section has no pattern and so matches every name")
    }

    /// As [`Schemas::matching`], but nothing for a name that only the last resort matches: good for new files, it says
    /// nothing about those that are there.
    pub fn chosen(&self, name: &str) -> Option<&Schema> {
        Some(self.matching(name)).filter(|schema| schema.pattern.is_some())
    }

    /// The sections in force, the built-in one last.
    pub fn sections(&self) -> &[Schema] {
        &self.sections
    }
}

impl Default for Schemas {
    /// Carbon's last resort alone.
    fn default() -> Schemas {
        Schemas { sections: vec![last_resort()], skipped: Vec::new() }
    }
}

fn last_resort() -> Schema {
    let retentions = retentions(&[(60, 10_080)]).expect("one archive of 60 s for 7 days breaks none of the rules");
    Schema { name: "default".into(), pattern: None, retentions }
}

/// One definition such as `60s:7d` in carbon's dialect, as seconds per point and number of points.
///
/// Unlike whisper's, its units are single letters (s m h d w y); a right side with a unit is a time that is divided by
/// the left side. Zeros are read, and refused where an archive is made of them.
///
/// # Errors
/// Says what was expected.
pub fn parse_retention(definition: &str) -> Result<(u64, u64), String> {
    let definition = definition.trim();
    let refuse = || format!("`{definition}` is not `step:length`, such as 60s:7d or 60:1440 (units s m h d w y)");
    let (step, length) = definition.split_once(':').ok_or_else(refuse)?;
    let ((step, step_unit), (length, length_unit)) = number(step).zip(number(length)).ok_or_else(refuse)?;
    let step = step.checked_mul(step_unit.unwrap_or(1)).ok_or_else(refuse)?;
    let points = match length_unit {
        None => length,
        Some(unit) => length.checked_mul(unit).ok_or_else(refuse)?.checked_div(step).ok_or_else(refuse)?,
    };
    Ok((step, points))
}

/// Digits and the seconds of the unit behind them, if there is one.
fn number(text: &str) -> Option<(u64, Option<u64>)> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unit = match &text[digits..] {
        "" => None,
        "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3_600),
        "d" => Some(86_400),
        "w" => Some(604_800),
        "y" => Some(31_536_000),
        _ => return None,
    };
    Some((text[..digits].parse().ok()?, unit))
}

fn retentions(numbers: &[(u64, u64)]) -> Result<Retentions, String> {
    let archive = |(step, points): &(u64, u64)| {
        let step = u32::try_from(*step).ok().and_then(Interval::from_secs);
        let points = u32::try_from(*points).ok().and_then(std::num::NonZeroU32::new);
        let (step, points) = step.zip(points).ok_or("a step or a number of points is 0 or beyond 32 bits")?;
        Ok(Retention { step, points })
    };
    let list = numbers.iter().map(archive).collect::<Result<Vec<_>, &str>>()?;
    Retentions::new(list).map_err(|fault| fault.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_section_found_anywhere_in_the_name_wins() {
        let schemas =
            Schemas::parse("[a]\npattern = b$\nretentions = 10s:1h\n[b]\npattern = .*\nretentions = 60:5\n").unwrap();
        assert_eq!(schemas.matching("x.b").name, "a");
        assert_eq!(schemas.matching("b.x").name, "b");
        assert_eq!(Schemas::default().matching("x").retentions.max_retention_secs(), 604_800);
    }

    #[test]
    fn a_bad_retention_is_named_with_its_line() {
        let fault = Schemas::parse("[a]\npattern = b\nretentions = 1min:1d\n").unwrap_err().to_string();
        assert!(fault.contains("line 3, [a]") && fault.contains("1min:1d"), "{fault}");
    }

    #[test]
    fn a_list_that_whisper_refuses_is_passed_over_and_told() {
        let schemas = Schemas::parse("[odd]\npattern = .*\nretentions = 60s:1d,90s:10d\n").unwrap();
        assert_eq!(schemas.matching("x").name, "default");
        assert!(schemas.skipped[0].contains("[odd]"), "{:?}", schemas.skipped);
    }
}
