//! The end of a round: what is shown, against the fold of the log.

use lumbung_domain::{Account, TransferId};
use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection, Row};
use uuid::Uuid;

use super::doors::Doors;
use super::pages::Pages;
use super::town::{SHAKY, Town};
use crate::crash::dice::Dice;
use crate::served::Request;

/// Every wallet, and the whole report of some, as customers see them.
pub(super) async fn assert_shown(pages: &Pages, town: &Town, doors: &Doors, dice: &mut Dice) {
    for (index, holder) in town.holders.iter().enumerate() {
        if SHAKY.contains(&index) {
            continue;
        }
        let wallet = Request::get("/api/customer/wallet", Some(&holder.token)).reaching(pages.head.position);
        let data = doors.ask(&wallet, dice).await.0.expect(200).data();
        let rupiah = pages.wallets[&holder.user].rupiah;
        assert_eq!(
            (&data["balance"], &data["pendingOut"]),
            (&Value::from(rupiah), &Value::from(0)),
            "{index}"
        );
    }
    for _ in 0..5 {
        let index = town.sender(dice);
        let shown = report(&town.holders[index].token, pages.head.position, doors, dice).await;
        assert_report(pages, town, index, &shown);
    }
}

/// All pages of `GET /transactions`, newest first.
async fn report(token: &str, position: i64, doors: &Doors, dice: &mut Dice) -> Vec<Value> {
    let mut path = "/transactions?limit=1000".to_owned();
    let mut all = Vec::new();
    loop {
        let told = doors.ask(&Request::get(&path, Some(token)).reaching(position), dice).await.0.expect(200);
        let Value::Array(page) = told.result() else { panic!("no list: {}", told.text()) };
        all.extend(page);
        let next = told.header("Link").and_then(|link| link.strip_prefix('<')?.split_once('>'));
        match next {
            Some((next, _)) => path = next.to_owned(),
            None => return all,
        }
    }
}

fn assert_report(pages: &Pages, town: &Town, index: usize, shown: &[Value]) {
    let history = &pages.wallets[&town.holders[index].user].history;
    assert_eq!(shown.len(), history.len(), "entries in the report of wallet {index}");
    let mut before = 0;
    for ((position, after), entry) in history.iter().zip(shown.iter().rev()) {
        let number = |name: &str| entry[name].as_i64().unwrap_or_else(|| panic!("no {name}: {entry}"));
        let told = (number("balance_before"), number("balance_after"), number("amount"));
        assert_eq!(
            told,
            (before, *after, (after - before).abs()),
            "the entry of {position} of wallet {index}"
        );
        let kind = if *after > before { "CREDIT" } else { "DEBIT" };
        assert_eq!(entry["transaction_type"], kind, "{entry}");
        before = *after;
        if let (Some(id), "DEBIT") = (entry["transfer_id"].as_str(), kind) {
            let course = &pages.transfers[&id.parse().unwrap()];
            assert_eq!(entry["status"], course.status(), "{entry}");
        }
    }
}

/// Every row of the read models of money. They show everything: a server was asked for it before.
pub(super) async fn assert_tables(pages: &Pages, database: &PgConnectOptions) {
    let mut connection = PgConnection::connect_with(database).await.unwrap();
    let schema: String =
        sqlx::query_scalar("select name from projection.read_schemas where fingerprint = $1 and live")
            .bind(lumbung_projections::fingerprint())
            .fetch_one(&mut connection)
            .await
            .unwrap();
    let sql =
        format!("select owner, position, balance_rupiah, kind, reference, status from {schema}.transactions");
    let mut shown = Vec::new();
    for row in sqlx::query(&sql).fetch_all(&mut connection).await.unwrap() {
        shown.push((
            row.get::<Uuid, _>("owner"),
            row.get::<i64, _>("position"),
            row.get::<i64, _>("balance_rupiah"),
        ));
        let due = match row.get("kind") {
            "TRANSFER_OUT" => pages.transfers[&TransferId(row.get("reference"))].status(),
            _ => "SUCCESS",
        };
        assert_eq!(row.get::<&str, _>("status"), due, "the transaction at {}", row.get::<i64, _>("position"));
    }
    let wallets = pages.wallets.iter();
    let mut due: Vec<_> = wallets
        .flat_map(|(owner, wallet)| wallet.history.iter().map(|(at, balance)| (owner.0, *at, *balance)))
        .collect();
    due.sort_unstable();
    shown.sort_unstable();
    assert!(shown == due, "{} transactions are shown, {} are in the log", shown.len(), due.len());

    let sql = format!(
        "select account, sum(rupiah)::bigint as rupiah, count(*) as sides from (
             select debit_account as account, amount_rupiah as rupiah from {schema}.ledger_entries
             union all select credit_account, -amount_rupiah from {schema}.ledger_entries) sides
         group by account"
    );
    let rows = sqlx::query(&sql).fetch_all(&mut connection).await.unwrap();
    let sides: i64 = rows.iter().map(|row| row.get::<i64, _>("sides")).sum();
    assert_eq!(sides, 2 * due.len() as i64, "sides of entries");
    for account in Account::ALL {
        let code = i16::try_from(account.code()).unwrap();
        let shown = rows.iter().find(|row| row.get::<i16, _>("account") == code);
        let shown = shown.map_or(0, |row| row.get("rupiah"));
        assert_eq!(shown, pages.accounts.get(account).copied().unwrap_or_default(), "{account:?}");
    }
}
