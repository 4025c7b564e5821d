//! The contract every consent store meets.
