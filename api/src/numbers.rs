//! The numbers that people see: drawn from sequences before the command is decided, so a refused command leaves a gap.

use lumbung_domain::{BranchId, LoanNumber, PlafondNumber, ProductId, UserNumber};
use sqlx::PgPool;

/// Draws numbers. Cheap to clone.
#[derive(Clone)]
pub struct Numbers {
    pool: PgPool,
}

impl Numbers {
    /// `pool`: connections of the application.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// # Errors
    /// The database fails.
    pub async fn user(&self) -> Result<UserNumber, sqlx::Error> {
        self.draw("select nextval('journal.user_number')").await.map(UserNumber)
    }

    /// # Errors
    /// The database fails.
    pub async fn loan(&self) -> Result<LoanNumber, sqlx::Error> {
        self.draw("select nextval('journal.loan_number')").await.map(LoanNumber)
    }

    /// # Errors
    /// The database fails.
    pub async fn plafond(&self) -> Result<PlafondNumber, sqlx::Error> {
        self.draw("select nextval('journal.plafond_number')").await.map(PlafondNumber)
    }

    /// May be the number of a branch that the demo data has.
    ///
    /// # Errors
    /// The database fails.
    pub async fn branch(&self) -> Result<BranchId, sqlx::Error> {
        self.draw("select nextval('journal.branch_number')").await.map(BranchId)
    }

    /// # Errors
    /// The database fails.
    pub async fn product(&self) -> Result<ProductId, sqlx::Error> {
        self.draw("select nextval('journal.product_number')").await.map(ProductId)
    }

    async fn draw(&self, sql: &str) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await
    }
}
