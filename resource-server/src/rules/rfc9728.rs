//! RFC 9728, OAuth 2.0 Protected Resource Metadata.
//!
//! | Section | Met by |
//! |---|---|
//! | 2 | [`ProtectedResource`](crate::guard::ProtectedResource) |
//! | 3, 3.1 | [`WELL_KNOWN`](crate::guard::WELL_KNOWN), served by [`ResourceService`](crate::http::ResourceService) |
//! | 3.2 | 200, `application/json` |
//! | 5.1 | `resource_metadata` of every challenge of the guard |
