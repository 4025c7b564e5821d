//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::config::Messages;
use super::error::Stop;
use super::narrate::{Form, Narrator, Report, Trace};
use super::plan::Terms;
use super::state::Api;
use super::{Tpp, contribution, payment};

const CREDITOR_IBAN: &str = "AE050260001015432198765";
const CREDITOR_NAME: &str = "Date Palm Books LLC";
const REFERENCE: &str = "88121";

/// A third party in the terminal: pays and reads accounts with the customer's consent.
///
/// Exit codes: 0 done, 1 stopped for a security reason with no further request sent, 2 anything else.
#[derive(Debug, Parser)]
#[command(name = "tpp", version)]
pub struct Command {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    pub(super) order: Order,
}

#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Where the bank put `tpp/tpp.toml`
    #[arg(long, global = true, default_value = "./mandate-data", value_name = "DIR")]
    pub(super) data_dir: PathBuf,
    /// The client to be, instead of the file's default
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) client: Option<String>,
    /// Sign every request to the resource server, and take only answers that it signed (RFC 9421)
    #[arg(long, global = true)]
    sign_messages: bool,
    /// Show headers and bodies, secrets masked
    #[arg(long, global = true)]
    trace: bool,
    /// Print one JSON object on standard output, and the narration on standard error
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Order {
    /// Ask for a payment consent and pay what is due under it now
    Pay(PayOrder),
    /// Read accounts and transactions
    Accounts(AccountsOrder),
    /// Walk both use cases of the PERA pilot at two running banks, one of each kind
    Pera(PeraOrder),
    /// Run a small web shop at the registered redirect URI, for your own browser
    Serve,
    /// Listen for the bank's events at the registered webhook address
    Listen(ListenOrder),
    /// The consents made from here
    Consents {
        /// What to do with them; without it they are listed
        #[command(subcommand)]
        order: Option<ConsentOrder>,
    },
    /// Refresh the tokens of a consent with a new key, and ask who the customer is
    Refresh {
        /// The consent; the newest without it
        id: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct PayOrder {
    /// How much
    #[arg(long, default_value = "149.90")]
    pub(super) amount: String,
    /// To which account
    #[arg(long, default_value = CREDITOR_IBAN, value_name = "IBAN")]
    pub(super) creditor_iban: String,
    /// To whom
    #[arg(long, default_value = CREDITOR_NAME, value_name = "NAME")]
    pub(super) creditor_name: String,
    /// What for
    #[arg(long, default_value = REFERENCE)]
    pub(super) reference: String,
    /// By which API
    #[arg(long, value_enum, default_value = "uae")]
    pub(super) via: Api,
    /// Subscribe to the events of the consent and its payment: see `tpp listen`
    #[arg(long)]
    pub(super) events: bool,
    #[command(flatten)]
    pub(super) terms: Terms,
    #[command(flatten)]
    pub(super) customer: Customer,
}

#[derive(Debug, Args)]
pub(crate) struct PeraOrder {
    /// Where the contributor institution put `tpp/tpp.toml`
    #[arg(long, value_name = "DIR")]
    pub(super) institution: PathBuf,
    /// Where the administrator put `tpp/tpp.toml`
    #[arg(long, value_name = "DIR")]
    pub(super) administrator: PathBuf,
    /// The client to be at the institution: the administrator
    #[arg(long, default_value = "bayan-trust", value_name = "NAME")]
    pub(super) as_administrator: String,
    /// The client to be at the administrator: the institution
    #[arg(long, default_value = "luzon-bank", value_name = "NAME")]
    pub(super) as_institution: String,
    /// How much is contributed
    #[arg(long, default_value = "1500.00")]
    pub(super) amount: String,
    #[command(flatten)]
    pub(super) customer: Customer,
}

impl Common {
    /// Whether messages with the resource server are signed.
    pub(super) const fn messages(&self) -> Messages {
        if self.sign_messages { Messages::Signed } else { Messages::Plain }
    }
}

impl PeraOrder {
    /// The contribution of the walk.
    pub(super) fn contribution(&self) -> contribution::Ordered {
        contribution::Ordered { amount: self.amount.clone(), reference: REFERENCE.to_owned() }
    }
}

impl PayOrder {
    /// An order of the web shop: the payee and reference of the command line, another customer.
    pub(super) fn of_the_shop(amount: &str, customer: Customer) -> Self {
        Self {
            amount: amount.to_owned(),
            creditor_iban: CREDITOR_IBAN.to_owned(),
            creditor_name: CREDITOR_NAME.to_owned(),
            reference: REFERENCE.to_owned(),
            via: Api::Uae,
            events: false,
            terms: Terms::ONCE,
            customer,
        }
    }
}

impl Customer {
    /// A customer in a browser of their own.
    pub(super) const fn elsewhere() -> Self {
        Self { headless: false, username: None, password: None }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ListenOrder {
    /// Refuse so many attempts with 500 first, to see retries
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(super) fail: u32,
    /// Take so many seconds to answer: more than five is too slow
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    pub(super) slow: u64,
    /// End after so many events; 0 listens on
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(super) count: u32,
}

#[derive(Debug, Args)]
pub(crate) struct AccountsOrder {
    #[command(flatten)]
    pub(super) customer: Customer,
}

#[derive(Args)]
pub(crate) struct Customer {
    /// Fill in the bank's forms instead of opening a browser
    #[arg(long)]
    pub(super) headless: bool,
    /// Who signs in with --headless
    #[arg(long, value_name = "NAME")]
    pub(super) username: Option<String>,
    /// The password for --username
    #[arg(long)]
    pub(super) password: Option<String>,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ConsentOrder {
    /// List them
    List,
    /// Ask the bank about one
    Show {
        /// The consent
        id: String,
    },
    /// End one
    Revoke {
        /// The consent
        id: String,
    },
    /// Want the events of one, or want them no longer
    Webhook {
        /// The consent
        id: String,
        /// Whether they are wanted
        #[arg(value_enum)]
        events: Wanted,
        /// Where they are sent; where they went before without it
        #[arg(long)]
        url: Option<String>,
    },
}

/// Whether events are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Wanted {
    /// They are.
    On,
    /// They are not.
    Off,
}

impl std::fmt::Debug for Customer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Customer").field("username", &self.username).finish_non_exhaustive()
    }
}

impl Command {
    pub(super) fn narrator(&self) -> Narrator {
        let form = if self.common.json { Form::Json } else { Form::Text };
        let trace = if self.common.trace { Trace::Full } else { Trace::Line };
        Narrator::new(form, trace)
    }

    pub(super) const fn common(&self) -> &Common {
        &self.common
    }
}

impl Api {
    pub(super) async fn pay(self, tpp: &Tpp, order: &PayOrder) -> Result<Report, Stop> {
        match self {
            Self::Uae | Self::UaeV1_2 => payment::pay(tpp, order).await,
            Self::Ofxpera => contribution::pay(tpp, order).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Command::command().debug_assert();
    }

    #[test]
    fn global_options_stand_before_or_after_the_command() {
        for line in ["tpp --json --client a pay", "tpp pay --client a --json"] {
            let command = Command::try_parse_from(line.split(' ')).unwrap();
            assert!(command.common.json && command.common.client.as_deref() == Some("a"), "{line}");
        }
        assert!(Command::try_parse_from(["tpp", "consents"]).is_ok());
    }
}
