//! The plans: which cases belong to which profile, in the order of a flow.

mod assertion;
mod authorize;
mod certificate;
mod identity;
mod jarm;
mod metadata;
mod proof;
mod push;
mod refresh;
mod request_object;
mod resource;
mod token;

use crate::runner::case::{Act, At, Case, Changes, Expect, Level, Need};
use crate::runner::scene::Scene;
use crate::runner::variant::Form;
use crate::tpp::mutate::Mistake;
use crate::{Doing as _, Trouble};

/// A named list of cases.
#[derive(Debug)]
pub struct Plan {
    /// As the command line names it.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    parts: &'static [&'static [Case]],
    requests: Form,
}

/// FAPI 2.0 Security Profile.
const SECURITY: Plan = Plan {
    name: "fapi2-security",
    title: "FAPI 2.0 Security Profile",
    parts: &[
        metadata::CASES,
        push::CASES,
        assertion::CASES,
        certificate::CASES,
        authorize::CASES,
        token::CASES,
        proof::CASES,
        resource::CASES,
        identity::CASES,
        refresh::CASES,
    ],
    requests: Form::Plain,
};

/// FAPI 2.0 Message Signing: everything of the security profile, with signed requests and signed answers.
const MESSAGE_SIGNING: Plan = Plan {
    name: "fapi2-message-signing",
    title: "FAPI 2.0 Message Signing",
    parts: &[
        metadata::CASES,
        push::CASES,
        request_object::CASES,
        assertion::CASES,
        certificate::CASES,
        authorize::CASES,
        jarm::CASES,
        token::CASES,
        proof::CASES,
        resource::CASES,
        identity::CASES,
        refresh::CASES,
    ],
    requests: Form::Signed,
};

/// Every plan.
pub const PLANS: &[&Plan] = &[&SECURITY, &MESSAGE_SIGNING];

impl Plan {
    /// The plan of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn named(name: &str) -> Result<&'static Self, Trouble> {
        PLANS.iter().copied().find(|plan| plan.name == name).doing(format!("find the plan {name}"))
    }

    /// Its cases in order.
    pub fn cases(&self) -> impl Iterator<Item = &'static Case> + use<> {
        self.parts.iter().flat_map(|part| part.iter())
    }

    /// Whether its requests are signed unless the variant says otherwise.
    pub(crate) fn signs_requests(&self) -> bool {
        self.requests == Form::Signed
    }
}

/// Document and section.
type Cited = (&'static str, &'static str);

const fn must(
    name: &'static str,
    cited: Cited,
    says: &'static str,
    needs: &'static [Need],
    act: Act,
) -> Case {
    Case { name, document: cited.0, section: cited.1, level: Level::Must, says, needs, act }
}

const fn should(
    name: &'static str,
    cited: Cited,
    says: &'static str,
    needs: &'static [Need],
    act: Act,
) -> Case {
    Case { name, document: cited.0, section: cited.1, level: Level::Should, says, needs, act }
}

const fn each(at: At, changes: fn(&Scene) -> Changes, expect: Expect) -> Act {
    Act::Each { at, changes, expect }
}

/// Each mistake is a change of its own.
fn alone(mistakes: impl IntoIterator<Item = Mistake>) -> Changes {
    mistakes.into_iter().map(|mistake| vec![mistake]).collect()
}

/// The honest request, unchanged.
fn honest() -> Changes {
    vec![Vec::new()]
}

macro_rules! story {
    ($tell:path) => {
        $crate::runner::case::Act::Story(|scene| Box::pin($tell(scene)))
    };
}
use story;

/// FAPI 2.0 Security Profile.
const SP: &str = "FAPI 2.0 Security Profile";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_case_of_a_plan_has_a_name_of_its_own_and_says_what_must_be_so() {
        for plan in PLANS {
            let mut seen = BTreeSet::new();
            for case in plan.cases() {
                assert!(seen.insert(case.name), "{} stands twice in {}", case.name, plan.name);
                assert!(
                    case.name
                        .bytes()
                        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
                    "{}",
                    case.name
                );
                assert!(case.says.ends_with('.') && !case.section.is_empty(), "{}", case.name);
            }
            assert!(seen.len() > 80, "{}", seen.len());
        }
    }
}
