//! §3.1 and §3.2: the customer's own profile and documents.

use serde_json::{Value, json};

use super::super::rest_smoke::{Server, send};
use super::form::{File, documented_profile, jpeg};
use super::messages::{Golden, documented};
use crate::served::shape::{INSTANT, NUMBER, assert_documented};

const PATH: &str = "/api/customer/profile";

pub(super) async fn run(golden: &mut Golden) {
    let server = Server::start().await;
    let john = server.login("john.doe@email.com", "customer123").await;
    let jane = server.login("jane.smith@email.com", "customer123").await;
    let officer = server.login("marketing.jkt@loan.com", "marketing123").await;

    let shown = server.get(PATH, &john).await;
    golden.row("PROFILE_SHOW", &shown);
    // The demo data is the document's, to the value.
    let mut values = documented("PROFILE");
    values["timestamp"] = INSTANT.into();
    values["data"]["id"] = NUMBER.into();
    assert_documented(&shown.json, &values);
    golden.row("PROFILE_OWN", &server.get("/api/users/profile", &john).await);

    let unset = server.get(PATH, &jane).await;
    golden.row("PROFILE_SHOW_UNSET", &unset);
    let profile = &unset.json["data"]["profile"];
    for field in ["nik", "birthdate", "phoneNumber", "address"] {
        let there = profile.get(field).cloned().unwrap_or_else(|| json!("missing"));
        golden.also("PROFILE_SHOW_UNSET", field, &there, &Value::Null);
    }
    golden.also("PROFILE_SHOW_UNSET", "isComplete", &profile["isComplete"], &json!(false));

    golden.row("PROFILE_SHOW_STAFF", &server.get(PATH, &officer).await);
    let update = async |token: &str, data: Value, files: &[File<'_>]| {
        send(server.profile_form(token, Some(&data), files)).await
    };
    golden.row("PROFILE_UPDATE_STAFF", &update(&officer, documented_profile(), &[]).await);
    golden.row("PROFILE_UPDATE_NIK", &update(&jane, json!({"nik": "320123456789000"}), &[]).await);
    // Its inner structure is a finding of somebody else's.
    golden.row("PROFILE_UPDATE_NIK_ANY", &update(&jane, json!({"nik": "0000000000000000"}), &[]).await);
    let long = json!({"address": "x".repeat(501)});
    golden.row("PROFILE_UPDATE_ADDRESS", &update(&jane, long, &[]).await);
    let text: File<'_> = ("ktp", "ktp.jpg", b"only a name makes no picture");
    golden.row("PROFILE_UPDATE_FILE_KIND", &update(&jane, json!({}), &[text]).await);
    let mut large = jpeg("large");
    large.resize(5 * 1_024 * 1_024 + 1, 0);
    golden.row("PROFILE_UPDATE_FILE_SIZE", &update(&jane, json!({}), &[("ktp", "ktp.jpg", &large)]).await);

    let updated = server.upload_all(&jane).await;
    golden.row("PROFILE_UPDATE", &updated);
    for (field, value) in [
        ("nik", json!("3201234567890001")),
        ("phoneNumber", json!("+6281234567890")),
        ("isComplete", json!(true)),
    ] {
        golden.also("PROFILE_UPDATE", field, &updated.json["data"][field], &value);
    }
    // Absent fields keep their value.
    let partial = update(&jane, json!({"address": "Jl. Thamrin No. 1"}), &[]).await;
    golden.row("PROFILE_UPDATE", &partial);
    golden.also("PROFILE_UPDATE", "nik kept", &partial.json["data"]["nik"], &json!("3201234567890001"));
}
