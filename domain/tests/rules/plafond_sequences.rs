//! Any sequence of commands against a plafond, held to a bookkeeping of plain integers.

use lumbung_domain::*;
use proptest::prelude::*;

use crate::example::{bronze, request, rupiah};
use crate::obey;

const LIMIT: i64 = 100;

fn any_command() -> impl Strategy<Value = PlafondCommand> {
    let loan = || (1..4_i64).prop_map(LoanNumber);
    let terms = ProductTerms { amount_rupiah: rupiah(LIMIT), ..bronze() };
    prop_oneof![
        1 => (1..9_i64).prop_map(move |number| PlafondCommand::Select {
            number: PlafondNumber(number),
            terms: terms.clone(),
        }),
        4 => (loan(), 1..=LIMIT + 1).prop_map(|(loan, amount)| PlafondCommand::Reserve {
            loan,
            request: request(amount),
        }),
        3 => loan().prop_map(|loan| PlafondCommand::Release { loan }),
        3 => loan().prop_map(|loan| PlafondCommand::Convert { loan }),
    ]
}

/// What a clerk would note on paper: the money left, if a plafond is active, and the one open application.
#[derive(Debug, Default)]
struct Clerk {
    left: Option<i64>,
    pending: Option<(LoanNumber, i64)>,
}

impl Clerk {
    /// Whether the command is in order; if so, it is noted.
    fn accepts(&mut self, command: &PlafondCommand) -> bool {
        match (command, self.left, self.pending) {
            (PlafondCommand::Select { .. }, None, _) => self.left = Some(LIMIT),
            (PlafondCommand::Reserve { loan, request }, Some(left), None) if request.amount.get() <= left => {
                self.pending = Some((*loan, request.amount.get()));
            }
            (PlafondCommand::Release { loan }, _, Some((held, _))) if held == *loan => self.pending = None,
            (PlafondCommand::Convert { loan }, Some(left), Some((held, amount))) if held == *loan => {
                self.pending = None;
                self.left = Some(left - amount).filter(|left| *left > 0);
            }
            _ => return false,
        }
        true
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_limit_is_never_passed(commands in prop::collection::vec(any_command(), 0..60)) {
        let mut plafond = Plafond::default();
        let mut clerk = Clerk::default();
        for command in commands {
            let in_order = clerk.accepts(&command);
            let decided = obey(&mut plafond, command);
            prop_assert_eq!(decided.is_ok(), in_order);
            prop_assert_eq!(decided.map_or(0, |events| events.len()), usize::from(in_order));

            match &plafond {
                Plafond::Active { remaining_rupiah, pending, .. } => {
                    prop_assert_eq!(Some(remaining_rupiah.get()), clerk.left);
                    prop_assert!(*remaining_rupiah > Rupiah::ZERO);
                    prop_assert_eq!(pending.map(|held| (held.loan, held.amount_rupiah.get())), clerk.pending);
                    prop_assert!(pending.is_none_or(|held| held.amount_rupiah <= *remaining_rupiah));
                }
                Plafond::Unselected | Plafond::Depleted { .. } => {
                    prop_assert_eq!((clerk.left, clerk.pending), (None, None));
                }
            }
        }
    }
}
