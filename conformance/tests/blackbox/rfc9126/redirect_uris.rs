//! T-RU-01, PAR-11, AZ-10: registered redirect URIs compare byte by byte; nothing is parsed before.

use std::collections::BTreeSet;

use conformance::tpp::mutate::{Part, set};

use crate::support::judge::refused_as;
use crate::support::{embedded, identity};

/// Everything that some parser, somewhere, takes for the same address, or for one of ours.
#[expect(clippy::too_many_lines, reason = "one row per mutant: the table is the point")]
fn mutants(uri: &str) -> BTreeSet<String> {
    let (scheme, rest) = uri.split_once("://").unwrap();
    let (authority, path) = rest.split_at(rest.find('/').unwrap());
    let (host, port) = authority.split_once(':').unwrap();
    let after = [
        "/",
        "//",
        "/.",
        "/..",
        "/../callback",
        "/..;/",
        "?",
        "?x=1",
        "?code=evil",
        "?state=s&code=c",
        "#",
        "#x",
        "%20",
        "%00",
        "%0a",
        " ",
        "\t",
        "\n",
        "\r\n",
        "\\",
        ";",
        ";x=1",
        "x",
        ".evil.example",
        "@evil.example",
        "%2f",
        "%2e",
        "?redirect_uri=http://evil.example",
    ];
    let mut all: BTreeSet<String> = after.iter().map(|end| format!("{uri}{end}")).collect();
    all.extend([" ", "\t", "\n", "\u{feff}", "http:", "x"].map(|start| format!("{start}{uri}")));
    all.extend(
        [
            "127.0.0.1.",
            "localhost",
            "LOCALHOST",
            "127.1",
            "127.0.0.01",
            "0x7f000001",
            "2130706433",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[fe80::1%25eth0]",
            "127.0.0.1.evil.example",
            "127.0.0.1%2eevil.example",
            "127.0.0.1%00.evil.example",
            "xn--127",
            "127\u{3002}0.0.1",
            "evil.example",
        ]
        .map(|other| format!("{scheme}://{other}:{port}{path}")),
    );
    all.extend(
        [
            "",
            ":",
            ":09473",
            ":9474",
            ":80",
            ":9473@evil.example",
            ":9473\\@evil.example",
            ":9473%40evil.example",
        ]
        .map(|other| format!("{scheme}://{host}{other}{path}")),
    );
    all.extend(
        ["good@", "good:word@", "evil.example@", "a@b@", "evil.example\\@", "evil.example%40"]
            .map(|user| format!("{scheme}://{user}{authority}{path}")),
    );
    all.extend(
        [
            "/Callback",
            "/CALLBACK",
            "//callback",
            "/./callback",
            "/x/../callback",
            "/%63allback",
            "/callbac",
            "/callbacks",
            "",
            "/",
            "/evil",
            "\\callback",
            "/callback/..%2fevil",
            "/call%0aback",
            "/call back",
        ]
        .map(|other| format!("{scheme}://{authority}{other}")),
    );
    all.extend(
        ["https", "HTTP", "javascript", "data", "ws", "file", "http:http"]
            .map(|other| format!("{other}://{authority}{path}")),
    );
    all.extend([
        format!("//{authority}{path}"),
        format!("{scheme}:/{authority}{path}"),
        format!("{scheme}:///{authority}{path}"),
        format!("{scheme}:\\\\{authority}{path}"),
        format!("{uri} {uri}"),
        format!("{uri},{uri}"),
        format!("https://evil.example/?{uri}"),
        format!("https://evil.example/#{uri}"),
        path.to_owned(),
        "*".to_owned(),
        "javascript:alert(1)//".to_owned() + uri,
    ]);
    all.remove(uri);
    all
}

#[tokio::test]
async fn the_accepted_redirect_uris_are_exactly_the_registered_ones() {
    let palm = embedded().await.palm();
    let registered = palm.registered().entry.redirect_uri.clone();
    let mutants = mutants(&registered);
    assert!(mutants.len() >= 60, "{}", mutants.len());
    for mutant in mutants {
        let answer =
            palm.push(&identity(), &[set(Part::PushForm, "redirect_uri", mutant.as_str())]).await.unwrap();
        refused_as(&answer, 400, &["invalid_request"], &mutant);
    }
    let honest = palm.push(&identity(), &[set(Part::PushForm, "redirect_uri", registered)]).await.unwrap();
    assert_eq!(honest.status, 201);
}
