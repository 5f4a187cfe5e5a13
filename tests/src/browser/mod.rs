//! The dashboard in a real browser: Chromium without a window, steered over its DevTools protocol.

mod dashboard;

pub use dashboard::Dashboard;

use anyhow::{Context, Result, anyhow, bail, ensure};
use headless_chrome::protocol::cdp::Browser::{SetDownloadBehavior, SetDownloadBehaviorBehaviorOption};
use headless_chrome::protocol::cdp::Emulation::{MediaFeature, SetDeviceMetricsOverride, SetEmulatedMedia};
use headless_chrome::protocol::cdp::Page::CaptureScreenshotFormatOption;
use headless_chrome::protocol::cdp::Runtime::Evaluate;
use headless_chrome::protocol::cdp::types::Event;
use headless_chrome::{Browser, LaunchOptions, Tab};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long the page may take for what it does by itself.
const PATIENCE: Duration = Duration::from_secs(60);

/// Looks for violations of accessibility rules (<https://github.com/dequelabs/axe-core>).
const AXE: &str = include_str!("../../axe/axe.min.js");

/// How a page is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// On a desk, light.
    Light,
    /// On a desk, dark.
    Dark,
    /// On a phone.
    Narrow,
}

impl Look {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Light, Self::Dark, Self::Narrow];

    /// Its name in file names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
            Self::Narrow => "narrow",
        }
    }

    /// Width and height, in CSS pixels.
    fn size(self) -> (u32, u32) {
        if self == Self::Narrow { (360, 740) } else { (1280, 900) }
    }
}

/// A page of a browser of its own, which ends when it is dropped.
pub struct Page {
    tab: Arc<Tab>,
    complaints: Arc<Mutex<Vec<String>>>,
    downloads: TempDir,
    _browser: Browser,
}

impl Page {
    /// Opens `url`.
    ///
    /// # Errors
    /// When there is no Chromium, or nobody answers.
    pub fn open(url: &str) -> Result<Self> {
        let options = LaunchOptions::default_builder()
            // Root has no sandbox.
            .sandbox(false)
            .window_size(Some(Look::Light.size()))
            .idle_browser_timeout(Duration::from_secs(600))
            .build()?;
        let browser = Browser::new(options).context("chromium cannot be started: `cargo xtask setup` installs it")?;
        let tab = browser.new_tab()?;
        tab.set_default_timeout(PATIENCE);
        let downloads = tempfile::tempdir()?;
        tab.call_method(SetDownloadBehavior {
            behavior: SetDownloadBehaviorBehaviorOption::Allow,
            browser_context_id: None,
            download_path: Some(downloads.path().to_string_lossy().into_owned()),
            events_enabled: None,
        })?;
        let complaints = Arc::<Mutex<Vec<String>>>::default();
        let kept = complaints.clone();
        tab.enable_log()?.enable_runtime()?;
        tab.add_event_listener(Arc::new(move |event: &Event| {
            let complaint = match event {
                Event::LogEntryAdded(event) => format!("{:?}", event.params.entry),
                Event::RuntimeExceptionThrown(event) => format!("{:?}", event.params.exception_details),
                Event::RuntimeConsoleAPICalled(event) => format!("{:?}", event.params.args),
                _ => return,
            };
            kept.lock().unwrap_or_else(PoisonError::into_inner).push(complaint);
        }))?;
        tab.navigate_to(url)?.wait_until_navigated()?;
        Ok(Self { tab, complaints, downloads, _browser: browser })
    }

    /// The value of an expression, or of what it promises.
    ///
    /// # Errors
    /// When it throws, or its value is not JSON.
    pub fn value(&self, expression: &str) -> Result<Value> {
        let evaluated = self.tab.call_method(Evaluate {
            expression: expression.to_owned(),
            return_by_value: Some(true),
            await_promise: Some(true),
            user_gesture: Some(true),
            object_group: None,
            include_command_line_api: None,
            silent: None,
            context_id: None,
            generate_preview: None,
            throw_on_side_effect: None,
            timeout: None,
            disable_breaks: None,
            repl_mode: None,
            allow_unsafe_eval_blocked_by_csp: None,
            unique_context_id: None,
            serialization_options: None,
        })?;
        if let Some(thrown) = evaluated.exception_details {
            bail!("{expression}: {thrown:?}");
        }
        Ok(evaluated.result.value.unwrap_or(Value::Null))
    }

    /// Waits until the expression is true.
    ///
    /// # Errors
    /// When it is not within a minute.
    pub fn wait_for(&self, expression: &str) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while self.value(&format!("Boolean({expression})"))? != Value::Bool(true) {
            ensure!(Instant::now() < deadline, "the page never came to {expression}");
            sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// The text of the element.
    ///
    /// # Errors
    /// When there is none.
    pub fn text(&self, selector: &str) -> Result<String> {
        let text = self.value(&format!("document.querySelector({selector:?})?.innerText"))?;
        text.as_str().map(str::to_owned).with_context(|| format!("the page has no {selector}"))
    }

    /// Clicks the element, as a person would.
    ///
    /// # Errors
    /// When there is none.
    pub fn click(&self, selector: &str) -> Result<()> {
        self.tab.wait_for_element(selector)?.click().with_context(|| format!("cannot click {selector}"))?;
        Ok(())
    }

    /// Enters text into the element, as from the clipboard.
    ///
    /// # Errors
    /// When there is none.
    pub fn fill(&self, selector: &str, text: &str) -> Result<()> {
        self.click(selector)?;
        self.tab.send_character(text)?;
        Ok(())
    }

    /// Presses a key, by its name.
    ///
    /// # Errors
    /// When there is no such key.
    pub fn press(&self, key: &str) -> Result<()> {
        self.tab.press_key(key)?;
        Ok(())
    }

    /// Looks at it so.
    ///
    /// # Errors
    /// When the browser cannot.
    pub fn look(&self, look: Look) -> Result<()> {
        let (width, height) = look.size();
        self.tab.call_method(SetDeviceMetricsOverride {
            width,
            height,
            device_scale_factor: 1.0,
            mobile: look == Look::Narrow,
            scale: None,
            screen_width: None,
            screen_height: None,
            position_x: None,
            position_y: None,
            dont_set_visible_size: None,
            screen_orientation: None,
            viewport: None,
            display_feature: None,
            device_posture: None,
        })?;
        let scheme = if look == Look::Dark { "dark" } else { "light" };
        let feature = MediaFeature { name: "prefers-color-scheme".to_owned(), value: scheme.to_owned() };
        self.tab.call_method(SetEmulatedMedia { media: None, features: Some(vec![feature]) })?;
        // Graphs are drawn anew with the next numbers.
        sleep(Duration::from_millis(1_500));
        Ok(())
    }

    /// Saves what is to be seen as a PNG image.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn screenshot(&self, file: &Path) -> Result<()> {
        let png = self.tab.capture_screenshot(CaptureScreenshotFormatOption::Png, None, None, true)?;
        let folder = file.parent().context("the file has no folder")?;
        fs::create_dir_all(folder).and_then(|()| fs::write(file, png)).with_context(|| file.display().to_string())
    }

    /// What the browser has complained about since the last time: errors of scripts, requests that failed, what a policy forbids.
    pub fn complaints(&self) -> Vec<String> {
        std::mem::take(&mut *self.complaints.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Serious and critical violations of accessibility rules, each with its rule and the elements.
    ///
    /// # Errors
    /// When they cannot be looked for.
    pub fn violations(&self) -> Result<Vec<String>> {
        self.value(&format!("{AXE}; undefined"))?;
        let found = self.value("axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id, nodes }) => id + ': ' + nodes.map(({ html, failureSummary }) => html + ' ' + failureSummary).join('; ')))")?;
        serde_json::from_value(found).map_err(|error| anyhow!("axe answers otherwise than it should: {error}"))
    }

    /// The file that the page had the browser save, once it is complete.
    ///
    /// # Errors
    /// When there is none within a minute.
    pub fn download(&self) -> Result<Vec<u8>> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let files: Vec<_> = fs::read_dir(self.downloads.path())?.flatten().map(|entry| entry.path()).collect();
            if let [file] = &files[..]
                && file.extension().is_none_or(|extension| extension != "crdownload")
            {
                return Ok(fs::read(file)?);
            }
            ensure!(Instant::now() < deadline, "nothing was saved: {files:?}");
            sleep(Duration::from_millis(100));
        }
    }
}
