//! An administrator who deactivates customers and activates them again, so that some transfers find nobody at home.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::doors::Doors;
use super::town::{SHAKY, Town};
use crate::crash::dice::Dice;
use crate::served::Request;

/// How often somebody's status changed. In the end everybody is active again.
pub(super) async fn work(town: Arc<Town>, doors: Doors, mut dice: Dice) -> u64 {
    let mut active = [true; SHAKY.end - SHAKY.start];
    let mut changes = 0;
    while doors.is_open() {
        tokio::time::sleep(Duration::from_millis(60)).await;
        let who = dice.below(active.len() as u64) as usize;
        active[who] = !active[who];
        set(&town, &doors, &mut dice, who, active[who], changes).await;
        changes += 1;
    }
    for (who, _) in active.iter().enumerate().filter(|(_, active)| !**active) {
        set(&town, &doors, &mut dice, who, true, changes).await;
        changes += 1;
    }
    changes
}

async fn set(town: &Town, doors: &Doors, dice: &mut Dice, who: usize, active: bool, change: u64) {
    let path = format!("/api/admin/users/{}/status", town.holders[SHAKY.start + who].number);
    let request = Request::patch(&path, Some(&town.admin), json!({"isActive": active}));
    let (told, _) = doors.ask(&request.keyed(&format!("status-{change}")), dice).await;
    told.expect(200);
}
