//! The people, products and loans of the examples, and their ways through the ledger.

use chrono::{Days, NaiveDate};
use lumbung_domain::*;
use uuid::Uuid;

use crate::log::{Log, instant};

pub(crate) fn user(number: u128) -> UserId {
    UserId(Uuid::from_u128(number))
}

pub(crate) fn session(number: u128) -> SessionId {
    SessionId(Uuid::from_u128(0x5e55_0000 + number))
}

pub(crate) fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2025, 12, 22).unwrap()
}

pub(crate) fn later(days: u64) -> NaiveDate {
    today() + Days::new(days)
}

pub(crate) fn rupiah(amount: i64) -> Rupiah {
    Rupiah::new(amount).unwrap()
}

pub(crate) fn sealed<T>(text: impl std::fmt::Display) -> Sealed<T> {
    Sealed::from_ciphertext(format!("sealed:{text}"))
}

pub(crate) fn product(number: i64) -> ProductTerms {
    ProductTerms {
        product_id: ProductId(number),
        name: format!("PRODUCT {number}"),
        amount_rupiah: rupiah(5_000_000 * number),
        tenor_months: Tenor::from_const(12),
        interest_rate: Rate::parse("12.125").unwrap(),
        servicing: ServicingTerms::STANDARD,
    }
}

pub(crate) fn branch(number: i64) -> BranchSnapshot {
    BranchSnapshot {
        branch_id: BranchId(number),
        code: BranchCode::new(&format!("B{number}")).unwrap(),
        location: Place::new(&format!("Place {number}")).unwrap(),
    }
}

pub(crate) fn officer(number: u128, branch_number: Option<i64>) -> Officer {
    Officer {
        user_id: user(number),
        name: sealed(format!("officer {number}")),
        branch_location: branch_number.map(|number| branch(number).location),
    }
}

fn document(kind: DocumentKind) -> DocumentRef {
    DocumentRef { document_id: DocumentId(Uuid::from_u128(0xd0c)), kind, media_type: MediaType::Pdf }
}

pub(crate) fn submission(loan: i64, customer: u128, branch_number: i64, amount: i64) -> Submission {
    Submission {
        loan: LoanNumber(loan),
        customer: CustomerSnapshot {
            user_id: user(customer),
            number: UserNumber(i64::try_from(customer).unwrap()),
            name: sealed(format!("name {customer}")),
            email: Some(sealed(format!("email {customer}"))),
            nik: (loan % 2 == 1).then(|| sealed("nik")),
            phone: Some(sealed("phone")),
            address: Some(sealed("address")),
            birthdate: Some(sealed("birthdate")),
            ktp: (loan % 3 == 1).then(|| document(DocumentKind::Ktp)),
            kk: (loan % 3 == 2).then(|| document(DocumentKind::Kk)),
            npwp: None,
        },
        product: product(1),
        branch: branch(branch_number),
        amount_rupiah: rupiah(amount),
        tenor_months: Tenor::from_const(6),
        interest_rate: Rate::parse("12.5").unwrap(),
        submitted_at: instant(loan),
        business_on: today(),
    }
}

impl Log {
    pub(crate) fn define_product(&mut self, number: i64, selectable: bool) {
        let terms = product(number);
        let offer = Offer { terms, selectable, active: true };
        self.run::<Product>(ProductId(number), ProductCommand::Define(offer)).unwrap();
    }

    pub(crate) fn open_branch(&mut self, number: i64) {
        let BranchSnapshot { branch_id, code, location } = branch(number);
        self.run::<Branch>(branch_id, BranchCommand::Open { branch_id, code, location }).unwrap();
    }

    pub(crate) fn define_role(&mut self, role_id: RoleId, permissions: &[Permission]) {
        let command = RoleCommand::Define {
            role_id,
            name: format!("ROLE {role_id}"),
            grants: Grants::only(permissions),
            needs_branch: false,
        };
        self.run::<Role>(role_id, command).unwrap();
    }

    pub(crate) fn register(&mut self, number: u128) {
        let registration = Registration {
            user_id: user(number),
            number: UserNumber(i64::try_from(number).unwrap()),
            user_type: UserType::Customer,
            name: sealed("name"),
            email: Some(sealed("email")),
            password: Some(sealed("password")),
            roles: vec![RoleId::CUSTOMER],
            branch: None,
            registered_at: None,
            name_parts: None,
            phone: None,
            pin: None,
        };
        self.run::<User>(user(number), UserCommand::Register(registration)).unwrap();
    }

    pub(crate) fn log_in(&mut self, session_number: u128, user_number: u128) {
        let session_id = session(session_number);
        let command = SessionCommand::Open { session_id, user: user(user_number), generation: 0 };
        self.run::<Session>(session_id, command).unwrap();
    }

    pub(crate) fn select(&mut self, customer: u128, number: i64, product_number: i64) {
        let command =
            PlafondCommand::Select { number: PlafondNumber(number), terms: product(product_number) };
        self.run::<Plafond>(user(customer), command).unwrap();
    }

    pub(crate) fn submit(&mut self, loan: i64, customer: u128, branch_number: i64, amount: i64) {
        let submission = submission(loan, customer, branch_number, amount);
        let reserve = PlafondCommand::Reserve { loan: submission.loan, request: submission.request() };
        self.run::<Plafond>(user(customer), reserve).unwrap();
        self.run::<Loan>(submission.loan, LoanCommand::Submit(submission.into())).unwrap();
    }

    /// Approves at the stage that is due; the last one disburses.
    pub(crate) fn approve(&mut self, loan: i64, officer: Officer, note: Option<&str>) {
        let number = LoanNumber(loan);
        let note = note.map(sealed);
        self.run::<Loan>(number, LoanCommand::Approve { officer, note, business_on: today() }).unwrap();
        let (state, _) = self.state::<Loan>(number);
        let application = state.application().unwrap();
        if application.status == LoanStatus::Disbursed {
            let owner = application.submission.customer.user_id;
            let amount = application.submission.amount_rupiah;
            self.run::<Plafond>(owner, PlafondCommand::Convert { loan: number }).unwrap();
            let source = WalletSource::Disbursement { loan: number };
            let credit = WalletCommand::Credit { owner, amount, source, remarks: None, business_on: today() };
            self.run::<Wallet>(owner, credit).unwrap();
        }
    }

    pub(crate) fn reject(&mut self, loan: i64, officer: Officer, note: &str) {
        let number = LoanNumber(loan);
        let command = LoanCommand::Reject { officer, note: sealed(note), business_on: today() };
        self.run::<Loan>(number, command).unwrap();
        let (state, _) = self.state::<Loan>(number);
        let owner = state.application().unwrap().submission.customer.user_id;
        self.run::<Plafond>(owner, PlafondCommand::Release { loan: number }).unwrap();
    }

    /// A first approval of another day.
    pub(crate) fn approve_on(&mut self, loan: i64, officer: Officer, business_on: NaiveDate) {
        let command = LoanCommand::Approve { officer, note: None, business_on };
        self.run::<Loan>(LoanNumber(loan), command).unwrap();
    }

    pub(crate) fn cancel(&mut self, loan: i64, note: Option<&str>) {
        let (name, note) = (sealed("name 1"), note.map(sealed));
        self.end(loan, LoanCommand::Cancel { name, note, business_on: today() });
    }

    /// So many days after everything else.
    pub(crate) fn expire(&mut self, loan: i64, days: u64) {
        self.end(loan, LoanCommand::Expire { after_days: 30, business_on: later(days) });
    }

    fn end(&mut self, loan: i64, command: LoanCommand) {
        let number = LoanNumber(loan);
        self.run::<Loan>(number, command).unwrap();
        let (state, _) = self.state::<Loan>(number);
        let owner = state.application().unwrap().submission.customer.user_id;
        self.run::<Plafond>(owner, PlafondCommand::Release { loan: number }).unwrap();
    }
}
