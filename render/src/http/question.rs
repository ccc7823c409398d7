//! What a request to `/render` asks for, read from its parameters.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::fault::{Fault, shortened};
use super::params::Params;
use super::wish::Wish;
use crate::config::RenderConfig;
use crate::draw;
use crate::draw::options::GraphType;
use crate::draw::template::Templates;
use crate::eval::{Budget, Limits, Request};
use crate::format::Layout;
use crate::query::Trace;
use crate::time;

/// All that `/render` needs to know.
pub(super) struct Question {
    pub(super) targets: Vec<String>,
    pub(super) request: Request,
    pub(super) form: Form,
    pub(super) layout: Layout,
    pub(super) callback: Option<String>,
    pub(super) max_data_points: Option<u64>,
    pub(super) known_only: bool,
    /// Whether JSON tells what functions that draw have marked: an addition of ours, for pages that draw themselves.
    pub(super) styles: bool,
    pub(super) options: draw::Options,
    /// Seconds that the answer may be shown again, 0 for never.
    pub(super) cached_for: u32,
    /// Which earlier answer would do.
    pub(super) wish: Option<Wish>,
    /// Who takes notes of the evaluation, if anybody does.
    pub(super) trace: Option<Trace>,
}

/// In which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Raw,
    Csv,
    Pickle,
    Msgpack,
    Dygraph,
    Rickshaw,
    Svg,
    Png,
}

impl Form {
    /// The kind of picture, if it is one.
    pub(super) fn picture(self) -> Option<draw::Format> {
        match self {
            Form::Svg => Some(draw::Format::Svg),
            Form::Png => Some(draw::Format::Png),
            _ => None,
        }
    }

    /// `format` beats `rawData`, which beats `pickle`; whatever is no format is a PNG, as graphite-web has it.
    pub(super) fn read(params: &Params) -> Result<Form, Fault> {
        let named = match params.last("format") {
            Some(name) => name,
            None if params.has("rawData") => "raw",
            None if params.has("pickle") => "pickle",
            None => "png",
        };
        Ok(match named {
            "json" => Form::Json,
            "raw" => Form::Raw,
            "csv" => Form::Csv,
            "pickle" => Form::Pickle,
            "msgpack" => Form::Msgpack,
            "dygraph" => Form::Dygraph,
            "rickshaw" => Form::Rickshaw,
            "svg" => Form::Svg,
            "pdf" => {
                return Err(Fault::parameter(
                    "format",
                    "`format=pdf` is not offered; take `svg`, which prints as well",
                ));
            }
            // A picture, whose own parameter may name its form as well.
            _ if params.last("outputFormat") == Some("svg") => Form::Svg,
            _ => Form::Png,
        })
    }
}

impl Question {
    /// # Errors
    /// Names the parameter that cannot be read.
    pub(super) fn read(params: &Params, config: &RenderConfig, looks: &Templates) -> Result<Question, Fault> {
        let options = draw::Options::from_lookup(&|name| params.last(name), looks).map_err(|fault| {
            let message = format!("`{}` must be {}, not `{}`", fault.name, fault.expected, fault.value);
            Fault::parameter(fault.name, message)
        })?;
        within("width", options.width, config.width)?;
        within("height", options.height, config.height)?;
        let form = match Form::read(params)? {
            Form::Svg => Form::Svg,
            _ if matches!(options.graph_type, GraphType::Pie) => Form::Png,
            form => form,
        };
        // Without `format` a callback is ignored, as graphite-web does: pictures are not scripts.
        let callback = if params.has("format") && form != Form::Png { params.callback()? } else { None };
        let (request, cached_for) = (request(params, config)?, cached_for(params, config)?);
        let wish = Wish::read(params, config, &request, cached_for);
        Ok(Question {
            targets: targets(params, config)?,
            request,
            form,
            layout: if params.last("pretty").is_some_and(|text| !text.is_empty()) {
                Layout::Pretty
            } else {
                Layout::Line
            },
            callback: callback.map(str::to_owned),
            max_data_points: params.last("maxDataPoints").and_then(digits),
            known_only: params.has("noNullPoints"),
            styles: params.has("styles"),
            options,
            cached_for,
            wish,
            trace: None,
        })
    }

    /// Whether a pie is asked for, whose targets may be literal slices.
    pub(super) fn is_pie(&self) -> bool {
        matches!(self.options.graph_type, GraphType::Pie)
    }
}

fn within(name: &str, value: u32, limit: u32) -> Result<(), Fault> {
    if value <= limit {
        return Ok(());
    }
    // The value itself may be cut already, so it is not repeated.
    Err(Fault::parameter(name, format!("`{name}` must be at most {limit}, the `{name}` limit")))
}

fn targets(params: &Params, config: &RenderConfig) -> Result<Vec<String>, Fault> {
    let named = |name| params.all(name).filter(|target| !target.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let targets = if params.has("target") { named("target") } else { named("target[]") };
    if targets.len() > config.targets {
        let (found, limit) = (targets.len(), config.targets);
        return Err(Fault::parameter("target", format!("{found} targets, more than {limit}, the `targets` limit")));
    }
    Ok(targets)
}

fn request(params: &Params, config: &RenderConfig) -> Result<Request, Fault> {
    let tz = zone(params, config);
    let now = instant(params, "now", clock(), &tz)?.unwrap_or_else(clock);
    let until = instant(params, "until", now, &tz)?.unwrap_or(now);
    let from = instant(params, "from", now, &tz)?.unwrap_or(now - DAY);
    let (from, until) = (from.min(until), from.max(until));
    if from == until {
        return Err(Fault::parameter(
            "from",
            "`from` and `until` are the same instant, so there is no time in between",
        ));
    }
    let limits = Limits { series: config.series, points: config.points, ..Limits::default() };
    Ok(Request {
        from,
        until,
        now,
        tz,
        server_tz: config.zone().unwrap_or(TimeZone::UTC),
        x_files_factor: share(params)?,
        template: template(params),
        limits,
        budget: Budget::default(),
    })
}

const DAY: i64 = 86_400;

fn clock() -> i64 {
    Timestamp::now().as_second()
}

/// The zone of `tz`; a name that is no zone means the server's, as for graphite-web.
pub(super) fn zone(params: &Params, config: &RenderConfig) -> TimeZone {
    let named = params.last("tz").and_then(|name| TimeZone::get(name).ok());
    named.or_else(|| config.zone()).unwrap_or(TimeZone::UTC)
}

/// The time in the parameter `name`, if there is one.
pub(super) fn instant(params: &Params, name: &str, now: i64, tz: &TimeZone) -> Result<Option<i64>, Fault> {
    let Some(text) = params.last(name) else { return Ok(None) };
    time::parse(text, now, tz).map(Some).map_err(|fault| Fault::parameter(name, format!("`{name}`: {fault}")))
}

fn share(params: &Params) -> Result<f64, Fault> {
    let Some(text) = params.last("xFilesFactor") else { return Ok(0.0) };
    text.trim().parse().ok().filter(|share: &f64| share.is_finite()).ok_or_else(|| {
        let message = format!("`xFilesFactor` must be a number from 0 to 1, not `{}`", shortened(text));
        Fault::parameter("xFilesFactor", message)
    })
}

/// `template[name]=value`, for the `$name` in targets.
fn template(params: &Params) -> Vec<(String, String)> {
    let inner = |key: &str| key.strip_prefix("template[")?.strip_suffix(']').map(str::to_owned);
    params.pairs().filter_map(|(key, value)| Some((inner(key)?, value.to_owned()))).collect()
}

fn digits(text: &str) -> Option<u64> {
    // More digits than fit ask for more points than there can be.
    let whole = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    whole.then(|| text.parse().unwrap_or(u64::MAX))
}

fn cached_for(params: &Params, config: &RenderConfig) -> Result<u32, Fault> {
    let wished = params.whole("cacheTimeout")?;
    if params.has("noCache") {
        return Ok(0);
    }
    let seconds = if params.has("cacheTimeout") { wished } else { config.max_age.as_secs() as i64 };
    Ok(seconds.clamp(0, DAY) as u32)
}
