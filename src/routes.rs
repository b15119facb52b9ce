//! The routes of the Worker: one row a path, with its name in the log, its methods, and the endpoint of each method.
//!
//! A row stands below the audience of its endpoints, which decides how they authenticate and how they refuse. The enums of
//! endpoints are made from the rows, so a route without an arm in the Worker's router does not compile.

/// A path that the Worker serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route<'p> {
    /// Its name in the log. Never the path of the request, which may hold anything.
    pub name: &'static str,
    /// Its methods, as the header `Allow` lists them (RFC 9110 section 10.2.1).
    pub allow: &'static str,
    /// Who calls it.
    pub audience: Audience,
    /// The item of `COMPATIBILITY` without which the path does not exist, by its name.
    pub item: Option<&'static str>,
    /// The endpoint of the request's method. `None` for OPTIONS and for methods that the path does not have.
    pub endpoint: Option<Endpoint<'p>>,
}

impl Route<'_> {
    /// Whether the path has this method.
    pub fn allows(&self, method: &str) -> bool {
        self.allow.split(", ").any(|allowed| allowed == method)
    }

    /// Whether a page of any origin may use it (OAuth 2.0 for Browser-Based Applications). Such a route takes no cookie and
    /// answers to nothing but what it is sent: public documents, tokens and what a token protects.
    pub fn is_open_to_pages(&self) -> bool {
        self.allows("OPTIONS")
    }
}

/// Writes the table of routes. A row is `[segments of the path] "name in the log" "methods" { METHOD Endpoint, ... }`; a
/// segment without quotes is an identifier that the endpoint gets as it came. `if "item"` before the brace is an item of `COMPATIBILITY`.
macro_rules! routes {
    ($(
        $(#[$audience_doc:meta])*
        $audience:ident $(<$p:lifetime>)? {
            $( [$($segment:tt),+ $(,)?] $(| [$($alias:literal),+])? $name:literal $allow:literal $(if $item:literal)? {
                $( $($method:ident)|+ $endpoint:ident $(($($id:ident),+))? ),+ $(,)?
            } )+
        }
    )+) => {
        /// Who calls a route, and so how it refuses.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Audience { $( $(#[$audience_doc])* $audience, )+ }

        /// An endpoint, by its audience.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Endpoint<'p> { $( $(#[$audience_doc])* $audience($audience $(<$p>)?), )+ }

        $(
            $(#[$audience_doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            #[allow(missing_docs, reason = "the table says where each is")]
            pub enum $audience $(<$p>)? { $( $( $endpoint $(($( routes!(@identifier $id) ),+))?, )+ )+ }
        )+

        impl<'p> Route<'p> {
            /// Finds what a request asks for.
            ///
            /// `path` begins with `/` and has no query; `method` is as it came. `None` where nothing has this path.
            pub fn find(method: &str, path: &'p str) -> Option<Self> {
                let mut segments = [""; MAX_SEGMENTS];
                let mut count = 0;
                for segment in path.strip_prefix('/')?.split('/') {
                    *segments.get_mut(count).filter(|_| !segment.is_empty())? = segment;
                    count += 1;
                }
                // HEAD is GET whose body is left out at the end.
                let verb = if method == "HEAD" { "GET" } else { method };
                match *segments.get(..count)? {
                    $($(
                        [$($segment),+] $(| [$($alias),+])? => {
                            let (audience, item) = (Audience::$audience, routes!(@item $($item)?));
                            let mut route = Self { name: $name, allow: $allow, audience, item, endpoint: None };
                            if route.allows(method) {
                                $( if [$(stringify!($method)),+].contains(&verb) {
                                    route.endpoint = Some(Endpoint::$audience($audience::$endpoint $(($($id),+))?));
                                } )+
                            }
                            Some(route)
                        }
                    )+)+
                    _ => None,
                }
            }
        }

        /// The rows of the table, for tests: a path, in which `*` is an identifier, its methods, and the methods that have an endpoint.
        #[cfg(test)]
        const ROWS: &[(&str, &str, &[&str])] = &[$($(
            (concat!($("/", routes!(@path $segment)),+), $allow, &[$($(stringify!($method)),+),+]),
        )+)+];
    };
    (@identifier $id:ident) => { &'p str };
    (@item) => { None };
    (@item $item:literal) => { Some($item) };
    (@path $segment:literal) => { $segment };
    (@path $id:ident) => { "*" };
}

/// The most segments that a path has.
const MAX_SEGMENTS: usize = 5;

routes! {
    /// Programs: JSON.
    Client<'p> {
        [".well-known", "jwks.json"] "/.well-known/jwks.json" "GET, HEAD, OPTIONS" { GET Jwks }
        [".well-known", "oauth-authorization-server"] | [".well-known", "openid-configuration"]
            "/.well-known/oauth-authorization-server" "GET, HEAD, OPTIONS" { GET ServerMetadata }
        [".well-known", "oauth-protected-resource"] "/.well-known/oauth-protected-resource" "GET, HEAD, OPTIONS" { GET ResourceMetadata }
        ["health"] "/health" "GET, HEAD" { GET Health }
        ["keys", name] "/keys" "GET, HEAD, OPTIONS" { GET KeyDocument(name) }
        ["oauth", "certs"] "/oauth/certs" "GET, HEAD" if "certificates" { GET Certificates }
        ["oauth", "device_authorization"] "/oauth/device_authorization" "POST, OPTIONS" { POST DeviceAuthorization }
        ["oauth", "introspect"] "/oauth/introspect" "POST" { POST Introspect }
        ["oauth", "revoke"] "/oauth/revoke" "POST, OPTIONS" { POST Revoke }
        ["oauth", "status"] "/oauth/status" "GET, HEAD, OPTIONS" { GET StatusLists }
        ["oauth", "status", list] "/oauth/status" "GET, HEAD, OPTIONS" { GET StatusList(list) }
        ["oauth", "token"] "/oauth/token" "POST, OPTIONS" { POST Token }
    }
    /// Programs that present an access token: JSON with a challenge (RFC 6750 section 3).
    Bearer {
        ["api", "whoami"] "/api/whoami" "GET, HEAD, OPTIONS" { GET Whoami }
        ["oauth", "tokeninfo"] "/oauth/tokeninfo" "GET, HEAD" if "tokeninfo" { GET TokenInfo }
        ["oauth", "userinfo"] "/oauth/userinfo" "GET, HEAD, POST, OPTIONS" { GET | POST Userinfo }
    }
    /// Operators' programs, which present an access token that may administer.
    Operator<'p> {
        ["admin", "clients"] "/admin/clients" "GET, POST" { GET ListClients, POST CreateClient }
        ["admin", "clients", id] "/admin/clients" "GET, PUT, DELETE" {
            GET ReadClient(id), PUT ReplaceClient(id), DELETE RemoveClient(id),
        }
        ["admin", "clients", id, "grants"] "/admin/clients" "GET, DELETE" { GET ListClientGrants(id), DELETE EndClientGrants(id) }
        ["admin", "clients", id, "tokens"] "/admin/clients" "DELETE" { DELETE EndClientTokens(id) }
        ["admin", "events"] "/admin/events" "GET, HEAD" { GET ListEvents }
        ["admin", "exchange-rules"] "/admin/exchange-rules" "GET, POST" { GET ListExchangeRules, POST CreateExchangeRule }
        ["admin", "exchange-rules", id] "/admin/exchange-rules" "GET, PUT, DELETE" {
            GET ReadExchangeRule(id), PUT ReplaceExchangeRule(id), DELETE RemoveExchangeRule(id),
        }
        ["admin", "key-encryption"] "/admin/key-encryption" "GET, HEAD" { GET ReadKeyEncryption }
        ["admin", "key-encryption", "reseal"] "/admin/key-encryption" "POST" { POST Reseal }
        ["admin", "keys"] "/admin/keys" "GET, POST" { GET ListKeys, POST ImportKey }
        ["admin", "keys", "rotate"] "/admin/keys/rotate" "POST" { POST RotateKeys }
        ["admin", "keys", kid] "/admin/keys" "GET, HEAD" { GET ReadKey(kid) }
        ["admin", "keys", kid, "revoke"] "/admin/keys" "POST" { POST RevokeKey(kid) }
        ["admin", "resources"] "/admin/resources" "GET, POST" { GET ListResources, POST CreateResource }
        ["admin", "resources", id] "/admin/resources" "GET, PUT, DELETE" {
            GET ReadResource(id), PUT ReplaceResource(id), DELETE RemoveResource(id),
        }
        ["admin", "restored"] "/admin/restored" "POST" { POST Restored }
        ["admin", "revocations"] "/admin/revocations" "POST" { POST StartRevocation }
        ["admin", "revocations", id] "/admin/revocations" "GET, HEAD" { GET ReadRevocation(id) }
        ["admin", "trusted-issuers"] "/admin/trusted-issuers" "GET, POST" { GET ListTrustedIssuers, POST CreateTrustedIssuer }
        ["admin", "trusted-issuers", id] "/admin/trusted-issuers" "GET, PUT, DELETE" {
            GET ReadTrustedIssuer(id), PUT ReplaceTrustedIssuer(id), DELETE RemoveTrustedIssuer(id),
        }
        ["admin", "users"] "/admin/users" "GET, POST" { GET ListUsers, POST CreateUser }
        ["admin", "users", id] "/admin/users" "GET, PUT, DELETE" { GET ReadUser(id), PUT ReplaceUser(id), DELETE RemoveUser(id) }
        ["admin", "users", id, "grants"] "/admin/users" "GET, DELETE" { GET ListUserGrants(id), DELETE EndUserGrants(id) }
        ["admin", "users", id, "grants", grant] "/admin/users" "DELETE" { DELETE EndUserGrant(id, grant) }
        ["admin", "users", id, "passkeys"] "/admin/users" "GET, DELETE" { GET ListPasskeys(id), DELETE RemovePasskeys(id) }
        ["admin", "users", id, "passkeys", passkey] "/admin/users" "DELETE" { DELETE RemovePasskey(id, passkey) }
        ["admin", "users", id, "sessions"] "/admin/users" "GET, DELETE" { GET ListSessions(id), DELETE EndSessions(id) }
    }
    /// People in a browser: pages.
    Person {
        ["account"] "/account" "GET, HEAD, POST" { GET AccountPage, POST ChangeAccount }
        ["account", "sign-in"] "/account/sign-in" "GET, HEAD, POST" { GET SignInPage, POST SignIn }
        ["account", "sign-in", "passkey"] "/account/sign-in/passkey" "POST" { POST SignInByPasskey }
        ["account", "sign-in", "upstream"] "/account/sign-in/upstream" "GET, HEAD" { GET LeaveForUpstream }
        ["account", "sign-in", "upstream", "callback"] "/account/sign-in/upstream/callback" "GET, HEAD" { GET ReturnFromUpstream }
        ["account", "sign-up"] "/account/sign-up" "GET, HEAD, POST" { GET SignUpPage, POST SignUp }
        ["device"] "/device" "GET, HEAD, POST" { GET DevicePage, POST EnterDeviceCode }
        ["device", "consent"] "/device/consent" "POST" { POST DecideDevice }
        ["oauth", "authorize"] "/oauth/authorize" "GET, HEAD, POST" { GET | POST Authorize }
        ["oauth", "consent"] "/oauth/consent" "POST" { POST Consent }
        ["oauth", "logout"] "/oauth/logout" "GET, HEAD, POST" { GET | POST Logout }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::oauth::endpoints::bearer::METADATA_PATH;
    use crate::oauth::status::STATUS_PATH;
    use crate::oauth::vocabulary::compatibility::Item;

    const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"];

    #[test]
    fn each_row_lists_exactly_the_methods_that_it_serves() {
        for (path, allow, endpoints) in ROWS {
            let listed: Vec<_> = allow.split(", ").collect();
            let served = |method: &str| match method {
                "HEAD" => listed.contains(&"HEAD") && endpoints.contains(&"GET"),
                "OPTIONS" => listed.contains(&"OPTIONS"),
                other => endpoints.contains(&other),
            };
            for method in METHODS {
                assert_eq!(listed.contains(&method), served(method), "{method} {path}");
                let route = Route::find(method, path).unwrap();
                assert_eq!(route.allow, *allow, "{path} is found in another row");
                assert_eq!(route.endpoint.is_some(), served(method) && method != "OPTIONS", "{method} {path}");
            }
        }
    }

    #[test]
    fn identifiers_arrive_as_they_came_and_are_never_empty() {
        let endpoint = |method, path| Route::find(method, path).and_then(|route| route.endpoint);
        let operator = |endpoint| Some(Endpoint::Operator(endpoint));
        assert_eq!(endpoint("DELETE", "/admin/users/u%2F1/grants/g"), operator(Operator::EndUserGrant("u%2F1", "g")));
        assert_eq!(endpoint("GET", "/admin/keys/k.pem"), operator(Operator::ReadKey("k.pem")));
        assert_eq!(endpoint("POST", "/admin/keys/rotate"), operator(Operator::RotateKeys));
        assert_eq!(endpoint("GET", "/oauth/status/1.2"), Some(Endpoint::Client(Client::StatusList("1.2"))));
        for path in [
            "",
            "/",
            "//",
            "account",
            "/account/",
            "/admin",
            "/admin/clients/",
            "/admin/users//grants",
            "/keys/",
            "/keys/a/b",
            "/a/b/c/d/e/f",
            "/oauth/status/",
            "/admin/users/u/grants/g/more",
            "/Account",
            "/oauth/token/x",
        ] {
            assert_eq!(Route::find("GET", path), None, "{path}");
        }
    }

    #[test]
    fn a_page_of_another_origin_reaches_no_cookie_and_no_administration() {
        for (path, allow, _) in ROWS.iter().filter(|(_, allow, _)| allow.contains("OPTIONS")) {
            let audience = Route::find("OPTIONS", path).unwrap().audience;
            assert!(matches!(audience, Audience::Client | Audience::Bearer), "{path} {allow}");
        }
    }

    #[test]
    fn a_path_that_does_not_always_exist_names_an_item() {
        let named: Vec<_> = ROWS.iter().filter_map(|(path, ..)| Route::find("GET", path)?.item).collect();
        assert_eq!(named, ["certificates", "tokeninfo"]);
        assert!(named.iter().all(|name| Item::from_name(name).is_some()));
    }

    #[test]
    fn the_openid_configuration_is_the_metadata_of_the_server() {
        let find = |path| Route::find("GET", path).unwrap();
        assert_eq!(find("/.well-known/openid-configuration"), find("/.well-known/oauth-authorization-server"));
    }

    #[test]
    fn documented_paths_are_rows() {
        for path in [METADATA_PATH, STATUS_PATH] {
            assert!(ROWS.iter().any(|(row, ..)| *row == path), "{path}");
        }
    }

    /// A static file in `www/` must never hide a route (`run_worker_first`), and no pattern there may cover what is not ours.
    #[test]
    fn the_worker_comes_first_for_its_routes_alone() {
        let configuration = include_str!("../wrangler.toml");
        let list = configuration.split("run_worker_first = [").nth(1).and_then(|rest| rest.split(']').next()).unwrap();
        let patterns: Vec<_> =
            list.split(',').map(|text| text.trim().trim_matches('"')).filter(|text| !text.is_empty()).collect();
        let covers = |pattern: &str, path: &str| match pattern.strip_suffix('*') {
            Some(beginning) => path.starts_with(beginning),
            None => path == pattern,
        };
        let (files, patterns): (Vec<_>, Vec<_>) = patterns.into_iter().partition(|pattern| pattern.starts_with('!'));
        for (path, ..) in ROWS {
            assert!(patterns.iter().any(|pattern| covers(pattern, path)), "run_worker_first lacks {path}");
        }
        // A file among the routes must not hide one.
        for file in files.iter().filter_map(|file| file.strip_prefix('!')) {
            assert!(patterns.iter().any(|pattern| covers(pattern, file)), "{file} needs no exception");
            assert!(!file.contains('*') && Route::find("GET", file).is_none(), "{file} hides a route");
        }
        for pattern in patterns {
            assert!(ROWS.iter().any(|(path, ..)| covers(pattern, path)), "{pattern} leads to no route");
        }
    }
}
