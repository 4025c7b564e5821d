//! The resource server over real databases.
#![expect(clippy::inconsistent_digit_grouping, reason = "the last two digits are centavos")]

#[cfg(test)]
mod book;
#[cfg(test)]
mod dpop;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod guard;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod metadata;
#[cfg(test)]
mod ofxpera;
#[cfg(test)]
mod pera;
#[cfg(test)]
mod uae;
