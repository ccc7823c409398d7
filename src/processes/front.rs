//! Where a process that answers no queries is asked how it is doing.

use std::net::TcpListener;

use render::{HttpConfig, Server, Status};

pub(super) async fn status_server(
    http: Option<HttpConfig>,
    status: Status,
    listener: Option<TcpListener>,
) -> anyhow::Result<Option<Server>> {
    Ok(match (http, listener) {
        (None, _) => None,
        (Some(http), Some(listener)) => Some(Server::start_status_on(listener, http, status).await?),
        (Some(http), None) => Some(Server::start_status(http, status).await?),
    })
}

pub(super) async fn end(server: Option<Server>) {
    if let Some(server) = server {
        server.stop().await;
    }
}
