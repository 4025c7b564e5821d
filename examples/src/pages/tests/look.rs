//! Writes every page to a directory, to be looked at in a browser.

use rar_consent::Language;

use super::*;

#[test]
#[ignore = "writes files for a person to look at: cargo test -p mandate-examples pages_to_look_at -- --ignored"]
fn pages_to_look_at() {
    for language in Language::ALL {
        let folder = language.tag();
        let pages =
            Pages::new().unwrap().speaking(language).switching_at("/request?ticket=t&lang=x".to_owned());
        let directory = std::env::temp_dir().join("mandate-pages").join(folder);
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("style.css"), STYLE_CSS).unwrap();
        let mut all = cases(&pages);
        all.extend(operator_cases(&pages));
        let hostile = truth::hostile_consent();
        all.push(case(("consent", "consent-hostile"), &hostile, pages.consent(&hostile)));
        for case in all {
            let html = case.html.replace(&pages.style_path().replace('/', "&#x2f;"), "style.css");
            std::fs::write(directory.join(format!("{}.html", case.name)), html).unwrap();
        }
    }
}
