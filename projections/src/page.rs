//! Pages of a list: a bounded number of rows behind a place in the log.

/// How many rows a page may have: 1 to 1,000, 100 unless asked otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(u16);

impl Limit {
    pub const MAX: Self = Self(1_000);

    /// `None` unless `rows` is 1 to 1,000.
    #[must_use]
    pub fn new(rows: i64) -> Option<Self> {
        u16::try_from(rows).ok().filter(|rows| (1..=Self::MAX.0).contains(rows)).map(Self)
    }

    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(100)
    }
}

/// Where a page ended: the position of the event that its last row is ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor(pub i64);

/// Some rows, and where the next ones begin; no cursor on the last page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    pub rows: Vec<T>,
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// Of one row more than the limit: the last one only tells that there is a next page.
    pub(crate) fn cut(mut rows: Vec<T>, limit: Limit, position: impl Fn(&T) -> i64) -> Self {
        let size = usize::from(limit.0);
        let more = rows.len() > size;
        rows.truncate(size);
        let next = if more { rows.last().map(|row| Cursor(position(row))) } else { None };
        Self { rows, next }
    }

    /// What a statement fetches for [`Page::cut`].
    pub(crate) fn fetched(limit: Limit) -> i64 {
        i64::from(limit.0) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits() {
        assert_eq!(Limit::default().get(), 100);
        for rows in [1, 1_000] {
            assert_eq!(i64::from(Limit::new(rows).unwrap().get()), rows);
        }
        for rows in [i64::MIN, -1, 0, 1_001, 65_537] {
            assert_eq!(Limit::new(rows), None, "{rows}");
        }
    }

    #[test]
    fn the_row_too_many_tells_of_a_next_page() {
        let limit = Limit::new(2).unwrap();
        let cut = |rows: Vec<i64>| Page::cut(rows, limit, |row| *row);
        assert_eq!(cut(vec![5, 4, 3]), Page { rows: vec![5, 4], next: Some(Cursor(4)) });
        assert_eq!(cut(vec![5, 4]), Page { rows: vec![5, 4], next: None });
        assert_eq!(cut(vec![]), Page { rows: vec![], next: None });
    }
}
