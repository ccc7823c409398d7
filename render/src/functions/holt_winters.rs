//! Forecast by triple exponential smoothing, and the bands around it.

use super::args::{Args, Outcome};
use super::function::{Body, Function, Group};
use super::idle;
use super::literals::Literals;
use super::param::{Default, Param, SERIES, Type, optional};
use crate::query::{Context, Request, Stop};
use crate::series::Series;

const DELTA: Param = optional("delta", Type::Integer).or(Default::Integer(3));
const BOOTSTRAP: Param = optional("bootstrapInterval", Type::Interval)
    .at_once(idle::no_interval)
    .or(Default::Text("7d"))
    .such_as(&["7d", "30d"]);
const SEASON: Param = optional("seasonality", Type::Interval).or(Default::Text("1d")).such_as(&["1d", "7d"]);
const BANDS: &[Param] = &[SERIES, DELTA, BOOTSTRAP, SEASON];

const fn calculate(
    name: &'static str,
    params: &'static [Param],
    code: fn(&mut Args<'_, '_>) -> Outcome,
    says: &'static str,
) -> Function {
    Function::new(name, Group::Calculate, params, Body::List(code), says).looks_back(earlier)
}

pub(super) const FUNCTIONS: &[Function] = &[
    calculate("holtWintersAberration", BANDS, aberration, "How far values lie outside the confidence bands."),
    calculate("holtWintersConfidenceArea", BANDS, area, "The confidence bands as an area."),
    calculate(
        "holtWintersConfidenceBands",
        BANDS,
        |args| {
            args.series()?;
            Ok(bands(args)?.0)
        },
        "Forecast plus and minus a multiple of the usual deviation.",
    ),
    calculate("holtWintersForecast", &[SERIES, BOOTSTRAP, SEASON], forecast, "Forecast from earlier seasons."),
];

fn earlier(args: &Literals<'_>, context: Context, _: &Request) -> Vec<Context> {
    args.interval("bootstrapInterval").map(|secs| context.earlier(secs)).into_iter().collect()
}

const ALPHA: f64 = 0.1;
const GAMMA: f64 = 0.1;
const BETA: f64 = 0.0035;

/// Forecast and usual deviation at each point.
struct Analysis {
    predictions: Vec<f64>,
    deviations: Vec<f64>,
}

/// Smooths level, slope and season along the values; a gap makes no forecast for the next point and forgets the season
/// there. Source: graphite-web `holtWintersAnalysis`, master (a season has at least two points).
fn analyse(values: &[f64], season: usize) -> Analysis {
    let length = values.len();
    let (mut seasonals, mut deviations) = (Vec::with_capacity(length), Vec::with_capacity(length));
    let mut predictions = Vec::with_capacity(length);
    let (mut level, mut slope, mut next) = (f64::NAN, 0.0, f64::NAN);
    let back = |of: &[f64], index: usize| index.checked_sub(season).and_then(|at| of.get(at)).copied().unwrap_or(0.0);
    for (index, actual) in values.iter().copied().enumerate() {
        if actual.is_nan() {
            predictions.push(next);
            seasonals.push(0.0);
            deviations.push(0.0);
            (level, slope, next) = (f64::NAN, 0.0, f64::NAN);
            continue;
        }
        let last_level = if level.is_nan() { actual } else { level };
        let prediction = if index == 0 { actual } else { next };
        let last_season = back(&seasonals, index);
        let new_level = ALPHA * (actual - last_season) + (1.0 - ALPHA) * (last_level + slope);
        slope = BETA * (new_level - last_level) + (1.0 - BETA) * slope;
        let seasonal = GAMMA * (actual - new_level) + (1.0 - GAMMA) * last_season;
        let missed = (actual - if prediction.is_nan() { 0.0 } else { prediction }).abs();
        let deviation = GAMMA * missed + (1.0 - GAMMA) * back(&deviations, index);
        next = new_level + slope + back(&seasonals, index + 1);
        level = new_level;
        predictions.push(prediction);
        seasonals.push(seasonal);
        deviations.push(deviation);
    }
    Analysis { predictions, deviations }
}

/// The analysed series from earlier on, each with its forecast and deviation from the request's start.
fn analysed(args: &mut Args<'_, '_>) -> Result<Vec<(Series, Analysis)>, Stop> {
    let (_, preview) = args.interval("bootstrapInterval")?;
    let (_, season) = args.interval("seasonality")?;
    let list = args.again(args.context.earlier(preview))?;
    let pulse = args.pulse();
    let analyse = |mut series: Series| {
        pulse.check()?;
        let length = (season / series.step).max(2);
        let mut analysis = analyse(&series.values, usize::try_from(length).unwrap_or(usize::MAX));
        // Python's slice: a negative start counts from the end.
        let cut = preview.div_euclid(series.step);
        let cut = if cut < 0 { cut + series.values.len() as i64 } else { cut };
        let cut = usize::try_from(cut).unwrap_or(0).min(series.values.len());
        analysis.predictions.drain(..cut);
        analysis.deviations.drain(..cut);
        series.start += preview;
        series.integers = false;
        series.tag("holtWintersForecast", 1);
        series.tag("holtWintersDeviation", 1);
        Ok((series, analysis))
    };
    list.into_iter().map(analyse).collect()
}

/// `holtWintersForecast(seriesList, bootstrapInterval="7d", seasonality="1d")`. Source: graphite-web
/// `holtWintersForecast`.
fn forecast(args: &mut Args<'_, '_>) -> Outcome {
    args.series()?;
    let made = |(mut series, analysis): (Series, Analysis)| {
        series.renew(format!("holtWintersForecast({})", series.name));
        series.values = analysis.predictions.into();
        series.consolidation = crate::series::Consolidation::Average;
        series
    };
    Ok(analysed(args)?.into_iter().map(made).collect())
}

/// Lower and upper band of each series, and the names of the series.
fn bands(args: &mut Args<'_, '_>) -> Result<(Vec<Series>, Vec<String>), Stop> {
    let delta = args.number("delta")?.as_f64();
    let (mut bands, mut names) = (Vec::new(), Vec::new());
    for (mut series, analysis) in analysed(args)? {
        series.tag("holtWintersConfidenceUpper", 1);
        series.tag("holtWintersConfidenceLower", 1);
        series.style = crate::series::Style::default();
        series.consolidation = crate::series::Consolidation::Average;
        for (side, sign) in [("Lower", -1.0), ("Upper", 1.0)] {
            let mut band = Series { values: Vec::new().into(), ..series.clone() };
            band.name = format!("holtWintersConfidence{side}({})", series.name);
            let both = analysis.predictions.iter().zip(&analysis.deviations);
            band.values = both.map(|(forecast, deviation)| forecast + sign * delta * deviation).collect();
            bands.push(band);
        }
        names.push(series.name);
    }
    Ok((bands, names))
}

/// `holtWintersAberration(...)`: 0 where the value is inside or unknown. Source: graphite-web `holtWintersAberration`.
fn aberration(args: &mut Args<'_, '_>) -> Outcome {
    let mut list = args.series()?;
    let (bands, names) = bands(args)?;
    for series in &mut list {
        let Some(at) = names.iter().rposition(|name| *name == series.name) else {
            return Err(args.refuse(&format!("there is no earlier data for `{}`", series.name)));
        };
        let (lower, upper) = (&bands[2 * at], &bands[2 * at + 1]);
        let band = |band: &Series, index: usize| band.values.get(index).copied().unwrap_or(f64::NAN);
        let mut inside = Vec::with_capacity(series.values.len());
        for (index, value) in series.values.iter_mut().enumerate() {
            let (low, high) = (band(lower, index), band(upper, index));
            let is_outside = *value > high || *value < low;
            inside.push(!is_outside);
            *value = match *value {
                value if value > high => value - high,
                value if value < low => value - low,
                _ => 0.0,
            };
        }
        // Graphite-web's zero is a whole number.
        series.values.spell_whole(inside);
        series.integers = false;
        series.tag("holtWintersAberration", 1);
        series.renew(format!("holtWintersAberration({})", series.name));
        series.consolidation = crate::series::Consolidation::Average;
    }
    Ok(list)
}

/// `holtWintersConfidenceArea(...)`: the bands of one series, both named after it. Source: graphite-web
/// `holtWintersConfidenceArea`.
fn area(args: &mut Args<'_, '_>) -> Outcome {
    args.series()?;
    let (bands, _) = bands(args)?;
    let mut bands = super::graph::between(args, bands)?;
    for band in &mut bands {
        band.tags.remove("areaBetween");
        band.tag("holtWintersConfidenceArea", 1);
        band.rename(band.name.replace("areaBetween", "holtWintersConfidenceArea"));
    }
    Ok(bands)
}
