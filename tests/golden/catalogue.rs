//! §3.3 and §3.4: what there is to choose from.

use reqwest::Method;

use super::super::rest_smoke::{Server, send};
use super::messages::{Golden, documented};
use crate::served::shape::{INSTANT, assert_documented};

pub(super) async fn run(golden: &mut Golden) {
    let server = Server::start().await;
    for (id, path, body) in [
        ("CATALOGUE_PRODUCTS", "/api/products", "PRODUCTS"),
        ("CATALOGUE_BRANCHES", "/api/branches", "BRANCHES"),
    ] {
        let answer = send(server.request(Method::GET, path)).await;
        golden.row(id, &answer);
        // These are the same everywhere, so the values are documented too, and which there are.
        let mut values = documented(body);
        values["timestamp"] = INSTANT.into();
        assert_documented(&answer.json, &values);
    }
}
