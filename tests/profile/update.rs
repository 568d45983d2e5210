use serde_json::{Value, json};

use super::Form;
use super::form::{jpeg, pdf, png};
use crate::rest_smoke::{Server, send};

const WHOLE: &str = r#"{"nik": "3201234567890002", "birthdate": "1992-08-20", "phone": "081234567891", "address": "Jl. Thamrin No. 45, Jakarta"}"#;

async fn jane(server: &Server) -> String {
    server.login("jane.smith@email.com", "customer123").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documented_profiles() {
    let server = Server::start().await;
    let john = server.login("john.doe@email.com", "customer123").await;
    let shown = server.get("/api/customer/profile", &john).await;
    assert_eq!(shown.headers["etag"], "\"2\"");
    assert!(shown.headers.contains_key("ledger-position"));
    assert_eq!(shown.json["message"], "Success");
    let data = shown.ok(200);
    let expected = json!({
        "id": data["id"], "name": "John Doe", "email": "john.doe@email.com", "phone": null, "userType": "CUSTOMER",
        "isActive": true, "roles": ["CUSTOMER"], "branch": null, "branchId": null, "branchName": null,
        "createdAt": data["createdAt"],
        "profile": {
            "nik": "3201234567890001", "birthdate": "1990-05-15", "phoneNumber": "+6281234567890",
            "address": "Jl. Sudirman No. 123, Jakarta", "ktpUrl": null, "kkUrl": null, "npwpUrl": null,
            "isComplete": true,
        },
    });
    assert_eq!(data, expected);
    assert!(data["createdAt"].is_string());
    assert_eq!(server.get("/api/users/profile", &john).await.ok(200), expected);
    let unset = json!({
        "nik": null, "birthdate": null, "phoneNumber": null, "address": null, "ktpUrl": null, "kkUrl": null,
        "npwpUrl": null, "isComplete": false,
    });
    let jane = jane(&server).await;
    assert_eq!(server.get("/api/customer/profile", &jane).await.ok(200)["profile"], unset);
    let marketing = server.login("marketing.jkt@loan.com", "marketing123").await;
    let own = server.get("/api/users/profile", &marketing).await.ok(200);
    assert_eq!((&own["userType"], &own["roles"]), (&json!("INTERNAL"), &json!(["MARKETING"])));
    assert_eq!(own["profile"], unset);
    assert_eq!((&own["branch"]["code"], &own["branchName"]), (&json!("JKT"), &json!("Jakarta")));
    let refused = server.get("/api/customer/profile", &marketing).await;
    assert_eq!(refused.error(), (403, "ACCESS_DENIED", "Access Denied"));
    assert_eq!(server.get("/api/users/profile", "x").await.error().0, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_is_updated_with_files() {
    let server = Server::start().await;
    let jane = jane(&server).await;
    let before = server.get("/api/customer/profile", &jane).await.headers["etag"].clone();
    let body =
        Form::default().data(WHOLE).file("ktp", &jpeg("", 5 << 20)).file("kk", &png()).file("npwp", &pdf());
    let updated = send(server.put_profile(&jane, body.body()).header("If-Match", &before)).await;
    assert_eq!(updated.json["message"], "Profile updated successfully", "{}", updated.text);
    let etag = updated.headers["etag"].clone();
    let position = updated.headers["ledger-position"].clone();
    let data = updated.ok(200);
    let url =
        |name: &str| data[name].as_str().unwrap().strip_prefix("http://localhost:8080/uploads/").unwrap();
    for (name, end) in [("ktpUrl", "-ktp.jpg"), ("kkUrl", "-kk.png"), ("npwpUrl", "-npwp.pdf")] {
        assert_eq!(url(name).len(), 36 + end.len());
        assert!(url(name).ends_with(end), "{data}");
    }
    let expected = json!({
        "nik": "3201234567890002", "birthdate": "1992-08-20", "phoneNumber": "+6281234567891",
        "address": "Jl. Thamrin No. 45, Jakarta", "ktpUrl": data["ktpUrl"], "kkUrl": data["kkUrl"],
        "npwpUrl": data["npwpUrl"], "isComplete": true,
    });
    assert_eq!(data, expected);
    let request = server.request(reqwest::Method::GET, "/api/customer/profile").bearer_auth(&jane);
    let shown = send(request.header("Min-Position", position)).await;
    assert_eq!(shown.headers["etag"], etag);
    assert_eq!(shown.ok(200)["profile"], expected);
    assert_eq!(server.stored_files().len(), 3);

    // What is left out keeps its value, and the version that was seen is over.
    let stale = server.put_profile(&jane, Form::default().file("kk", &jpeg("x", 0)).body());
    let stale = send(stale.header("If-Match", before)).await;
    assert_eq!((stale.error().0, stale.error().1), (412, "VERSION_MISMATCH"));
    assert_eq!(server.stored_files().len(), 3, "the file of a refused update is still there");
    let body = Form::default().data(r#"{"phone":null,"address":"Jl. Baru 1"}"#).file("kk", &jpeg("x", 0));
    let again = send(server.put_profile(&jane, body.body()).header("If-Match", etag)).await.ok(200);
    assert_eq!((&again["phoneNumber"], &again["address"]), (&data["phoneNumber"], &json!("Jl. Baru 1")));
    assert_eq!(again["ktpUrl"], data["ktpUrl"]);
    assert!(again["kkUrl"].as_str().unwrap().ends_with("-kk.jpg"));
    // Nothing new is no event.
    let nothing = send(server.put_profile(&jane, Form::default().data("{}").body())).await;
    let version = nothing.headers["etag"].clone();
    assert_eq!(nothing.ok(200), again);
    assert_eq!(server.get("/api/customer/profile", &jane).await.headers["etag"], version);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_tells_the_same_and_stores_nothing() {
    let server = Server::start().await;
    let jane = jane(&server).await;
    let put = |body: Vec<u8>| send(server.put_profile(&jane, body).header("Idempotency-Key", "k"));
    let (data, ktp) = (WHOLE, jpeg("ktp", 100_000));
    let first = put(Form::default().data(data).file("ktp", &ktp).body()).await;
    assert_eq!(first.status, 200, "{}", first.text);
    // Another order, another way to write the same fields, another file name.
    let reworded: Value = serde_json::from_str(data).unwrap();
    let head = "Content-Disposition: form-data; name=\"ktp\"; filename=\"other.png\"";
    let same = || Form::default().part(head, &ktp).data(&reworded.to_string()).body();
    for _ in 0..2 {
        let again = put(same()).await;
        assert_eq!((again.status, &again.text), (first.status, &first.text));
        for name in ["etag", "ledger-position"] {
            assert_eq!(again.headers[name], first.headers[name]);
        }
        assert_eq!(again.headers["idempotent-replayed"], "true");
        assert_eq!(server.stored_files().len(), 1);
    }
    for other in [
        Form::default().data(data).file("ktp", &jpeg("ktP", 100_000)),
        Form::default().data(data).file("kk", &ktp),
        Form::default().data(data).file("ktp", &ktp).file("unknown", b"x"),
        Form::default().data(data),
        Form::default().data(&data.replace("1992", "1993")).file("ktp", &ktp),
    ] {
        assert_eq!(put(other.body()).await.error().1, "IDEMPOTENCY_KEY_REUSED");
    }
    assert_eq!(server.stored_files().len(), 1);
    // Copies that arrive together have one effect and leave one file.
    let copies = (0..8).map(|_| {
        let body = Form::default().data(data).file("ktp", &ktp).body();
        send(server.put_profile(&jane, body).header("Idempotency-Key", "together"))
    });
    let answers = futures_util::future::join_all(copies).await;
    assert!(answers.iter().all(|answer| answer.text == answers[0].text && answer.status == 200));
    assert_eq!(server.stored_files().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_is_told_in_the_order_of_the_body() {
    let server = Server::start().await;
    let jane = jane(&server).await;
    let tomorrow = (chrono::Utc::now() + chrono::TimeDelta::days(2)).date_naive().to_string();
    let data = json!({"nik": "123", "birthdate": tomorrow, "phone": "x", "address": " "}).to_string();
    let body = Form::default().file("npwp", &jpeg("", (5 << 20) + 1)).file("ktp", b"GIF89a").data(&data);
    let answer = send(server.put_profile(&jane, body.body())).await;
    assert_eq!(answer.error(), (400, "VALIDATION_FAILED", "nik: NIK must be exactly 16 digits"));
    let told: Vec<String> = answer.json["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| format!("{}: {}", fault["field"].as_str().unwrap(), fault["message"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            "nik: NIK must be exactly 16 digits",
            "birthdate: must not be in the future",
            "phone: must be a valid phone number",
            "address: must not be blank",
            "ktp: must be a JPEG, PNG or PDF",
            "npwp: must be at most 5 MB",
        ]
    );
    assert_eq!(server.stored_files().len(), 0);
    let request = server.put_profile(&jane, b"junk".to_vec()).header("If-Match", "x");
    let both = send(request.header("Idempotency-Key", "")).await;
    let fields: Vec<&str> = both.json["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["Idempotency-Key", "If-Match", "body"]);
}

/// Scenario 3 of the document: an incomplete profile, completed by form-data.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jane_completes_her_profile_and_submits() {
    let server = Server::start().await;
    let jane = jane(&server).await;
    let loan = json!({"branchId": 1, "amount": 3_000_000, "tenor": 6, "interestRate": 12.0});
    let early = server.post("/api/loans", &jane, loan.clone()).await;
    let message = "Please complete your profile (NIK, birthdate, phone and address) before submitting a loan application.";
    assert_eq!(early.error(), (400, "PROFILE_INCOMPLETE", message));
    let data = "Content-Disposition: form-data; name=\"data\"\r\nContent-Type: application/json";
    let form = Form::default().part(data, WHOLE.as_bytes()).file("ktp", &jpeg("", 0)).file("npwp", &pdf());
    let profile = send(server.put_profile(&jane, form.body())).await.ok(200);
    server.post("/api/customer/plafond", &jane, json!({"productId": 1})).await.ok(200);
    let submitted = server.post("/api/loans", &jane, loan).await.ok(201);
    let path = |url: &str| {
        let name = profile[url].as_str().unwrap().rsplit('/').next().unwrap();
        json!(format!("/uploads/documents/{name}"))
    };
    let expected = json!([path("ktpUrl"), null, path("npwpUrl")]);
    let paths =
        |loan: &Value| json!([loan["customerKtpPath"], loan["customerKkPath"], loan["customerNpwpPath"]]);
    assert_eq!(paths(&submitted), expected);
    // A loan shows what was handed in with it, whatever comes later.
    send(server.put_profile(&jane, Form::default().file("ktp", &png()).body())).await.ok(200);
    let detail = server.get(&format!("/api/loans/{}", submitted["id"]), &jane).await.ok(200);
    assert_eq!((paths(&detail), &detail["customerNik"]), (expected, &json!("3201234567890002")));
}
