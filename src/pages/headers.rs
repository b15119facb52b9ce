//! The headers of a page.

/// The headers that every page is sent with.
///
/// Takes where a form of the page may lead, as sources of a Content Security Policy: an origin or a scheme, such as
/// [`RedirectUri::form_target`](crate::oauth::vocabulary::redirect::RedirectUri::form_target) gives. Other texts are left
/// out.
///
/// `Cross-Origin-Opener-Policy` is not among them: a client that opened the sign-in in a window of its own, to keep its
/// page, would take that window for closed.
pub fn headers(form_targets: &[String]) -> Vec<(&'static str, String)> {
    let targets: String =
        form_targets.iter().filter_map(|target| source(target)).map(|own| format!(" {own}")).collect();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; \
         form-action 'self'{targets}; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    );
    let fixed = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Cache-Control", "no-store"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Permissions-Policy", PERMISSIONS),
        // Not `no-referrer`: with it a form sends `Origin: null`, and our own form could not be told from a foreign one.
        ("Referrer-Policy", "same-origin"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
    ];
    let mut headers = vec![("Content-Security-Policy", policy)];
    headers.extend(fixed.map(|(name, value)| (name, value.to_owned())));
    headers
}

const PERMISSIONS: &str = "browsing-topics=(), camera=(), clipboard-read=(), geolocation=(), microphone=(), payment=(), \
     publickey-credentials-create=(self), publickey-credentials-get=(self), usb=()";

/// A scheme, or an origin by scheme and name. Nothing else gets into the policy, and so nothing that would end a
/// directive or be a keyword.
fn source(target: &str) -> Option<&str> {
    let (scheme, rest) = target.split_once(':')?;
    let scheme_is_plain = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    // A form that posts to one of these would run what it posts.
    let runs = ["javascript", "data", "blob", "filesystem"].iter().any(|bad| scheme.eq_ignore_ascii_case(bad));
    if !scheme_is_plain || runs {
        return None;
    }
    let host = match rest.strip_prefix("//") {
        None => return rest.is_empty().then_some(target),
        Some(host) => host,
    };
    let host_char = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    if host.starts_with('[') {
        // No source can name an IPv6 address; its scheme is the closest.
        return target.get(..=scheme.len());
    }
    (!host.is_empty() && host.bytes().all(host_char)).then_some(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(targets: &[&str]) -> String {
        let targets: Vec<String> = targets.iter().map(|&target| target.to_owned()).collect();
        headers(&targets).into_iter().find(|(name, _)| *name == "Content-Security-Policy").unwrap().1
    }

    #[test]
    fn the_headers_of_a_page() {
        let expected = [
            (
                "Content-Security-Policy",
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; \
                 form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
            ),
            ("Content-Type", "text/html; charset=utf-8"),
            ("Cache-Control", "no-store"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            (
                "Permissions-Policy",
                "browsing-topics=(), camera=(), clipboard-read=(), geolocation=(), microphone=(), payment=(), \
                 publickey-credentials-create=(self), publickey-credentials-get=(self), usb=()",
            ),
            ("Referrer-Policy", "same-origin"),
            ("X-Content-Type-Options", "nosniff"),
            ("X-Frame-Options", "DENY"),
        ];
        assert_eq!(headers(&[]), expected.map(|(name, value)| (name, value.to_owned())));
    }

    #[test]
    fn forms_lead_where_they_were_told_and_the_policy_stays_whole() {
        let named = policy(&["https://app.example", "com.example.app:", "http://127.0.0.1:51004"]);
        assert!(
            named.contains("; form-action 'self' https://app.example com.example.app: http://127.0.0.1:51004; frame")
        );
        for bad in [
            "",
            "*",
            "'unsafe-inline'",
            "app.example",
            "https://",
            "https://*",
            "https://a b",
            "https://a; script-src *",
            "https://a,b",
            "https://a\r\nSet-Cookie: x",
            "javascript:",
            "DATA:",
            "https://a/path",
            "x:y",
            "1x:",
            "é:",
        ] {
            assert_eq!(policy(&[bad]), policy(&[]), "{bad}");
        }
    }
}
