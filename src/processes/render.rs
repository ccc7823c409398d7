//! `plumbago render`: answers alone.

use std::sync::Arc;
use std::time::Duration;

use carbon_storage::Recent;
use carbon_storage::carbonlink::CarbonLinkRecent;
use render::Server;

use super::announce::{announce_http, announce_ready};
use super::runtime;
use super::settings::dashboards;
use super::sources::sources;
use crate::cli::FileArgs;
use crate::config::Config;
use crate::names::KeptNames;
use crate::reload::Reload;
use crate::signals::Signals;
use crate::status;
use crate::tags::with_tags;

/// How long a query waits for the cache of a carbon elsewhere before it answers from files alone.
const CACHE_DEADLINE: Duration = Duration::from_secs(1);

/// `plumbago render`: answers queries from the tree, and from the cache of a carbon elsewhere if there is one.
pub(crate) fn render(arguments: &FileArgs) -> anyhow::Result<()> {
    let read = || Config::load_sound(arguments.config());
    let mut config = read()?;
    config.http.dashboards = dashboards(&config);
    runtime()?.block_on(async {
        let mut signals = Signals::catch()?;
        let tree = config.store.open_for_reading()?;
        let link = config.store.carbonlink.map(|address| CarbonLinkRecent::new(address, CACHE_DEADLINE));
        let recent = link.map(|link| Arc::new(link) as Arc<dyn Recent>);
        let mut reload = Reload::new(config.clone(), tree.clone(), read);
        let status = status::status_of(&reload);
        let index = KeptNames::start(&config, &tree, None).await;
        let sources = with_tags(sources(&tree, recent, &index, status), &config.store, None).await;
        let server = Server::start(config.http, config.render, sources).await?;
        announce_http(&server);
        announce_ready();
        reload.until_stop(&mut signals, None).await;
        server.stop().await;
        index.stop().await;
        Ok(())
    })
}
