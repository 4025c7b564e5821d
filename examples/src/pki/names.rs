//! What client certificates are made to say (RFC 8705 section 2.1.2).

use rcgen::SanType;

/// What a client certificate says of its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientNames<'a> {
    /// `CN` of the subject.
    pub common_name: &'a str,
    /// `O` of the subject.
    pub organisation: &'a str,
    /// Its one alternative name, if any.
    pub alternative: Option<AlternativeName<'a>>,
}

/// A subject alternative name (RFC 5280 section 4.2.1.6), of the kinds RFC 8705 section 2.1.2 can register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlternativeName<'a> {
    /// A host.
    Dns(&'a str),
    /// A URI.
    Uri(&'a str),
    /// An address, in its text form.
    Ip(&'a str),
    /// A mailbox.
    Email(&'a str),
}

impl<'a> ClientNames<'a> {
    /// A subject without alternative names.
    #[must_use]
    pub const fn new(common_name: &'a str, organisation: &'a str) -> Self {
        Self { common_name, organisation, alternative: None }
    }
}

impl AlternativeName<'_> {
    /// Its text.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        match self {
            Self::Dns(text) | Self::Uri(text) | Self::Ip(text) | Self::Email(text) => text,
        }
    }

    pub(super) fn entry(self) -> Result<SanType, rcgen::Error> {
        Ok(match self {
            Self::Dns(text) => SanType::DnsName(text.try_into()?),
            Self::Uri(text) => SanType::URI(text.try_into()?),
            Self::Ip(text) => {
                SanType::IpAddress(text.parse().map_err(|_| rcgen::Error::InvalidIpAddressOctetLength(0))?)
            }
            Self::Email(text) => SanType::Rfc822Name(text.try_into()?),
        })
    }
}
