//! Each value into another.

use crate::functions::args::{Args, Outcome};
use crate::series::Series;
use crate::target::number::{d, g, repr, round as round_to};

/// Wraps every name as `function(name)`, tags the series and changes its values.
pub(super) fn each(args: &mut Args<'_, '_>, function: &str, tag: Option<&str>, change: impl Fn(f64) -> f64) -> Outcome {
    let mut list = args.series()?;
    for series in &mut list {
        if let Some(value) = tag {
            series.tag(function, value);
        }
        series.rename(format!("{function}({})", series.name));
        series.map(&change);
    }
    Ok(list)
}

/// `absolute(seriesList)`. Shape: as given; gaps stay. Name: `absolute(<name>)`. Source: graphite-web `absolute`.
pub(super) fn absolute(args: &mut Args<'_, '_>) -> Outcome {
    each(args, "absolute", Some("1"), f64::abs)
}

/// `add(seriesList, constant)`. Shape: as given. Name: `add(<name>,<constant cut to a whole number>)`. Source:
/// graphite-web `add`.
pub(super) fn add(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, constant) = (args.series()?, args.float("constant")?);
    for series in &mut list {
        series.tag("add", repr(constant));
        series.rename(format!("add({},{})", series.name, d(constant)));
        series.map(|v| v + constant);
    }
    Ok(list)
}

/// `exp(seriesList)`: beyond the largest float comes a gap. Source: graphite-web `exp`, which fails there.
pub(super) fn exp(args: &mut Args<'_, '_>) -> Outcome {
    each(args, "exp", Some("e"), |v| finite_or_gap(v.exp(), v))
}

/// `invert(seriesList)`: zero becomes a gap. Source: graphite-web `invert`.
pub(super) fn invert(args: &mut Args<'_, '_>) -> Outcome {
    each(args, "invert", Some("1"), |v| finite_or_gap(1.0 / v, v))
}

/// `squareRoot(seriesList)`: negative values become gaps. Source: graphite-web `squareRoot`.
pub(super) fn square_root(args: &mut Args<'_, '_>) -> Outcome {
    each(args, "squareRoot", Some("1"), f64::sqrt)
}

/// `sigmoid(seriesList)`. Source: graphite-web `sigmoid`, which fails for very negative values where we give 0.
pub(super) fn sigmoid(args: &mut Args<'_, '_>) -> Outcome {
    each(args, "sigmoid", Some("sigmoid"), |v| 1.0 / (1.0 + (-v).exp()))
}

/// `logit(seriesList)`: values outside (0, 1) become gaps. Source: graphite-web `logit`.
pub(super) fn logit(args: &mut Args<'_, '_>) -> Outcome {
    let inside = |v: f64| if v > 0.0 && v < 1.0 { (v / (1.0 - v)).ln() } else { f64::NAN };
    each(args, "logit", Some("logit"), inside)
}

/// An infinity that came from a finite value is an overflow or a division by zero: a gap.
pub(super) fn finite_or_gap(result: f64, from: f64) -> f64 {
    if result.is_infinite() && from.is_finite() { f64::NAN } else { result }
}

/// `log(seriesList, base=10)`: values of zero and less become gaps. Name: `log(<name>, <base>)`. Source: graphite-web
/// `logarithm`, which fails for a base of 1 or less than 0 where we refuse it.
pub(super) fn log(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, base) = (args.series()?, args.number("base")?);
    if base.as_f64() <= 0.0 || base.as_f64() == 1.0 {
        return Err(args.wrong("base", "a number above 0 that is not 1", &base.to_string()));
    }
    let by = base.as_f64().ln();
    for series in &mut list {
        series.tag("log", base);
        series.renew(format!("log({}, {base})", series.name));
        series.map(|v| if v > 0.0 { v.ln() / by } else { f64::NAN });
    }
    Ok(list)
}

/// `minMax(seriesList)`: a constant series becomes 0. Source: graphite-web `minMax`.
pub(super) fn min_max(args: &mut Args<'_, '_>) -> Outcome {
    let mut list = args.series()?;
    for series in &mut list {
        series.rename(format!("minMax({})", series.name));
        let (low, high) = bounds(series);
        series.map(|v| match high - low {
            0.0 => v * 0.0,
            range => (v - low) / range,
        });
    }
    Ok(list)
}

pub(super) fn bounds(series: &Series) -> (f64, f64) {
    let known = || series.values.iter().copied().filter(|v| !v.is_nan());
    (known().reduce(f64::min).unwrap_or(f64::NAN), known().reduce(f64::max).unwrap_or(f64::NAN))
}

/// `offset(seriesList, factor)`. Name: `offset(<name>,<factor as %g>)`. Source: graphite-web `offset`.
pub(super) fn offset(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, factor) = (args.series()?, args.float("factor")?);
    for series in &mut list {
        series.tag("offset", repr(factor));
        series.rename(format!("offset({},{})", series.name, g(factor)));
        series.map(|v| v + factor);
    }
    Ok(list)
}

/// `offsetToZero(seriesList)`. Source: graphite-web `offsetToZero`.
pub(super) fn offset_to_zero(args: &mut Args<'_, '_>) -> Outcome {
    let mut list = args.series()?;
    for series in &mut list {
        let (low, _) = bounds(series);
        let shown = match series.integers {
            _ if low.is_nan() => "None".to_owned(),
            true => d(low),
            false => repr(low),
        };
        series.tag("offsetToZero", shown);
        series.rename(format!("offsetToZero({})", series.name));
        series.map(|v| v - low);
    }
    Ok(list)
}

/// `pow(seriesList, factor)`: what is no real number becomes a gap. Source: graphite-web `pow`.
pub(super) fn pow(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, factor) = (args.series()?, args.float("factor")?);
    for series in &mut list {
        series.tag("pow", repr(factor));
        series.rename(format!("pow({},{})", series.name, g(factor)));
        series.map(|v| power(v, factor));
    }
    Ok(list)
}

/// `a` to the power of `b`, a gap where Python's `math.pow` fails or either is a gap.
pub(in crate::functions) fn power(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        return f64::NAN;
    }
    let result = a.powf(b);
    if result.is_infinite() && a.is_finite() && b.is_finite() { f64::NAN } else { result }
}

/// `round(seriesList, precision=0)`: ties to even. Name: `round(<name>)`, or `round(<name>,<precision>)` if it is given.
/// Source: graphite-web `roundFunction`.
pub(super) fn round(args: &mut Args<'_, '_>) -> Outcome {
    let mut list = args.series()?;
    let given = args.is_given("precision");
    let precision = if given { args.integer("precision")? } else { 0 };
    for series in &mut list {
        series.tag("round", precision);
        series.rename(match given {
            true => format!("round({},{})", series.name, g(precision as f64)),
            false => format!("round({})", series.name),
        });
        let digits = precision.clamp(-400, 400) as i32;
        series.map(|v| round_to(v, digits));
    }
    Ok(list)
}

/// `scale(seriesList, factor)`: every value times `factor`; gaps stay gaps.
///
/// Shape: n series in, n out, each with its start, step and length. Name: `scale(<name>,<factor as %g>)`. Source:
/// graphite-web `scale`.
pub(super) fn scale(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, factor) = (args.series()?, args.float("factor")?);
    for series in &mut list {
        series.tag("scale", repr(factor));
        series.rename(format!("scale({},{})", series.name, g(factor)));
        series.map(|v| v * factor);
    }
    Ok(list)
}

/// `scaleToSeconds(seriesList, seconds)`: rounded to six decimals. Source: graphite-web `scaleToSeconds`.
pub(super) fn scale_to_seconds(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, seconds) = (args.series()?, args.float("seconds")?);
    for series in &mut list {
        series.tag("scaleToSeconds", repr(seconds));
        series.rename(format!("scaleToSeconds({},{})", series.name, d(seconds)));
        let factor = seconds / series.step as f64;
        series.map(|v| round_to(v * factor, 6));
    }
    Ok(list)
}
