//! `lumbung admin create`: the real binary, before a server was there and beside one.

use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::served::{Folder, Http, Server};

const PASSWORD: &str = "first light";

async fn create(folder: &Folder, words: &[&str], typed: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lumbung"));
    command.args(["admin", "create", "--data-dir"]).arg(folder.data()).args(words);
    for (name, _) in std::env::vars_os() {
        if name == "DATABASE_URL" || name.to_string_lossy().starts_with("LUMBUNG_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    // It may end without reading.
    let _ = child.stdin.take().unwrap().write_all(typed.as_bytes()).await;
    child.wait_with_output().await.unwrap()
}

fn told(output: &Output) -> (i32, Value) {
    let said = String::from_utf8_lossy(&output.stderr);
    let json = serde_json::from_slice(&output.stdout);
    (output.status.code().unwrap(), json.unwrap_or_else(|error| panic!("{error}: {said}")))
}

/// Another process wrote it, so this node hears of it a moment later.
async fn roles_once_known(http: &Http, address: &str, email: &str) -> Value {
    let started = Instant::now();
    loop {
        let credentials = json!({"email": email, "password": PASSWORD});
        let answer = http.post(address, "/api/auth/login", None, credentials).await.unwrap();
        if answer.status == 200 {
            return answer.data()["roles"].clone();
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{email} never got in");
    }
}

#[tokio::test]
async fn a_superadmin_is_made_from_the_command_line() {
    let folder = Folder::new();
    // What is wrong with the words is said before anything is made.
    for (words, typed, why) in [
        (&["nobody"][..], PASSWORD, "email: must be a valid email"),
        (&["a@b.co", "--name", " "], PASSWORD, "name: must not be blank"),
        (&["a@b.co"], "short", "password: size must be between 6 and 100"),
        (&["a@b.co"], "", "password: size must be between 6 and 100"),
    ] {
        let output = create(&folder, words, typed).await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(why), "{said}");
    }
    let missing = create(&folder, &["a@b.co", "--password-file", "/nowhere/at/all"], "").await;
    assert_eq!(missing.status.code(), Some(3));
    assert_eq!(folder.postgres(), None);

    // In a folder that no server has seen.
    let first = create(&folder, &["first@loan.com", "--json"], &format!("{PASSWORD}\n")).await;
    let (code, json) = told(&first);
    assert_eq!((code, &json["created"]), (0, &Value::Bool(true)));
    assert!(json["id"].is_i64());

    let server = Server::start(&folder).await;
    let (http, address) = (Http::new(), server.address());
    assert_eq!(roles_once_known(&http, address, "first@loan.com").await, json!(["SUPERADMIN"]));
    // Beside the server, from a file.
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{PASSWORD}\r\n")).unwrap();
    let from = file.path().to_str().unwrap();
    let second = create(&folder, &["second@loan.com", "--password-file", from, "--name", "Ada"], "").await;
    assert_eq!(second.status.code(), Some(0), "{}", String::from_utf8_lossy(&second.stderr));
    assert_eq!(roles_once_known(&http, address, "second@loan.com").await, json!(["SUPERADMIN"]));
    // Once is enough, in whatever spelling.
    let (code, json) = told(&create(&folder, &["Second@LOAN.com", "--json"], PASSWORD).await);
    assert_eq!((code, &json["created"]), (1, &Value::Bool(false)));
    assert_eq!(
        (&json["code"], &json["reason"]),
        (&json!("EMAIL_ALREADY_EXISTS"), &json!("Email already exists"))
    );

    let attached = folder.attach().await;
    let actors: Vec<String> = sqlx::query_scalar(
        "select metadata->>'actor' from journal.events where metadata->>'use_case' = 'RegisterStaff'
             and event_type = 'UserRegistered' and metadata->>'actor' is not null",
    )
    .fetch_all(&attached.pool)
    .await
    .unwrap();
    assert_eq!(actors, ["command line", "command line"]);
    attached.leave().await;
    assert!(server.stop().await.success());
}
