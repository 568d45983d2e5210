//! Requests by route, method and status. Every combination is registered once and then only looked up, under a shared
//! lock: a request allocates nothing here.

use std::collections::{HashMap, HashSet};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use metrics::{Counter, Histogram, counter, histogram};

use crate::audit::{UNMATCHED, method_name};

type Combination = (&'static str, &'static str, u16);

/// The metrics of answered requests.
pub struct Requests {
    routes: HashSet<&'static str>,
    known: RwLock<HashMap<Combination, (Counter, Histogram)>>,
}

impl Requests {
    /// For these routes; whatever else is asked for counts as unmatched.
    #[must_use]
    pub fn new(routes: impl IntoIterator<Item = &'static str>) -> Self {
        Self { routes: routes.into_iter().collect(), known: RwLock::new(HashMap::new()) }
    }

    /// Records a request that was answered.
    pub fn answered(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        let route = self.routes.get(route).copied().unwrap_or(UNMATCHED);
        let combination = (method_name(method), route, status.as_u16());
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((count, time)) = known.get(&combination) {
            count.increment(1);
            time.record(took);
            return;
        }
        drop(known);
        let (count, time) = register(combination, status);
        count.increment(1);
        time.record(took);
        self.known
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(combination)
            .or_insert((count, time));
    }
}

fn register((method, route, _): Combination, status: StatusCode) -> (Counter, Histogram) {
    let status = status.as_str().to_owned();
    (
        counter!("lumbung_http_requests_total", "method" => method, "route" => route, "status" => status),
        histogram!("lumbung_http_request_seconds", "method" => method, "route" => route),
    )
}
