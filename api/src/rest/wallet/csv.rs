//! The whole report as CSV (RFC 4180), of any length: read page by page as fast as the client takes it.
//!
//! Bounds: one page of rows in memory, a seat among the reports; for each page as long as a client may leave an answer
//! unread, and for all of them so long that a trickle does not hold the seat. Every page shows the wallet as it was at the one position that the answer names.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use futures_util::stream::try_unfold;
use lumbung_domain::UserId;
use lumbung_projections::transactions::{self, Wanted};
use lumbung_projections::{Cursor, Limit, LiveSchema};
use tracing::warn;

use super::on_time::OnTime;
use super::report::{self, TransactionJson};
use crate::app::App;
use crate::rest::envelope::LEDGER_POSITION;
use crate::rest::error::ApiError;
use crate::rest::view::{Paging, View};

const CSV: &str = "text/csv";
const HEAD: &str =
    "created_date,kind,id,status,transaction_type,amount,remarks,balance_before,balance_after,user_id\r\n";

/// Whether the client would rather have CSV than JSON.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    let weight = |wanted: &str| {
        let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).filter_map(|range| weight_of(range, wanted)).max()
    };
    let csv = weight(CSV).unwrap_or(0);
    csv > 0 && csv >= weight("application/json").unwrap_or(0)
}

/// The weight of a media range in thousandths, if it names this type (RFC 9110 §12.4.2).
fn weight_of(range: &str, wanted: &str) -> Option<u16> {
    let mut parts = range.split(';').map(str::trim);
    if !parts.next()?.eq_ignore_ascii_case(wanted) {
        return None;
    }
    let given = parts
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
    let Some((_, weight)) = given else { return Some(1_000) };
    let (whole, part) = weight.trim().split_once('.').unwrap_or((weight.trim(), ""));
    let part: u16 = format!("{part:0<3}").get(..3)?.parse().ok()?;
    Some(if whole == "0" { part } else { 1_000 })
}

/// A report on its way.
struct Export {
    app: Arc<App>,
    read: Arc<LiveSchema>,
    position: i64,
    owner: UserId,
    wanted: Wanted,
    next: Next,
    seat: OnTime,
}

enum Next {
    Head,
    Page(Option<Cursor>),
    Nothing,
}

/// The connection is cut where a report cannot go on: one that ends as it should is whole.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("a page could not be read")]
    Page,
    #[error("the client took too long")]
    Slow,
}

pub(super) fn report(
    app: Arc<App>,
    owner: UserId,
    view: &View,
    paging: &Paging,
    wanted: Wanted,
) -> Result<Response, ApiError> {
    paging.refuse("is not a parameter of the CSV report, which has no pages")?;
    let seat = app.reports.take(owner).ok_or_else(ApiError::overloaded)?;
    let limits = &app.limits;
    let unread = Duration::from_millis(limits.write_timeout_ms);
    let seat = OnTime::new(seat, unread, Duration::from_millis(limits.report_ms));
    let (read, position) = (Arc::clone(&view.read), view.position);
    let export = Export { app, read, position, owner, wanted, next: Next::Head, seat };
    let body = Body::from_stream(try_unfold(export, Export::piece));
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present")),
        (CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"transactions.csv\"")),
        (VARY, HeaderValue::from_static("Accept")),
        (LEDGER_POSITION, HeaderValue::from(position)),
    ];
    Ok((headers, body).into_response())
}

impl Export {
    /// The next piece; asked for once the connection has room for it.
    async fn piece(mut self) -> Result<Option<(Bytes, Self)>, Broken> {
        if !matches!(self.next, Next::Nothing) && !self.seat.goes_on() {
            return Err(Broken::Slow);
        }
        let text = match self.next {
            Next::Nothing => return Ok(None),
            Next::Head => {
                self.next = Next::Page(None);
                HEAD.to_owned()
            }
            Next::Page(after) => match self.page(after).await {
                Ok(text) => text,
                Err(error) => {
                    let cause = error.problem().cause.as_deref().map(|cause| cause as &dyn std::error::Error);
                    warn!(error = cause, code = error.code(), "a CSV report was broken off");
                    return Err(Broken::Page);
                }
            },
        };
        if text.is_empty() {
            return Ok(None);
        }
        // The time to send it begins now.
        self.seat.goes_on();
        Ok(Some((text.into(), self)))
    }

    async fn page(&mut self, after: Option<Cursor>) -> Result<String, ApiError> {
        let page =
            transactions::as_of(&self.read, self.position, self.owner, &self.wanted, Limit::MAX, after)
                .await?;
        self.next = page.next.map_or(Next::Nothing, |cursor| Next::Page(Some(cursor)));
        let mut text = String::with_capacity(page.rows.len() * 160);
        for row in report::rows(&self.app, self.owner, &page.rows).await? {
            write_row(&mut text, &row);
        }
        Ok(text)
    }
}

fn write_row(text: &mut String, row: &TransactionJson) {
    let TransactionJson {
        reference,
        status,
        user_id,
        transaction_type,
        kind,
        amount,
        remarks,
        balance_before,
        balance_after,
        created_date,
    } = row;
    let remarks = cell(remarks);
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "{created_date},{kind},{reference},{status},{transaction_type},{amount},{remarks},{balance_before},\
         {balance_after},{user_id}\r\n"
    );
}

/// A text of somebody's own: quoted where it must be, and with an apostrophe before what a spreadsheet would take for a
/// formula, in full width too.
fn cell(text: &str) -> Cow<'_, str> {
    let formula = text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r']);
    if !formula && !text.contains(['"', ',', '\r', '\n']) {
        return Cow::Borrowed(text);
    }
    let mark = if formula { "'" } else { "" };
    Cow::Owned(format!("\"{mark}{}\"", text.replace('"', "\"\"")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn cells() {
        for (text, written) in [
            ("", ""),
            ("Pulsa Telkomsel 100k", "Pulsa Telkomsel 100k"),
            ("a, b", "\"a, b\""),
            ("the \"best\"", "\"the \"\"best\"\"\""),
            ("=1+1", "\"'=1+1\""),
            ("+62", "\"'+62\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("＝1+1", "\"'＝1+1\""),
            ("＋62", "\"'＋62\""),
            ("－1", "\"'－1\""),
            ("＠SUM(A1)", "\"'＠SUM(A1)\""),
            ("1-1", "1-1"),
            ("1＝1", "1＝1"),
            ("=\",\"", "\"'=\"\",\"\"\""),
        ] {
            assert_eq!(cell(text), written, "{text}");
        }
    }

    #[test]
    fn who_wants_csv() {
        for (accept, wanted) in [
            ("text/csv", true),
            ("Text/CSV; charset=utf-8", true),
            ("text/csv, application/json;q=0.9", true),
            ("text/csv;q=0.5, application/json", false),
            ("text/csv;q=0", false),
            ("text/csv; q=0.001, */*", true),
            ("application/json", false),
            ("*/*", false),
            ("text/*", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            assert_eq!(is_wanted(&headers), wanted, "{accept}");
        }
        assert!(!is_wanted(&HeaderMap::new()));
    }
}
