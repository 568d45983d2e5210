//! What people are sent.

use std::time::Duration;

use chrono::Utc;
use lumbung_projections::outbox;

use super::super::rest_smoke::Server;

/// The token of the newest letter to this address that waits to be sent.
pub(super) async fn reset_token(server: &Server, email: &str) -> String {
    let app = server.app();
    let head = app.ledger.head().await.unwrap().position;
    app.freshness.wait_for(head, Duration::from_secs(10)).await.unwrap();
    let due = outbox::due(&app.reader.live(), Utc::now(), 100).await.unwrap();
    for message in due.iter().rev() {
        let opener = app.ledger.vault().opener([message.content.ciphertext()]).await.unwrap();
        let letter = opener.open_of(message.recipient.0, &message.content).unwrap();
        if letter.to().as_str() == email {
            let token = letter.text().split("token=").nth(1).unwrap();
            return token.split_whitespace().next().unwrap().to_owned();
        }
    }
    panic!("no letter to {email}");
}
