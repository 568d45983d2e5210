//! Balances from the log, as anybody with the exported lines could work them out: nothing of the product but the names of
//! its fields.

use std::collections::BTreeMap;

use serde_json::Value;

/// Debits and credits by account, and the net of every part of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Books {
    pub(super) accounts: BTreeMap<&'static str, (i128, i128)>,
    /// Debits less credits, by account and subject.
    pub(super) parts: BTreeMap<(&'static str, String), i64>,
}

impl Books {
    /// Takes in an event: its type, its stream's id, its payload. Answers what it posted.
    pub(super) fn take(
        &mut self,
        event_type: &str,
        stream: &str,
        payload: &Value,
    ) -> Vec<(&'static str, Option<String>, i64)> {
        let lines = lines(event_type, stream, &payload[event_type]);
        for (account, subject, amount) in &lines {
            let (debits, credits) = self.accounts.entry(account).or_default();
            *if *amount > 0 { debits } else { credits } += i128::from(amount.abs());
            if let Some(subject) = subject {
                *self.parts.entry((account, subject.clone())).or_default() += amount;
            }
        }
        lines
    }

    pub(super) fn net(&self, account: &str) -> i128 {
        self.accounts.get(account).map_or(0, |(debits, credits)| debits - credits)
    }

    /// The parts of an account on which something stands.
    pub(super) fn parts_of(&self, account: &str) -> BTreeMap<String, i64> {
        let of_it = self.parts.iter().filter(|((of, _), amount)| *of == account && **amount != 0);
        of_it.map(|((_, subject), amount)| (subject.clone(), *amount)).collect()
    }
}

fn lines(event_type: &str, wallet: &str, fields: &Value) -> Vec<(&'static str, Option<String>, i64)> {
    let (credited, why) = match event_type {
        "WalletCredited" => (true, &fields["source"]),
        "WalletDebited" => (false, &fields["purpose"]),
        _ => return Vec::new(),
    };
    let (kind, of) = why.as_object().unwrap().iter().next().unwrap();
    let other = match kind.as_str() {
        "top_up" => ("CASH_AT_GATEWAY", None),
        "payment" => ("MERCHANT_SETTLEMENT", None),
        "disbursement" => ("LOANS_RECEIVABLE_PRINCIPAL", Some(of["loan"].to_string())),
        "transfer" | "return" => {
            ("TRANSFERS_IN_TRANSIT", Some(of["transfer_id"].as_str().unwrap().to_owned()))
        }
        other => panic!("{other} is new: say here what it posts"),
    };
    let wallet = ("CUSTOMER_WALLETS", Some(wallet.to_owned()));
    let amount = fields["amount_rupiah"].as_i64().unwrap();
    let (debit, credit) = if credited { (other, wallet) } else { (wallet, other) };
    vec![(debit.0, debit.1, amount), (credit.0, credit.1, -amount)]
}
