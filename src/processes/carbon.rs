//! `plumbago carbon`: the daemon alone, and where it tells how it is doing.

use std::net::TcpListener;

use render::{AdminServer, HttpConfig, Server, Status};

use super::announce::{announce_carbon, announce_http, announce_ready};
use super::front::{end, status_server};
use super::intake::{carbon_status, housekeeping, inherit, names, start_carbon};
use super::runtime;
use super::settings::{status_http, with_intake};
use crate::activation;
use crate::cli::CarbonArgs;
use crate::migration::Migrator;
use crate::reload::Reload;
use crate::signals::Signals;
use crate::tags::KeptTags;
use crate::takeover::{Control, until_end};

/// `plumbago carbon`: takes metrics in and writes them.
pub(crate) fn carbon(arguments: &CarbonArgs) -> anyhow::Result<()> {
    let config = with_intake(&arguments.intake)?;
    let http = status_http(&config, arguments.intake.config.as_deref(), arguments.http);
    let runtime = runtime()?;
    let successor = runtime.block_on(async {
        let mut signals = Signals::catch()?;
        let tree = config.store.open(&config.memory.shares())?;
        let names = names(&config);
        let mut inherited = inherit(&config, &arguments.intake).await?;
        let running = activation::applied(&config, &inherited)?;
        let tags = KeptTags::start(&config, &tree, &names).await?;
        let mut carbon = start_carbon(&running, &tree, &names, &mut inherited).await?;
        tags.index.watch(carbon.waiting());
        let control = Control::open(&config.store.data);
        let http = if inherited.http_is_lent { Some(running.http.clone()) } else { http };
        let listener = http.as_ref().and_then(|http| inherited.http_at(http.listen));
        let reload = Reload::new(config, tree.clone(), || with_intake(&arguments.intake));
        let mut status = carbon_status(&carbon, names, &reload);
        status.housekeeping = housekeeping(&mut carbon, &tree, None, &tags);
        let (server, admin) = match fronts(http, running.http, status, listener).await {
            Ok(fronts) => fronts,
            Err(error) => {
                carbon.stop().await?;
                return Err(error);
            }
        };
        announce_carbon(&carbon);
        server.as_ref().map(announce_http);
        announce_ready();
        let migrator = Migrator::start(reload.migrations(), tree);
        let successor = until_end(reload, &mut signals, &mut carbon, server.as_ref(), control).await?;
        migrator.stop().await;
        carbon.stop().await?;
        end(server).await;
        if let Some(admin) = admin {
            admin.stop().await;
        }
        tags.stop().await;
        anyhow::Ok(successor)
    })?;
    drop(runtime);
    drop(successor);
    Ok(())
}

/// As [`status_server`]; without an address for it, the admin socket of `own` alone.
async fn fronts(
    http: Option<HttpConfig>,
    own: HttpConfig,
    status: Status,
    listener: Option<TcpListener>,
) -> anyhow::Result<(Option<Server>, Option<AdminServer>)> {
    if http.is_none() {
        return Ok((None, AdminServer::start(own, status)?));
    }
    Ok((status_server(http, status, listener).await?, None))
}
