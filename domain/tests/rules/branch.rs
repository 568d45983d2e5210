use lumbung_domain::*;

use crate::{given, nothing};

fn open(id: i64) -> BranchCommand {
    BranchCommand::Open {
        branch_id: BranchId(id),
        code: BranchCode::new("JKT").unwrap(),
        location: Place::new("Jakarta").unwrap(),
    }
}

fn opened(id: i64) -> BranchEvent {
    BranchEvent::BranchOpened {
        branch_id: BranchId(id),
        code: BranchCode::new("JKT").unwrap(),
        location: Place::new("Jakarta").unwrap(),
    }
}

#[test]
fn a_branch_opens() {
    nothing::<Branch>().when(open(1)).then_expect_events(vec![opened(1)]);
}

#[test]
fn a_branch_opens_once() {
    given::<Branch>([opened(1)]).when(open(1)).then_expect_error(Rejection::AlreadyExists);
}
