//! Any sequence of commands against a loan.

use chrono::Days;
use lumbung_domain::*;
use proptest::prelude::*;

use crate::example::{CUSTOMER, bronze, officer, request, rupiah, sealed, submission, today, user};
use crate::obey;

const AFTER_DAYS: u32 = 30;

/// Few officers, the customer among them, so that they meet one loan again and again.
fn any_command() -> impl Strategy<Value = LoanCommand> {
    let who = || CUSTOMER..6_u128;
    prop_oneof![
        1 => Just(LoanCommand::Submit(submission().into())),
        6 => (who(), any::<bool>()).prop_map(|(who, says_why)| LoanCommand::Approve {
            officer: officer(who),
            note: says_why.then(|| sealed("fine")),
            business_on: today(),
        }),
        1 => who().prop_map(|who| LoanCommand::Reject {
            officer: officer(who),
            note: sealed("no"),
            business_on: today(),
        }),
        1 => any::<bool>().prop_map(|says_why| LoanCommand::Cancel {
            name: sealed("John Doe"),
            note: says_why.then(|| sealed("changed my mind")),
            business_on: today(),
        }),
        1 => (0..60_u64).prop_map(|days| LoanCommand::Expire {
            after_days: AFTER_DAYS,
            business_on: today() + Days::new(days),
        }),
    ]
}

/// The steps that the contract allows.
fn is_step(from: Option<LoanStatus>, to: LoanStatus) -> bool {
    use LoanStatus::*;
    matches!(
        (from, to),
        (None, Submitted)
            | (Some(Submitted), MarketingApproved | MarketingRejected)
            | (Some(MarketingApproved), BranchManagerApproved | BmRejected)
            | (Some(BranchManagerApproved), Disbursed | Rejected)
            | (Some(Submitted | MarketingApproved | BranchManagerApproved), Cancelled | Expired)
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_loan_goes_one_allowed_step_at_a_time(commands in prop::collection::vec(any_command(), 0..25)) {
        let mut loan = Loan::default();
        let mut disbursements = 0;
        for command in commands {
            let before = loan.application().map(|application| application.status);
            let decided = obey(&mut loan, command);
            let after = loan.application().map(|application| application.status);

            match (&decided, after) {
                (Ok(events), Some(after)) => {
                    prop_assert_eq!(events.len(), 1);
                    prop_assert!(is_step(before, after), "{:?} -> {:?}", before, after);
                    disbursements += events
                        .iter()
                        .filter(|event| matches!(event, LoanEvent::LoanDisbursed { .. }))
                        .count();
                }
                (Ok(_), None) => prop_assert!(false, "an event without an application"),
                (Err(_), _) => prop_assert_eq!(before, after),
            }
            if let Ok([LoanEvent::LoanExpired { waiting_since_on, business_on }]) = decided.as_deref() {
                let waited = business_on.signed_duration_since(*waiting_since_on).num_days();
                prop_assert!(waited > i64::from(AFTER_DAYS));
            }
            if let Some(Application { decided_by, status, submission: kept, .. }) = loan.application() {
                let mut distinct = decided_by.clone();
                distinct.sort_unstable();
                distinct.dedup();
                prop_assert_eq!(distinct.len(), decided_by.len());
                prop_assert!(!decided_by.contains(&user(CUSTOMER)));
                prop_assert_eq!(disbursements, usize::from(*status == LoanStatus::Disbursed));
                prop_assert_eq!(kept, &submission());
            }
        }
    }
}

/// What a customer and the staff do about one plafond and its loans, as the use cases do it: the loan decides first, and the
/// plafond follows.
#[derive(Debug, Clone)]
enum Step {
    Submit { amount: i64 },
    Decide { loan: usize, command: Box<LoanCommand> },
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (1..=LIMIT + 1).prop_map(|amount| Step::Submit { amount }),
        5 => (0..3_usize, any_command().prop_map(Box::new)).prop_map(|(loan, command)| Step::Decide { loan, command }),
    ]
}

const LIMIT: i64 = 100;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Money reserved is always that of the one pending loan, and money lent always that of the disbursed ones: whatever ends
    /// an application gives back exactly what it took.
    #[test]
    fn a_plafond_and_its_loans_agree(steps in prop::collection::vec(any_step(), 0..60)) {
        let mut plafond = Plafond::default();
        let terms = ProductTerms { amount_rupiah: rupiah(LIMIT), ..bronze() };
        obey(&mut plafond, PlafondCommand::Select { number: PlafondNumber(1), terms }).unwrap();
        let mut loans: Vec<Loan> = Vec::new();
        for step in steps {
            match step {
                Step::Submit { amount } => {
                    let number = LoanNumber(i64::try_from(loans.len()).unwrap() + 1);
                    let reserve = PlafondCommand::Reserve { loan: number, request: request(amount) };
                    if obey(&mut plafond, reserve).is_ok() {
                        let amount_rupiah = rupiah(amount);
                        let submission = Submission { loan: number, amount_rupiah, ..submission() };
                        let mut loan = Loan::default();
                        obey(&mut loan, LoanCommand::Submit(submission.into())).unwrap();
                        loans.push(loan);
                    }
                }
                // The latest loans are the ones that may still be pending.
                Step::Decide { loan: from_last, command } => {
                    let Some(at) = loans.len().checked_sub(from_last + 1) else { continue };
                    if obey(&mut loans[at], *command).is_ok() {
                        let Application { status, submission, .. } = loans[at].application().unwrap();
                        let loan = submission.loan;
                        match status.awaits() {
                            Some(_) => {}
                            None if *status == LoanStatus::Disbursed => {
                                obey(&mut plafond, PlafondCommand::Convert { loan }).unwrap();
                            }
                            None => drop(obey(&mut plafond, PlafondCommand::Release { loan }).unwrap()),
                        }
                    }
                }
            }
            let sum = |counts: &dyn Fn(LoanStatus) -> bool| -> i64 {
                let all = loans.iter().filter_map(Loan::application);
                all.filter(|loan| counts(loan.status)).map(|loan| loan.submission.amount_rupiah.get()).sum()
            };
            let lent = sum(&|status| status == LoanStatus::Disbursed);
            let waiting = sum(&|status| status.awaits().is_some());
            match &plafond {
                Plafond::Active { remaining_rupiah, pending, .. } => {
                    prop_assert_eq!(remaining_rupiah.get(), LIMIT - lent);
                    prop_assert_eq!(pending.map_or(0, |held| held.amount_rupiah.get()), waiting);
                    prop_assert!(waiting <= remaining_rupiah.get());
                }
                Plafond::Depleted { .. } => prop_assert_eq!((lent, waiting), (LIMIT, 0)),
                Plafond::Unselected => prop_assert!(false, "it was selected"),
            }
        }
    }
}
