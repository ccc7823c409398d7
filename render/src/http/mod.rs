//! Graphite's HTTP API. [`router`] answers requests and owns no socket; [`Server`] owns the sockets and knows no path.
//!
//! Endpoints, each with and without a slash at its end, by GET and by POST with a form:
//!
//! | path | answer |
//! |---|---|
//! | `/render` | values of targets, as JSON and other formats |
//! | `/explain` | what an answer of `/render` is made of, and why a value is null |
//! | `/metrics/find`, `/metrics` | names below a pattern, level by level |
//! | `/metrics/expand` | names that match patterns |
//! | `/metrics/index.json` | every name |
//! | `/functions`, `/functions/NAME` | what the query language offers |
//! | `/tags`, `/tags/TAG`, `/tags/findSeries`, `/tags/autoComplete/tags`, `.../values` | tags, values, and the series that carry them |
//! | `/tags/tagSeries`, `/tags/tagMultiSeries`, `/tags/delSeries` | changes to the tag index |
//! | `/events`, `/events/get_data`, `/events/ID` | what happened when |
//! | `/dashboards`, `/dashboards/NAME` | dashboards, kept on the server |
//! | `/dashboards/import` | what becomes of a dashboard of graphite-web or Grafana |
//! | `/version` | that we are here |
//! | `/health`, `/metrics` without a query, `/flush` | how the process is doing, see [`Part`] |
//! | `/admin/series/list`, `/delete`, `/rename` | changes of which series there are |
//! | `/`, `/explore`, `/board/NAME`, `/page/...` | the page for browsers, unless it is switched off |

mod fault;
mod params;
mod form;
mod multipart;
mod answer;
mod listing;
mod sent;
mod exposition;
mod well_formed;
mod traffic;
mod asked;
mod desk;
mod status;
mod queries;
mod turns;
mod access;
mod flush;
mod series;
mod question;
mod wish;
mod results;
mod made;
mod render;
mod explain;
mod reasons;
mod told;
mod metrics;
mod tags;
mod events;
mod events_page;
mod functions;
mod page;
mod dashboards;
mod raw_quotes;
mod patient;
mod bare;
mod admin;
mod accept;
mod workers;
mod server;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use carbon_storage::{Events, Explain, Fetch, Find, Tags};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, StatusCode};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::predicate::{DefaultPredicate, Predicate, SizeAbove};
use tower_http::compression::{CompressionLayer, CompressionLevel};
use tracing::warn;

use crate::config::{HttpConfig, RenderConfig};
use crate::dashboards::Store;
use crate::draw::template::Templates;
use crate::eval::{Budget, Stores};
use desk::Desk;
use fault::Fault;
use params::Params;
use queries::Queries;
use results::Results;
use turns::{Turn, Turns};

pub use access::Peer;
pub use asked::{Asked, AskedSnapshot};
pub use desk::{Part, Status};
pub use exposition::Family;
pub use flush::LONGEST_FLUSH;
pub use server::{AdminServer, Server, ServerError};

/// Where names and points come from.
#[derive(Clone)]
pub struct Sources {
    /// Lists names.
    pub find: Arc<dyn Find>,
    /// Gives points.
    pub fetch: Arc<dyn Fetch>,
    /// Which series carry which tags; without it, none has any.
    pub tags: Option<Arc<dyn Tags>>,
    /// What happened when; without it, nothing.
    pub events: Option<Arc<dyn Events>>,
    /// Where points come from, for `/explain`; without it, only functions are explained.
    pub explain: Option<Arc<dyn Explain>>,
    /// How the other parts of this process are doing.
    pub status: Status,
}

impl Sources {
    /// Names and points alone.
    pub fn new(find: Arc<dyn Find>, fetch: Arc<dyn Fetch>, status: Status) -> Sources {
        Sources { find, fetch, tags: None, events: None, explain: None, status }
    }

    fn stores(&self) -> Stores<'_> {
        Stores {
            find: &*self.find,
            fetch: &*self.fetch,
            kept: Some(&self.fetch),
            at_once: false,
            tags: self.tags.as_deref(),
            events: self.events.as_deref(),
        }
    }
}

/// What every query shares.
struct App {
    desk: Arc<Desk>,
    config: RenderConfig,
    sources: Sources,
    /// Memory for what requests read.
    budget: Budget,
    /// Places for requests that evaluate at the same time.
    turns: Arc<Turns>,
    /// Templates of pictures.
    looks: Templates,
    /// Dashboards in files, and those that come with the program.
    dashboards: Arc<Store>,
}

/// Answers requests from `sources` within the limits of `http` and `config`.
pub fn router(http: HttpConfig, config: RenderConfig, sources: Sources) -> Router {
    let (turns, budget) = (Arc::new(Turns::new(config.evaluations)), Budget::new(config.memory));
    let results = Arc::new(Results::new(config.results_cache));
    let queries = Queries { budget: budget.clone(), turns: turns.clone(), results: Arc::clone(&results) };
    let mut status = sources.status.clone();
    status.parts.push(Arc::new(queries));
    let with_page = http.page;
    let dashboards = Arc::new(Store::at(http.dashboards.clone()));
    let looks = config.looks().unwrap_or_else(|problem| {
        warn!(problem, "Pictures are drawn without the templates of `[render] templates`.");
        Templates::default()
    });
    let desk = Desk::new(http, status, results);
    let app = Arc::new(App { dashboards, looks, budget, turns, desk: desk.clone(), config, sources });
    let endpoints: [(&str, MethodRouter<Arc<App>>); 22] = [
        ("/render", get(render::render).post(render::render)),
        ("/explain", get(explain::explain).post(explain::explain)),
        ("/metrics/find", get(metrics::find).post(metrics::find)),
        ("/metrics", get(metrics::find_or_numbers).post(metrics::find_or_numbers)),
        ("/metrics/expand", get(metrics::expand).post(metrics::expand)),
        ("/metrics/index.json", get(metrics::index).post(metrics::index)),
        ("/functions", get(functions::list)),
        ("/functions/{name}", get(functions::one)),
        ("/tags", get(tags::list)),
        ("/tags/tagSeries", post(tags::tag_series)),
        ("/tags/tagMultiSeries", post(tags::tag_multi_series)),
        ("/tags/delSeries", post(tags::del_series)),
        ("/tags/findSeries", get(tags::find_series).post(tags::find_series)),
        ("/tags/autoComplete/tags", get(tags::complete_tags).post(tags::complete_tags)),
        ("/tags/autoComplete/values", get(tags::complete_values).post(tags::complete_values)),
        ("/events", get(events_page::page).post(events::post)),
        ("/events/get_data", get(events::get_data).post(events::get_data)),
        ("/events/{id}", get(events::one)),
        ("/dashboards", get(dashboards::list)),
        ("/dashboards/import", post(dashboards::import)),
        ("/dashboards/{name}", get(dashboards::one).put(dashboards::change).delete(dashboards::change)),
        ("/version", get(version).post(version)),
    ];
    // A tag may hold slashes.
    let mut queries = slashed(endpoints).route("/tags/{*tag}", get(tags::details));
    if with_page {
        queries = queries.merge(page::routes());
    }
    guarded(queries.with_state(app).merge(status::routes(desk.clone())), desk)
}

/// Answers `/health`, `/metrics` and `/flush` alone, for a process without queries.
pub fn status_router(http: HttpConfig, status: Status) -> Router {
    let desk = Desk::new(http, status, Arc::new(Results::new(0)));
    guarded(status::routes(desk.clone()).merge(status::metrics(desk.clone())), desk)
}

/// Each path with and without a slash at its end.
fn slashed<S: Clone + Send + Sync + 'static, const N: usize>(endpoints: [(&str, MethodRouter<S>); N]) -> Router<S> {
    endpoints.into_iter().fold(Router::new(), |router, (path, endpoint)| {
        router.route(path, endpoint.clone()).route(&format!("{path}/"), endpoint)
    })
}

/// What holds for every request: a time limit, a count, an answer even after a panic.
fn guarded(routes: Router, desk: Arc<Desk>) -> Router {
    // The quickest level, by zlib-rs: 34 kB of JSON in 0.14 ms to 16 kB. By miniz_oxide it is 0.34 ms to 12 kB, and the
    // next level of zlib-rs takes as long.
    let compression = CompressionLayer::new().quality(CompressionLevel::Fastest);
    let worth_it = DefaultPredicate::new().and(SizeAbove::new(ONE_PACKET));
    routes
        .fallback(absent)
        .method_not_allowed_fallback(other_method)
        .layer(middleware::from_fn_with_state(desk.clone(), in_time))
        .layer(middleware::from_fn(well_formed::well_formed))
        .layer(CatchPanicLayer::custom(|_| Fault::ours("this request met a fault of the server").into_response()))
        .layer(middleware::from_fn_with_state(desk.traffic.clone(), traffic::count))
        .layer(middleware::from_fn(for_browsers))
        .layer(compression.compress_when(worth_it))
}

/// Bytes below which an answer is not compressed: it is one packet either way.
const ONE_PACKET: u64 = 1_200;

/// Where what changes series lies.
const ADMIN: &str = "/admin/";

/// Grafana reads this to know which features it may use; graphite-web 1.1.10 is what we answer like.
const VERSION: &str = "1.1.10\n";

async fn version() -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], VERSION).into_response()
}

async fn absent(request: Request) -> Fault {
    Fault::absent(format!("there is no `{}` here", fault::shortened(request.uri().path())))
}

async fn other_method(request: Request) -> Fault {
    let message = format!("`{}` is not answered for {}", request.method(), fault::shortened(request.uri().path()));
    Fault { status: StatusCode::METHOD_NOT_ALLOWED, ..Fault::bad(message) }
}

/// Ends a request that has become too old, so that a client learns of it while it still listens.
async fn in_time(State(desk): State<Arc<Desk>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path.trim_end_matches('/') == flush::PATH || path.starts_with(ADMIN) {
        // These have limits of their own, and may take their time.
        return next.run(request).await;
    }
    let limit = desk.http.request_timeout;
    tokio::time::timeout(limit, next.run(request)).await.unwrap_or_else(|_| {
        let message = format!(
            "no answer within {}s, the `request-timeout` limit; ask for fewer series or a shorter time",
            limit.as_secs_f64()
        );
        Fault { status: StatusCode::REQUEST_TIMEOUT, ..Fault::bad(message) }.into_response()
    })
}

/// Lets pages of other origins read answers (Grafana's browser mode does), and nothing in an answer run as a program.
async fn for_browsers(request: Request, next: Next) -> Response {
    let for_pages = !request.uri().path().starts_with(ADMIN);
    let mut response = if request.method() == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    const HEADERS: [(HeaderName, &str); 5] = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "*"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; img-src data:"),
    ];
    // The first ones are not for what no page should touch.
    for (name, value) in HEADERS.into_iter().skip(if for_pages { 0 } else { 3 }) {
        // The page has a policy of its own.
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

impl App {
    /// A place for a request that evaluates or draws; the time limit above ends the wait.
    async fn turn(&self) -> Result<Arc<Turn>, Fault> {
        self.turns.take().await.map(Arc::new).ok_or_else(|| Fault::ours("the server is stopping"))
    }

    /// Reads the parameters, from the body too when it is a form.
    async fn params(&self, request: Request) -> Result<Params, Fault> {
        form::params(request, self.desk.http.body_bytes).await
    }
}

/// The headers of an answer that is stale as soon as it has left.
fn never_cached(headers: &mut HeaderMap) {
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("max-age=0, no-cache, no-store, must-revalidate, private"),
    );
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
}

/// The headers of a list of names, as graphite-web sets them.
fn not_cached(headers: &mut HeaderMap) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
}
