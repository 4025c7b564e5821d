//! What the pages say by themselves, one file for each language. A field that one language lacks does not compile.
//!
//! `{}` stands for a value that is filled in where the words are used: escaped, and isolated from the direction of the words.

mod arabic;
mod english;

use rar_consent::Language;
use serde::Serialize;

use super::Direction;

/// The words of one language.
#[derive(Debug, Serialize)]
pub(crate) struct Words {
    /// BCP 47.
    pub(crate) tag: &'static str,
    pub(crate) direction: Direction,
    pub(crate) bank: &'static str,
    pub(crate) help: &'static str,
    /// What the other language calls itself, and its tag.
    pub(crate) other: &'static str,
    pub(crate) other_tag: &'static str,
    pub(crate) skip: &'static str,
    pub(crate) error_title: &'static str,
    pub(crate) long_text: &'static str,

    pub(crate) sign_in: &'static str,
    pub(crate) sign_in_again: &'static str,
    pub(crate) sign_out: &'static str,
    pub(crate) sign_out_question: &'static str,
    pub(crate) stay_signed_in: &'static str,
    pub(crate) signed_out: &'static str,
    pub(crate) close_browser: &'static str,
    pub(crate) signed_in_as: &'static str,
    pub(crate) not_you: &'static str,
    pub(crate) to_continue_to: &'static str,
    pub(crate) user_name: &'static str,
    pub(crate) password: &'static str,
    pub(crate) one_time_code: &'static str,
    pub(crate) code_hint: &'static str,
    pub(crate) enter_code: &'static str,
    pub(crate) go_on: &'static str,
    pub(crate) cancel: &'static str,
    pub(crate) cancel_and_return: &'static str,
    pub(crate) wrong_sign_in: &'static str,
    pub(crate) too_many_attempts: &'static str,
    pub(crate) locked: &'static str,

    pub(crate) approve_request: &'static str,
    pub(crate) who_is_asking: &'static str,
    pub(crate) what_you_allow: &'static str,
    pub(crate) what_stays: &'static str,
    pub(crate) how_long: &'static str,
    pub(crate) valid: &'static str,
    pub(crate) purpose: &'static str,
    pub(crate) pay_from: &'static str,
    pub(crate) accounts_to_share: &'static str,
    pub(crate) choose_some: &'static str,
    pub(crate) what_next: &'static str,
    pub(crate) approve: &'static str,
    pub(crate) deny: &'static str,
    pub(crate) paid_to: &'static str,
    pub(crate) verified_name: &'static str,
    pub(crate) domain: &'static str,
    pub(crate) organisation_id: &'static str,
    pub(crate) registered_with: &'static str,
    pub(crate) own_register: &'static str,
    pub(crate) no_longer_registered: &'static str,
    pub(crate) until_or_ended: &'static str,
    pub(crate) until_ended: &'static str,
    pub(crate) you_return: &'static str,
    pub(crate) decide_first: &'static str,
    pub(crate) choose_one: &'static str,
    pub(crate) choose_at_least_one: &'static str,
    pub(crate) not_your_account: &'static str,
    pub(crate) other_currency: &'static str,
    pub(crate) text_changed: &'static str,
    pub(crate) may_openid: &'static str,
    pub(crate) may_profile: &'static str,
    pub(crate) may_email: &'static str,
    pub(crate) may_phone: &'static str,
    pub(crate) may_address: &'static str,
    pub(crate) may_birthdate: &'static str,
    pub(crate) may_gender: &'static str,
    pub(crate) may_other_profile: &'static str,

    pub(crate) not_approved: &'static str,
    pub(crate) you_denied: &'static str,
    pub(crate) denied: &'static str,
    pub(crate) you_cancelled: &'static str,
    pub(crate) cancelled: &'static str,
    pub(crate) time_ran_out: &'static str,
    pub(crate) timed_out: &'static str,
    pub(crate) return_to: &'static str,
    pub(crate) the_app: &'static str,
    pub(crate) close_page: &'static str,
    pub(crate) closed: &'static str,
    pub(crate) closed_text: &'static str,
    pub(crate) closed_advice: &'static str,
    pub(crate) reference: &'static str,

    pub(crate) cannot_open: &'static str,
    pub(crate) cannot_go_on: &'static str,
    pub(crate) not_now: &'static str,
    pub(crate) nothing_changed: &'static str,
    pub(crate) form_not_valid: &'static str,
    pub(crate) form_too_old: &'static str,
    pub(crate) nothing_here: &'static str,
    pub(crate) no_such_page: &'static str,
    pub(crate) works_differently: &'static str,
    pub(crate) wrong_method: &'static str,
    pub(crate) start_again: &'static str,
    /// What went wrong in protocol terms is told in English only; this stands before it.
    pub(crate) in_technical_terms: &'static str,

    pub(crate) back: &'static str,
    pub(crate) my_consents: &'static str,
    pub(crate) my_consents_intro: &'static str,
    pub(crate) in_force: &'static str,
    pub(crate) none_in_force: &'static str,
    pub(crate) ended_heading: &'static str,
    pub(crate) older: &'static str,
    pub(crate) used_so_far: &'static str,
    pub(crate) payments_made: &'static str,
    pub(crate) paid_in_all: &'static str,
    pub(crate) of_at_most: &'static str,
    pub(crate) next_payment: &'static str,
    pub(crate) who_may_use: &'static str,
    pub(crate) history: &'static str,
    pub(crate) nothing_happened: &'static str,
    pub(crate) consent_id: &'static str,
    pub(crate) end_consent: &'static str,
    pub(crate) end_consent_text: &'static str,
    pub(crate) end_question: &'static str,
    pub(crate) loses_at_once: &'static str,
    pub(crate) end_now: &'static str,
    pub(crate) keep: &'static str,
    pub(crate) consent_ended: &'static str,
    pub(crate) since: &'static str,
    pub(crate) no_longer_used: &'static str,
    pub(crate) already_ended: &'static str,
    pub(crate) not_called_back: &'static str,
    pub(crate) until: &'static str,
    pub(crate) ended_at: &'static str,
    pub(crate) used_once: &'static str,
    pub(crate) used_times: &'static str,
    pub(crate) payment_to: &'static str,
    pub(crate) payment_through: &'static str,
    pub(crate) access_for: &'static str,
    pub(crate) waiting: &'static str,
    pub(crate) active: &'static str,
    pub(crate) on_hold: &'static str,
    pub(crate) was_refused: &'static str,
    pub(crate) over: &'static str,
    pub(crate) expired: &'static str,
    pub(crate) completed: &'static str,
    pub(crate) asked_for: &'static str,
    pub(crate) approved: &'static str,
    pub(crate) terms_changed: &'static str,
    pub(crate) request_seen: &'static str,
    pub(crate) events_changed: &'static str,
    pub(crate) one_decided: &'static str,
    pub(crate) by_you: &'static str,
    pub(crate) by_bank: &'static str,
    pub(crate) by_time: &'static str,
    pub(crate) by_system: &'static str,
    /// Between a day and a time of day.
    pub(crate) at_the_hour: &'static str,
    pub(crate) months: [&'static str; 12],
}

impl Words {
    /// The words of a language.
    pub(crate) const fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &english::WORDS,
            Language::Arabic => &arabic::WORDS,
        }
    }
}

/// Words with a value in the place of `{}`, as plain text.
pub(crate) fn fill(words: &str, value: &str) -> String {
    words.replacen("{}", value, 1)
}
