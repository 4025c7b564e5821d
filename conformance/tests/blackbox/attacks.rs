//! Attacks of the threat catalogue that no single document asks for.

use conformance::client::Answer;
use conformance::host;
use conformance::tpp::mutate::{HONEST, Jws, Part, set};
use conformance::tpp::proof::About;
use conformance::user::Decision;

use crate::support::judge::{challenged, refused, taken};
use crate::support::raw::{Raw, fields, proof_about};
use crate::support::{World, embedded, identity};

/// Every public address of the bank, asked without anything.
async fn bare(world: &World, method: &'static str, path: &str) -> Answer {
    let raw = Raw::bare(method, &format!("{}{path}", world.issuer()));
    raw.with("origin", "https://evil.example").send(&world.bank.client().unwrap()).await
}

const PATHS: [&str; 8] = [
    "/.well-known/oauth-authorization-server",
    "/jwks",
    "/par",
    "/authorize",
    "/token",
    "/userinfo",
    "/introspect",
    "/sign-in",
];

/// T-HT-06: no page of another origin may read an answer, and no preflight is granted.
#[tokio::test]
async fn no_answer_is_for_pages_of_another_origin() {
    let world = embedded().await;
    for path in PATHS {
        for method in ["GET", "POST", "OPTIONS"] {
            let answer = bare(world, method, path).await;
            let granted: Vec<_> =
                answer.headers.keys().filter(|name| name.as_str().starts_with("access-control-")).collect();
            assert!(granted.is_empty(), "{method} {path}: {granted:?}");
        }
    }
}

/// T-HT-10: secrets and reflected input share bodies, so nothing is compressed.
#[tokio::test]
async fn no_answer_is_compressed_however_much_the_caller_would_like_it() {
    let world = embedded().await;
    for path in PATHS {
        let raw = Raw::bare("GET", &format!("{}{path}", world.issuer()));
        let answer =
            raw.with("accept-encoding", "gzip, br, zstd, deflate").send(&world.bank.client().unwrap()).await;
        assert!(answer.all("content-encoding").is_empty(), "{path}");
    }
}

/// T-HT-11.
#[tokio::test]
async fn the_public_listeners_know_nothing_of_administration() {
    let world = embedded().await;
    let origins = [world.issuer(), world.bank.mtls_origin()];
    for path in ["/health", "/metrics", "/admin", "/admin/consents/x/revoke", "/test/clock", "/test/reset"] {
        for (origin, method) in origins.iter().flat_map(|origin| [(origin, "GET"), (origin, "POST")]) {
            let answer =
                Raw::bare(method, &format!("{origin}{path}")).send(&world.bank.client().unwrap()).await;
            assert!(
                matches!(answer.status.as_u16(), 401 | 404),
                "{method} {origin}{path}: {}",
                answer.status
            );
        }
    }
}

/// T-TK-03: no part of a secret can be edited into another one that is good.
#[tokio::test]
async fn an_edited_code_or_token_is_no_code_and_no_token() {
    let world = embedded().await;
    let palm = world.palm();
    let ask = identity();
    let code = world.code(&palm, &ask).await;
    for edited in edits(&code) {
        refused(&palm.redeem(&ask, &edited, HONEST).await.unwrap(), 400, "invalid_grant");
    }
    let tokens = palm.redeem(&ask, &code, HONEST).await.unwrap();
    taken(&tokens, "the code itself is still good");
    let refresh = tokens.member("refresh_token").unwrap();
    for edited in edits(&refresh) {
        refused(&palm.refresh(&edited, HONEST).await.unwrap(), 400, "invalid_grant");
    }
    taken(&palm.refresh(&refresh, HONEST).await.unwrap(), "the refresh token itself is still good");
    for edited in edits(&tokens.member("access_token").unwrap()) {
        challenged(&world.userinfo(&palm, &edited).await, "DPoP", "invalid_token", &edited);
    }
}

/// One letter appended, one cut, one changed in the middle, and the case of one turned around.
fn edits(secret: &str) -> Vec<String> {
    let middle = secret.len() / 2;
    let changed = |at: usize, to: fn(u8) -> u8| {
        let mut bytes = secret.as_bytes().to_vec();
        bytes[at] = to(bytes[at]);
        String::from_utf8(bytes).unwrap()
    };
    let letter = secret.bytes().rposition(|byte| byte.is_ascii_alphabetic()).unwrap();
    let mut all = vec![format!("{secret}A"), secret[..secret.len() - 1].to_owned()];
    all.push(changed(middle, |byte| if byte == b'A' { b'B' } else { b'A' }));
    // the last letter of a base64url text may carry bits that count for nothing: take one before it
    let before = secret[..letter].bytes().rposition(|byte| byte.is_ascii_alphabetic()).unwrap();
    all.push(changed(before, |byte| byte ^ 0x20));
    all
}

/// What the database has been asked and told since the start of the bank.
async fn counted(world: &World, series: &str) -> i64 {
    let metrics = world.bank.client().unwrap().get(&format!("{}/metrics", world.bank.admin_origin())).await;
    let text = metrics.unwrap().text();
    let line = text.lines().find(|line| line.starts_with(series)).unwrap();
    line.rsplit_once(' ').unwrap().1.parse().unwrap()
}

async fn statements_and_commits(world: &World) -> (i64, i64) {
    (counted(world, "bank_store_statements_total").await, counted(world, "bank_store_commits_total").await)
}

/// T-TK-10: who guesses makes the bank look once, and never write; nobody else waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_guess_costs_a_look_up_and_no_write_and_locks_nobody_out() {
    const GUESSES: i64 = 150;
    let world = World::start(conformance::bank::Settings::default()).await;
    let (palm, ask) = (world.palm(), identity());
    let code = world.code(&palm, &ask).await;
    let (prefix, _) = code.split_at(code.len() - 43);
    let luzon = world.luzon();
    // besides the guesses, the bank looks at its keys, outbox and locks, seals its trail, and sweeps: so much a second
    let begun = tokio::time::Instant::now();
    let before = statements_and_commits(&world).await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let idle = statements_and_commits(&world).await;
    let (own_statements, own_commits) = ((idle.0 - before.0) / 3 + 1, (idle.1 - before.1) / 3 + 1);
    let url = palm.endpoint("userinfo_endpoint").unwrap();
    for _ in 0..GUESSES {
        let guess = format!("{prefix}{}", &host::token()[..43]);
        refused(&luzon.redeem(&ask, &guess, HONEST).await.unwrap(), 400, "invalid_grant");
        refused(
            &luzon.refresh(&guess.replacen("ac_", "rt_", 1), HONEST).await.unwrap(),
            400,
            "invalid_grant",
        );
        assert_eq!(palm.get(&url, &guess.replacen("ac_", "at_", 1), HONEST).await.unwrap().status, 401);
    }
    let seconds = i64::try_from(begun.elapsed().as_secs()).unwrap() + 1;
    let after = statements_and_commits(&world).await;
    let (asked, written) = (after.0 - idle.0, after.1 - idle.1);
    assert!(asked < GUESSES * 4 + 2 * seconds * own_statements, "{asked} statements in {seconds} s");
    assert!(written < GUESSES / 10 + 2 * seconds * own_commits, "{written} writes in {seconds} s");
    taken(&palm.redeem(&ask, &code, HONEST).await.unwrap(), "nobody else is locked out");
}

/// T-DP-04: the memory of a proof from ahead outlives its own acceptance.
#[tokio::test]
async fn a_proof_from_ahead_is_not_good_again_at_the_end_of_its_window() {
    let world = embedded().await;
    let palm = world.palm();
    let tokens = world.tokens(&palm, &identity()).await;
    let url = palm.endpoint("userinfo_endpoint").unwrap();
    let about = About { method: "GET", url: &url, access_token: Some(&tokens.access), nonce: None };
    let mut draft = conformance::tpp::proof::draft(palm.proof_key(), &about);
    draft.claims.set("iat", host::now() + 9);
    let proof = draft.sign(palm.proof_key()).unwrap();
    let call =
        Raw::bare("GET", &url).with("authorization", &format!("DPoP {}", tokens.access)).with("dpop", &proof);
    let http = &palm.registered().http;
    assert_eq!(call.send(http).await.status, 200, "nine seconds ahead is taken");
    for wait in [0, 50, 15] {
        tokio::time::sleep(std::time::Duration::from_secs(wait)).await;
        challenged(&call.send(http).await, "DPoP", "invalid_dpop_proof", "again");
    }
}

/// T-DP-08: a client bound to certificates that also shows a proof gets a token bound to the certificate.
#[tokio::test]
async fn a_proof_beside_a_certificate_does_not_change_what_the_token_is_bound_to() {
    let world = embedded().await;
    let luzon = world.luzon();
    let url = luzon.endpoint("token_endpoint").unwrap();
    let proof = proof_about(&luzon, &About { method: "POST", url: &url, ..About::default() });
    let form = fields(&[("grant_type", "client_credentials"), ("scope", "payments")]);
    let answer =
        Raw::honest(&luzon, "token_endpoint", form).with("dpop", &proof).send(&luzon.registered().http).await;
    if answer.status.is_success() {
        let (_, claims) = conformance::tpp::jws::peek(&answer.member("access_token").unwrap()).unwrap();
        assert!(claims["cnf"]["x5t#S256"].is_string() && claims["cnf"].get("jkt").is_none(), "{claims}");
    } else {
        assert!(answer.status.is_client_error(), "{}", answer.text());
    }
}

/// T-OP-01: after a flow, neither the log nor the database holds a secret that this flow used.
#[tokio::test]
async fn no_secret_of_a_flow_stands_in_the_log_or_in_the_database() {
    let world = embedded().await;
    let palm = world.palm();
    let ask = identity();
    let reference = world.push(&palm, &ask).await;
    let returned = world.decide(&palm, &reference, &Decision::Approve).await;
    let code = palm.code(&ask, &returned).await.unwrap();
    let answer = palm.redeem(&ask, &code, HONEST).await.unwrap();
    let (access, refresh) = (answer.member("access_token").unwrap(), answer.member("refresh_token").unwrap());
    palm.refresh(&refresh, &[set(Part::Claims(Jws::Assertion), "jti", host::token())]).await.unwrap();
    world.userinfo(&palm, &access).await;
    let signature = access.rsplit('.').next().unwrap().to_owned();
    let handle = reference.rsplit(':').next().unwrap().to_owned();
    let secrets = [code, refresh, signature, handle, ask.verifier, world.user.password.clone()];
    let mut searched = 0;
    for file in std::fs::read_dir(world.bank.directory()).unwrap().flatten().map(|entry| entry.path()) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        if name != "bank.log" && !name.contains("sqlite") {
            continue;
        }
        let bytes = std::fs::read(&file).unwrap();
        searched += bytes.len();
        for secret in &secrets {
            // the start tells the demo password on purpose, so that one is looked for in the database only
            let told = name == "bank.log" && *secret == world.user.password;
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(told || !found, "{name} holds a secret of {} letters", secret.len());
        }
    }
    assert!(searched > 10_000, "log and database were there to search");
}

/// T-OP-02: whatever a caller writes, a line of the log stays one event of JSON.
#[tokio::test]
async fn hostile_text_does_not_break_the_lines_of_the_log() {
    let world = embedded().await;
    let palm = world.palm();
    for hostile in ["\n{\"message\":\"forged\"}", "\u{1b}[31mred", "\u{2028}forged", "\r\nforged: 1"] {
        for name in ["client_id", "scope", "login_hint", "state"] {
            let _refused_or_not =
                palm.push(&identity(), &[set(Part::PushForm, name, hostile)]).await.unwrap();
        }
    }
    let log = std::fs::read_to_string(world.bank.directory().join("bank.log")).unwrap();
    let events: Vec<&str> = log.lines().filter(|line| line.contains("\"target\"")).collect();
    assert!(!events.is_empty());
    for line in events {
        let read: Result<serde_json::Value, _> = serde_json::from_str(line);
        assert!(
            read.is_ok() && !line.contains('\u{1b}') && !line.contains("\"message\":\"forged\""),
            "{line}"
        );
    }
    assert!(
        !log.lines().any(|line| line.starts_with("forged") || line.starts_with("{\"message\":\"forged\"")),
        "{log}"
    );
}

/// RS-06: an answer tells the time.
#[tokio::test]
async fn every_answer_carries_its_date() {
    let world = embedded().await;
    for path in PATHS {
        let answer = bare(world, "GET", path).await;
        assert!(answer.header("date").is_some_and(|date| date.ends_with(" GMT")), "{path}");
    }
}
