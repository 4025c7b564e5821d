//! OFxPERA, the open-finance pilot for the Philippine retirement account.
