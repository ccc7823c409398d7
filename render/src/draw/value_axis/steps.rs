//! How far the labels of a linear axis are apart, and where it ends.

use crate::draw::options::UnitSystem;

/// Numbers of divisions that are tried.
pub(super) fn default_divisors(most: usize) -> Vec<usize> {
    let usual: &[usize] = if most >= 20 { &[6, 8, 10] } else { &[4, 5, 6] };
    let fitting: Vec<usize> = usual.iter().copied().filter(|divisor| *divisor <= most).collect();
    if fitting.is_empty() { (1..=most).collect() } else { fitting }
}

/// The step that wastes least of the axis.
pub(super) fn nice_step(least: f64, greatest: f64, divisors: &[usize], units: UnitSystem) -> f64 {
    let span = greatest - least;
    let most = divisors.iter().copied().max().unwrap_or(5).max(1) as f64;
    let mut best: Option<(f64, f64)> = None;
    let candidates = step_candidates(span / most, units);
    // A step far beyond the data would show it as a flat line; too few divisions across zero would end there.
    for step in candidates.iter().copied().filter(|step| *step <= span * 10.0) {
        let bottom = (least / step + 1e-9).floor() * step;
        for divisor in divisors {
            let top = bottom + step * *divisor as f64;
            let waste = (top - greatest).max(least - bottom);
            if top >= greatest - step * 1e-9 && best.is_none_or(|(known, _)| waste < known * 0.999) {
                best = Some((waste, step));
            }
        }
    }
    let enclosing = || candidates.iter().copied().filter(|step| *step >= span).reduce(f64::min);
    best.map(|(_, step)| step).or_else(enclosing).unwrap_or(span.max(f64::MIN_POSITIVE))
}

/// Round steps from somewhat below `least` upwards, in the manner of the unit.
fn step_candidates(least: f64, units: UnitSystem) -> Vec<f64> {
    /// Seconds, minutes, hours, days as clocks divide them.
    const CLOCK: &[f64] = &[
        1.0,
        2.0,
        5.0,
        10.0,
        15.0,
        30.0,
        60.0,
        120.0,
        300.0,
        600.0,
        900.0,
        1800.0,
        3600.0,
        7200.0,
        10_800.0,
        21_600.0,
        43_200.0,
        86_400.0,
        172_800.0,
        432_000.0,
        864_000.0,
        2_592_000.0,
        7_776_000.0,
        15_552_000.0,
        31_536_000.0,
    ];
    let second = match units {
        UnitSystem::Seconds => Some(1.0),
        UnitSystem::Milliseconds => Some(1000.0),
        _ => None,
    };
    if let Some(second) = second.filter(|second| least >= 20.0 * second && least <= 7_000_000.0 * second) {
        return CLOCK.iter().map(|step| step * second).filter(|step| *step >= least / 4.0).collect();
    }
    let radix = units.radix();
    let lowest = least.log(radix).floor() - 1.0;
    let powers = (0..12).map(|exponent| radix.powf(lowest + f64::from(exponent)));
    powers.flat_map(|power| units.mantissas().iter().map(move |mantissa| mantissa * power)).collect()
}

/// `value` moved outwards to a whole step, or to half of one if a whole would leave most of it empty.
pub(super) fn rounded_out(value: f64, step: f64, outwards: fn(f64) -> f64) -> f64 {
    let steps = value / step;
    let whole = if (steps - steps.round()).abs() < 1e-9 { steps.round() } else { outwards(steps) };
    let half = (whole + steps.trunc()) / 2.0;
    let half_fits = (whole - steps).abs() > 0.9 && (whole - half).abs() == 0.5;
    if half_fits { half * step } else { whole * step }
}
