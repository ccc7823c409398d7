//! Order.

use super::args::{Args, Outcome};
use super::filter_series::sort_by_number;
use super::function::{Body, Function, Group};
use super::idle;
use super::param::{Default, Param, SERIES, Type, optional};
use super::reduce::Reducer;

const fn sorting(
    name: &'static str,
    params: &'static [Param],
    code: fn(&mut Args<'_, '_>) -> Outcome,
    says: &'static str,
) -> Function {
    Function::new(name, Group::Sorting, params, Body::List(code), says)
}

const REVERSE: Param = optional("reverse", Type::Boolean).or(Default::Boolean(false)).at_once(idle::no_direction);

pub(super) const FUNCTIONS: &[Function] = &[
    sorting(
        "sortBy",
        &[SERIES, optional("func", Type::AggFunc).or(Default::Text("average")).at_once(idle::no_reducer), REVERSE],
        sort_by,
        "Sorts by a reducer, lowest first.",
    ),
    sorting("sortByMaxima", &[SERIES], |args| by(args, Reducer::Max, true), "Sorts by maximum, highest first."),
    sorting(
        "sortByMinima",
        &[SERIES],
        sort_by_minima,
        "Sorts by minimum, lowest first, without series that never rise above 0.",
    ),
    sorting(
        "sortByName",
        &[SERIES, optional("natural", Type::Boolean).or(Default::Boolean(false)), REVERSE],
        sort_by_name,
        "Sorts by name; natural order counts digits as numbers.",
    ),
    sorting("sortByTotal", &[SERIES], |args| by(args, Reducer::Sum, true), "Sorts by sum, highest first."),
];

fn by(args: &mut Args<'_, '_>, reducer: Reducer, descending: bool) -> Outcome {
    let mut list = args.series()?;
    sort_by_number(&mut list, descending, |series| reducer.apply(&series.values));
    Ok(list)
}

/// `sortBy(seriesList, func="average", reverse=false)`. Source: graphite-web `sortBy`.
fn sort_by(args: &mut Args<'_, '_>) -> Outcome {
    let ((_, reducer), reverse) = (args.reducer("func")?, args.boolean("reverse")?);
    by(args, reducer, reverse)
}

/// `sortByMinima(seriesList)`. Source: graphite-web `sortByMinima`, which drops series whose maximum is 0 or less.
fn sort_by_minima(args: &mut Args<'_, '_>) -> Outcome {
    let mut list = args.series()?;
    list.retain(|series| Reducer::Max.apply(&series.values) > 0.0);
    sort_by_number(&mut list, false, |series| Reducer::Min.apply(&series.values));
    Ok(list)
}

/// `sortByName(seriesList, natural=false, reverse=false)`: natural order pads digits to ten. Source: graphite-web
/// `sortByName`.
fn sort_by_name(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, natural, reverse) = (args.series()?, args.boolean("natural")?, args.boolean("reverse")?);
    let key = |name: &str| if natural { padded(name) } else { name.to_owned() };
    let mut keyed: Vec<_> = list.drain(..).map(|series| (key(&series.name), series)).collect();
    keyed.sort_by(|a, b| if reverse { b.0.cmp(&a.0) } else { a.0.cmp(&b.0) });
    Ok(keyed.into_iter().map(|(_, series)| series).collect())
}

/// The name with every run of digits, less its leading zeros, padded to ten.
fn padded(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 16);
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            text.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let number = rest[..digits].trim_start_matches('0');
        text.extend(std::iter::repeat_n('0', 10_usize.saturating_sub(number.len())));
        text.push_str(number);
        rest = &rest[digits..];
    }
    text
}
