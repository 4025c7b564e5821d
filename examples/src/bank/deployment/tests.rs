use std::path::PathBuf;

use oauth_core::{Seconds, TokenForm};

use super::*;

fn parse(text: &str) -> Result<Deployment, Vec<Problem>> {
    match Deployment::parse(text, (&Flags::default(), Path::new("bank.toml"))) {
        Ok(deployment) => Ok(deployment),
        Err(ConfigFault::Content { problems, .. }) => Err(problems),
        Err(other) => panic!("{other}"),
    }
}

fn problems(text: &str) -> Vec<String> {
    parse(text).unwrap_err().iter().map(ToString::to_string).collect()
}

const CLIENT: &str = r#"
client_id = "suite-1"
client_name = "Test suite"
redirect_uris = ["https://suite.example/cb"]
token_endpoint_auth_method = "private_key_jwt"
dpop_bound_access_tokens = true
scope = "openid"
jwks = '{"keys":[{"kty":"EC","crv":"P-256","kid":"k1","alg":"ES256","use":"sig","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}'
"#;

#[test]
fn without_anything_said_the_bank_lives_in_mandate_data_on_sqlite() {
    let deployment = Deployment::read(&Flags::default()).unwrap();
    assert_eq!(deployment.issuer(), "https://localhost:8443");
    assert_eq!(deployment.database, "sqlite:mandate-data/bank.sqlite");
    assert_eq!(deployment.apis, [ApiPlan { path: String::new(), issuers: vec![0] }]);
}

#[test]
fn a_flag_wins_over_the_file() {
    let flags = Flags { port: Some(9001), ..Flags::default() };
    let text = "[listeners]\nport = 9002\nmtls_port = 9003\n";
    let deployment = Deployment::parse(text, (&flags, Path::new("bank.toml"))).unwrap();
    assert_eq!((deployment.listeners.port, deployment.listeners.mtls_port), (9001, 9003));
}

#[test]
fn what_the_law_allows_of_retirement_accounts_is_configured_and_otherwise_as_it_stands() {
    let of = |text: &str| parse(text).unwrap().bank.pera;
    let pesos =
        |minor| resource_server::domain::Money::new(minor, resource_server::domain::Currency::Php).unwrap();
    let usual = of("");
    assert_eq!((usual.yearly_max, usual.yearly_max_overseas), (pesos(20_000_000), pesos(40_000_000)));
    assert_eq!((usual.accounts_max, usual.instapay_max), (5, pesos(5_000_000)));
    let other = of("[bank.pera]\nyearly_max = \"300000.00\"\naccounts_max = 7\n");
    assert_eq!((other.yearly_max, other.accounts_max), (pesos(30_000_000), 7));
    assert_eq!(other.yearly_max_overseas, usual.yearly_max_overseas);
    for wrong in ["yearly_max = \"1e6\"", "yearly_max = \"-1.00\"", "accounts_max = 0", "accounts = 5"] {
        let told = problems(&format!("[bank.pera]\n{wrong}\n"));
        assert_eq!(told.len(), 1, "{wrong}: {told:?}");
    }
}

#[test]
fn two_issuers_have_their_own_policy_settings_and_clients() {
    let text = format!(
        "[[issuers]]\npolicy = \"fapi2-security\"\n\n[[issuers]]\npath = \"/plain\"\npolicy = \"plain-oauth\"\n\
         [issuers.settings]\ncode_lifetime = 30\nproof_nonce = \"require\"\nsigning_alg = \"PS256\"\n\
         [issuers.settings.paths]\ntoken = \"/t\"\n[[issuers.settings.resources]]\nuri = \"https://rs.example\"\n\
         tokens = \"opaque\"\n[[issuers.clients]]{CLIENT}"
    );
    let deployment = parse(&text).unwrap();
    let [first, second] = deployment.issuers.as_slice() else { panic!("two issuers") };
    assert_eq!(second.issuer().as_str(), "https://localhost:8443/plain");
    assert_ne!(first.policy.name, second.policy.name);
    let settings = second.settings(oauth_core::ServerSecret::new(zeroize::Zeroizing::new([1; 32])));
    assert_eq!((settings.code_lifetime, settings.paths.token.as_str()), (Seconds::new(30), "/t"));
    assert_eq!(settings.resources[0].tokens, TokenForm::Opaque);
    assert_eq!((first.clients.len(), second.clients.len()), (0, 1));
    assert_eq!(second.clients[0].organisation.name, "Test suite");
    assert_eq!(deployment.apis[1], ApiPlan { path: "/plain".to_owned(), issuers: vec![1] });
}

#[test]
fn everything_that_is_wrong_is_told_at_once_with_line_field_and_rule() {
    let text = "prot = 1\n\n[listeners]\nport = 70000\nbind = \"here\"\n\n[[issuers]]\npath = \"x/\"\n\n[[issuers]]\n\
                path = \"/a\"\npolicy = \"fapi3\"\n\n[[issuers]]\npath = \"/b\"\n[issuers.settings]\ncode_lifetime = 61\n";
    let told = problems(text);
    for (line, words) in [
        (1, "prot: is unknown"),
        (4, "listeners.port: write a port"),
        (5, "listeners.bind: write an IP address"),
        (8, "issuers[0].path: begin with a slash"),
        (12, "issuers[1].policy: \"fapi3\" is none of"),
        (
            17,
            "issuers[2].settings.code_lifetime: 61 s must be between 1 s and 60 s (FAPI 2.0 Security Profile 5.3.2.1-11)",
        ),
    ] {
        let start = format!("line {line}: {words}");
        assert!(told.iter().any(|one| one.starts_with(&start)), "{start}\n{}", told.join("\n"));
    }
}

#[test]
fn a_client_is_judged_member_by_member() {
    let shared = "[[clients]]\nclient_id = \"x\"\ntoken_endpoint_auth_method = \"client_secret_basic\"\n\
                  redirect_uris = [\"http://far.example/cb\"]\nfoo = 1\n";
    let told = problems(shared).join("\n");
    assert!(told.contains("line 5: clients[0].foo: unknown field `foo`"), "{told}");
    let told = problems(&shared.replace("foo = 1\n", "")).join("\n");
    assert!(told.contains("line 3: clients[0].token_endpoint_auth_method: private_key_jwt"), "{told}");
    assert!(told.contains("line 4: clients[0].redirect_uris: http://far.example/cb"), "{told}");
    assert!(told.contains("clients[0].dpop_bound_access_tokens: set exactly one"), "{told}");
}

#[test]
fn a_syntax_error_is_named_with_its_line() {
    let told = problems("demo = \"all\"\nport == 1\n");
    assert!(told[0].starts_with("line 2:"), "{told:?}");
}

#[test]
fn test_controls_are_refused_where_strangers_can_reach_a_listener() {
    assert_eq!(parse("test_controls = true\n").unwrap().controls, TestControls::Present);
    let told = problems("test_controls = true\n[listeners]\nbind = \"0.0.0.0\"\n");
    assert!(told[0].contains("every listener must be on a loopback address"), "{told:?}");
}

#[test]
fn a_user_owns_accounts_and_a_name_belongs_to_one_user() {
    let user = "[[users]]\nusername = \"amal\"\npassword = \"p\"\n[[users.accounts]]\nid = \"acc-1\"\n\
                currency = \"AED\"\niban = \"AE070331234567890123456\"\nbalance = \"12.50\"\n";
    let deployment = parse(user).unwrap();
    assert_eq!(deployment.users[0].accounts[0].opening, 1250);
    assert_eq!(deployment.users[0].customer.subject.as_str(), "cus-amal");
    let told = problems(&user.replace("amal", "mariam"));
    assert!(told.iter().any(|one| one.contains("is the name of another user")), "{told:?}");
}

#[test]
fn two_listeners_on_one_port_are_refused() {
    let told = problems("[listeners]\nport = 9400\n");
    assert!(told[0].contains("admin_port") && told[0].contains("each needs its own"), "{told:?}");
}

#[test]
fn files_are_looked_for_beside_the_deployment_file() {
    let flags = Flags::default();
    let text = "data_dir = \"data\"\n[certificates]\nchain = \"c.pem\"\nkey = \"k.pem\"\n";
    let deployment = Deployment::parse(text, (&flags, Path::new("/etc/bank/bank.toml"))).unwrap();
    assert_eq!(deployment.data_dir, PathBuf::from("/etc/bank/data"));
    assert_eq!(deployment.certificates.server.unwrap().0, PathBuf::from("/etc/bank/c.pem"));
}

#[test]
fn apis_may_take_the_tokens_of_several_issuers() {
    let two = "[[issuers]]\n[[issuers]]\npath = \"/b\"\n[[apis]]\npath = \"\"\nissuers = [\"\", \"/b\"]\n";
    assert_eq!(parse(two).unwrap().apis, [ApiPlan { path: String::new(), issuers: vec![0, 1] }]);
    let told = problems(&two.replace("\"/b\"]", "\"/c\"]"));
    assert!(told[0].contains("\"/c\" is no path of [[issuers]]"), "{told:?}");
}

#[test]
fn calls_go_to_the_ports_and_authorities_that_the_file_names() {
    let deployment = parse("[outbound]\nports = [8443, 9443]\n").unwrap();
    assert_eq!(deployment.calls.ports, [8443, 9443]);
    for wrong in [
        "ports = 8443",
        "ports = [0]",
        "ports = [65536]",
        "ports = [\"8443\"]",
        "authorities = \"no.pem\"",
        "proxy = \"p\"",
    ] {
        let name = wrong.split(' ').next().unwrap();
        let problems = parse(&format!("[outbound]\n{wrong}\n")).unwrap_err();
        assert!(
            problems.iter().any(|one| one.line == 2 && one.field == format!("outbound.{name}")),
            "{problems:?}"
        );
    }
}

/// One broken line each: every rule of a deployment that nothing else breaks.
#[test]
fn each_line_that_cannot_be_is_told_with_what_to_change() {
    let organisation = "[[organisations]]\nid = \"a\"\nname = \"A\"\ndomain = \"a.example\"\n";
    let user = "[[users]]\nusername = \"amal\"\npassword = \"p\"\n";
    let account = format!("{user}[[users.accounts]]\nid = \"acc-1\"\ncurrency = \"AED\"\n");
    let clients = format!("[[clients]]{CLIENT}");
    let cases = [
        (organisation.repeat(2), "is the id of another organisation"),
        (format!("{clients}organisation = \"nobody\"\n"), "is none of [[organisations]]"),
        (format!("{clients}jwks_file = \"keys.json\"\n"), "name the keys once"),
        (clients.replace("jwks = '{\"keys\"", "jwks = '{\"k"), "jwks"),
        (clients.repeat(2), "is registered twice"),
        ("[[issuers]]\npolicy = \"fapi3\"\n".to_owned(), "is none of plain-oauth"),
        ("[[issuers]]\n[issuers.settings.push_rate]\nper_minute = -1\n".to_owned(), "must be between 0 and"),
        ("[bank.rate]\nper_minute = -1\nburst = 1\n".to_owned(), "must be between 0 and"),
        ("[bank.rate]\nper_minute = 1\n".to_owned(), "is missing"),
        ("[[apis]]\npath = \"api/\"\nissuers = [\"\"]\n".to_owned(), "begin with a slash and do not end"),
        ("[[apis]]\nissuers = [\"\"]\n".repeat(2), "is the place of other APIs"),
        ("[[apis]]\nissuers = [\"/nope\"]\n".to_owned(), "is no path of [[issuers]]"),
        ("[[apis]]\nissuers = []\n".to_owned(), "at least one issuer"),
        (user.repeat(2), "is the name of another user"),
        (format!("{user}subject = \"suite-1\"\n{clients}"), "is the subject of a customer, too"),
        (clients.replace("suite-1", "cus-maria"), "is the subject of a customer, too"),
        (account.clone(), "name the account: number, iban, or both"),
        (format!("{account}number = \"1234567\"\nbalance = \"12,50\"\n"), "balance"),
        ("[listeners]\nport = 0\n".to_owned(), "write a port: 1 to 65535"),
        ("[listeners]\nbind = \"everywhere\"\n".to_owned(), "write an IP address"),
        ("[resource_server]\nport = 70000\n".to_owned(), "write a port: 1 to 65535"),
        ("[outbound]\nauthorities = \"nowhere.pem\"\n".to_owned(), "is no file"),
        ("[outbound]\nports = [0]\n".to_owned(), "write a list of ports"),
        ("[listeners]\nspeed = 3\n".to_owned(), "speed"),
        ("demo = 7\n".to_owned(), "demo"),
    ];
    let mut untold = Vec::new();
    for (text, told) in cases {
        let problems: Vec<String> = parse(&text).err().iter().flatten().map(ToString::to_string).collect();
        if !problems.iter().any(|one| one.contains(told)) {
            untold.push((told, problems, text));
        }
    }
    assert!(untold.is_empty(), "{untold:#?}");
    assert_eq!(parse("").unwrap().outbound(), Outbound::Public);
    assert_eq!(parse("test_controls = true\n").unwrap().outbound(), Outbound::PublicAndLoopback);
}
