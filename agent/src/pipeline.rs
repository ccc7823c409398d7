//! Where lines enter on their way from whatever measures to the destinations.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::wall;
use crate::outlet::{Counts, Outlet};
use crate::route::{Route, RouteConfig, RouteCounts};

/// The way from measuring to delivering. Nobody who puts lines in ever waits for a destination.
#[derive(Debug, Default)]
pub(crate) struct Pipeline {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    outlets: Vec<Arc<Outlet>>,
    ways: Vec<Way>,
    /// What a route gives, kept for its memory.
    text: String,
}

/// A route and where it leads.
#[derive(Debug)]
struct Way {
    config: RouteConfig,
    route: Route,
    outlets: Vec<Arc<Outlet>>,
}

impl Pipeline {
    /// Lines go to `outlets`, by `routes` or without any to all of them.
    pub(crate) fn new(outlets: Vec<Arc<Outlet>>, routes: Vec<(RouteConfig, Route)>) -> Pipeline {
        let pipeline = Pipeline::default();
        pipeline.replace(outlets, routes);
        pipeline
    }

    /// Puts other outlets and routes in place. A route whose settings are the same keeps what it has gathered; of others
    /// it is sent.
    pub(crate) fn replace(&self, outlets: Vec<Arc<Outlet>>, routes: Vec<(RouteConfig, Route)>) {
        let mut inner = self.inner();
        let mut before = std::mem::take(&mut inner.ways);
        for (config, route) in routes {
            let old = before.iter().position(|way| way.route.name() == route.name() && way.config == config);
            let route = old.map_or(route, |old| before.swap_remove(old).route);
            let leads = |outlet: &&Arc<Outlet>| route.to.is_empty() || route.to.iter().any(|to| to == outlet.name());
            let outlets = outlets.iter().filter(leads).map(Arc::clone).collect();
            inner.ways.push(Way { config, route, outlets });
        }
        before.iter_mut().for_each(Way::finish);
        inner.outlets = outlets;
    }

    /// Takes what `from` (a collector, a plugin) has measured: whole lines `name value timestamp`, each ended by a
    /// newline. They leave with the next [`send`](Pipeline::send).
    pub(crate) fn push(&self, from: &str, lines: &str) {
        let Inner { outlets, ways, text } = &mut *self.inner();
        if ways.is_empty() {
            outlets.iter().for_each(|outlet| outlet.append(lines.as_bytes()));
            return;
        }
        let now = wall().as_secs().try_into().unwrap_or(u32::MAX);
        for Way { route, outlets, .. } in ways {
            text.clear();
            if route.takes(from) {
                route.pass(lines, now, text);
            }
            route.look(now, text);
            outlets.iter().for_each(|outlet| outlet.append(text.as_bytes()));
        }
    }

    /// Has all delivered that was taken.
    pub(crate) fn send(&self) {
        self.outlets().iter().for_each(Outlet::send);
    }

    /// Sends what routes have gathered: nothing more will come.
    pub(crate) fn finish(&self) {
        self.inner().ways.iter_mut().for_each(Way::finish);
        self.send();
    }

    /// The destinations' queues, for an account.
    pub(crate) fn outlets(&self) -> Vec<Arc<Outlet>> {
        self.inner().outlets.clone()
    }

    /// What went through each route.
    pub(crate) fn routes(&self) -> Vec<(String, RouteCounts)> {
        let inner = self.inner();
        inner.ways.iter().map(|way| (way.route.name().to_owned(), way.route.counts())).collect()
    }

    /// What went through all destinations.
    pub(crate) fn counts(&self) -> Counts {
        let mut all = Counts::default();
        self.outlets().iter().for_each(|outlet| all.add(outlet.queue().counts()));
        all
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // A route that panicked has at worst half a window; lines go on.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Way {
    fn finish(&mut self) {
        let mut text = String::new();
        self.route.finish(&mut text);
        self.outlets.iter().for_each(|outlet| outlet.append(text.as_bytes()));
    }
}
