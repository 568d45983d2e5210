//! The HTTP endpoints of the loan API and the wallet API.
//!
//! Order of checks in every handler is the order of its arguments: who asks (401, 403), the path, the body, then the
//! rules in the ledger. A handler never waits for a read model to answer a command.

pub mod error;

mod admin;
mod approval;
mod auth;
mod branches;
mod dashboard;
mod health;
mod ledger;
mod loans;
mod metrics;
mod operations;
mod plafond;
mod products;
mod profile;
mod servicing;
mod uploads;
mod users;
mod wallet;
mod wallet_profile;

mod body;
mod canonical;
mod command;
mod days;
mod documents;
mod multipart;
mod path;
mod query;
mod receive;
mod view;

mod cors;
mod debt_json;
mod dialect;
mod edge;
mod entry_filter;
mod envelope;
mod loan_filter;
mod loan_json;
mod people;
mod user_json;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, patch, post, put};
use tower_http::catch_panic::CatchPanicLayer;

pub use cors::Cors;
pub use edge::RequestId;
pub use error::ApiError;

use crate::app::App;

/// Defines the routes once, for the router and for whoever checks them all.
macro_rules! routes {
    ($($method:ident $path:literal => $handler:path;)*) => {
        /// Every route: method in small letters, path.
        pub const ROUTES: &[(&str, &str)] = &[$((stringify!($method), $path)),*];

        fn routes() -> Router<Arc<App>> {
            Router::new()$(.route($path, $method($handler)))*
        }
    };
}

routes! {
    post "/api/auth/register" => auth::register;
    post "/api/auth/login" => auth::sign_in::login;
    post "/api/auth/refresh" => auth::refresh;
    post "/api/auth/logout" => auth::logout;
    post "/api/auth/change-password" => auth::password::change;
    post "/api/auth/forgot-password" => auth::password::forgot;
    post "/api/auth/reset-password" => auth::password::reset;

    get "/api/products" => products::list;
    get "/api/branches" => branches::list;

    get "/api/customer/profile" => profile::show;
    put "/api/customer/profile" => profile::update;
    get "/api/users/profile" => profile::show_own;
    get "/uploads/{filename}" => uploads::fetch;
    get "/uploads/documents/{filename}" => uploads::fetch;

    get "/api/customer/plafond" => plafond::show;
    post "/api/customer/plafond" => plafond::select;

    get "/api/loans" => loans::list;
    post "/api/loans" => loans::submit;
    get "/api/loans/simulate" => servicing::simulate::simulate;
    get "/api/loans/{id}" => loans::show;
    get "/api/loans/{id}/history" => loans::history;
    post "/api/loans/{id}/cancel" => loans::cancel;
    get "/api/loans/{id}/schedule" => servicing::schedule::show;
    get "/api/loans/{id}/bills" => servicing::schedule::bills;
    get "/api/loans/{id}/payoff-quote" => servicing::schedule::payoff_quote;
    get "/api/loans/{id}/transactions" => servicing::transactions::list;
    post "/api/loans/{id}/repayments" => servicing::repay::repay;
    post "/api/loans/{id}/payoff" => servicing::repay::pay_off;
    post "/api/loans/{id}/write-off" => servicing::officers::write_off;
    post "/api/loans/{id}/repayments/{repaymentId}/reverse" => servicing::officers::reverse;

    get "/api/approval/pending" => approval::pending;
    get "/api/approval/my-history" => approval::my_history;
    post "/api/approval/{id}/approve" => approval::approve;
    post "/api/approval/{id}/reject" => approval::reject;

    post "/register" => auth::by_phone::register;
    post "/login" => auth::by_phone::login;
    put "/profile" => wallet_profile::update;
    post "/topup" => wallet::top_up;
    post "/pay" => wallet::pay;
    post "/transfer" => wallet::transfer;
    get "/transactions" => wallet::report::list;
    get "/api/customer/wallet" => wallet::report::show;
    get "/api/customer/dashboard" => dashboard::show;

    get "/api/users/{id}" => users::show;

    get "/api/admin/users" => admin::users::list;
    post "/api/admin/users" => admin::users::create;
    put "/api/admin/users/{id}" => admin::users::amend;
    patch "/api/admin/users/{id}/status" => admin::users::set_status;
    post "/api/admin/users/{id}/roles" => admin::users::assign_role;
    delete "/api/admin/users/{userId}/roles/{roleId}" => admin::users::remove_role;
    get "/api/admin/roles" => admin::roles::list;
    put "/api/admin/roles/{id}/permissions" => admin::roles::replace_permissions;
    get "/api/admin/permissions" => admin::roles::permissions;
    post "/api/admin/branches" => admin::branches::create;
    put "/api/admin/branches/{id}" => admin::branches::amend;
    delete "/api/admin/branches/{id}" => admin::branches::close;
    post "/api/admin/products" => admin::products::create;
    put "/api/admin/products/{id}" => admin::products::amend;
    get "/api/admin/lending-rules" => admin::lending_rules::list;
    post "/api/admin/lending-rules" => admin::lending_rules::adopt;

    get "/api/operations/overview" => operations::overview;
    get "/api/operations/events" => operations::events::listen;
    get "/api/operations/transfers" => operations::list;
    get "/api/operations/transfers/{id}" => operations::show;
    post "/api/operations/transfers/{id}/retry" => operations::retry;
    post "/api/operations/transfers/{id}/park" => operations::park;
    get "/api/operations/business-date" => operations::business_date::show;
    put "/api/operations/business-date" => operations::business_date::set;
    get "/api/operations/daily-run" => operations::daily_run::show;
    get "/api/ledger/accounts" => ledger::accounts;
    get "/api/ledger/entries" => ledger::entries;
    get "/api/ledger/trial-balance" => ledger::trial_balance;
    get "/api/ledger/arrears" => ledger::arrears::list;

    get "/metrics" => metrics::show;
    get "/livez" => health::live;
    get "/readyz" => health::ready;
}

/// The private listener's service: metrics, without asking who wants them.
pub fn private_router(app: Arc<App>) -> Router {
    Router::new().route("/metrics", get(metrics::show_privately)).with_state(app)
}

/// The service of a node.
pub fn router(app: Arc<App>) -> Router {
    let limit = usize::try_from(app.limits.body_bytes).unwrap_or(usize::MAX);
    routes()
        .fallback(async || ApiError::not_found())
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        // The first is the outermost. One layer of three: each by itself would be boxed and cloned for every request.
        .layer((
            from_fn_with_state(Arc::clone(&app), edge::surround),
            CatchPanicLayer::custom(edge::panicked),
            DefaultBodyLimit::max(limit),
        ))
        .with_state(app)
}
