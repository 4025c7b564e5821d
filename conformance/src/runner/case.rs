//! A case as data: which document asks for what, when it applies, what is done, and what must come back.

use std::pin::Pin;

use crate::Trouble;
use crate::runner::scene::Scene;
use crate::tpp::mutate::Mistake;

/// One case of a plan.
#[derive(Debug)]
pub struct Case {
    /// Unique within a plan.
    pub name: &'static str,
    /// The document that asks for it.
    pub document: &'static str,
    /// Its section.
    pub section: &'static str,
    /// What a failure means.
    pub level: Level,
    /// What must be so, in one sentence.
    pub says: &'static str,
    /// What the server and the variant must have for the case to apply.
    pub needs: &'static [Need],
    /// What is done.
    pub act: Act,
}

/// What a failure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The server does not conform.
    Must,
    /// The server does what the document recommends against.
    Should,
}

/// What a case needs; where it is missing the case is skipped and says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The scope holds `openid`.
    OpenId,
    /// Tokens of the client are bound to a `DPoP` key.
    Dpop,
    /// Tokens of the client are bound to a certificate.
    Mtls,
    /// The client authenticates by assertions.
    Assertions,
    /// The client authenticates by a certificate.
    CertificateAuth,
    /// The file has another client.
    Second,
    /// The server issues refresh tokens.
    Refresh,
    /// The file names a scope for the client acting alone.
    Alone,
    /// Requests are signed in this variant.
    SignedRequest,
    /// Requests are plain in this variant.
    PlainRequest,
    /// Answers are signed in this variant.
    SignedAnswer,
    /// Answers are plain in this variant.
    PlainAnswer,
    /// The metadata has this member.
    Metadata(&'static str),
    /// So many seconds of waiting.
    Patience(u64),
}

/// What is done.
#[derive(Debug, Clone, Copy)]
pub enum Act {
    /// An honest request is changed in one place, once for each change.
    Each {
        /// Which request.
        at: At,
        /// The changes, each tried alone.
        changes: fn(&Scene) -> Changes,
        /// What every one of them brings.
        expect: Expect,
    },
    /// Several steps.
    Story(Story),
}

/// Several steps that end well, or with what was found.
pub type Story = fn(Scene) -> Pin<Box<dyn Future<Output = Result<(), Finding>> + Send>>;

/// Changes, each tried alone; most are one mistake.
pub type Changes = Vec<Vec<Mistake>>;

/// The request that is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// The pushed request.
    Push,
    /// The pushed request, and a token request with a made-up code: where clients authenticate.
    Clients,
    /// The exchange of a fresh code.
    Redeem,
    /// The use of a refresh token.
    Refresh,
    /// The token request of a client acting alone.
    Alone,
    /// A call of the protected resource.
    Resource,
}

/// What must come back.
#[derive(Debug, Clone, Copy)]
pub enum Expect {
    /// A success.
    Taken,
    /// An OAuth error in JSON with one of these statuses and codes.
    Refused(&'static [u16], &'static [&'static str]),
    /// A refusal of a resource: one of these statuses, and where the challenge names an error one of these codes.
    Challenged(&'static [u16], &'static [&'static str]),
}

/// What a case found.
#[derive(Debug)]
pub enum Finding {
    /// It is not so.
    Fails(String),
    /// It is so, but not as recommended.
    Warns(String),
    /// It cannot be told here, and why.
    Skips(String),
}

impl From<Trouble> for Finding {
    fn from(trouble: Trouble) -> Self {
        Self::Fails(trouble.to_string())
    }
}

/// How a case ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// As it must be.
    Passed,
    /// Not as recommended.
    Warned(String),
    /// Not as it must be.
    Failed(String),
    /// Not tried, and why.
    Skipped(String),
}

impl Outcome {
    /// In one word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Warned(_) => "warned",
            Self::Failed(_) => "failed",
            Self::Skipped(_) => "skipped",
        }
    }

    /// What there is to say about it.
    pub fn detail(&self) -> &str {
        match self {
            Self::Passed => "",
            Self::Warned(text) | Self::Failed(text) | Self::Skipped(text) => text,
        }
    }
}

impl Case {
    /// Whether it waits for something to expire.
    pub fn is_long(&self) -> bool {
        self.needs.iter().any(|need| matches!(need, Need::Patience(_)))
    }
}

/// `Ok` when it is so, otherwise what was found instead.
///
/// # Errors
/// When it is not so.
pub(crate) fn check(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Finding> {
    if holds { Ok(()) } else { Err(Finding::Fails(otherwise())) }
}
