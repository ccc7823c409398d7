//! Graphite's HTTP API. [`router`] answers requests and owns no socket; [`Server`] owns the sockets and knows no path.
//!
//! Endpoints, each with and without a slash at its end, by GET and by POST with a form:
//!
//! | path | answer |
//! |---|---|
//! | `/render` | values of targets, as JSON and other formats |
//! | `/metrics/find`, `/metrics` | names below a pattern, level by level |
//! | `/metrics/expand` | names that match patterns |
//! | `/metrics/index.json` | every name |
//! | `/functions`, `/functions/NAME` | what the query language offers |
//! | `/version`, `/health` | that we are here |

mod fault;
mod params;
mod answer;
mod question;
mod render;
mod metrics;
mod functions;
mod raw_quotes;
mod server;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use carbon_storage::{Fetch, Find};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use crate::config::{HttpConfig, RenderConfig};
use fault::Fault;
use params::Params;

pub use server::{Server, ServerError};

/// Where names and points come from.
#[derive(Clone)]
pub struct Sources {
    /// Lists names.
    pub find: Arc<dyn Find>,
    /// Gives points.
    pub fetch: Arc<dyn Fetch>,
    /// What the other parts of this process say of themselves on `/health`, each under its name.
    pub parts: Vec<(&'static str, Report)>,
}

/// Tells how a part of the process is doing, as JSON.
pub type Report = Arc<dyn Fn() -> serde_json::Value + Send + Sync>;

/// What every request shares.
struct App {
    http: HttpConfig,
    config: RenderConfig,
    sources: Sources,
    /// Places for requests that evaluate at the same time.
    turns: Arc<Semaphore>,
}

/// Answers requests from `sources` within the limits of `http` and `config`.
pub fn router(http: HttpConfig, config: RenderConfig, sources: Sources) -> Router {
    let app = Arc::new(App { turns: Arc::new(Semaphore::new(config.evaluations)), http, config, sources });
    let both = |path: &str| [path.to_owned(), format!("{path}/")];
    let endpoints: [(&str, MethodRouter<Arc<App>>); 9] = [
        ("/render", get(render::render).post(render::render)),
        ("/metrics/find", get(metrics::find).post(metrics::find)),
        ("/metrics", get(metrics::find).post(metrics::find)),
        ("/metrics/expand", get(metrics::expand).post(metrics::expand)),
        ("/metrics/index.json", get(metrics::index).post(metrics::index)),
        ("/functions", get(functions::list)),
        ("/functions/{name}", get(functions::one)),
        ("/version", get(version)),
        ("/health", get(health)),
    ];
    let mut router = Router::new();
    for (path, endpoint) in endpoints {
        for path in both(path) {
            router = router.route(&path, endpoint.clone());
        }
    }
    router
        .fallback(absent)
        .method_not_allowed_fallback(other_method)
        .layer(middleware::from_fn_with_state(app.clone(), in_time))
        .layer(CatchPanicLayer::custom(|_| Fault::ours("this request met a fault of the server").into_response()))
        .layer(middleware::from_fn(for_browsers))
        .layer(CompressionLayer::new())
        .with_state(app)
}

/// Grafana reads this to know which features it may use; graphite-web 1.1.10 is what we answer like.
const VERSION: &str = "1.1.10\n";

async fn version() -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], VERSION).into_response()
}

async fn health(State(app): State<Arc<App>>) -> Response {
    let parts = app.sources.parts.iter().map(|(part, report)| ((*part).to_owned(), report()));
    let told: serde_json::Map<_, _> = [("status".to_owned(), "ok".into())].into_iter().chain(parts).collect();
    let mut response = answer::body("application/json", serde_json::Value::Object(told).to_string().into_bytes());
    never_cached(response.headers_mut());
    response
}

async fn absent(request: Request) -> Fault {
    Fault::absent(format!("there is no `{}` here", fault::shortened(request.uri().path())))
}

async fn other_method(request: Request) -> Fault {
    let message = format!("`{}` is not answered for {}", request.method(), fault::shortened(request.uri().path()));
    Fault { status: StatusCode::METHOD_NOT_ALLOWED, ..Fault::bad(message) }
}

/// Ends a request that has become too old, so that a client learns of it while it still listens.
async fn in_time(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let limit = app.http.request_timeout;
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
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

impl App {
    /// A place for a request that evaluates or draws. Work on other threads outlives a request that is given up, so the
    /// place goes with the work.
    async fn turn(&self) -> Result<Arc<OwnedSemaphorePermit>, Fault> {
        // Never closed, so a turn always comes; the time limit above ends the wait.
        let turn = self.turns.clone().acquire_owned().await;
        turn.map(Arc::new).map_err(|_| Fault::ours("the server is stopping"))
    }

    /// Reads the parameters, from the body too when it is a form.
    async fn params(&self, request: Request) -> Result<Params, Fault> {
        let (head, body) = request.into_parts();
        let query = head.uri.query().unwrap_or_default();
        let kind = head.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if head.method != Method::POST {
            return Params::parse(query, "");
        }
        let body = self.body(body).await?;
        if !body.is_empty() && !kind.eq_ignore_ascii_case(FORM) {
            return Err(other_form(kind));
        }
        let form = std::str::from_utf8(&body).map_err(|_| Fault::bad("the form in the body is not UTF-8"))?;
        Params::parse(query, form)
    }

    async fn body(&self, body: Body) -> Result<bytes::Bytes, Fault> {
        let limit = self.http.body_bytes;
        axum::body::to_bytes(body, limit).await.map_err(|error| {
            let long =
                std::error::Error::source(&error).is_some_and(|cause| cause.is::<http_body_util::LengthLimitError>());
            if !long {
                return Fault::bad("the body ended before it was complete");
            }
            let message = format!("the body is longer than {limit} bytes, the `body-bytes` limit");
            Fault { status: StatusCode::PAYLOAD_TOO_LARGE, ..Fault::bad(message) }
        })
    }
}

/// The only type of body that is read.
const FORM: &str = "application/x-www-form-urlencoded";

/// A body whose parameters would be lost without a word.
fn other_form(kind: &str) -> Fault {
    let found = match kind {
        "" => "has no Content-Type".to_owned(),
        _ => format!("is `{}`", fault::shortened(kind)),
    };
    let message = format!(
        "the body {found}; send parameters as `{FORM}` (with curl `--data-urlencode`, not `--form`) or in the query string"
    );
    Fault { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, ..Fault::bad(message) }
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
