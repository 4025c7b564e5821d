//! OFxPERA sections 6 to 8: the table of routes.

use http::Method;
use rar_consent::Permission;

use super::accounts::{
    list_accounts, list_transactions, one_account, one_transaction, open_account, source_accounts,
};
use super::admin::{list_organizations, organization_certificate, register_organization};
use super::consents::{create_consent, one_consent, revoke_consent, update_consent};
use super::customers::{customer, customer_detail, onboarding, submit_customer};
use super::described as about;
use super::payments::{cancel_payment, create_payment, list_payments, one_payment};
use super::products::list_products;
use super::{Ofxpera, failed, sealing};
use crate::dialect::{Alias, Route};
use crate::guard::{ANY_STANDING, Authentication, Body, IN_FORCE, Needs, READABLE, Retry, Scoped, TokenKind};

/// Section 4.2: a customer's token, a scope, and a permission.
const fn reading(scope: &'static [Scoped], permission: Permission) -> Needs {
    Needs {
        token: TokenKind::Customer,
        scope,
        authentication: Authentication::ANY,
        standing: IN_FORCE,
        permission: Some(permission),
        body: Body::None,
        retry: Retry::None,
    }
}

/// The same for what is made once for each key.
const fn making(scope: &'static [Scoped], permission: Permission) -> Needs {
    Needs { body: Body::Json, retry: Retry::ByIdempotencyKey, ..reading(scope, permission) }
}

/// Section 6.2: the client for itself.
const fn registry(scope: &'static [Scoped]) -> Needs {
    Needs { scope, body: Body::None, retry: Retry::None, ..CONSENT_MADE }
}

const BASIC: &[Scoped] = &[Scoped::Value("accounts.basic")];
const DETAILS: &[Scoped] = &[Scoped::Value("accounts.details")];
const BANK_ACCOUNT: &[Scoped] = &[Scoped::Value("bank_account")];
const PAYMENTS: &[Scoped] = &[Scoped::Value("payments")];
const CONSENT: &[Scoped] = &[Scoped::Value("consent")];
const CUSTOMER: &[Scoped] = &[Scoped::Value("customer")];
const CUSTOMER_DETAILS: &[Scoped] = &[Scoped::Value("customer_details")];
const ONBOARDING: &[Scoped] = &[Scoped::Value("customer_onboarding")];
const OPENING: &[Scoped] = &[Scoped::Value("accounts.open")];
const PRODUCTS: &[Scoped] = &[Scoped::OfClient("products")];
const ADMIN_READ: &[Scoped] = &[Scoped::Value("admin:read")];
const ADMIN_WRITE: &[Scoped] = &[Scoped::Value("admin:write")];
const OWN_CONSENT: &[Scoped] = &[Scoped::Value("consent"), Scoped::OfConsent("consent")];

/// Section 8.6: the customer's token, or the client's own for what it initiated.
const PAYMENT_READ: Needs = Needs {
    token: TokenKind::Either,
    scope: PAYMENTS,
    authentication: Authentication::ANY,
    standing: READABLE,
    permission: Some(Permission::PaymentInitiate),
    body: Body::None,
    retry: Retry::None,
};

const CONSENT_READ: Needs = Needs {
    token: TokenKind::Either,
    scope: OWN_CONSENT,
    authentication: Authentication::ANY,
    standing: ANY_STANDING,
    permission: None,
    body: Body::None,
    retry: Retry::None,
};

const CONSENT_MADE: Needs = Needs {
    token: TokenKind::Client,
    scope: CONSENT,
    authentication: Authentication::ANY,
    standing: ANY_STANDING,
    permission: None,
    body: Body::Json,
    retry: Retry::ByOptionalKey,
};

/// Section 7.1: the client that lodged it changes it.
const CONSENT_CHANGED: Needs = Needs { retry: Retry::None, ..CONSENT_MADE };

/// Section 8.2: any customer's token, or the client for itself.
const PRODUCTS_READ: Needs = Needs { scope: PRODUCTS, permission: None, ..PAYMENT_READ };

macro_rules! route {
    ($method:ident $path:literal $needs:expr, $handler:ident, $about:ident) => {
        Route {
            method: Method::$method,
            path: $path,
            needs: $needs,
            about: Some(&about::$about),
            handle: |dialect, call| {
                Box::pin(async move {
                    let key = match sealing::key(dialect, call, &$needs).await {
                        Ok(key) => key,
                        Err(problem) => return failed(&problem),
                    };
                    let answered = $handler(dialect, call).await;
                    let sealed = sealing::seal(call, (key, answered)).await;
                    sealed.unwrap_or_else(|problem| failed(&problem))
                })
            },
        }
    };
}

pub(super) const ROUTES: &[Route<Ofxpera>] = &[
    route!(POST "/admin/organization" Needs { body: Body::Json, retry: Retry::ByOptionalKey, ..registry(ADMIN_WRITE) }, register_organization, REGISTER_ORGANIZATION),
    route!(GET "/admin/organization" registry(ADMIN_READ), list_organizations, LIST_ORGANIZATIONS),
    route!(GET "/admin/organization/{id}/certificate" registry(ADMIN_READ), organization_certificate, ORGANIZATION_CERTIFICATE),
    route!(POST "/common/consent" CONSENT_MADE, create_consent, CREATE_CONSENT),
    route!(GET "/common/consent/{id}" CONSENT_READ, one_consent, GET_CONSENT),
    route!(PUT "/common/consent/{id}" CONSENT_CHANGED, update_consent, UPDATE_CONSENT),
    route!(DELETE "/common/consent/{id}" CONSENT_READ, revoke_consent, REVOKE_CONSENT),
    route!(GET "/common/customer" reading(CUSTOMER, Permission::CustomerRead), customer, GET_CUSTOMER),
    route!(GET "/common/customer/{id}/detail" reading(CUSTOMER_DETAILS, Permission::CustomerDetailRead), customer_detail, GET_CUSTOMER_DETAIL),
    route!(GET "/banking/account" reading(BANK_ACCOUNT, Permission::SourceAccountRead), source_accounts, GET_SOURCE_ACCOUNTS),
    route!(GET "/banking/products" PRODUCTS_READ, list_products, LIST_PRODUCTS),
    route!(POST "/banking/customer" making(ONBOARDING, Permission::CustomerOnboard), submit_customer, SUBMIT_CUSTOMER),
    route!(GET "/banking/customer" reading(ONBOARDING, Permission::CustomerOnboard), onboarding, GET_ONBOARDING),
    route!(POST "/banking/accounts" making(OPENING, Permission::AccountOpen), open_account, OPEN_ACCOUNT),
    route!(GET "/banking/accounts" reading(BASIC, Permission::PeraBasicInfo), list_accounts, LIST_ACCOUNTS),
    route!(GET "/banking/accounts/{id}" reading(BASIC, Permission::PeraBasicInfo), one_account, GET_ACCOUNT),
    route!(GET "/banking/account/{id}/transactions" reading(DETAILS, Permission::PeraTransactions), list_transactions, LIST_TRANSACTIONS),
    route!(GET "/banking/account/{id}/transactions/{transactionId}" reading(DETAILS, Permission::PeraTransactions), one_transaction, GET_TRANSACTION),
    route!(POST "/banking/payments" making(PAYMENTS, Permission::PaymentInitiate), create_payment, INITIATE_PAYMENT),
    route!(GET "/banking/payments" PAYMENT_READ, list_payments, LIST_PAYMENTS),
    route!(GET "/banking/payments/{id}" PAYMENT_READ, one_payment, GET_PAYMENT),
    route!(DELETE "/banking/payments/{id}" PAYMENT_READ, cancel_payment, CANCEL_PAYMENT),
];

/// Whether a route tells of customers: those that need a permission do.
pub(super) fn tells_of_customers(path: &str) -> bool {
    ROUTES.iter().any(|route| route.path == path && route.needs.permission.is_some())
}

/// Section 2.
pub(super) const ALIASES: &[Alias] = &[
    Alias { from: "/admin/organizations", to: "/admin/organization" },
    Alias { from: "/admin/organizations/{id}/certificate", to: "/admin/organization/{id}/certificate" },
    Alias { from: "/common/customers/{id}/detail", to: "/common/customer/{id}/detail" },
    Alias { from: "/banking/account/{id}", to: "/banking/accounts/{id}" },
    Alias { from: "/banking/accounts/{id}/transactions", to: "/banking/account/{id}/transactions" },
    Alias {
        from: "/banking/accounts/{id}/transactions/{transactionId}",
        to: "/banking/account/{id}/transactions/{transactionId}",
    },
];
