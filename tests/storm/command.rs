//! What is sent in many copies.

use std::fmt;

use lumbung_domain::{BranchId, RoleId};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::golden::form::multipart;
use crate::golden::town::{Person, Town};
use crate::rest_smoke::Server;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Select,
    Submit,
    Approve,
    Cancel,
    Profile,
    Branch,
}

/// Officers and administrators; two of each, for one of them uses the other's key.
pub(super) struct Stage {
    marketing: [Person; 2],
    admins: [Person; 2],
}

/// One key of one person.
pub(super) struct Command {
    pub(super) kind: Kind,
    key: String,
    path: String,
    who: Person,
    another: Person,
    number: usize,
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, key, path, .. } = self;
        write!(f, "{kind:?} {path} under {key}")
    }
}

impl Kind {
    pub(super) const ALL: [Self; 6] =
        [Self::Select, Self::Submit, Self::Approve, Self::Cancel, Self::Profile, Self::Branch];

    /// What the ledger writes down once per effect.
    pub(super) fn event(self) -> &'static str {
        match self {
            Self::Select => "PlafondSelected",
            Self::Submit => "LoanSubmitted",
            Self::Approve => "LoanApproved",
            Self::Cancel => "LoanCancelled",
            Self::Profile => "ProfileUpdated",
            Self::Branch => "BranchOpened",
        }
    }

    pub(super) fn status(self) -> u16 {
        match self {
            Self::Submit | Self::Branch => 201,
            Self::Select | Self::Approve | Self::Cancel | Self::Profile => 200,
        }
    }

    /// Whether the same request of another person has an effect of its own; else a rule refuses it.
    pub(super) fn repeats_for_others(self) -> bool {
        matches!(self, Self::Select | Self::Submit | Self::Profile)
    }
}

impl Stage {
    pub(super) async fn set(town: &Town<'_>) -> Self {
        let jakarta = Some(BranchId(1));
        Self {
            marketing: [
                town.staff(RoleId::MARKETING, jakarta).await,
                town.staff(RoleId::MARKETING, jakarta).await,
            ],
            admins: [town.staff(RoleId::SUPERADMIN, None).await, town.staff(RoleId::SUPERADMIN, None).await],
        }
    }
}

impl Command {
    pub(super) async fn prepare(town: &Town<'_>, stage: &Stage, kind: Kind, number: usize) -> Self {
        let (path, [who, another]) = match kind {
            Kind::Select => {
                ("/api/customer/plafond".to_owned(), [town.customer().await, town.customer().await])
            }
            Kind::Submit => ("/api/loans".to_owned(), [town.borrower().await, town.borrower().await]),
            Kind::Profile => {
                ("/api/customer/profile".to_owned(), [town.customer().await, town.customer().await])
            }
            Kind::Branch => ("/api/admin/branches".to_owned(), stage.admins.clone()),
            Kind::Approve => {
                let loan = town.loan(&town.borrower().await, 1).await;
                (format!("/api/approval/{loan}/approve"), stage.marketing.clone())
            }
            Kind::Cancel => {
                let owner = town.borrower().await;
                let loan = town.loan(&owner, 1).await;
                (format!("/api/loans/{loan}/cancel"), [owner, town.customer().await])
            }
        };
        // Keys are the actor's own, so the same text serves for every kind.
        Self { kind, key: format!("storm-{}", number / Kind::ALL.len()), path, who, another, number }
    }

    pub(super) fn request(&self, server: &Server) -> RequestBuilder {
        self.sent_by(server, &self.who, 0)
    }

    /// The same key with another body.
    pub(super) fn changed(&self, server: &Server, copy: usize) -> RequestBuilder {
        self.sent_by(server, &self.who, copy + 1)
    }

    pub(super) fn of_another(&self, server: &Server) -> RequestBuilder {
        self.sent_by(server, &self.another, 0)
    }

    fn sent_by(&self, server: &Server, person: &Person, change: usize) -> RequestBuilder {
        let method = if self.kind == Kind::Profile { Method::PUT } else { Method::POST };
        let request = server.request(method, &self.path).bearer_auth(&person.token);
        let request = request.header("Idempotency-Key", &self.key);
        if self.kind == Kind::Profile {
            let data = json!({"address": format!("Jl. Thamrin No. {}", self.number + 1_000_000 * change)});
            let (kind, body) = multipart(Some(&data), &[]);
            return request.header("Content-Type", kind).body(body);
        }
        request.json(&self.body(change))
    }

    fn body(&self, change: usize) -> Value {
        match self.kind {
            Kind::Select => json!({"productId": 1 + change}),
            Kind::Submit => json!({"branchId": 1, "amount": 1_000_000 + change, "tenor": 6}),
            Kind::Approve | Kind::Cancel | Kind::Profile => json!({"note": format!("Note {change}")}),
            Kind::Branch => json!({"code": format!("S{}-{change}", self.number), "location": "Medan"}),
        }
    }
}
