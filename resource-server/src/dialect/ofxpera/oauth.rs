//! Section 5 in the description: served by the authorization server. What stands here is what it takes and answers for clients of
//! this interface; members it does not know are ignored (RFC 6749 section 3.1).

use http::Method;

use crate::openapi::{
    Elsewhere, FORM, Form, Given, Named, Operation, Parameter, Presence, Refused, Refusing, Shape, always,
    sometimes,
};

const JSON: &str = "application/json";
const PAGE: &str = "text/html";
const ANY: Shape = Shape::Text(Form::Any);
const SCOPE: Shape = Shape::Like("^[!#-\\[\\]-~]+( [!#-\\[\\]-~]+)*$", 4096, |text| !text.is_empty());
const CHALLENGE: Shape = Shape::Like("^[A-Za-z0-9_-]{43}$", 43, |text| text.len() == 43);
const VERIFIER: Shape =
    Shape::Like("^[A-Za-z0-9._~-]{43,128}$", 128, |text| (43..=128).contains(&text.len()));
const HASH: Shape = Shape::Like("^[A-Za-z0-9_-]{43}$", 43, |text| text.len() == 43);
const JWT_BEARER: Shape = Shape::OneOf(&["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]);

static PUSHED_REQUEST: Named = Named {
    name: "PushedAuthorizationRequest",
    shape: Shape::Open(&[
        always("client_id", ANY),
        sometimes("client_assertion_type", JWT_BEARER),
        sometimes("client_assertion", ANY),
        sometimes("response_type", Shape::OneOf(&["code"])),
        sometimes("redirect_uri", Shape::Text(Form::Uri)),
        sometimes("scope", SCOPE),
        sometimes("state", ANY),
        sometimes("nonce", ANY),
        sometimes("code_challenge", CHALLENGE),
        sometimes("code_challenge_method", Shape::OneOf(&["S256"])),
        sometimes("authorization_details", ANY),
        sometimes("response_mode", Shape::OneOf(&["query", "jwt"])),
        sometimes("request", ANY),
    ]),
};
static ARRIVAL: Named = Named {
    name: "AuthorizationRequest",
    shape: Shape::Open(&[always("client_id", ANY), always("request_uri", ANY)]),
};
static PUSHED: Named = Named {
    name: "Pushed",
    shape: Shape::Object(&[always("request_uri", ANY), always("expires_in", Shape::Whole)]),
};
static TOKEN_REQUEST: Named = Named {
    name: "TokenRequest",
    shape: Shape::Open(&[
        always("grant_type", Shape::OneOf(&["authorization_code", "refresh_token", "client_credentials"])),
        sometimes("client_id", ANY),
        sometimes("client_assertion_type", JWT_BEARER),
        sometimes("client_assertion", ANY),
        sometimes("code", ANY),
        sometimes("redirect_uri", Shape::Text(Form::Uri)),
        sometimes("code_verifier", VERIFIER),
        sometimes("refresh_token", ANY),
        sometimes("scope", SCOPE),
    ]),
};
static TOKENS: Named = Named {
    name: "Tokens",
    shape: Shape::Object(&[
        always("access_token", ANY),
        always("token_type", Shape::OneOf(&["Bearer", "DPoP"])),
        always("expires_in", Shape::Between(1, 600)),
        always("scope", ANY),
        sometimes("refresh_token", ANY),
        sometimes("id_token", ANY),
        sometimes("authorization_details", DETAILS),
        sometimes("consent_text_sha256", HASH),
    ]),
};
const DETAILS: Shape = Shape::List(&Shape::Open(&[sometimes("type", ANY), sometimes("consentId", ANY)]));

static QUESTION: Named = Named {
    name: "IntrospectionRequest",
    shape: Shape::Open(&[
        always("token", ANY),
        sometimes("token_type_hint", ANY),
        sometimes("client_id", ANY),
        sometimes("client_assertion_type", JWT_BEARER),
        sometimes("client_assertion", ANY),
    ]),
};
/// Section 5.4: nothing but `active` where it is false.
static INTROSPECTION: Named = Named {
    name: "Introspection",
    shape: Shape::Object(&[
        always("active", Shape::Truth),
        sometimes("iss", ANY),
        sometimes("sub", ANY),
        sometimes("aud", ANY),
        sometimes("client_id", ANY),
        sometimes("username", ANY),
        sometimes("scope", ANY),
        sometimes("token_type", Shape::OneOf(&["Bearer", "DPoP"])),
        sometimes("iat", Shape::Whole),
        sometimes("exp", Shape::Whole),
        sometimes("jti", ANY),
        sometimes("cnf", Shape::Object(&[sometimes("jkt", ANY), sometimes("x5t#S256", ANY)])),
        sometimes("authorization_details", DETAILS),
        sometimes("consent_id", ANY),
        sometimes("consent_text_sha256", HASH),
        sometimes("auth_time", Shape::Whole),
        sometimes("acr", ANY),
    ]),
};
/// Section 5.5: by the scopes that were granted.
static CLAIMS: Named = Named {
    name: "Userinfo",
    shape: Shape::Open(&[
        always("sub", ANY),
        sometimes("name", ANY),
        sometimes("given_name", ANY),
        sometimes("middle_name", ANY),
        sometimes("family_name", ANY),
        sometimes("nickname", ANY),
        sometimes("gender", ANY),
        sometimes("birthdate", ANY),
        sometimes("updated_at", Shape::Whole),
        sometimes("email", ANY),
        sometimes("email_verified", Shape::Truth),
        sometimes("phone_number", ANY),
        sometimes("phone_number_verified", Shape::Truth),
        sometimes("address", Shape::Open(&[])),
    ]),
};

/// RFC 6749 section 5.2 and RFC 6750 section 3, as JSON.
static OAUTH_ERROR: Named = Named {
    name: "OAuthError",
    shape: Shape::Object(&[
        always(
            "error",
            Shape::OneOf(&[
                "invalid_request",
                "invalid_client",
                "invalid_grant",
                "unauthorized_client",
                "unsupported_grant_type",
                "invalid_scope",
                "unsupported_response_type",
                "invalid_request_uri",
                "invalid_request_object",
                "request_not_supported",
                "invalid_dpop_proof",
                "use_dpop_nonce",
                "invalid_authorization_details",
                "invalid_target",
                "invalid_token",
                "insufficient_scope",
                "server_error",
                "temporarily_unavailable",
            ]),
        ),
        always("error_description", ANY),
    ]),
};

const fn refused(status: u16, says: &'static str) -> Refused {
    Refused { status, says, by: Refusing::All, media: JSON, body: Some(&OAUTH_ERROR) }
}

const fn page(status: u16, says: &'static str) -> Refused {
    Refused { status, says, by: Refusing::All, media: PAGE, body: None }
}

const SERVER_ERROR: Refused = refused(500, "Something failed on our side: server_error.");
const AWAY: Refused =
    refused(503, "Something this server needs is away: temporarily_unavailable; see Retry-After.");
const OTHER_METHOD: Refused = refused(405, "The path has no such method; see Allow.");
const TOO_LARGE: Refused = refused(413, "The form is too large.");
const NO_FORM: Refused = refused(415, "The body is not sent as a form.");
const TOO_OFTEN: Refused =
    refused(429, "This client asks more often than it may: temporarily_unavailable; see Retry-After.");
const NO_CLIENT: Refused = refused(401, "The client did not authenticate: invalid_client.");

/// Sections 5.1, 5.3 and 5.4: endpoints that authenticate clients.
const PUSH_REFUSALS: &[Refused] = &[
    refused(
        400,
        "invalid_request, invalid_scope, invalid_authorization_details, invalid_request_object, unsupported_response_type, \
         unauthorized_client, or a proof that is wrong.",
    ),
    NO_CLIENT,
    OTHER_METHOD,
    TOO_LARGE,
    NO_FORM,
    TOO_OFTEN,
    SERVER_ERROR,
    AWAY,
];
const TOKEN_REFUSALS: &[Refused] = &[
    refused(
        400,
        "invalid_request, invalid_grant, invalid_scope, unsupported_grant_type, unauthorized_client, \
         invalid_authorization_details, invalid_target, or a proof that is wrong.",
    ),
    NO_CLIENT,
    OTHER_METHOD,
    TOO_LARGE,
    NO_FORM,
    SERVER_ERROR,
    AWAY,
];
const QUESTION_REFUSALS: &[Refused] = &[
    refused(400, "token is missing, or a parameter is repeated: invalid_request."),
    NO_CLIENT,
    refused(403, "The client may not ask: insufficient_scope."),
    OTHER_METHOD,
    TOO_LARGE,
    NO_FORM,
    TOO_OFTEN,
    SERVER_ERROR,
    AWAY,
];
/// Sections 5.4 and 5.5: endpoints that take a token.
const TOKEN_SHOWN_REFUSALS: &[Refused] = &[
    refused(
        400,
        "The token is shown twice, or a parameter is missing, repeated or malformed: invalid_request.",
    ),
    refused(401, "No access token, or none that is good for this caller: invalid_token, invalid_dpop_proof."),
    refused(403, "The token does not carry the scope: insufficient_scope."),
    OTHER_METHOD,
    TOO_LARGE,
    NO_FORM,
    SERVER_ERROR,
    AWAY,
];
const PAGE_REFUSALS: &[Refused] = &[
    page(400, "request_uri is missing, unknown, used, expired or another client's: a page, no redirect."),
    page(405, "The path has no such method; see Allow."),
    page(413, "The form is too large."),
    page(415, "The body is not sent as a form."),
    page(500, "Something failed on our side."),
    page(503, "Something this server needs is away."),
];

const fn given(status: u16, body: &'static Named) -> Given {
    Given { status, media: JSON, body: Some(body) }
}

const fn query(name: &'static str, shape: Shape, presence: Presence) -> Parameter {
    Parameter { name, shape, presence }
}

static PAR: Operation = Operation {
    id: "pushedAuthorizationRequest",
    summary: "Pushes an authorization request (RFC 9126): parameters, or one signed request.",
    query: &[],
    takes: Some(&PUSHED_REQUEST),
    gives: &[given(201, &PUSHED)],
};
static AUTHORIZE: Operation = Operation {
    id: "authorize",
    summary: "Takes the customer's browser in (RFC 6749 section 4.1.1).",
    query: &[query("client_id", ANY, Presence::Always), query("request_uri", ANY, Presence::Always)],
    takes: None,
    gives: &[Given { status: 303, media: "", body: None }],
};
/// OpenID Connect Core section 3.1.2.1: the same as a form.
static AUTHORIZE_POST: Operation = Operation {
    id: "authorizePost",
    summary: "Takes the customer's browser in, by a form (OpenID Connect Core section 3.1.2.1).",
    query: &[],
    takes: Some(&ARRIVAL),
    gives: &[Given { status: 303, media: "", body: None }],
};
static TOKEN: Operation = Operation {
    id: "token",
    summary: "Issues tokens (RFC 6749 section 3.2).",
    query: &[],
    takes: Some(&TOKEN_REQUEST),
    gives: &[given(200, &TOKENS)],
};
static INTROSPECT_GET: Operation = Operation {
    id: "introspectGet",
    summary: "Tells a resource server what a token is worth, asked for by its hash or itself, one of the two; RFC 7662 has \
              only the form with POST.",
    query: &[query("token_hash", HASH, Presence::Sometimes), query("token", ANY, Presence::Sometimes)],
    takes: None,
    gives: &[given(200, &INTROSPECTION)],
};
static INTROSPECT_POST: Operation = Operation {
    id: "introspectPost",
    summary: "Tells a resource server what a token is worth (RFC 7662), signed where it is asked or registered so (RFC 9701).",
    query: &[],
    takes: Some(&QUESTION),
    gives: &[
        given(200, &INTROSPECTION),
        Given { status: 200, media: "application/token-introspection+jwt", body: None },
    ],
};
static USERINFO: Operation = Operation {
    id: "userinfo",
    summary: "Tells who the customer is (OpenID Connect Core section 5.3), signed where that was registered.",
    query: &[],
    takes: None,
    gives: &[given(200, &CLAIMS), Given { status: 200, media: "application/jwt", body: None }],
};

/// OpenID Connect Core section 5.3.1: the same by POST.
static USERINFO_POST: Operation = Operation {
    id: "userinfoPost",
    summary: "Tells who the customer is (OpenID Connect Core section 5.3), signed where that was registered.",
    query: &[],
    takes: None,
    gives: &[given(200, &CLAIMS), Given { status: 200, media: "application/jwt", body: None }],
};

const ASSERTION: &str = "A client that authenticates with private_key_jwt or its certificate.";
const RESOURCE_SERVERS: &str = "A registered resource server.";

pub(super) const OAUTH: &[Elsewhere] = &[
    Elsewhere {
        method: Method::POST,
        path: "/oauth/par",
        aliases: &[],
        callers: ASSERTION,
        about: &PAR,
        sent_as: FORM,
        refusals: PUSH_REFUSALS,
    },
    Elsewhere {
        method: Method::GET,
        path: "/oauth/authorize",
        aliases: &["/oauth/auth"],
        callers: "A browser.",
        about: &AUTHORIZE,
        sent_as: FORM,
        refusals: PAGE_REFUSALS,
    },
    Elsewhere {
        method: Method::POST,
        path: "/oauth/authorize",
        aliases: &["/oauth/auth"],
        callers: "A browser.",
        about: &AUTHORIZE_POST,
        sent_as: FORM,
        refusals: PAGE_REFUSALS,
    },
    Elsewhere {
        method: Method::POST,
        path: "/oauth/token",
        aliases: &[],
        callers: ASSERTION,
        about: &TOKEN,
        sent_as: FORM,
        refusals: TOKEN_REFUSALS,
    },
    Elsewhere {
        method: Method::GET,
        path: "/oauth/introspection",
        aliases: &["/oauth/introspect"],
        callers: RESOURCE_SERVERS,
        about: &INTROSPECT_GET,
        sent_as: FORM,
        refusals: TOKEN_SHOWN_REFUSALS,
    },
    Elsewhere {
        method: Method::POST,
        path: "/oauth/introspection",
        aliases: &["/oauth/introspect"],
        callers: RESOURCE_SERVERS,
        about: &INTROSPECT_POST,
        sent_as: FORM,
        refusals: QUESTION_REFUSALS,
    },
    Elsewhere {
        method: Method::GET,
        path: "/oauth/userinfo",
        aliases: &[],
        callers: "A customer's token with openid.",
        about: &USERINFO,
        sent_as: FORM,
        refusals: TOKEN_SHOWN_REFUSALS,
    },
    Elsewhere {
        method: Method::POST,
        path: "/oauth/userinfo",
        aliases: &[],
        callers: "A customer's token with openid.",
        about: &USERINFO_POST,
        sent_as: FORM,
        refusals: TOKEN_SHOWN_REFUSALS,
    },
];
