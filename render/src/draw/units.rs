//! Numbers as axis labels: a prefix for a whole axis, equal decimals, `0` as `0`.

use super::options::UnitSystem;

const SI: &[(&str, f64)] = &[("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)];
const BINARY: &[(&str, f64)] = &[
    ("Pi", 1_125_899_906_842_624.0),
    ("Ti", 1_099_511_627_776.0),
    ("Gi", 1_073_741_824.0),
    ("Mi", 1_048_576.0),
    ("Ki", 1024.0),
];
/// graphite-web's letters: year, month of 30 days, day, hour, minute.
const SECONDS: &[(&str, f64)] = &[("Y", 31_536_000.0), ("M", 2_592_000.0), ("D", 86_400.0), ("H", 3600.0), ("m", 60.0)];
const MILLISECONDS: &[(&str, f64)] = &[
    ("Y", 31_536_000_000.0),
    ("M", 2_592_000_000.0),
    ("D", 86_400_000.0),
    ("H", 3_600_000.0),
    ("m", 60_000.0),
    ("s", 1000.0),
];

impl UnitSystem {
    fn prefixes(self) -> &'static [(&'static str, f64)] {
        match self {
            UnitSystem::Si => SI,
            UnitSystem::Binary => BINARY,
            UnitSystem::Seconds => SECONDS,
            UnitSystem::Milliseconds => MILLISECONDS,
            UnitSystem::None => &[],
        }
    }

    /// Sizes a step may have in this system, as mantissas of a power of [`UnitSystem::radix`].
    pub(super) fn mantissas(self) -> &'static [f64] {
        match self {
            UnitSystem::Binary => &[1.0],
            _ => &[1.0, 2.0, 5.0],
        }
    }

    /// The power that nice steps are counted in.
    pub(super) fn radix(self) -> f64 {
        if self == UnitSystem::Binary { 2.0 } else { 10.0 }
    }
}

/// Labels for `values`, all with the same prefix and the same number of decimals.
pub(super) fn labels(values: &[f64], system: UnitSystem) -> Vec<String> {
    let greatest = values.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
    // The greatest prefix that gets along with one decimal.
    let fitting = |&&(_, size): &&(&str, f64)| greatest >= size && decimals(values, size, 1).is_some();
    let (prefix, size) = system.prefixes().iter().find(fitting).copied().unwrap_or(("", 1.0));
    let digits = decimals(values, size, 6);
    let write = |value: &f64| match digits {
        _ if *value == 0.0 => "0".to_owned(),
        Some(digits) if !prefix.is_empty() => format!("{:.*} {prefix}", digits.max(1), value / size),
        Some(digits) if value.abs() < 1e15 => format!("{value:.digits$}"),
        _ => short(*value),
    };
    values.iter().map(write).collect()
}

/// One value on its own, such as on a slice or a logarithmic axis.
pub(super) fn single(value: f64, system: UnitSystem) -> String {
    let fitting = |&&(_, size): &&(&str, f64)| value.abs() >= size;
    match system.prefixes().iter().find(fitting) {
        _ if value == 0.0 => "0".to_owned(),
        Some((prefix, size)) if value.abs() / size < 1e5 => format!("{:.1} {prefix}", value / size),
        None if value.abs() >= 0.1 && value.abs() < 1e6 => {
            let text = format!("{value:.2}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => short(value),
    }
}

/// Fewest decimals, up to `most`, that show every value divided by `size` faithfully.
fn decimals(values: &[f64], size: f64, most: usize) -> Option<usize> {
    let shows = |digits: usize| {
        let power = 10_f64.powi(digits as i32);
        values.iter().all(|value| {
            let scaled = value / size * power;
            (scaled - scaled.round()).abs() < 1e-4 && scaled.abs() < 1e16 && (scaled.abs() >= 0.5 || *value == 0.0)
        })
    };
    (0..=most).find(|digits| shows(*digits))
}

/// At most four significant digits, with an exponent when the number is very large or small.
fn short(value: f64) -> String {
    let text = format!("{value:.3e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => {
            let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
            if exponent == "0" { mantissa.to_owned() } else { format!("{mantissa}e{exponent}") }
        }
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: &[f64], system: UnitSystem, expected: &[&str]) {
        assert_eq!(labels(values, system), expected);
    }

    #[test]
    fn one_axis_has_one_prefix_and_equal_decimals() {
        check(&[0.0, 1e3, 2e3], UnitSystem::Si, &["0", "1.0 k", "2.0 k"]);
        check(&[0.0, 500.0, 1000.0, 1500.0], UnitSystem::Si, &["0", "0.5 k", "1.0 k", "1.5 k"]);
        check(&[15.0, 20.0, 25.0], UnitSystem::Si, &["15", "20", "25"]);
        check(&[0.0, 0.5, 1.0], UnitSystem::Si, &["0", "0.5", "1.0"]);
        check(&[-0.02, 0.0, 0.02], UnitSystem::Si, &["-0.02", "0", "0.02"]);
    }

    #[test]
    fn binary_and_time_units_are_those_of_the_reference() {
        let gib = 1_073_741_824.0;
        check(&[0.0, 2.0 * gib, 4.0 * gib], UnitSystem::Binary, &["0", "2.0 Gi", "4.0 Gi"]);
        check(&[60.0, 120.0], UnitSystem::Seconds, &["1.0 m", "2.0 m"]);
        check(&[0.0, 500.0, 1000.0], UnitSystem::Milliseconds, &["0", "0.5 s", "1.0 s"]);
        check(&[4000.0, 8000.0], UnitSystem::None, &["4000", "8000"]);
    }

    #[test]
    fn extreme_numbers_stay_short() {
        check(&[0.0, 1e300], UnitSystem::Si, &["0", "1e300"]);
        check(&[0.0, 2e-9], UnitSystem::Si, &["0", "2e-9"]);
        assert_eq!(single(1000.0, UnitSystem::Si), "1.0 k");
        assert_eq!(single(0.25, UnitSystem::Si), "0.25");
    }
}
