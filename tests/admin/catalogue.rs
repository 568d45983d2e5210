//! `/api/admin/products`, and the public lists in pages.

use lumbung_commands::reference::DefineReferenceData;
use lumbung_commands::{Book, Halt, UseCase};
use lumbung_domain::{
    Claim, ClaimCommand, ClaimId, Holder, Offer, Product, ProductCommand, ProductId, ProductTerms, Rate,
    Rupiah, ServicingTerms, Tenor,
};
use serde_json::json;

use crate::rest_smoke::{Server, send};
use crate::served::shape::{INSTANT, assert_documented};
use crate::support::ledger::{assert_sound, run};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_life_of_a_product() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let diamond = json!({"name": "DIAMOND", "amount": 75_000_000, "tenor": 60, "interestRate": 6.25});
    let created = server.post("/api/admin/products", &admin, diamond.clone()).await;
    assert_eq!((created.status.as_u16(), created.headers["etag"].as_str()), (201, "\"1\""));
    let mut data = diamond.clone();
    (data["id"], data["active"]) = (json!(6), json!(true));
    assert_documented(
        &created.json,
        &json!({"success": true, "message": "Product created successfully", "data": data, "timestamp": INSTANT}),
    );
    let ids = async || {
        let listed = server.get("/api/products", &admin).await.ok(200);
        listed.as_array().unwrap().iter().map(|one| one["id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(ids().await, [1, 2, 3, 4, 6]);

    // A change never touches a plafond that was made before it.
    let john = server.login("john.doe@email.com", "customer123").await;
    server.post("/api/customer/plafond", &john, json!({"productId": 6})).await.ok(200);
    let withdrawn =
        json!({"name": "DIAMOND", "amount": 1_000_000, "tenor": 1, "interestRate": 9, "active": false});
    let updated = server.put("/api/admin/products/6", &admin, withdrawn).await;
    let mut data = json!({"id": 6, "name": "DIAMOND", "amount": 1_000_000, "tenor": 1, "interestRate": 9.0});
    data["active"] = json!(false);
    assert_documented(
        &updated.json,
        &json!({"success": true, "message": "Product updated successfully", "data": data, "timestamp": INSTANT}),
    );
    assert_eq!(ids().await, [1, 2, 3, 4]);
    let plafond = server.get("/api/customer/plafond", &john).await.ok(200);
    assert_eq!((&plafond["originalAmount"], &plafond["product"]["tenor"]), (&json!(75_000_000), &json!(60)));
    let application = json!({"branchId": 1, "amount": 70_000_000, "tenor": 60, "interestRate": 6.25});
    server.post("/api/loans", &john, application).await.ok(201);

    // What is withdrawn cannot be selected, until it is back. Left out, `active` stays as it is.
    let jane = server.login("jane.smith@email.com", "customer123").await;
    let select = async || server.post("/api/customer/plafond", &jane, json!({"productId": 6})).await;
    assert_eq!(select().await.error(), (404, "PRODUCT_NOT_FOUND", "Product not found"));
    assert_eq!(server.put("/api/admin/products/6", &admin, diamond.clone()).await.ok(200)["active"], false);
    let mut back = diamond;
    back["active"] = json!(true);
    server.put("/api/admin/products/6", &admin, back).await.ok(200);
    assert_eq!(select().await.ok(200)["originalAmount"], 75_000_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instant_is_edited_but_stays_out_of_reach() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let body =
        json!({"name": "INSTANT", "amount": 12_000_000, "tenor": 24, "interestRate": 5.5, "active": true});
    assert_eq!(server.put("/api/admin/products/5", &admin, body).await.ok(200)["amount"], 12_000_000);
    let listed = server.get("/api/products", &admin).await.ok(200);
    assert_eq!(listed.as_array().unwrap().len(), 4);
    let jane = server.login("jane.smith@email.com", "customer123").await;
    let select = server.post("/api/customer/plafond", &jane, json!({"productId": 5})).await;
    assert_eq!(select.error(), (404, "PRODUCT_NOT_FOUND", "Product not found"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_about_products() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let valid = json!({"name": "P", "amount": 1, "tenor": 1, "interestRate": 0});
    for (field, value, message) in [
        ("name", json!(""), "name: must not be blank"),
        ("name", json!("x".repeat(101)), "name: must be at most 100 characters"),
        ("amount", json!(0), "amount: must be greater than 0"),
        ("amount", json!(1.5), "amount: must be a whole amount of rupiah"),
        ("tenor", json!(0), "tenor: must be between 1 and 600 months"),
        ("interestRate", json!(1000.1), "interestRate: must be between 0 and 1000"),
        ("interestRate", json!(null), "interestRate: is required"),
        ("active", json!("yes"), "active: must be true or false"),
    ] {
        let mut body = valid.clone();
        body[field] = value;
        let answer = server.post("/api/admin/products", &admin, body.clone()).await;
        assert_eq!(answer.status, 400, "{body}");
        assert_eq!(answer.json["errors"][0]["field"], field);
        assert_eq!(answer.error().2.split(':').next(), message.split(':').next(), "{body}");
    }
    let missing = server.put("/api/admin/products/99", &admin, valid.clone()).await;
    assert_eq!(missing.error(), (404, "PRODUCT_NOT_FOUND", "Product not found"));
    assert_eq!(server.put("/api/admin/products/x", &admin, valid).await.error().2, "id: must be an integer");
}

const TAKEN: (u16, &str, &str) = (409, "PRODUCT_NAME_ALREADY_EXISTS", "Product name already exists");

fn named(name: &str) -> serde_json::Value {
    json!({"name": name, "amount": 75_000_000, "tenor": 60, "interestRate": 6.25})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_two_products_have_one_name() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let create = async |name: &str| server.post("/api/admin/products", &admin, named(name)).await;
    let rename = async |id: i64, name: &str| {
        server.put(&format!("/api/admin/products/{id}"), &admin, named(name)).await
    };
    for taken in ["BRONZE", "bronze", " Instant "] {
        assert_eq!(create(taken).await.error(), TAKEN, "{taken}");
    }
    let id = create("Blue Diamond").await.ok(201)["id"].as_i64().unwrap();
    assert_eq!(create("BLUE  diamond").await.error(), TAKEN);
    assert_eq!(rename(id, "Gold").await.error(), TAKEN);
    // Its own name in another spelling; then another, which frees the first.
    assert_eq!(rename(id, "BLUE DIAMOND").await.ok(200)["name"], "BLUE DIAMOND");
    rename(id, "Emerald").await.ok(200);
    create("blue diamond").await.ok(201);
    assert_eq!(rename(id, "Blue Diamond").await.error(), TAKEN);
    rename(1, "COPPER").await.ok(200);
    create("BRONZE").await.ok(201);
    // At the next start COPPER is COPPER still.
    run(&server.app().ledger, DefineReferenceData).await;
    assert_eq!(create("copper").await.error(), TAKEN);
    assert_sound(&server.app().ledger).await;
}

/// As ledgers were before names were claimed: BRONZE without its claim, and a second one beside it.
struct Unclaimed;

const SECOND: ProductId = ProductId(77);

impl UseCase for Unclaimed {
    const NAME: &'static str = "Unclaimed";
    type Outcome = ();

    fn decide(&self, book: &mut Book<'_>) -> Result<(), Halt> {
        let holder = Holder::Product(ProductId(1));
        book.run::<Claim>(ClaimId::product_name("BRONZE"), ClaimCommand::Release { holder })?;
        let terms = ProductTerms {
            product_id: SECOND,
            name: "Bronze".to_owned(),
            amount_rupiah: Rupiah::from_const(1_000_000),
            tenor_months: Tenor::from_const(12),
            interest_rate: Rate::from_e4_const(100_000),
            servicing: ServicingTerms::STANDARD,
        };
        let offer = Offer { terms, selectable: true, active: true };
        book.run::<Product>(SECOND, ProductCommand::Define(offer))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_of_older_ledgers_are_claimed_at_the_start() {
    let server = Server::start().await;
    let admin = server.admin().await;
    run(&server.app().ledger, Unclaimed).await;
    run(&server.app().ledger, DefineReferenceData).await;
    let create = async |name: &str| server.post("/api/admin/products", &admin, named(name)).await;
    let rename = async |name: &str| server.put("/api/admin/products/77", &admin, named(name)).await;
    assert_eq!(create("bronze").await.error(), TAKEN);
    // The second one keeps its name, and gives nobody's away when it gets another.
    rename("BRONZE").await.ok(200);
    rename("Tin").await.ok(200);
    assert_eq!(create("bronze").await.error(), TAKEN);
    assert_eq!(rename("Bronze").await.error(), TAKEN);
    assert_eq!(create("tin").await.error(), TAKEN);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn public_lists_come_in_pages() {
    let server = Server::start().await;
    for (path, pages) in [("/api/products", [[1, 2], [3, 4]].as_slice()), ("/api/branches", &[[1, 2]])] {
        let mut next = format!("{path}?limit=2");
        for page in pages {
            let answer = send(server.request(reqwest::Method::GET, &next)).await;
            let link = answer.headers.get("link").cloned();
            let rows = answer.ok(200);
            let ids: Vec<_> =
                rows.as_array().unwrap().iter().map(|one| one["id"].as_i64().unwrap()).collect();
            assert_eq!(ids, page);
            next = link.map_or(String::new(), |link| link.split(['<', '>']).nth(1).unwrap().to_owned());
        }
        assert_eq!(next.is_empty(), path == "/api/products");
        let unknown = send(server.request(reqwest::Method::GET, &format!("{path}?sort=name"))).await;
        assert_eq!(unknown.error().2, "sort: is not a parameter of this list");
    }
}
