//! Headless Chromium, driven over WebDriver, with pictures of what it saw.

use std::path::PathBuf;
use std::time::Duration;

use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;

use crate::host::{self, Scratch};
use crate::services::Chromedriver;
use crate::{Doing as _, Trouble};

/// Between two looks at whether the page of a pressed button is gone, and how many looks are worth it.
const LEAVING_POLL: Duration = Duration::from_millis(50);
const LEAVING_POLLS: u32 = 100;

/// One browser with an empty profile of its own.
#[derive(Debug)]
pub struct Browser {
    page: Client,
    driver: Chromedriver,
    _profile: Scratch,
}

impl Browser {
    /// Starts chromedriver and a browser that accepts the bank's private certificates.
    ///
    /// # Errors
    /// When Chromium or chromedriver is missing or does not start.
    pub async fn start() -> Result<Self, Trouble> {
        Self::started(&[]).await
    }

    /// The same browser with scripts turned off.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_without_script() -> Result<Self, Trouble> {
        Self::started(&["--blink-settings=scriptEnabled=false"]).await
    }

    async fn started(more: &[&str]) -> Result<Self, Trouble> {
        let driver = Chromedriver::start().await?;
        let profile = Scratch::new("chromium")?;
        let page = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(&profile, more)?)
            .connect(&driver.url())
            .await
            .doing("start Chromium")?;
        Ok(Self { page, driver, _profile: profile })
    }

    /// The page, with everything WebDriver can do.
    pub fn page(&self) -> &Client {
        &self.page
    }

    /// Opens an address.
    ///
    /// # Errors
    /// When the page cannot be loaded.
    pub async fn open(&self, url: &str) -> Result<(), Trouble> {
        self.page.goto(url).await.doing(format!("open {url}"))
    }

    /// Types into the field with this id.
    ///
    /// # Errors
    /// When the page has no such field.
    pub async fn fill(&self, id: &str, text: &str) -> Result<(), Trouble> {
        let field = self.page.find(Locator::Id(id)).await.doing(format!("find the field {id}"))?;
        field.clear().await.doing(format!("clear the field {id}"))?;
        field.send_keys(text).await.doing(format!("type into {id}"))
    }

    /// Presses the button with this id, which sends a form, and waits for the page that follows.
    ///
    /// # Errors
    /// When the page has no such button, or no other page follows.
    pub async fn press(&self, id: &str) -> Result<(), Trouble> {
        let button = self.page.find(Locator::Id(id)).await.doing(format!("find the button {id}"))?;
        button.click().await.doing(format!("press {id}"))?;
        for _ in 0..LEAVING_POLLS {
            if button.tag_name().await.is_err() {
                break;
            }
            tokio::time::sleep(LEAVING_POLL).await;
        }
        self.page.wait().for_element(Locator::Css("body")).await.doing(format!("see what follows {id}"))?;
        Ok(())
    }

    /// Saves a picture of the page as `target/screenshots/NAME.png`.
    ///
    /// # Errors
    /// When the picture cannot be taken or written.
    pub async fn screenshot(&self, name: &str) -> Result<PathBuf, Trouble> {
        let picture = self.page.screenshot().await.doing("take a screenshot")?;
        let directory = host::target_directory().join("screenshots");
        std::fs::create_dir_all(&directory).doing("make the directory for screenshots")?;
        let file = directory.join(format!("{name}.png"));
        std::fs::write(&file, picture).doing("write a screenshot")?;
        Ok(file)
    }

    /// Closes the browser and its driver.
    ///
    /// # Errors
    /// When one of them does not close.
    pub async fn close(self) -> Result<(), Trouble> {
        self.page.close().await.doing("close Chromium")?;
        self.driver.stop().await
    }
}

/// Chromium calls home and shares memory unless told otherwise, and has no sandbox for the administrator.
fn capabilities(profile: &Scratch, more: &[&str]) -> Result<Capabilities, Trouble> {
    let mut arguments = vec![format!("--user-data-dir={}", profile.path().display())];
    arguments.extend(
        [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1000,1400",
        ]
        .map(str::to_owned),
    );
    arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
    let asked = json!({
        "browserName": "chrome",
        "acceptInsecureCerts": true,
        "goog:chromeOptions": { "args": arguments },
    });
    serde_json::from_value(asked).doing("write the capabilities of the browser")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    #[ignore = "needs Chromium: run by the browser section of the check command"]
    async fn browser_fills_a_form_and_takes_a_picture() {
        let browser = Browser::start().await.unwrap();
        let page = "data:text/html,<title>t</title><form><input id='username'><button type='button' id='go' \
                    onclick='document.title=username.value'>go</button></form>";
        browser.open(page).await.unwrap();
        browser.fill("username", "amal").await.unwrap();
        browser.press("go").await.unwrap();
        assert_eq!(browser.page().title().await.unwrap(), "amal");
        assert!(browser.press("nothing").await.is_err());
        let file = browser.screenshot("tool-box").await.unwrap();
        assert_eq!(&std::fs::read(file).unwrap()[..4], b"\x89PNG");
        browser.close().await.unwrap();
    }
}
