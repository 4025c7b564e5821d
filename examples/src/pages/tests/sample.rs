//! One realistic view of each page.

use crate::pages::inbox_view::*;
use crate::pages::my_view::*;
use crate::pages::operator_view::*;
use crate::pages::view::*;

fn text(value: &str) -> String {
    value.to_owned()
}

pub(super) fn form(action: &str) -> Form {
    Form { action: text(action), csrf: Hidden::new("csrf-8Zq1"), ticket: Some(Hidden::new("tkt-Yx20")) }
}

fn own_form(action: &str) -> Form {
    Form { action: text(action), csrf: Hidden::new("csrf-8Zq1"), ticket: None }
}

fn session() -> Session {
    Session { name: text("Amira Haddad"), sign_out: own_form("/logout") }
}

fn row(term: &str, value: &str) -> Row {
    Row { term: text(term), value: text(value), emphasis: Emphasis::Plain }
}

fn strong(term: &str, value: &str) -> Row {
    Row { term: text(term), value: text(value), emphasis: Emphasis::Strong }
}

fn section(heading: &str, rows: Vec<Row>) -> Section {
    Section { heading: text(heading), rows }
}

fn account(id: &str, name: &str, number: &str, balance: &str) -> AccountOption {
    AccountOption {
        id: text(id),
        name: text(name),
        masked_number: text(number),
        balance: text(balance),
        selection: Selection::Open,
        unavailable: None,
    }
}

pub(super) fn palm_books() -> Requester {
    Requester {
        name: text("Palm Books"),
        organisation_id: text("AE-CBUAE-OF-20417"),
        domain: text("palmbooks.example"),
        register: text("UAE Open Finance Trust Framework"),
    }
}

fn payment() -> PaymentSummary {
    PaymentSummary {
        lead: text("You pay"),
        amount: text("AED 149.90"),
        payee: text("Date Palm Books LLC"),
        note: Some(text("Once, as soon as you approve")),
    }
}

pub(super) fn login(step: LoginStep) -> LoginView {
    LoginView {
        form: form("/login"),
        cancel: Some(form("/login/cancel")),
        requester_name: Some(text("Palm Books")),
        username: text(""),
        step,
        error: None,
    }
}

pub(super) fn login_failed() -> LoginView {
    LoginView {
        username: text("amira"),
        error: Some(text("This user name, password or code is not right. Check them and try again.")),
        ..login(LoginStep::PasswordAndCode)
    }
}

pub(super) fn payment_consent() -> ConsentView {
    let everyday = AccountOption {
        selection: Selection::Selected,
        ..account("acc-1", "Everyday account", "AE •••• 3456", "AED 12,408.55")
    };
    let travel = AccountOption {
        unavailable: Some(text("The balance does not cover this payment.")),
        ..account("acc-3", "Travel", "AE •••• 9012", "AED 88.00")
    };
    ConsentView {
        form: form("/consent"),
        heading: text("Approve this payment?"),
        customer_name: text("Amira Haddad"),
        not_you_href: text("/login/switch?ticket=tkt-Yx20"),
        requester: palm_books(),
        payments: vec![payment()],
        may: vec![text("Palm Books may make this one payment, and see whether it arrived.")],
        may_not: vec![text("It cannot see your balance or your transactions."), text("It cannot pay again.")],
        sections: vec![section(
            "Payment details",
            vec![
                strong("Amount", "AED 149.90"),
                strong("Payee", "Date Palm Books LLC"),
                row("Payee account", "AE07 0331 2345 6789 0123 456"),
                row("Payee bank", "Mandate Bank"),
                row("Reference", "Order 20417"),
                row("Payment kind", "Single instant payment"),
                row("Charges", "None"),
            ],
        )],
        accounts: AccountChoice::OneOf(vec![
            everyday,
            account("acc-2", "Savings", "AE •••• 7890", "AED 64,020.00"),
            travel,
        ]),
        validity: text("Until 21 November 2026, 15:28"),
        purpose: Some(text("Books and stationery")),
        next: text("Approving sends AED 149.90 to Date Palm Books LLC now. You return to Palm Books."),
        shown_hash: Some(text("hash-4711")),
        error: None,
    }
}

pub(super) fn access_consent() -> ConsentView {
    ConsentView {
        form: form("/consent"),
        heading: text("Share account information?"),
        customer_name: text("Jose Rizalino Cruz"),
        not_you_href: text("/login/switch?ticket=tkt-Yx20"),
        requester: Requester {
            name: text("Bayani Wealth"),
            organisation_id: text("PH-BSP-OFX-0093"),
            domain: text("bayaniwealth.example"),
            register: text("OFxPERA registry"),
        },
        payments: Vec::new(),
        may: vec![
            text("See the name, number and kind of the accounts you choose."),
            text("See their balances."),
            text("See their transactions of the last 12 months."),
        ],
        may_not: vec![text("It cannot move money or change anything.")],
        sections: vec![
            section(
                "Access",
                vec![
                    strong("Accounts", "PERA accounts in Philippine peso (PHP)"),
                    row("Data", "Account details, balances, transactions"),
                    row("Transactions from", "21 November 2025"),
                    row("Transactions to", "20 May 2027"),
                    row("How often", "Up to 4 times a day without you"),
                ],
            ),
            section(
                "PERA arrangement",
                vec![row("Contributor", "Jose Rizalino Cruz"), row("Administrator", "Bayani Wealth, Inc.")],
            ),
        ],
        accounts: AccountChoice::AnyOf(vec![
            account("pera-1", "PERA Growth Fund", "•••• •••• 2207", "PHP 184,250.00"),
            account("pera-2", "PERA Cash Account", "•••• •••• 2215", "PHP 12,900.75"),
        ]),
        validity: text("Until 20 May 2027, or until you end it"),
        purpose: Some(text("Retirement planning: one view of your PERA contributions")),
        next: text(
            "Approving lets Bayani Wealth read the accounts you chose from now on. No money moves. You return to \
             Bayani Wealth.",
        ),
        shown_hash: Some(text("hash-4711")),
        error: None,
    }
}

pub(super) fn unchosen_consent() -> ConsentView {
    ConsentView { error: Some(text("Choose at least one account to share, or deny.")), ..access_consent() }
}

pub(super) fn fixed_consent() -> ConsentView {
    let named = account("pera-1", "PERA Growth Fund", "•••• •••• 2207", "PHP 184,250.00");
    ConsentView {
        accounts: AccountChoice::Fixed(vec![named]),
        may_not: Vec::new(),
        purpose: None,
        ..access_consent()
    }
}

pub(super) fn opening_consent() -> ConsentView {
    let consent = access_consent();
    let AccountChoice::AnyOf(options) = consent.accounts else { return consent };
    ConsentView { accounts: AccountChoice::AnyOrNone(options), ..access_consent() }
}

pub(super) fn refused() -> RefusedView {
    RefusedView {
        requester_name: text("Palm Books"),
        ending: Ending::Denied,
        consequence: text("No money was sent."),
        return_href: Some(text("https://palmbooks.example/cb?error=access_denied&state=x")),
    }
}

pub(super) fn error() -> ErrorView {
    ErrorView {
        heading: text("This request cannot be opened"),
        what: text("The link from the app has expired: it was older than 10 minutes."),
        advice: text("Go back to the app and start again. Nothing was paid and nothing was shared."),
        correlation_id: text("6f0c2b1e-5d0a-4f6e-9d3b-0a4b8e7c2d11"),
    }
}

pub(super) fn completed() -> CompletedView {
    CompletedView { my_consents_href: text("/my/consents") }
}

fn standing(label: &str, tone: Tone) -> Standing {
    Standing { label: text(label), tone }
}

fn line(id: &str, who: &str, summary: &str, status: Standing) -> ConsentLine {
    ConsentLine {
        href: format!("/my/consents/{id}"),
        requester_name: text(who),
        summary: text(summary),
        status,
        period: text("21 November 2026 to 20 May 2027"),
        used: None,
        next_payment: None,
        stop: None,
    }
}

pub(super) fn my_consents() -> MyConsentsView {
    let pays = line(
        "c-1",
        "Palm Books",
        "Payments to Date Palm Books LLC, up to AED 500.00 a month",
        standing("Active", Tone::Active),
    );
    MyConsentsView {
        session: session(),
        inbox: vec![line(
            "c-9",
            "Palm Books",
            "AED 900.00 to Date Palm Books LLC",
            standing("Waiting for approval", Tone::Waiting),
        )],
        open: vec![
            ConsentLine {
                used: Some(text("AED 149.90 of AED 500.00 used this month")),
                next_payment: Some(text("Next payment: 5 December 2026")),
                stop: Some(own_form("/my/consents/c-1/revoke")),
                ..pays
            },
            line("c-2", "Bayani Wealth", "Reads 2 PERA accounts in PHP", standing("Active", Tone::Active)),
            line(
                "c-3",
                "Rent Ledger",
                "Payment of AED 6,200.00",
                standing("Waits for Omar Haddad", Tone::Waiting),
            ),
        ],
        ended: vec![ConsentLine {
            period: text("Ended by you on 3 October 2026"),
            ..line("c-4", "Coinwise", "Read your everyday account", standing("Ended", Tone::Ended))
        }],
        notice: Some(text("Your consent for Coinwise has ended.")),
        older_href: Some(text("/my/consents?before=c-4")),
    }
}

pub(super) fn no_consents() -> MyConsentsView {
    MyConsentsView {
        inbox: Vec::new(),
        open: Vec::new(),
        ended: Vec::new(),
        notice: None,
        older_href: None,
        ..my_consents()
    }
}

fn moment(shown: &str, rfc3339: &str) -> Moment {
    Moment { shown: text(shown), rfc3339: text(rfc3339) }
}

pub(super) fn consent_details() -> ConsentDetailsView {
    ConsentDetailsView {
        session: session(),
        back_href: text("/my/consents"),
        heading: text("Payments by Palm Books"),
        requester: palm_books(),
        status: standing("Active", Tone::Active),
        consent_id: text("cns_3n1Qm0l2b7"),
        payments: vec![PaymentSummary {
            lead: text("Up to, each month"),
            amount: text("AED 500.00"),
            note: None,
            ..payment()
        }],
        sections: vec![section(
            "What you allowed",
            vec![
                strong("Most per payment", "AED 200.00"),
                strong("Most per month", "AED 500.00"),
                row("Payee account", "AE07 0331 2345 6789 0123 456"),
                row("Paid from", "Everyday account •••• 3456"),
                row("Valid", "21 November 2026 to 20 May 2027"),
                row("Purpose", "Monthly book box"),
            ],
        )],
        usage: vec![
            Usage { label: text("This month"), text: text("AED 149.90 of AED 500.00"), percent: Some(30) },
            Usage { label: text("Payments in all"), text: text("1"), percent: None },
        ],
        next_payment: Some(text("Next payment: 5 December 2026")),
        history: vec![
            HistoryEntry {
                at: moment("21 November 2026, 15:31", "2026-11-21T15:31:00+04:00"),
                what: text("AED 149.90 paid to Date Palm Books LLC"),
                by: text("Palm Books"),
            },
            HistoryEntry {
                at: moment("21 November 2026, 15:28", "2026-11-21T15:28:00+04:00"),
                what: text("Approved"),
                by: text("you"),
            },
        ],
        revoke: Some(own_form("/my/consents/c-1/revoke")),
        error: None,
    }
}

pub(super) fn approval() -> ApprovalView {
    let details = consent_details();
    let approver = |name: &str, role: &str, said: &str| ApproverLine {
        name: text(name),
        role: text(role),
        said: text(said),
        at: None,
    };
    ApprovalView {
        session: session(),
        back_href: text("/my/consents"),
        heading: text("Pay AED 900.00 to Date Palm Books LLC?"),
        requester: palm_books(),
        status: standing("Waiting for approval", Tone::Waiting),
        consent_id: text("aac-3f0a9b64-9d0e-4c57-8d6b-1f2f7b5c0a01"),
        payments: vec![payment()],
        sections: details.sections,
        accounts: vec![text("Household, AE51 **** 1188")],
        approvers: vec![
            ApproverLine {
                at: Some(moment("21 November 2026, 15:28", "2026-11-21T15:28:00+04:00")),
                ..approver("Mariam Al Suwaidi", "Holder", "Approved")
            },
            approver("Omar Al Suwaidi", "Second holder", "Has not decided"),
        ],
        until: moment("22 November 2026, 15:28", "2026-11-22T15:28:00+04:00"),
        form: Some(own_form("/my/consents/c-9/decide")),
        next: text("If you approve, the payment is made. Everybody listed here has to approve."),
        shown_hash: Some(text("hash-4711")),
        error: None,
    }
}

pub(super) fn decided_approval() -> ApprovalView {
    let error = Some(text("You have decided this request before."));
    ApprovalView { form: None, shown_hash: None, error, ..approval() }
}

pub(super) fn ended_consent() -> ConsentDetailsView {
    ConsentDetailsView {
        status: standing("Ended", Tone::Ended),
        payments: Vec::new(),
        usage: Vec::new(),
        next_payment: None,
        revoke: None,
        error: Some(text("This consent has ended already.")),
        ..consent_details()
    }
}

pub(super) fn revoke() -> RevokeView {
    RevokeView {
        session: session(),
        form: own_form("/my/consents/c-1/revoke/confirm"),
        keep_href: text("/my/consents/c-1"),
        requester_name: text("Palm Books"),
        summary: text("Payments to Date Palm Books LLC, up to AED 500.00 a month."),
        consequence: text(
            "No further payment can be made with it. Payments already made stay as they are. This cannot be undone.",
        ),
    }
}

pub(super) fn revoked() -> RevokedView {
    RevokedView {
        session: session(),
        requester_name: text("Palm Books"),
        at: moment("21 November 2026, 16:02", "2026-11-21T16:02:00+04:00"),
        consequence: text("To allow payments again, start in the Palm Books app."),
        my_consents_href: text("/my/consents"),
    }
}

pub(super) fn sign_out() -> SignOutView {
    SignOutView {
        form: own_form("/logout"),
        customer_name: text("Amira Haddad"),
        stay_href: text("/my/consents"),
    }
}

pub(super) fn signed_out() -> SignedOutView {
    SignedOutView {
        sign_in_href: text("/my/consents"),
        return_href: Some(text("https://palmbooks.example/bye")),
        requester_name: Some(text("Palm Books")),
    }
}

pub(super) fn landing() -> LandingView {
    LandingView {
        my_consents_href: text("/my/consents"),
        issuers: vec![
            Issuer {
                identifier: text("https://localhost:8443"),
                policy: text("FAPI 2.0 Security Profile"),
                metadata_href: text("/.well-known/oauth-authorization-server"),
            },
            Issuer {
                identifier: text("https://localhost:8443/uae"),
                policy: text("UAE Open Finance"),
                metadata_href: text("/.well-known/oauth-authorization-server/uae"),
            },
        ],
    }
}

pub(super) fn operator_list() -> OperatorListView {
    let line = |id: &str, status: Standing| OperatorLine {
        href: format!("/operator/consents/{id}"),
        id: text(id),
        client: text("palm-books"),
        customer: Some(text("cus-1")),
        status,
        created_at: moment("21 November 2026, 15:28", "2026-11-21T15:28:00+04:00"),
    };
    OperatorListView {
        find_path: text("/operator/consents"),
        id: text(""),
        client: text("palm-books"),
        customer: text(""),
        status: text("Authorized"),
        statuses: vec!["AwaitingAuthorization", "Authorized", "Suspended"],
        lines: vec![
            line("aac-3f0a9b64-9d0e-4c57-8d6b-1f2f7b5c0a01", standing("Active", Tone::Active)),
            line("5f7c1d3a-0b9e-4f7d-a0a4-6a3f5f8e2b02", standing("On hold", Tone::Waiting)),
        ],
    }
}

pub(super) fn operator_consent() -> OperatorConsentView {
    let entry = |what: &str, by: &str| HistoryEntry {
        at: moment("21 November 2026, 15:28", "2026-11-21T15:28:00+04:00"),
        what: text(what),
        by: text(by),
    };
    OperatorConsentView {
        back_href: text("/operator/consents"),
        heading: text("aac-3f0a9b64-9d0e-4c57-8d6b-1f2f7b5c0a01"),
        status: standing("Active", Tone::Active),
        rows: vec![row("Third party", "palm-books"), row("Customer", "cus-1")],
        history: vec![
            entry("Asked for: asked", "tpp palm-books, api; position 41 of the audit trail"),
            entry("Approved: approved", "customer cus-1, redirect; not sealed yet"),
        ],
        shown: vec![ShownView {
            by: text("cus-1"),
            at: moment("21 November 2026, 15:28", "2026-11-21T15:28:00+04:00"),
            hash: text("q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA"),
            language: text("ar"),
            text: text("هل تريد دفع AED 149.90 إلى مكتبة النخيل؟\nالدفع"),
        }],
        form: own_form("/operator/consents/aac-3f0a9b64-9d0e-4c57-8d6b-1f2f7b5c0a01"),
        verbs: vec![Verb { name: "suspend", label: "Hold" }, Verb { name: "revoke", label: "End" }],
        error: None,
    }
}
