//! Any sequence of commands against a loan.

use lumbung_domain::*;
use proptest::prelude::*;

use crate::example::{CUSTOMER, officer, sealed, submission, today, user};
use crate::obey;

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
            if let Some(Application { decided_by, status, submission: kept }) = loan.application() {
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
