//! The headers of a page.

/// The headers that every page is sent with.
///
/// Takes where a form of the page may lead, as sources of a Content Security Policy (see [`form_target`]): browsers
/// check the redirects after a submission too, so a page whose form ends at a client has to name that client.
/// What is no such source is left out.
pub fn headers(form_targets: &[String]) -> Vec<(&'static str, String)> {
    let targets: String = form_targets.iter().filter(|target| is_source(target)).map(|target| format!(" {target}")).collect();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; \
         form-action 'self'{targets}; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    );
    let fixed = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Cache-Control", "no-store"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Permissions-Policy", PERMISSIONS),
        // Not `no-referrer`: with it a form sends `Origin: null`, and nobody could tell our own form from another's.
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

/// The source that names where a redirect URI leads: its origin, or its scheme where it is not of the web.
/// `None` for what is no URI.
pub fn form_target(redirect_uri: &str) -> Option<String> {
    let (scheme, rest) = redirect_uri.split_once(':')?;
    let scheme = scheme.to_ascii_lowercase();
    let target = match rest.strip_prefix("//") {
        Some(rest) if scheme == "https" || scheme == "http" => {
            let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
            let host_and_port = authority.rsplit('@').next().unwrap_or_default();
            // A source cannot name an IPv6 address; the scheme is the closest that it can.
            if host_and_port.starts_with('[') { format!("{scheme}:") } else { format!("{scheme}://{host_and_port}") }
        }
        _ => format!("{scheme}:"),
    };
    is_source(&target).then_some(target)
}

/// Is it a scheme, or an origin by scheme and name? Nothing else gets into the policy, and so nothing that would end a
/// directive, be a keyword, or let more in than was meant.
fn is_source(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let scheme_is_plain = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    // A page that posts to one of these would run what it posts.
    let runs = ["javascript", "data", "blob", "filesystem"].iter().any(|bad| scheme.eq_ignore_ascii_case(bad));
    let rest_is_plain = match rest.strip_prefix("//") {
        Some(host) => !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte)),
        None => rest.is_empty(),
    };
    scheme_is_plain && rest_is_plain && !runs
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
            ("Cross-Origin-Opener-Policy", "same-origin"),
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
        assert!(named.contains("; form-action 'self' https://app.example com.example.app: http://127.0.0.1:51004; frame"));
        for bad in [
            "", "*", "'unsafe-inline'", "app.example", "https://", "https://*", "https://a b", "https://a; script-src *",
            "https://a,b", "https://a\r\nSet-Cookie: x", "javascript:", "DATA:", "https://a/path", "x:y", "1x:", "é:",
        ] {
            assert_eq!(policy(&[bad]), policy(&[]), "{bad}");
        }
    }

    #[test]
    fn targets_of_redirect_uris() {
        for (uri, target) in [
            ("https://app.example/cb?x=1", Some("https://app.example")),
            ("https://app.example:8443/cb", Some("https://app.example:8443")),
            ("HTTPS://a.example@b.example", Some("https://b.example")),
            ("http://127.0.0.1:51004/cb", Some("http://127.0.0.1:51004")),
            ("http://[::1]:51004/cb", Some("http:")),
            ("com.example.app:/cb", Some("com.example.app:")),
            ("com.example.app://cb", Some("com.example.app:")),
            ("javascript:alert(1)", None),
            ("https:///cb", None),
            ("https://a b/", None),
            ("nothing", None),
            ("", None),
        ] {
            assert_eq!(form_target(uri).as_deref(), target, "{uri}");
        }
    }
}
