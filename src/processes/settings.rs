//! The command line, laid over the configuration.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use render::HttpConfig;
use tracing::warn;

use crate::cli::IntakeArgs;
use crate::config::Config;
use crate::store::StoreKind;

/// Bytes that the system has for the path of a unix socket.
const LONGEST_SOCKET: usize = 107;

/// The configuration, with the command line above it.
pub(super) fn with_intake(arguments: &IntakeArgs) -> anyhow::Result<Config> {
    let mut config = Config::load_sound(arguments.config.as_deref())?;
    let set = |option: &Option<std::path::PathBuf>| option.as_deref().map(Path::to_owned);
    if let Some(data) = set(&arguments.data) {
        config.store.data = data;
    }
    config.store.whisper = set(&arguments.whisper).or(config.store.whisper);
    config.store.schemas = set(&arguments.schemas).or(config.store.schemas);
    config.store.aggregation = set(&arguments.aggregation).or(config.store.aggregation);
    let replace = |option: &mut Vec<SocketAddr>, asked: &Vec<SocketAddr>| {
        if !asked.is_empty() {
            option.clone_from(asked);
        }
    };
    replace(&mut config.carbon.plaintext, &arguments.plaintext);
    replace(&mut config.carbon.pickle, &arguments.pickle);
    replace(&mut config.carbon.udp, &arguments.udp);
    replace(&mut config.carbon.carbonlink, &arguments.carbonlink);
    if !arguments.unix.is_empty() {
        config.carbon.unix.clone_from(&arguments.unix);
    }
    if let Some(longest) = arguments.max_wait {
        config.carbon.max_wait = Some(longest);
    }
    config.http.admin_socket = admin_socket(&config);
    config.http.dashboards = dashboards(&config);
    Ok(config)
}

/// The folder of dashboards: that of the configuration, or one below the data folder.
pub(super) fn dashboards(config: &Config) -> Option<PathBuf> {
    let folder = config.http.dashboards.clone().unwrap_or_else(|| config.store.data.join("dashboards"));
    Some(folder).filter(|folder| !folder.as_os_str().is_empty())
}

/// The admin socket of a process that takes points in: that of the configuration, or one below the data folder.
fn admin_socket(config: &Config) -> Option<PathBuf> {
    match &config.http.admin_socket {
        Some(path) => Some(path.clone()).filter(|path| !path.as_os_str().is_empty()),
        None if config.store.kind == StoreKind::None => None,
        None => {
            let path = admin_path(&config.store.data);
            if path.as_os_str().len() > LONGEST_SOCKET {
                warn!(path = %path.display(), "There is no admin socket, because its path is too long; choose `[http] admin-socket`.");
                return None;
            }
            Some(path)
        }
    }
}

/// Where the admin socket is unless the configuration says otherwise.
pub(crate) fn admin_path(data: &Path) -> PathBuf {
    data.join("admin.sock")
}

/// Where a part that answers no queries tells how it is doing; nowhere unless somebody asked for it.
pub(super) fn status_http(config: &Config, file: Option<&Path>, option: Option<SocketAddr>) -> Option<HttpConfig> {
    let asked = option.or_else(|| Config::names(file, "http", "listen").then_some(config.http.listen));
    asked.map(|listen| HttpConfig { listen, ..config.http.clone() })
}
