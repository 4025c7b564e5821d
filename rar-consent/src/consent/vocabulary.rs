//! The two vocabularies of UAE bank service initiation, which say the same things in other words (sections 1 and 5.3).

use serde::{Deserialize, Serialize};

use super::schedule::UaePaymentType;
use super::status::ConsentStatus;

/// In whose words a UAE consent was asked for. It is used and read in the same words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum UaeVocabulary {
    /// The early drafts.
    #[default]
    #[serde(rename = "seed")]
    Seed,
    /// Version 1.2.
    #[serde(rename = "v1.2")]
    V1_2,
}

impl UaeVocabulary {
    /// Whether it is that of the early drafts.
    #[must_use]
    pub const fn is_seed(&self) -> bool {
        matches!(self, Self::Seed)
    }

    /// Section 6: the name of a status.
    #[must_use]
    pub const fn status(self, status: ConsentStatus) -> &'static str {
        match (self, status) {
            (Self::V1_2, ConsentStatus::Finished) => "Consumed",
            (Self::Seed | Self::V1_2, other) => other.as_str(),
        }
    }

    /// Section 5.3: a place in the words of the early drafts, in its own words. The kind of the payments tells apart what
    /// version 1.2 keeps in two places.
    #[must_use]
    pub fn place(self, seed: &str, kind: Option<UaePaymentType>) -> String {
        match self {
            Self::Seed => seed.to_owned(),
            Self::V1_2 => {
                let own = RENAMED.iter().fold(seed.to_owned(), |path, (from, to)| renamed(path, from, to));
                match kind {
                    Some(UaePaymentType::VariableOnDemand) => renamed(own, INDIVIDUAL, ON_DEMAND),
                    Some(_) | None => own,
                }
            }
        }
    }
}

const INDIVIDUAL: &str = "PeriodicSchedule.MaximumIndividualAmount";
const ON_DEMAND: &str = "PeriodicSchedule.Controls.MaximumIndividualAmount";

/// Section 5.3: a place in the early drafts, and the same in version 1.2.
const RENAMED: &[(&str, &str)] = &[
    ("AcceptedAuthorizationType", "IsSingleAuthorization"),
    ("AuthorizationExpirationTimeWindow", "AuthorizationExpirationDateTime"),
    ("RequestedExecutionDateTime", "RequestedExecutionDate"),
    ("MultiPayment.TotalNumberOfPayments", "MultiPayment.MaximumCumulativeNumberOfPayments"),
    ("MultiPayment.MaximumIndividualPaymentAmount", "MultiPayment.PeriodicSchedule.MaximumIndividualAmount"),
    ("MultiPayment.PaymentSchedule", "MultiPayment.PeriodicSchedule.Schedule"),
    ("MultiPayment.Amount", "MultiPayment.PeriodicSchedule.Amount"),
    (
        "PeriodicSchedule.MaximumCumulativeNumberOfPaymentsPerPeriodType",
        "PeriodicSchedule.Controls.MaximumCumulativeNumberOfPaymentsPerPeriod",
    ),
    (
        "PeriodicSchedule.MaximumCumulativeValueOfPaymentsPerPeriodType",
        "PeriodicSchedule.Controls.MaximumCumulativeValueOfPaymentsPerPeriod",
    ),
    ("Instruction.BeneficiaryReference", "CreditorReference"),
    ("BeneficiaryReference", "CreditorReference"),
    ("PayerReference", "DebtorReference"),
    ("Initiation.", "PersonalIdentifiableInformation.Initiation."),
];

fn renamed(path: String, from: &str, to: &str) -> String {
    if path.contains(to) { path } else { path.replacen(from, to, 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_5_3_a_place_is_told_in_the_words_of_its_vocabulary() {
        const MULTI: &str = "Data.ControlParameters.ConsentSchedule.MultiPayment";
        let on_demand = Some(UaePaymentType::VariableOnDemand);
        for (seed, kind, own) in [
            ("PayerReference", None, "DebtorReference"),
            ("Data.Instruction.BeneficiaryReference", None, "Data.CreditorReference"),
            ("Data.Instruction.Amount.Amount", None, "Data.Instruction.Amount.Amount"),
            (
                "Data.Initiation.CreditorAccount.Identification",
                None,
                "Data.PersonalIdentifiableInformation.Initiation.CreditorAccount.Identification",
            ),
            (
                "Data.PersonalIdentifiableInformation.Initiation.CreditorAccount",
                None,
                "Data.PersonalIdentifiableInformation.Initiation.CreditorAccount",
            ),
        ] {
            assert_eq!(UaeVocabulary::V1_2.place(seed, kind), own);
            assert_eq!(UaeVocabulary::Seed.place(seed, kind), seed);
        }
        for (seed, kind, own) in [
            ("TotalNumberOfPayments", None, "MaximumCumulativeNumberOfPayments"),
            ("MaximumIndividualPaymentAmount", None, "PeriodicSchedule.MaximumIndividualAmount"),
            (
                "MaximumIndividualPaymentAmount",
                on_demand,
                "PeriodicSchedule.Controls.MaximumIndividualAmount",
            ),
            (
                "PaymentSchedule[3].PaymentExecutionDate",
                None,
                "PeriodicSchedule.Schedule[3].PaymentExecutionDate",
            ),
            (
                "PeriodicSchedule.MaximumCumulativeValueOfPaymentsPerPeriodType",
                None,
                "PeriodicSchedule.Controls.MaximumCumulativeValueOfPaymentsPerPeriod",
            ),
        ] {
            let told = UaeVocabulary::V1_2.place(&format!("{MULTI}.{seed}"), kind);
            assert_eq!(told, format!("{MULTI}.{own}"));
        }
    }

    #[test]
    fn section_6_a_finished_consent_is_consumed_in_version_1_2() {
        assert_eq!(UaeVocabulary::V1_2.status(ConsentStatus::Finished), "Consumed");
        for status in ConsentStatus::ALL {
            assert_eq!(UaeVocabulary::Seed.status(status), status.as_str());
        }
    }
}
