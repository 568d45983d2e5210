//! `/api/ledger`: accounts, entries, the trial balance.

use chrono::DateTime;
use lumbung_domain::Account;
use reqwest::Method;
use serde_json::{Value, json};

use super::mixture::Mixture;
use crate::rest_smoke::{Server, send};

struct Auditor<'a> {
    server: &'a Server,
    token: String,
}

impl Auditor<'_> {
    async fn get(&self, question: &str) -> Value {
        self.server.get(&format!("/api/ledger/{question}"), &self.token).await.ok(200)
    }

    /// All pages.
    async fn entries(&self, question: &str) -> Vec<Value> {
        let mut path = format!("/api/ledger/entries?{question}");
        let mut entries = Vec::new();
        loop {
            let answer = self.server.get(&path, &self.token).await;
            let next = answer.headers.get("link").map(|link| {
                assert!(link.ends_with("; rel=\"next\""), "{link}");
                link.split(['<', '>']).nth(1).unwrap().to_owned()
            });
            entries.extend(answer.ok(200).as_array().unwrap().clone());
            let Some(next) = next else { return entries };
            path = next;
        }
    }
}

fn positions(entries: &[Value]) -> Vec<i64> {
    entries.iter().map(|entry| entry["position"].as_i64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn auditors_read_the_books() {
    let (server, mixture) = Mixture::make().await;
    let auditor = Auditor { server: &server, token: server.login("auditor@loan.com", "auditor123").await };
    chart(&auditor).await;
    let all = auditor.entries("").await;
    lists(&auditor, &mixture, &all).await;
    vouchers(&auditor, &mixture, &all).await;
    moments(&auditor, &all).await;
    balances(&auditor, &mixture, &all).await;
    bounds(&auditor).await;
}

async fn chart(auditor: &Auditor<'_>) {
    let chart = auditor.get("accounts").await;
    let names: Vec<_> =
        chart.as_array().unwrap().iter().map(|account| account["code"].as_u64().unwrap()).collect();
    assert_eq!(names, [1010, 1110, 1120, 1130, 1140, 2010, 2020, 2030, 4010, 4020, 4030, 5010]);
    let topped_up = 2 * 750_001 + 21;
    assert_eq!(
        chart[0],
        json!({"code": 1010, "name": "CASH_AT_GATEWAY", "class": "ASSET", "normalSide": "DEBIT",
               "balance": topped_up, "debitTotal": topped_up, "creditTotal": 0})
    );
    assert_eq!((&chart[7]["balance"], &chart[7]["normalSide"]), (&json!(31_000), &json!("CREDIT")));
    assert_eq!(chart[6]["balance"], 6_000);
    assert_eq!(chart[5]["balance"], topped_up + 1_000_000 - 31_000 - 6_000);
    let page = auditor.server.get("/api/ledger/accounts?limit=6", &auditor.token).await;
    let next = page.headers["link"].split(['<', '>']).nth(1).unwrap().to_owned();
    let rest = auditor.server.get(&next, &auditor.token).await.ok(200);
    assert_eq!((page.ok(200).as_array().unwrap().len(), &rest[0]["code"]), (6, &json!(2020)));
}

async fn lists(auditor: &Auditor<'_>, mixture: &Mixture, all: &[Value]) {
    let newest_first = positions(all);
    assert!(newest_first.is_sorted_by(|one, next| one > next) && newest_first.len() > 15, "{newest_first:?}");
    assert_eq!(positions(&auditor.entries("limit=3").await), newest_first);
    for entry in all {
        let sum = |side: &str| {
            entry["lines"].as_array().unwrap().iter().map(|line| line[side].as_i64().unwrap()).sum::<i64>()
        };
        assert!(sum("debit") == sum("credit") && sum("debit") > 0, "{entry}");
        let recorded = entry["recordedAt"].as_str().unwrap();
        assert!(DateTime::parse_from_rfc3339(recorded).is_ok() && recorded.ends_with("+07:00"), "{recorded}");
    }
    let meets = |is: &dyn Fn(&Value) -> bool| {
        let with = all.iter().filter(|entry| entry["lines"].as_array().unwrap().iter().any(is));
        positions(&with.cloned().collect::<Vec<_>>())
    };
    for account in ["1010", "1110", "2010", "2020", "2030", "4010"] {
        let wanted = meets(&|line| line["account"].as_u64() == account.parse().ok());
        assert_eq!(positions(&auditor.entries(&format!("account={account}&limit=2")).await), wanted);
        assert_eq!(wanted.is_empty(), account == "4010");
    }
    let named = positions(&auditor.entries("account=TRANSFERS_IN_TRANSIT").await);
    assert_eq!(named, positions(&auditor.entries("account=2020").await));
    for subject in [
        mixture.sender.user.to_string(),
        mixture.receiver.user.to_string(),
        mixture.settled.to_string(),
        mixture.loan.to_string(),
    ] {
        let wanted = meets(&|line| line["subject"] == json!(subject));
        assert_eq!(positions(&auditor.entries(&format!("subject={subject}")).await), wanted);
        assert!(!wanted.is_empty(), "{subject}");
    }
    let both = format!("subject={}&account=2030", mixture.sender.user);
    assert_eq!(auditor.entries(&both).await.len(), 3);
    let day = all[0]["businessDate"].as_str().unwrap();
    assert_eq!(positions(&auditor.entries(&format!("from={day}&to={day}&limit=4")).await), newest_first);
    assert_eq!(auditor.entries("to=2001-01-01").await, [json!(null); 0]);
    let middle = newest_first[newest_first.len() / 2];
    let known: Vec<i64> = newest_first.iter().copied().filter(|position| *position <= middle).collect();
    assert_eq!(positions(&auditor.entries(&format!("asOfPosition={middle}&limit=5")).await), known);
}

async fn vouchers(auditor: &Auditor<'_>, mixture: &Mixture, all: &[Value]) {
    let mut kinds = std::collections::BTreeMap::<&str, &str>::new();
    for entry in all {
        let reference = &entry["reference"];
        let (kind, id) = (reference["type"].as_str().unwrap(), reference["id"].as_str().unwrap());
        kinds.insert(entry["kind"].as_str().unwrap(), kind);
        let same = all.iter().filter(|other| other["reference"] == *reference).cloned().collect::<Vec<_>>();
        assert_eq!(auditor.entries(&format!("reference={id}&limit=1")).await, same);
    }
    let wanted = [
        ("DISBURSEMENT", "LOAN"),
        ("PAYMENT", "PAYMENT"),
        ("TOP_UP", "TOP_UP"),
        ("TRANSFER_IN", "TRANSFER"),
        ("TRANSFER_OUT", "TRANSFER"),
        ("TRANSFER_RETURN", "TRANSFER"),
    ];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), wanted);
    // Both ends of a transfer, and what of it is the sender's.
    let settled = format!("reference={}", mixture.settled);
    assert_eq!(auditor.entries(&settled).await.len(), 2);
    let sent = auditor.entries(&format!("{settled}&subject={}", mixture.sender.user)).await;
    assert_eq!((sent.len(), &sent[0]["kind"]), (1, &json!("TRANSFER_OUT")));
    assert_eq!(auditor.entries(&format!("{settled}&account=1010")).await, [json!(null); 0]);
    let wallet = format!("reference={}", mixture.sender.user);
    assert_eq!(auditor.entries(&wallet).await, [json!(null); 0]);
}

/// The accounts as the entries that are shown make them.
async fn balances(auditor: &Auditor<'_>, mixture: &Mixture, all: &[Value]) {
    let day = all[0]["businessDate"].as_str().unwrap();
    let middle = all[all.len() / 2]["position"].as_i64().unwrap();
    let newest = all[0]["position"].as_i64().unwrap();
    for subject in [
        None,
        Some(mixture.sender.user.to_string()),
        Some(mixture.receiver.user.to_string()),
        Some(mixture.settled.to_string()),
        Some(mixture.parked.to_string()),
        Some(mixture.loan.to_string()),
        Some("999999".to_owned()),
    ] {
        let of = subject.as_ref().map_or(String::new(), |subject| format!("&subject={subject}"));
        for (as_of, position) in
            [(None, None), (Some(day), None), (None, Some(middle)), (Some("2001-01-01"), Some(newest))]
        {
            let as_of_position = position.map_or(String::new(), |at| format!("&asOfPosition={at}"));
            let on = as_of.map_or(String::new(), |on| format!("&asOf={on}"));
            let chart = auditor.get(&format!("accounts?limit=100{of}{on}{as_of_position}")).await;
            let sum = |code: &Value, side: &str| -> i64 {
                let known =
                    all.iter().filter(|entry| entry["position"].as_i64() <= position.or(Some(i64::MAX)));
                let dated =
                    known.filter(|entry| as_of.is_none_or(|on| entry["businessDate"].as_str() <= Some(on)));
                let lines = dated.flat_map(|entry| entry["lines"].as_array().unwrap());
                let of_account = lines.filter(|line| line["account"] == *code);
                let of_subject = of_account
                    .filter(|line| subject.as_ref().is_none_or(|of| line["subject"].as_str() == Some(&**of)));
                of_subject.map(|line| line[side].as_i64().unwrap()).sum()
            };
            assert_eq!(chart.as_array().unwrap().len(), Account::ALL.len());
            for account in chart.as_array().unwrap() {
                let (debit, credit) = (sum(&account["code"], "debit"), sum(&account["code"], "credit"));
                let sums = (account["debitTotal"].as_i64(), account["creditTotal"].as_i64());
                assert_eq!(sums, (Some(debit), Some(credit)), "{subject:?} {as_of:?} {position:?} {account}");
                let side = if account["normalSide"] == "DEBIT" { debit - credit } else { credit - debit };
                assert_eq!(account["balance"], side);
            }
            let list = positions(&auditor.entries(&format!("limit=100{of}{on}{as_of_position}")).await);
            assert_eq!(
                list.is_empty(),
                chart
                    .as_array()
                    .unwrap()
                    .iter()
                    .all(|of| of["debitTotal"] == of["creditTotal"] && of["debitTotal"] == 0)
            );
        }
    }
    let transit = auditor.get(&format!("accounts?subject={}", mixture.parked)).await;
    assert!(transit[6]["balance"].as_i64() > Some(0), "{transit}");
}

async fn moments(auditor: &Auditor<'_>, all: &[Value]) {
    let now = auditor.get("trial-balance").await;
    assert_eq!((&now["difference"], &now["asOf"]), (&json!(0), &json!(null)));
    assert_eq!((&now["debitBalance"], &now["debitTotal"]), (&now["creditBalance"], &now["creditTotal"]));
    assert!(now["asOfPosition"].as_i64().unwrap() >= all[0]["position"].as_i64().unwrap());
    // One entry at a time: before it and with it.
    for entry in all {
        let position = entry["position"].as_i64().unwrap();
        let with = auditor.get(&format!("trial-balance?asOfPosition={position}")).await;
        let before = auditor.get(&format!("trial-balance?asOfPosition={}", position - 1)).await;
        assert_eq!((&with["difference"], &before["difference"]), (&json!(0), &json!(0)));
        let amount = |books: &Value| books["debitTotal"].as_i64().unwrap();
        let moved: i64 =
            entry["lines"].as_array().unwrap().iter().map(|line| line["debit"].as_i64().unwrap()).sum();
        assert_eq!(amount(&with) - amount(&before), moved);
    }
    let early = auditor.get("trial-balance?asOf=2001-01-01").await;
    assert_eq!((&early["debitTotal"], &early["asOf"]), (&json!(0), &json!("2001-01-01")));
    let empty = auditor.get("trial-balance?asOfPosition=0").await;
    assert_eq!((&empty["debitTotal"], &empty["asOfPosition"]), (&json!(0), &json!(0)));
    assert_eq!(empty["accounts"].as_array().unwrap().len(), Account::ALL.len());
}

async fn bounds(auditor: &Auditor<'_>) {
    let head = auditor.server.app().ledger.head().await.unwrap().position;
    for question in ["trial-balance?", "entries?", "accounts?"] {
        let path = format!("/api/ledger/{question}");
        for stale in ["", "&stale=ok"] {
            let ahead = format!("{path}asOfPosition={}{stale}", head + 1_000);
            let told = auditor.server.get(&ahead, &auditor.token).await;
            assert_eq!((told.error().0, told.error().1), (503, "PROJECTION_BEHIND"), "{ahead}");
        }
        let beyond = format!("{path}asOfPosition=9223372036854775808");
        let told = auditor.server.get(&beyond, &auditor.token).await;
        assert_eq!(told.status, 400, "{beyond}");
        let told =
            auditor.server.get(&format!("{path}asOfPosition={head}&stale=no&x=1"), &auditor.token).await;
        assert_eq!(told.error().2, "stale: must be ok");
        assert_eq!(told.json["errors"].as_array().unwrap().len(), 2, "{}", told.text);
        let twice = format!("{path}asOfPosition=1&asOfPosition=1");
        let told = auditor.server.get(&twice, &auditor.token).await;
        assert_eq!(told.error().2, "asOfPosition: must be given once");
        let request = auditor.server.request(Method::GET, &path).bearer_auth(&auditor.token);
        let told = send(request.header("Min-Position", "x")).await;
        assert_eq!(told.error().2, "Min-Position: must be a whole number, 0 or more");
    }
}
