//! Who takes part: customers with complete profiles, and the officers who decide on their loans.

use std::sync::Arc;

use super::customer::Customer;
use super::dice::Dice;
use crate::served::people::{PASSWORD, cheap_hash, register_customer};
use crate::served::{Folder, Http, Server};
use lumbung_domain::UserId;

pub(super) struct Town {
    /// User and token of every customer.
    people: Vec<(UserId, String)>,
    pub(super) officers: Arc<Officers>,
}

/// Tokens, by stage of approval.
pub(super) struct Officers {
    pub(super) tokens: [String; 3],
}

impl Town {
    /// Registers and logs in everybody.
    pub(super) async fn settle(folder: &Folder, server: &Server, customers: usize) -> Self {
        let attached = folder.attach().await;
        let (ledger, task) = attached.ledger().await;
        let hash = cheap_hash();
        let mut users = Vec::with_capacity(customers);
        for index in 0..customers {
            users.push(register_customer(&ledger, &email(index), &hash).await);
        }
        drop(ledger);
        task.finished().await.unwrap();
        attached.leave().await;

        let (http, address) = (Http::new(), server.address());
        let mut people = Vec::with_capacity(customers);
        for (index, user) in users.into_iter().enumerate() {
            people.push((user, http.login(address, &email(index), PASSWORD).await));
        }
        let tokens = [
            http.login(address, "marketing.jkt@loan.com", "marketing123").await,
            http.login(address, "bm.jkt@loan.com", "bm123").await,
            http.login(address, "backoffice@loan.com", "backoffice123").await,
        ];
        Self { people, officers: Arc::new(Officers { tokens }) }
    }

    pub(super) fn customers(&self, dice: &mut Dice) -> Vec<Customer> {
        let people = self.people.iter().enumerate();
        people
            .map(|(index, (user, token))| {
                Customer::new(index, *user, token.clone(), Arc::clone(&self.officers), dice.split())
            })
            .collect()
    }
}

fn email(index: usize) -> String {
    format!("crash.{index}@example.com")
}
