//! What PostgreSQL servers say of themselves, from `pg_stat_database`, `pg_stat_activity` and their like. Names are those
//! of Diamond's PostgresqlCollector where it has them.

mod queries;
mod session;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use self::queries::{Query, SERVER, TABLES, publish};
use self::session::{Session, Table};
use crate::ask::{Place, at_once};
use crate::proc::{read_once, text};
use crate::{Class, Collector, Fail, Made, Out, Site, Slot, Spec};

/// `[collectors.postgres]`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    /// The one server, published right below `postgres`. Default Debian's socket.
    address: Place,
    /// Default "postgres".
    user: String,
    /// Where to sign on. Default "postgres".
    database: String,
    /// A file whose first line is the password; it is read at each run. Default none.
    password_file: Option<PathBuf>,
    /// Each table of the database, too. Default false.
    tables: bool,
    /// Several servers instead, by the names they are published under. Default none.
    instances: BTreeMap<String, Server>,
    /// How long all answers of a server may take. Default "2s".
    #[serde(with = "humantime_serde")]
    patience: Duration,
}

/// One server; what is left out is as for the only one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Server {
    address: Option<Place>,
    user: Option<String>,
    database: Option<String>,
    password_file: Option<PathBuf>,
    tables: Option<bool>,
}

impl Default for Options {
    fn default() -> Options {
        let address =
            Place::parse("unix:/run/postgresql/.s.PGSQL.5432").expect("a place of our own, which a test reads");
        Options {
            address,
            user: "postgres".to_owned(),
            database: "postgres".to_owned(),
            password_file: None,
            tables: false,
            instances: BTreeMap::new(),
            patience: Duration::from_secs(2),
        }
    }
}

struct Postgres {
    options: Options,
    /// With their names; the only one has none.
    servers: Vec<(Option<String>, Server)>,
    /// Whether counts are sent as they stand.
    diamond: bool,
}

/// A question with its answer.
type Answer = (&'static Query, Table);

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    let options: Options = options.try_into()?;
    let mut servers: Vec<_> =
        options.instances.iter().map(|(name, server)| (Some(name.clone()), server.clone())).collect();
    if servers.is_empty() {
        servers.push((None, Server::default()));
    }
    Ok(Box::new(Postgres { options, servers, diamond: site.is_diamond() }))
}

impl Collector for Postgres {
    fn spec(&self) -> Spec {
        let deadline = self.options.patience.saturating_add(Duration::from_secs(3));
        Spec { name: "postgres", class: Class::Slow, default_interval: None, deadline }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        let answers = at_once(&self.servers, |(_, server)| self.options.ask(server));
        let mut result = Ok(());
        for ((name, _), (answers, asked)) in self.servers.iter().zip(answers) {
            let mut root = vec!["postgres"];
            root.extend(name.as_deref());
            for (query, table) in &answers {
                publish(&root, query, table, self.diamond, out);
            }
            out.gauge(&[&root[..], &["up"]].concat(), if answers.is_empty() { 0.0 } else { 1.0 });
            result = result.and(asked);
        }
        result
    }
}

impl Options {
    /// All answers of one server until something fails; a question that is refused costs none of the others.
    fn ask(&self, server: &Server) -> (Vec<Answer>, Result<(), Fail>) {
        let mut answers = Vec::new();
        let asked = self.ask_into(server, &mut answers);
        (answers, asked)
    }

    fn ask_into(&self, server: &Server, answers: &mut Vec<Answer>) -> Result<(), Fail> {
        let password = server.password_file.as_ref().or(self.password_file.as_ref());
        let password = password.map(|path| password_of(path)).transpose()?;
        let user = server.user.as_ref().unwrap_or(&self.user);
        let database = server.database.as_ref().unwrap_or(&self.database);
        let address = server.address.as_ref().unwrap_or(&self.address);
        let mut session = Session::open(address, user, database, password.as_deref(), self.patience)?;
        let mut result = Ok(());
        let tables = server.tables.unwrap_or(self.tables).then_some(&TABLES);
        for query in SERVER.iter().chain(tables) {
            match session.query(query.sql) {
                Ok(Some(table)) => answers.push((query, table)),
                Ok(None) => {}
                Err(fail @ Fail::Refused { .. }) => result = Err(fail),
                Err(fail) => return Err(fail),
            }
        }
        result
    }
}

/// The first line of the file.
fn password_of(path: &Path) -> Result<String, Fail> {
    let mut bytes = Vec::new();
    let bytes = read_once(path, &mut bytes)?;
    let line = bytes.split(|byte| *byte == b'\n').next().and_then(text);
    // What stands there is not shown.
    line.map(|line| line.trim_end().to_owned()).ok_or_else(|| Fail::parse(path, 1, "a password", b".."))
}

#[cfg(test)]
mod tests;
