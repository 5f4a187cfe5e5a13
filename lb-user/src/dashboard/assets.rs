//! The page. It is in the binary, and needs nothing from elsewhere.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const IMAGE: &str = "image/svg+xml";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Path, type and content of each file.
const FILES: [(&str, &str, &str); 29] = [
    ("/", HTML, include_str!("assets/index.html")),
    ("/assets/style.css", CSS, include_str!("assets/style.css")),
    ("/assets/icon.svg", IMAGE, include_str!("assets/icon.svg")),
    ("/assets/app.js", SCRIPT, include_str!("assets/app.js")),
    ("/assets/backends.js", SCRIPT, include_str!("assets/backends.js")),
    ("/assets/bars.js", SCRIPT, include_str!("assets/bars.js")),
    ("/assets/capture.js", SCRIPT, include_str!("assets/capture.js")),
    ("/assets/card.js", SCRIPT, include_str!("assets/card.js")),
    ("/assets/chart.js", SCRIPT, include_str!("assets/chart.js")),
    ("/assets/confirm.js", SCRIPT, include_str!("assets/confirm.js")),
    ("/assets/detail.js", SCRIPT, include_str!("assets/detail.js")),
    ("/assets/distribution.js", SCRIPT, include_str!("assets/distribution.js")),
    ("/assets/dom.js", SCRIPT, include_str!("assets/dom.js")),
    ("/assets/events.js", SCRIPT, include_str!("assets/events.js")),
    ("/assets/explain.js", SCRIPT, include_str!("assets/explain.js")),
    ("/assets/format.js", SCRIPT, include_str!("assets/format.js")),
    ("/assets/health.js", SCRIPT, include_str!("assets/health.js")),
    ("/assets/live.js", SCRIPT, include_str!("assets/live.js")),
    ("/assets/now.js", SCRIPT, include_str!("assets/now.js")),
    ("/assets/rates.js", SCRIPT, include_str!("assets/rates.js")),
    ("/assets/services.js", SCRIPT, include_str!("assets/services.js")),
    ("/assets/session.js", SCRIPT, include_str!("assets/session.js")),
    ("/assets/sizes.js", SCRIPT, include_str!("assets/sizes.js")),
    ("/assets/talkers.js", SCRIPT, include_str!("assets/talkers.js")),
    ("/assets/theme.js", SCRIPT, include_str!("assets/theme.js")),
    ("/assets/tickets.js", SCRIPT, include_str!("assets/tickets.js")),
    ("/assets/timeline.js", SCRIPT, include_str!("assets/timeline.js")),
    ("/assets/vendor/uplot/uPlot.min.css", CSS, include_str!("assets/vendor/uplot/uPlot.min.css")),
    ("/assets/vendor/uplot/uPlot.iife.min.js", SCRIPT, include_str!("assets/vendor/uplot/uPlot.iife.min.js")),
];

pub(super) fn routes() -> Router {
    let file = |routes: Router, (path, kind, content)| {
        routes.route(path, get(move || async move { ([(header::CONTENT_TYPE, kind)], content).into_response() }))
    };
    FILES.into_iter().fold(Router::new(), file)
}
