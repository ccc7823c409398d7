//! Each series into another of the same times: arithmetic, differences, gaps.

mod arithmetic;
mod counters;
mod gaps;
mod made;

use super::args::{Args, Outcome};
use super::function::{Body, Function, Group};
use super::idle;
use super::param::{Default, SERIES, Type, optional, required};
use arithmetic::{
    absolute, add, exp, invert, log, logit, min_max, offset, offset_to_zero, pow, round, scale, scale_to_seconds,
    sigmoid, square_root,
};
use counters::{delay, derivative, integral, integral_by_interval, non_negative_derivative, per_second};
use gaps::{compress_periodic_gaps, interpolate, is_non_null, keep_last_value, time_slice, transform_null};
use made::{sin, time_function};

pub(super) use arithmetic::power;
pub(super) use made::over_time;

const fn transform(
    name: &'static str,
    params: &'static [super::Param],
    code: fn(&mut Args<'_, '_>) -> Outcome,
    says: &'static str,
) -> Function {
    Function::new(name, Group::Transform, params, Body::List(code), says)
}

const FACTOR: super::Param = required("factor", Type::Float);
const LIMIT: super::Param = optional("limit", Type::IntOrInf).or(Default::Float(f64::INFINITY));
const COUNTER: &[super::Param] = &[SERIES, optional("maxValue", Type::Float), optional("minValue", Type::Float)];
const NAME: super::Param = required("name", Type::Text);
const STEP: super::Param = optional("step", Type::Integer).or(Default::Integer(60));

pub(super) const FUNCTIONS: &[Function] = &[
    transform("absolute", &[SERIES], absolute, "Takes the magnitude of each value."),
    transform("add", &[SERIES, required("constant", Type::Float)], add, "Adds a constant to each value."),
    transform(
        "compressPeriodicGaps",
        &[SERIES],
        compress_periodic_gaps,
        "Finds the real interval of a series that is \
        stored at a finer step and joins its values to it.",
    ),
    transform("delay", &[SERIES, required("steps", Type::Integer)], delay, "Shifts the values by a number of points."),
    transform("derivative", &[SERIES], derivative, "Difference from each value to the next."),
    transform("exp", &[SERIES], exp, "Raises e to each value."),
    transform("integral", &[SERIES], integral, "Running sum of the values."),
    transform(
        "integralByInterval",
        &[SERIES, required("intervalUnit", Type::Text).at_once(idle::no_interval)],
        integral_by_interval,
        "Running sum that begins anew with each interval, counted from the start of the request.",
    ),
    transform("interpolate", &[SERIES, LIMIT], interpolate, "Fills gaps with a straight line."),
    transform("invert", &[SERIES], invert, "One divided by each value."),
    transform("isNonNull", &[SERIES], is_non_null, "1 where a value is known, 0 where not."),
    transform("keepLastValue", &[SERIES, LIMIT], keep_last_value, "Fills gaps with the value before them."),
    transform(
        "log",
        &[SERIES, optional("base", Type::Integer).or(Default::Integer(10))],
        log,
        "Logarithm of each value.",
    ),
    transform("logit", &[SERIES], logit, "log(x / (1 - x)) of each value."),
    transform("minMax", &[SERIES], min_max, "Maps each series to 0..1 by its own minimum and maximum."),
    transform(
        "nonNegativeDerivative",
        COUNTER,
        non_negative_derivative,
        "Difference from each value to the next, without the drops of a counter that wraps or restarts.",
    ),
    transform("offset", &[SERIES, FACTOR], offset, "Adds a constant to each value."),
    transform("offsetToZero", &[SERIES], offset_to_zero, "Subtracts each series' own minimum."),
    transform("perSecond", COUNTER, per_second, "Growth of a counter per second."),
    transform("pow", &[SERIES, FACTOR], pow, "Raises each value to a power."),
    transform(
        "round",
        &[SERIES, optional("precision", Type::Integer).or(Default::Integer(0))],
        round,
        "Rounds each value to a number of decimals.",
    ),
    transform("scale", &[SERIES, FACTOR], scale, "Multiplies each value by a constant."),
    transform(
        "scaleToSeconds",
        &[SERIES, required("seconds", Type::Float)],
        scale_to_seconds,
        "Value per this many seconds, from a value per step.",
    ),
    transform("sigmoid", &[SERIES], sigmoid, "1 / (1 + exp(-x)) of each value."),
    transform(
        "sin",
        &[NAME, optional("amplitude", Type::Integer).or(Default::Integer(1)), STEP],
        sin,
        "Sine of the time.",
    )
    .also(&["sinFunction"]),
    transform("squareRoot", &[SERIES], square_root, "Square root of each value."),
    transform("time", &[NAME, STEP], time_function, "The time itself as a value.").also(&["timeFunction"]),
    transform(
        "timeSlice",
        &[
            SERIES,
            required("startSliceAt", Type::Date).at_once(idle::no_date),
            optional("endSliceAt", Type::Date).at_once(idle::no_date).or(Default::Text("now")),
        ],
        time_slice,
        "Drops values outside a part of time.",
    ),
    transform(
        "transformNull",
        &[
            SERIES,
            optional("default", Type::Float).or(Default::Integer(0)),
            optional("referenceSeries", Type::SeriesList),
        ],
        transform_null,
        "Fills gaps with a constant.",
    ),
];
