//! What operators see of transfers, however the events arrived.

use chrono::{DateTime, NaiveDate, Utc};
use lumbung_domain::*;
use lumbung_projections::transfers::{Queue, TransferRow, list, queue};
use lumbung_projections::{Limit, Page};
use uuid::Uuid;

use crate::log::{Log, instant};
use crate::people::user;
use crate::projecting::Node;

fn id(number: u128) -> TransferId {
    TransferId(Uuid::from_u128(number))
}

fn day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2025, 12, 22).unwrap()
}

/// The money that is on its way.
fn debit(number: u128) -> WalletCommand {
    let amount = Rupiah::positive(i64::try_from(number).unwrap()).unwrap();
    let purpose = WalletPurpose::Transfer { transfer_id: id(number) };
    WalletCommand::Debit { amount, purpose, remarks: None, business_on: day() }
}

fn start(number: u128) -> TransferCommand {
    TransferCommand::Start(Instruction {
        transfer_id: id(number),
        sender: user(1),
        target: user(2),
        amount_rupiah: Rupiah::positive(i64::try_from(number).unwrap()).unwrap(),
        remarks: None,
        remarks_for_target: None,
        business_on: day(),
    })
}

type Stored = (Uuid, i64, Uuid, Uuid, i64, String, i64, Option<String>, DateTime<Utc>, DateTime<Utc>);

#[tokio::test]
async fn the_life_of_transfers() {
    let business_on = day();
    let because = ReturnReason::TargetNotActive;
    let park = |because| TransferCommand::Park { because };
    let steps = [
        (1, start(1)),
        (2, start(2)),
        (3, start(3)),
        (4, start(4)),
        (1, TransferCommand::Settle { business_on }),
        (2, park(ParkReason::Operator)),
        (2, TransferCommand::Retry),
        (2, park(ParkReason::Failing)),
        (3, TransferCommand::Return { because, business_on }),
        (4, park(ParkReason::CannotReturn)),
        (4, TransferCommand::Retry),
        (5, start(5)),
    ];
    // One batch per step, all in one, and cut at every place in between.
    let mut found: Vec<Vec<Stored>> = Vec::new();
    for cut in 0..=steps.len() {
        let mut log = Log::new().await;
        let node = Node::start(&log).await;
        let source = WalletSource::TopUp { top_up_id: TopUpId(Uuid::nil()) };
        let (owner, amount) = (user(1), Rupiah::positive(100).unwrap());
        let credit = WalletCommand::Credit { owner, amount, source, remarks: None, business_on };
        log.run::<Wallet>(owner, credit).unwrap();
        for (number, (transfer, command)) in steps.iter().enumerate() {
            if matches!(command, TransferCommand::Start(_)) {
                log.run::<Wallet>(owner, debit(*transfer)).unwrap();
            }
            log.run::<Transfer>(id(*transfer), command.clone()).unwrap();
            if cut == steps.len() || cut == number {
                log.commit().await;
            }
        }
        if cut < steps.len() - 1 {
            log.commit().await;
        }
        let read = node.read_at(log.position()).await;
        let sql = "select transfer, position, sender, target, amount_rupiah, status, attempts, reason,
                date_trunc('year', started_at), date_trunc('year', changed_at) from transfers order by transfer";
        found.push(sqlx::query_as(sql).fetch_all(read.pool()).await.unwrap());

        let Queue { pending, parked, oldest } = queue(&read).await.unwrap();
        assert_eq!((pending, parked), (2, 1));
        let all = list(&read, &[], Limit::default(), None).await.unwrap();
        let pending = |row: &&TransferRow| row.status == TransferStatus::Pending;
        assert_eq!(oldest, all.rows.iter().filter(pending).map(|row| row.changed_at).min());
        if cut == steps.len() {
            // A batch per step, so each has its time; that in which it was parked does not count.
            let tried_again = all.rows.iter().find(|row| row.transfer == id(4)).unwrap();
            assert!(oldest.unwrap() > tried_again.started_at, "{tried_again:?}");
        }
        let of = async |statuses: &[TransferStatus], limit, after| -> (Vec<u128>, _) {
            let Page { rows, next } = list(&read, statuses, Limit::new(limit).unwrap(), after).await.unwrap();
            (rows.iter().map(|row| row.transfer.0.as_u128()).collect(), next)
        };
        use TransferStatus::{Parked, Pending, Returned, Success};
        assert_eq!(of(&[], 10, None).await, (vec![5, 4, 3, 2, 1], None));
        assert_eq!(of(&[Pending], 10, None).await, (vec![5, 4], None));
        assert_eq!(of(&[Parked, Success], 10, None).await, (vec![2, 1], None));
        let (first, next) = of(&[Pending, Returned, Success], 2, None).await;
        assert_eq!((first, next.is_some()), (vec![5, 4], true));
        assert_eq!(of(&[Pending, Returned, Success], 2, next).await, (vec![3, 1], None));
        node.stop().await;
    }
    assert!(found.iter().all(|rows| *rows == found[0]));
    let ends: Vec<_> = found[0].iter().map(|row| (row.4, row.5.as_str(), row.6, row.7.as_deref())).collect();
    assert_eq!(
        ends,
        [
            (1, "SUCCESS", 1, None),
            (2, "PARKED", 2, Some("FAILING")),
            (3, "RETURNED", 1, Some("TARGET_NOT_ACTIVE")),
            (4, "PENDING", 2, None),
            (5, "PENDING", 1, None),
        ]
    );
    assert_eq!((found[0][0].2, found[0][0].3), (user(1).0, user(2).0));
    assert!(found[0][0].1 > 0 && instant(found[0][0].1) > DateTime::UNIX_EPOCH);
}
