//! A short name for a browser, so that a person knows a session again.

/// The longest `User-Agent` that is looked at, bytes.
const LONGEST: usize = 512;

/// Browsers by what their `User-Agent` holds. The order matters: most name others beside themselves.
const BROWSERS: [(&str, &str); 11] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
];

const SYSTEMS: [(&str, &str); 7] = [
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

/// Names browser and system, like `Firefox, Linux`, from a `User-Agent` header. Empty where neither is known; pages
/// then say so in their language. Only words from our own lists come out.
pub fn browser_label(user_agent: &str) -> String {
    let looked_at = user_agent.get(..user_agent.floor_char_boundary(LONGEST)).unwrap_or_default();
    let known =
        |list: &[(&str, &'static str)]| list.iter().find(|(mark, _)| looked_at.contains(mark)).map(|(_, name)| *name);
    [known(&BROWSERS), known(&SYSTEMS)].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels() {
        let webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
        for (user_agent, label) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".to_owned(), "Firefox, Linux"),
            (
                format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {webkit} Chrome/140.0.0.0 Safari/537.36"),
                "Chrome, Windows",
            ),
            (format!("Mozilla/5.0 (Windows NT 10.0) {webkit} Chrome/140.0 Safari/537.36 Edg/140.0"), "Edge, Windows"),
            (format!("Mozilla/5.0 (Linux; Android 15) {webkit} Chrome/140.0 Mobile Safari/537.36"), "Chrome, Android"),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Mobile Safari/604"
                    .to_owned(),
                "Safari, iPhone",
            ),
            ("curl/8.14".to_owned(), "curl"),
            (String::new(), ""),
            ("<script>".to_owned(), ""),
            (format!("{}Firefox/", "é".repeat(5_000)), ""),
        ] {
            assert_eq!(browser_label(&user_agent), label, "{user_agent}");
        }
    }
}
