//! How fast read models are made anew: `lumbung rebuild` over a log of customers who borrow, loan after loan, through
//! every stage. The busiest kind of log for the projector: nearly every event changes a row.

use futures_util::future::try_join_all;
use lumbung_commands::ledger::Call;
use lumbung_commands::loan::{ApproveLoan, SubmitLoan};
use lumbung_commands::plafond::SelectPlafond;
use lumbung_commands::reference::{DefineReferenceData, OpenBranch};
use lumbung_commands::session::OpenSession;
use lumbung_commands::user::{RegisterCustomer, RegisterStaff};
use lumbung_commands::{Actor, Expected, Ledger, UseCase};
use lumbung_domain::{
    Address, Birthdate, BranchCode, BranchId, LoanNumber, Nik, Phone, Place, PlafondNumber, ProductId,
    Profile, RoleId, Rupiah, SessionId, Tenor,
};
use lumbung_journal::{Sealer, migrate};
use serde::Serialize;
use uuid::Uuid;

use crate::Failure;
use crate::arena::{Arena, close_ledger, open_ledger};
use crate::customers::newcomer;
use crate::plan::median;

const BRANCH: BranchId = BranchId(1);
/// The largest plafond that a customer can select.
const PLATINUM: ProductId = ProductId(4);
/// How many borrowers act at once.
const TOGETHER: usize = 250;

/// How long the log is: borrowers, and loans of each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Length {
    pub(crate) borrowers: i64,
    pub(crate) loans: i64,
    /// Rebuilds of it.
    pub(crate) rounds: usize,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Rebuilt {
    pub(crate) events: u64,
    /// Events per second of the whole rebuild, with its comparison and the flip.
    pub(crate) per_second: Vec<f64>,
}

impl Rebuilt {
    pub(crate) fn median(&self) -> f64 {
        median(self.per_second.clone()).unwrap_or_default()
    }
}

pub(crate) async fn measure(arena: &Arena, length: Length) -> Result<Rebuilt, Failure> {
    let database = arena.empty_database("bench_rebuild").await?;
    migrate(&database).await?;
    let (ledger, task) = open_ledger(&database).await?;
    eprintln!("writing a log of {} loans", length.borrowers * length.loans);
    write_log(&ledger, length).await?;
    close_ledger(ledger, task).await?;
    lumbung_projections::prepare(&database).await?;
    let rebuild = lumbung_projections::Rebuild::new(database);
    let mut found = Rebuilt { events: 0, per_second: Vec::new() };
    for _ in 0..length.rounds {
        let began = std::time::Instant::now();
        let report = lumbung_projections::rebuild(&rebuild, |_| {}).await?;
        found.events = report.events;
        found.per_second.push(report.events as f64 / began.elapsed().as_secs_f64());
        eprintln!("rebuild of {} events: {:.0}/s", report.events, found.per_second.last().unwrap_or(&0.0));
    }
    Ok(found)
}

async fn write_log(ledger: &Ledger, length: Length) -> Result<(), Failure> {
    run(ledger, DefineReferenceData).await?;
    let branch =
        OpenBranch { branch_id: BRANCH, code: BranchCode::new("JKT")?, location: Place::new("Jakarta")? };
    run(ledger, branch).await?;
    let mut officers = Vec::new();
    for (number, role) in [(1, RoleId::MARKETING), (2, RoleId::BRANCH_MANAGER), (3, RoleId::BACKOFFICE)] {
        officers.push(officer(ledger, number, role).await?);
    }
    let numbers: Vec<i64> = (0..length.borrowers).collect();
    for some in numbers.chunks(TOGETHER) {
        try_join_all(some.iter().map(|number| borrow(ledger, &officers, *number, length.loans))).await?;
    }
    Ok(())
}

async fn officer(ledger: &Ledger, number: i64, role: RoleId) -> Result<Actor, Failure> {
    let (newcomer, _) = newcomer(ledger, number)?;
    let user = newcomer.user_id;
    let password = newcomer.password.clone();
    run(ledger, RegisterStaff { newcomer, role, branch: Some(BRANCH) }).await?;
    let session = SessionId(Uuid::now_v7());
    run(ledger, OpenSession { user, session, password, rehashed: None }).await?;
    Ok(Actor { user, session })
}

/// A customer registers, selects a plafond and takes out one loan after another.
async fn borrow(ledger: &Ledger, officers: &[Actor], number: i64, loans: i64) -> Result<(), Failure> {
    let (newcomer, sealer) = newcomer(ledger, 1_000 + number)?;
    let user = newcomer.user_id;
    let session = SessionId(Uuid::now_v7());
    let profile = profile(&sealer)?;
    run(ledger, RegisterCustomer { newcomer, profile, session: Some(session) }).await?;
    let actor = Actor { user, session };
    let number_of_plafond = PlafondNumber(number + 1);
    run(
        ledger,
        SelectPlafond { actor, number: number_of_plafond, product: PLATINUM, expected: Expected::Anything },
    )
    .await?;
    for nth in 0..loans {
        let loan = LoanNumber(number * loans + nth + 1);
        let submission = SubmitLoan {
            actor,
            loan,
            branch: BRANCH,
            amount: Rupiah::new(1_000_000)?,
            tenor: Tenor::new(12)?,
            interest_rate: None,
        };
        run(ledger, submission).await?;
        for officer in officers {
            let approval = ApproveLoan { actor: *officer, loan, note: None, expected: Expected::Anything };
            run(ledger, approval).await?;
        }
    }
    Ok(())
}

fn profile(sealer: &Sealer) -> Result<Profile, Failure> {
    let born = chrono::NaiveDate::from_ymd_opt(1990, 1, 31).ok_or("no such day")?;
    Ok(Profile {
        nik: Some(sealer.seal(&Nik::new("3174012345678901")?)?),
        birthdate: Some(sealer.seal(&Birthdate::new(born)?)?),
        phone: Some(sealer.seal(&Phone::new("081234567890")?)?),
        address: Some(sealer.seal(&Address::new("Jalan Jenderal Sudirman 1, Jakarta")?)?),
        ..Profile::default()
    })
}

async fn run<U: UseCase>(ledger: &Ledger, use_case: U) -> Result<(), Failure> {
    let answer = ledger.execute(use_case, Call::default()).await?;
    answer.outcome.map(|_| ()).map_err(|rejection| format!("{} refused: {rejection:?}", U::NAME).into())
}
