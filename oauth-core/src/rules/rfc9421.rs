//! RFC 9421, HTTP Message Signatures, with RFC 9530, Digest Fields.
//!
//! | Section | Met by |
//! |---|---|
//! | RFC 9421 2, 2.5 | [`COMPONENTS`]: every covered component is there, once, in a form we know |
//! | RFC 9421 2.3 | [`PARAMETERS`] |
//! | RFC 9421 3.2, steps 1 and 2 | [`ONE`] |
//! | RFC 9421 3.2, steps 5 and 6 | [`KEY`], [`ALGORITHM`] |
//! | RFC 9421 3.2, step 8 | [`VERIFIES`] |
//! | RFC 9421 5.1 | [`accept_signature`](crate::message::accept_signature) |
//! | RFC 9421 7.2.2 | [`USED_ONCE`] |
//! | RFC 9530 2 | [`DIGEST`] |

use crate::refusal::RuleId;

/// Section 2: the covered components.
pub(crate) const COMPONENTS: RuleId = RuleId("RFC9421-2");
/// Section 2.3: the parameters are of their types.
pub(crate) const PARAMETERS: RuleId = RuleId("RFC9421-2.3");
/// Section 3.2: which of the signatures is to be verified is certain.
pub(crate) const ONE: RuleId = RuleId("RFC9421-3.2-1");
/// Section 3.2: the key is one of the sender's.
pub(crate) const KEY: RuleId = RuleId("RFC9421-3.2-5");
/// Section 3.3.7: the algorithm is that of the key, and of the policy.
pub(crate) const ALGORITHM: RuleId = RuleId("RFC9421-3.3.7");
/// Section 3.2: the signature verifies.
pub(crate) const VERIFIES: RuleId = RuleId("RFC9421-3.2-8");
/// Section 7.2.2: a signature is used once.
pub(crate) const USED_ONCE: RuleId = RuleId("RFC9421-7.2.2");
/// RFC 9530 section 2: the content is what its digest says.
pub(crate) const DIGEST: RuleId = RuleId("RFC9530-2");
