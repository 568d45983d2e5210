//! The read models say what the log says.

use std::time::Duration;

use lumbung_domain::*;
use lumbung_projections::loan_history::HistoryNote;
use lumbung_projections::loans::Wanted;
use lumbung_projections::{
    Cursor, Limit, LiveSchema, approval_queue, branches, loan_history, loans, plafonds, products,
};

use crate::log::Log;
use crate::people::{branch, later, officer, product, rupiah, sealed, submission, user};
use crate::projecting::Node;

async fn queue(read: &LiveSchema, stages: &[Stage], branch: Option<i64>) -> Vec<i64> {
    let page = approval_queue::pending(read, stages, branch.map(BranchId), Limit::MAX, None).await.unwrap();
    page.rows.iter().map(|loan| loan.submission.loan.0).collect()
}

#[tokio::test]
async fn catalogue_and_branches() {
    let mut log = Log::new().await;
    for number in [2, 1, 5] {
        log.define_product(number, number != 5);
    }
    for number in [3, 0, 1] {
        log.open_branch(number);
    }
    log.commit().await;
    let node = Node::start(&log).await;
    let read = node.read_at(log.position()).await;
    let found = products::list(&read, Limit::MAX, None).await.unwrap();
    assert_eq!(found.rows, [product(1), product(2)]);
    let found = branches::list(&read, Limit::MAX, None).await.unwrap().rows;
    let codes: Vec<_> = found.iter().map(|branch| (branch.branch_id.0, branch.code.as_str())).collect();
    assert_eq!(codes, [(1, "B1"), (3, "B3")]);
    assert_eq!(found[0].location, branch(1).location);
    node.stop().await;
}

/// Batch by batch, so that every step is an update of a stored row, and all at once, so that it is one of a row
/// that the same batch brings.
#[tokio::test]
async fn the_whole_life_of_a_loan() {
    for at_once in [false, true] {
        let mut log = Log::new().await;
        let node = Node::start(&log).await;
        let steps: [&dyn Fn(&mut Log); 7] = [
            &|log| log.select(1, 11, 1),
            &|log| log.submit(1, 1, 1, 3_000_000),
            &|log| log.approve(1, officer(101, Some(1)), Some("verified")),
            &|log| log.approve(1, officer(102, Some(1)), None),
            &|log| log.approve(1, officer(103, None), Some("paid")),
            &|log| log.submit(2, 1, 2, 2_000_000),
            &|log| log.reject(2, officer(201, Some(2)), "too much"),
        ];
        for (number, step) in steps.iter().enumerate() {
            step(&mut log);
            if !at_once {
                let position = log.commit().await;
                let read = node.read_at(position).await;
                let queued = (
                    queue(&read, &[Stage::Marketing], Some(1)).await,
                    queue(&read, &[Stage::BranchManager], Some(1)).await,
                    queue(&read, &[Stage::Backoffice], None).await,
                );
                let expected = match number {
                    1 => (vec![1], vec![], vec![]),
                    2 => (vec![], vec![1], vec![]),
                    3 => (vec![], vec![], vec![1]),
                    _ => (vec![], vec![], vec![]),
                };
                assert_eq!(queued, expected, "after step {number}");
            }
        }
        if at_once {
            log.commit().await;
        }
        let read = node.read_at(log.position()).await;

        let plafond = plafonds::active_of(&read, user(1)).await.unwrap().unwrap();
        assert_eq!(plafond.number, PlafondNumber(11));
        assert_eq!(plafond.terms, product(1));
        assert_eq!(plafond.remaining_rupiah, rupiah(2_000_000));
        assert_eq!(plafond.version, log.state::<Plafond>(user(1)).1);

        let loan = loans::by_id(&read, LoanNumber(1)).await.unwrap().unwrap();
        assert_eq!(loan.submission, submission(1, 1, 1, 3_000_000));
        assert_eq!((loan.status, loan.version), (LoanStatus::Disbursed, 4));
        let loan = loans::by_id(&read, LoanNumber(2)).await.unwrap().unwrap();
        assert_eq!(loan.submission, submission(2, 1, 2, 2_000_000));
        assert_eq!((loan.status, loan.version), (LoanStatus::MarketingRejected, 2));
        assert_eq!(loans::by_id(&read, LoanNumber(3)).await.unwrap(), None);

        let history = loan_history::of_loan(&read, LoanNumber(1), Limit::MAX, None).await.unwrap().rows;
        let steps: Vec<_> = history
            .iter()
            .map(|entry| {
                let place = entry.branch_location.as_ref().map(Place::as_str);
                (
                    entry.status.as_str(),
                    entry.role.as_str(),
                    place,
                    entry.decided_by.as_ref().unwrap().name.clone(),
                )
            })
            .collect();
        assert_eq!(
            steps,
            [
                ("SUBMITTED", "CUSTOMER", None, sealed("name 1")),
                ("MARKETING_APPROVED", "MARKETING", Some("Place 1"), sealed("officer 101")),
                ("BRANCH_MANAGER_APPROVED", "BRANCH_MANAGER", Some("Place 1"), sealed("officer 102")),
                ("DISBURSED", "BACKOFFICE", None, sealed("officer 103")),
            ]
        );
        let notes: Vec<_> = history.iter().map(|entry| entry.note.clone()).collect();
        assert_eq!(notes[0], HistoryNote::Submitted);
        assert_eq!(notes[1], HistoryNote::Written(Some(sealed("verified"))));
        assert_eq!(notes[2], HistoryNote::Written(None));
        assert!(history.is_sorted_by_key(|entry| entry.position));
        let rejected = loan_history::of_loan(&read, LoanNumber(2), Limit::MAX, None).await.unwrap().rows;
        assert_eq!(rejected[1].status, LoanStatus::MarketingRejected);
        assert_eq!(rejected[1].note, HistoryNote::Written(Some(sealed("too much"))));
        node.stop().await;
    }
}

/// As above: of loans that no officer ends.
#[tokio::test]
async fn what_is_taken_back_or_forgotten_leaves_the_queue() {
    for at_once in [false, true] {
        let mut log = Log::new().await;
        let node = Node::start(&log).await;
        let steps: [&dyn Fn(&mut Log); 6] = [
            &|log| log.select(1, 11, 1),
            &|log| log.submit(1, 1, 1, 3_000_000),
            &|log| log.cancel(1, Some("changed my mind")),
            &|log| log.submit(2, 1, 1, 5_000_000),
            &|log| log.approve(2, officer(101, Some(1)), None),
            &|log| log.expire(2, 31),
        ];
        for (number, step) in steps.iter().enumerate() {
            step(&mut log);
            if !at_once {
                let read = node.read_at(log.commit().await).await;
                let forgotten = approval_queue::forgotten(&read, later(1), Limit::MAX, None).await.unwrap();
                let forgotten: Vec<_> = forgotten.iter().map(|found| found.loan.0).collect();
                let expected: &[i64] = match number {
                    1 => &[1],
                    3 | 4 => &[2],
                    _ => &[],
                };
                assert_eq!(forgotten, expected, "after step {number}");
            }
        }
        if at_once {
            log.commit().await;
        }
        let read = node.read_at(log.position()).await;
        let all = [Stage::Marketing, Stage::BranchManager, Stage::Backoffice];
        assert_eq!(queue(&read, &all, Some(1)).await, [0; 0]);
        for (loan, status, version, role, by, note) in [
            (
                1,
                LoanStatus::Cancelled,
                2,
                "CUSTOMER",
                Some(sealed("name 1")),
                HistoryNote::Written(Some(sealed("changed my mind"))),
            ),
            (2, LoanStatus::Expired, 3, "SYSTEM", None, HistoryNote::Expired),
        ] {
            let found = loans::by_id(&read, LoanNumber(loan)).await.unwrap().unwrap();
            assert_eq!((found.status, found.version), (status, version));
            let last = loan_history::of_loan(&read, LoanNumber(loan), Limit::MAX, None)
                .await
                .unwrap()
                .rows
                .pop()
                .unwrap();
            assert_eq!((last.status, last.role.as_str(), last.note), (status, role, note));
            assert_eq!(last.decided_by.map(|by| by.name), by);
        }
        node.stop().await;
    }
}

#[tokio::test]
async fn forgotten_loans_come_page_by_page_and_the_oldest_first() {
    let mut log = Log::new().await;
    let node = Node::start(&log).await;
    for customer in 1..=6 {
        log.select(customer, customer.try_into().unwrap(), 1);
        log.submit(customer.try_into().unwrap(), customer, 1, 1_000_000);
    }
    // A decision is a step of its day; the examples' steps are all of one day but this one.
    log.approve_on(2, officer(101, Some(1)), later(3));
    log.approve_on(4, officer(101, Some(1)), later(1));
    let read = node.read_at(log.commit().await).await;
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = approval_queue::forgotten(&read, later(3), Limit::new(2).unwrap(), after).await.unwrap();
        after = page.last().copied();
        seen.extend(page.iter().map(|found| found.loan.0));
        if page.len() < 2 {
            break;
        }
    }
    assert_eq!(seen, [1, 3, 5, 6, 4]);
    node.stop().await;
}

#[tokio::test]
async fn an_officer_finds_their_own_decisions() {
    let mut log = Log::new().await;
    let node = Node::start(&log).await;
    log.select(1, 11, 1);
    log.submit(1, 1, 1, 1_000_000);
    log.approve(1, officer(101, Some(1)), Some("verified"));
    log.approve(1, officer(102, Some(1)), None);
    log.approve(1, officer(103, None), None);
    log.submit(2, 1, 1, 2_000_000);
    log.reject(2, officer(101, Some(1)), "no");
    log.submit(3, 1, 2, 3_000_000);
    log.cancel(3, None);
    let read = node.read_at(log.commit().await).await;
    let own = async |number: u128, limit: i64, after| {
        let limit = Limit::new(limit).unwrap();
        loan_history::of_officer(&read, user(number), limit, after).await.unwrap()
    };
    let first = own(101, 1, None).await;
    let row = &first.rows[0];
    assert_eq!(
        (row.loan, row.action, row.current),
        (LoanNumber(2), LoanStatus::MarketingRejected, LoanStatus::MarketingRejected)
    );
    assert_eq!((&row.note, row.amount_rupiah), (&Some(sealed("no")), rupiah(2_000_000)));
    let second = own(101, 1, first.next).await;
    let row = &second.rows[0];
    assert_eq!(
        (row.loan, row.action, row.current),
        (LoanNumber(1), LoanStatus::MarketingApproved, LoanStatus::Disbursed)
    );
    assert_eq!((row.product_name.as_str(), row.branch_location.as_str()), ("PRODUCT 1", "Place 1"));
    assert_eq!(second.next, None);
    assert_eq!(own(103, 10, None).await.rows.len(), 1);
    // What the customer did is no decision.
    assert_eq!(own(1, 10, None).await.rows, []);
    node.stop().await;
}

#[tokio::test]
async fn a_plafond_that_is_used_up_makes_room_for_the_next() {
    let mut log = Log::new().await;
    let node = Node::start(&log).await;
    log.select(1, 11, 1);
    log.submit(1, 1, 1, 5_000_000);
    for number in 101..=103 {
        log.approve(1, officer(number, Some(1)), None);
    }
    let read = node.read_at(log.commit().await).await;
    assert_eq!(plafonds::active_of(&read, user(1)).await.unwrap(), None);
    log.select(1, 12, 2);
    let read = node.read_at(log.commit().await).await;
    let plafond = plafonds::active_of(&read, user(1)).await.unwrap().unwrap();
    assert_eq!((plafond.number, plafond.remaining_rupiah), (PlafondNumber(12), rupiah(10_000_000)));
    assert_eq!(plafond.version, log.state::<Plafond>(user(1)).1);
    node.stop().await;
}

#[tokio::test]
async fn pages_of_loans_and_of_the_queue() {
    let mut log = Log::new().await;
    let node = Node::start(&log).await;
    // Five loans of customer 1, one after another rejected; three customers with one pending loan each.
    log.select(1, 11, 1);
    for loan in 1..=5 {
        log.submit(loan, 1, 1, 1_000_000);
        log.reject(loan, officer(101, Some(1)), "no");
    }
    for customer in 2..=7 {
        let loan = 10 + i64::try_from(customer).unwrap();
        log.select(customer, loan, 1);
        log.submit(loan, customer, 1 + loan % 2, 1_000_000);
    }
    // 12..=17: odd ones at branch 2, even ones at branch 1. 13 goes to the manager of 2, 14 and 17 to the backoffice.
    for loan in [13, 14, 17] {
        log.approve(loan, officer(101, Some(1)), None);
    }
    for loan in [14, 17] {
        log.approve(loan, officer(102, Some(1)), None);
    }
    let read = node.read_at(log.commit().await).await;

    let mut after = None;
    let mut seen = Vec::new();
    let limit = Limit::new(2).unwrap();
    for pages in 1.. {
        let wanted = Wanted { customer: Some(user(1)), ..Wanted::default() };
        let page = loans::list(&read, &wanted, limit, after).await.unwrap();
        seen.extend(page.rows.iter().map(|loan| loan.submission.loan.0));
        after = page.next;
        if after.is_none() {
            assert_eq!(pages, 3);
            break;
        }
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);

    assert_eq!(queue(&read, &[Stage::Marketing], Some(1)).await, [12, 16]);
    assert_eq!(queue(&read, &[Stage::Marketing], Some(2)).await, [15]);
    assert_eq!(queue(&read, &[Stage::Marketing], None).await, [0; 0]);
    assert_eq!(queue(&read, &[Stage::BranchManager], Some(2)).await, [13]);
    assert_eq!(queue(&read, &[Stage::Backoffice], Some(1)).await, [14, 17]);
    let all = [Stage::Marketing, Stage::BranchManager, Stage::Backoffice];
    assert_eq!(queue(&read, &all, Some(2)).await, [13, 14, 15, 17]);
    assert_eq!(queue(&read, &all, None).await, [14, 17]);

    let first = approval_queue::pending(&read, &all, Some(BranchId(2)), limit, None).await.unwrap();
    let rest = approval_queue::pending(&read, &all, Some(BranchId(2)), limit, first.next).await.unwrap();
    let numbers = |page: &lumbung_projections::Page<loans::Loan>| {
        page.rows.iter().map(|loan| loan.submission.loan.0).collect::<Vec<_>>()
    };
    assert_eq!((numbers(&first), numbers(&rest)), (vec![13, 14], vec![15, 17]));
    assert_eq!(rest.next, None);
    let none = approval_queue::pending(&read, &all, None, limit, Some(Cursor(i64::MAX))).await.unwrap();
    assert_eq!(none.rows, []);
    node.stop().await;
}

#[tokio::test]
async fn waiting_for_what_is_not_there_ends_in_time() {
    let log = Log::new().await;
    let node = Node::start(&log).await;
    node.read_at(1).await;
    let behind = node.reader.freshness().wait_for(2, Duration::from_millis(50)).await.unwrap_err();
    assert_eq!((behind.wanted, behind.projected), (2, 1));
    node.stop().await;
}
