//! Between columns and domain values. A read table holds only what events held, so a value that does not convert
//! means that someone else wrote into it.

use lumbung_domain::{Account, Rate, Rupiah, Sealed, Tenor};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::error::{ProjectionError, ReadError};

/// One column of a set-based statement.
pub(crate) fn column<'a, R: 'a, V>(
    rows: impl IntoIterator<Item = &'a R>,
    value: impl FnMut(&'a R) -> V,
) -> Vec<V> {
    rows.into_iter().map(value).collect()
}

pub(crate) fn rupiah(row: &PgRow, column: &'static str) -> Result<Rupiah, ReadError> {
    Rupiah::new(row.try_get(column)?).map_err(|_| ReadError::Malformed { column })
}

pub(crate) fn tenor(row: &PgRow, column: &'static str) -> Result<Tenor, ReadError> {
    Tenor::new(row.try_get(column)?).map_err(|_| ReadError::Malformed { column })
}

/// The statement must cast the column to text: a `numeric` is exact, and sqlx reads none without a big-number crate.
pub(crate) fn rate(row: &PgRow, column: &'static str) -> Result<Rate, ReadError> {
    Rate::parse(row.try_get(column)?).map_err(|_| ReadError::Malformed { column })
}

pub(crate) fn sealed<T>(row: &PgRow, column: &'static str) -> Result<Sealed<T>, ReadError> {
    Ok(Sealed::from_ciphertext(row.try_get::<String, _>(column)?))
}

pub(crate) fn sealed_option<T>(row: &PgRow, column: &'static str) -> Result<Option<Sealed<T>>, ReadError> {
    Ok(row.try_get::<Option<String>, _>(column)?.map(Sealed::from_ciphertext))
}

/// An account by its number.
pub(crate) fn account(row: &PgRow, column: &'static str) -> Result<Account, ReadError> {
    let code = i64::from(row.try_get::<i16, _>(column)?);
    Account::from_code(code).ok_or(ReadError::Malformed { column })
}

/// A value that is stored as JSON text: what is shown whole and never looked for.
pub(crate) fn json<T: DeserializeOwned>(row: &PgRow, column: &'static str) -> Result<T, ReadError> {
    serde_json::from_str(row.try_get(column)?).map_err(|_| ReadError::Malformed { column })
}

/// What [`json`] reads.
pub(crate) fn json_text<T: Serialize>(value: &T) -> String {
    // Domain values have string keys and no floats, so nothing of them is refused; an empty text would be found malformed.
    serde_json::to_string(value).unwrap_or_default()
}

/// A value that parses from its text.
pub(crate) fn parsed<T: std::str::FromStr>(row: &PgRow, column: &'static str) -> Result<T, ReadError> {
    row.try_get::<&str, _>(column)?.parse().map_err(|_| ReadError::Malformed { column })
}

/// Like [`parsed`], of a column that may be null.
pub(crate) fn parsed_option<T: std::str::FromStr>(
    row: &PgRow,
    column: &'static str,
) -> Result<Option<T>, ReadError> {
    let text = row.try_get::<Option<&str>, _>(column)?;
    text.map(|text| text.parse().map_err(|_| ReadError::Malformed { column })).transpose()
}

/// An event that changes a row which is not there means that the table is not what the log says.
pub(crate) fn all_found(table: &'static str, wanted: usize, found: u64) -> Result<(), ProjectionError> {
    match u64::try_from(wanted).unwrap_or(u64::MAX).saturating_sub(found) {
        0 => Ok(()),
        missing => Err(ProjectionError::RowsMissing { table, missing }),
    }
}
