//! storage-aggregation.conf: how a new series' coarse archives are made from finer ones.

use std::path::Path;

use regex::Regex;
use whisper::{AggregationMethod, XFilesFactor};

use super::{RuleError, compile, read};
use crate::ini;

/// One section: names that match are aggregated like this.
#[derive(Clone, Debug)]
pub struct Aggregation {
    /// The section's name.
    pub name: String,
    pattern: Option<Regex>,
    /// What becomes of a run of fine values.
    pub method: AggregationMethod,
    /// Which share of them must be known.
    pub x_files_factor: XFilesFactor,
}

/// The sections in force, in file order; the last one matches every name.
#[derive(Clone, Debug)]
pub struct AggregationRules {
    sections: Vec<Aggregation>,
    /// Sections that carbon passes over, each with the reason, for a warning at start.
    pub skipped: Vec<String>,
}

impl AggregationRules {
    /// Reads storage-aggregation.conf.
    ///
    /// # Errors
    /// As [`AggregationRules::parse`], and when the file cannot be read.
    pub fn read(path: &Path) -> Result<AggregationRules, RuleError> {
        read(path, AggregationRules::parse)
    }

    /// Reads the text of a storage-aggregation.conf. A section may leave out either half, which then is whisper's
    /// default (0.5, average); a name that no section matches gets both.
    ///
    /// # Errors
    /// What makes carbon refuse the file: a factor outside 0 to 1, a method nobody knows, a broken pattern.
    pub fn parse(text: &str) -> Result<AggregationRules, RuleError> {
        let (mut sections, mut skipped) = (Vec::new(), Vec::new());
        for section in ini::parse(text)? {
            let fault = |line, finding| RuleError::Section { section: section.name.to_owned(), line, finding };
            let mut rule = Aggregation { name: section.name.into(), ..last_resort() };
            if let Some((text, line)) = section.get("xfilesfactor") {
                let Ok(share) = text.parse() else {
                    skipped.push(format!("[{}]: xFilesFactor `{text}` is no number", section.name));
                    continue;
                };
                rule.x_files_factor = XFilesFactor::new(share).map_err(|finding| fault(line, finding.to_string()))?;
            }
            if let Some((text, line)) = section.get("aggregationmethod") {
                rule.method =
                    text.parse().map_err(|finding: whisper::UnknownAggregation| fault(line, finding.to_string()))?;
            }
            let Some((pattern, at)) = section.get_filled("pattern") else {
                skipped.push(format!("[{}] lacks a pattern", section.name));
                continue;
            };
            rule.pattern = Some(compile(pattern, section.name, at)?);
            sections.push(rule);
        }
        sections.push(last_resort());
        Ok(AggregationRules { sections, skipped })
    }

    /// The rules of carbon's example file: `.min` and `.max` keep extremes, `.count` and `.sum` add up, the rest is
    /// averaged.
    pub fn builtin() -> AggregationRules {
        let text = "[min]\npattern = \\.min$\nxFilesFactor = 0.1\naggregationMethod = min\n\
                    [max]\npattern = \\.max$\nxFilesFactor = 0.1\naggregationMethod = max\n\
                    [count]\npattern = \\.count$\nxFilesFactor = 0\naggregationMethod = sum\n\
                    [sum]\npattern = \\.sum$\nxFilesFactor = 0\naggregationMethod = sum\n";
        AggregationRules::parse(text).expect("a constant text that a test parses")
    }

    /// The first section whose pattern is found anywhere in `name`.
    pub fn matching(&self, name: &str) -> &Aggregation {
        let found = self.sections.iter().find(|rule| rule.pattern.as_ref().is_none_or(|p| p.is_match(name)));
        found.expect("the last section has no pattern and so matches every name")
    }

    /// The sections in force, the built-in one last.
    pub fn sections(&self) -> &[Aggregation] {
        &self.sections
    }
}

impl Default for AggregationRules {
    /// As [`AggregationRules::builtin`].
    fn default() -> AggregationRules {
        AggregationRules::builtin()
    }
}

fn last_resort() -> Aggregation {
    let x_files_factor = XFilesFactor::default();
    Aggregation { name: "default".into(), pattern: None, method: AggregationMethod::Average, x_files_factor }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_half_is_whispers_default() {
        let rules = AggregationRules::parse("[last]\npattern = ^gauge\naggregationMethod = last\n").unwrap();
        let rule = rules.matching("gauge.x");
        assert_eq!((rule.method, rule.x_files_factor), (AggregationMethod::Last, XFilesFactor::default()));
    }

    #[test]
    fn the_builtin_rules_keep_extremes() {
        let rules = AggregationRules::builtin();
        assert_eq!(rules.matching("a.max").method, AggregationMethod::Max);
        assert_eq!(rules.matching("a.count").method, AggregationMethod::Sum);
        assert_eq!(rules.matching("a.maximum").method, AggregationMethod::Average);
    }

    #[test]
    fn a_method_nobody_knows_is_refused_with_its_line() {
        let fault = AggregationRules::parse("[a]\npattern = x\naggregationMethod = median\n").unwrap_err().to_string();
        assert!(fault.contains("line 3, [a]") && fault.contains("median"), "{fault}");
    }
}
