//! One sample of each page; each foreign text is chosen by the test.

use crate::identity::password::PasswordError;
use crate::identity::profile::ProfileError;
use crate::oauth::grant::device::DeviceOrigin;
use crate::oauth::vocabulary::protected_resource::{AdmittedClients, Description, ProtectedResource, ScopeDescription};
use crate::oauth::vocabulary::redirect::RedirectUri;
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::scope::Scope;
use crate::pages::*;
use crate::token::UnixTime;

/// A text that would be markup, and would end an attribute.
pub(super) const HOSTILE: &str = "\"><script>alert(1)</script>' onfocus=\"x\u{202e}&amp;";

pub(super) struct Sample {
    pub(super) name: String,
    pub(super) html: String,
}

/// Every page in these words. `"plain"` gives harmless texts; any other text replaces every foreign text.
pub(super) fn all(words: &Words, text: &str) -> Vec<Sample> {
    let or = |plain: &'static str| -> &str { if text == "plain" { plain } else { text } };
    let mut samples = Vec::new();
    let mut add = |name: &str, html: String| samples.push(Sample { name: name.to_owned(), html });
    sign_in(words, or, &mut add);
    sign_up(words, or, &mut add);
    consent(words, or, &mut add);
    device(words, or, &mut add);
    account(words, or, &mut add);
    ends(words, or, &mut add);
    samples
}

const REQUEST: &str = "response_type=code&client_id=app&scope=openid%20email&state=a+b";

fn sign_in<'t>(words: &Words, or: impl Fn(&'static str) -> &'t str, add: &mut impl FnMut(&str, String)) {
    let bare = SignIn {
        csrf: or("token"),
        continue_to: "",
        client: None,
        username: "",
        afresh: false,
        error: None,
        proof_challenge: None,
        passkey_options: None,
        upstream: None,
        sign_up: false,
        passkey_only: None,
    };
    let full = SignIn {
        continue_to: or(REQUEST),
        client: Some(or("Photo album")),
        username: or("demo"),
        passkey_options: Some(or(r#"{"challenge":"AAAA","rpId":"localhost","userVerification":"required"}"#)),
        upstream: Some(or("Example ID")),
        sign_up: true,
        ..bare
    };
    add("sign-in", full.render(words));
    add("sign-in-bare", bare.render(words));
    add("sign-in-passkey", SignIn { upstream: None, username: "", ..full }.render(words));
    let only = PasskeyOnly { account: "/account", cancel: Some("/oauth/authorize?prompt=none") };
    let passkey_only = SignIn { passkey_only: Some(only), ..full };
    add("sign-in-passkey-only", passkey_only.render(words));
    let refused = Some(SignInError::PasskeyRefused);
    add(
        "sign-in-passkey-only-refused",
        SignIn { upstream: None, afresh: true, error: refused, ..passkey_only }.render(words),
    );
    let at_device = SignIn { client: None, passkey_only: Some(PasskeyOnly { cancel: None, ..only }), ..passkey_only };
    add("sign-in-passkey-only-device", at_device.render(words));
    add("sign-in-afresh", SignIn { afresh: true, ..full }.render(words));
    for (name, error) in [
        ("wrong", SignInError::WrongCredentials),
        ("passkey-refused", SignInError::PasskeyRefused),
        ("upstream-failed", SignInError::UpstreamFailed),
        ("upstream-not-recent", SignInError::UpstreamNotRecent),
        ("disabled", SignInError::Disabled),
        ("stale", SignInError::Stale),
        ("throttled", SignInError::Throttled { seconds: 90 }),
        ("unavailable", SignInError::Unavailable),
    ] {
        add(&format!("sign-in-{name}"), SignIn { error: Some(error), ..full }.render(words));
    }
    let proof_challenge = Some(or("AAAA.1900000000.12.BBBB"));
    let throttled = Some(SignInError::Throttled { seconds: 90 });
    add("sign-in-proof", SignIn { error: throttled, proof_challenge, ..full }.render(words));
    add(
        "sign-in-wrong-proof",
        SignIn { error: Some(SignInError::WrongCredentials), proof_challenge, ..full }.render(words),
    );
}

fn sign_up<'t>(words: &Words, or: impl Fn(&'static str) -> &'t str, add: &mut impl FnMut(&str, String)) {
    let empty = SignUp {
        csrf: or("token"),
        continue_to: or(REQUEST),
        client: Some(or("Photo album")),
        username: "",
        name: "",
        email: "",
        errors: &[],
    };
    let filled = SignUp { username: or("demo"), name: or("Demo"), email: or("demo"), ..empty };
    add("sign-up", empty.render(words));
    let errors = [
        SignUpError::UsernameTaken,
        SignUpError::Password(PasswordError::TooShort),
        SignUpError::Name(ProfileError::TooLong),
        SignUpError::Email(ProfileError::Malformed),
    ];
    add("sign-up-errors", SignUp { errors: &errors, ..filled }.render(words));
    let more = [
        SignUpError::Username(ProfileError::Empty),
        SignUpError::Username(ProfileError::Character),
        SignUpError::Password(PasswordError::TooLong),
        SignUpError::Password(PasswordError::Control),
        SignUpError::Password(PasswordError::Username),
        SignUpError::Password(PasswordError::Common),
        SignUpError::Stale,
        SignUpError::Throttled { seconds: 7_200 },
        SignUpError::Unavailable,
    ];
    for (index, error) in more.iter().enumerate() {
        add(&format!("sign-up-error-{index}"), SignUp { errors: std::slice::from_ref(error), ..filled }.render(words));
    }
}

fn consent<'t>(words: &Words, or: impl Fn(&'static str) -> &'t str, add: &mut impl FnMut(&str, String)) {
    let uri = |text| RedirectUri::parse(text).unwrap();
    let site = uri("https://app.example/cb");
    let scope = Scope::parse("openid profile email offline_access photos:read").unwrap();
    let page = Consent {
        csrf: or("token"),
        request: or(REQUEST),
        client: or("Photo album"),
        redirect_uri: &site,
        scope: &scope,
        resources: &[],
        registered: &[],
        username: or("demo"),
    };
    let resources = ["https://api.example/v1", "urn:example:archive"].map(|text| Resource::parse(text).unwrap());
    let device = uri("http://127.0.0.1:51004/cb");
    let private_use = uri("com.example.app:/cb");
    let admin = Scope::parse("edgemint:admin").unwrap();
    add("consent", page.render(words));
    add("consent-resources", Consent { resources: &resources, ..page }.render(words));
    let (files, archive) = (registered(&resources[0], &or), registered(&resources[1], &or));
    let archive = ProtectedResource { scopes: archive.scopes.into_iter().take(1).collect(), ..archive };
    let read = Scope::parse("openid files:read files:write files:share").unwrap();
    let described = Consent { resources: &resources, registered: &[&files, &archive], scope: &read, ..page };
    add("consent-described", described.render(words));
    add("consent-loopback", Consent { redirect_uri: &device, ..page }.render(words));
    add("consent-private-use", Consent { redirect_uri: &private_use, ..page }.render(words));
    add("consent-admin", Consent { scope: &admin, redirect_uri: &device, ..page }.render(words));
    let groups = Scope::parse("groups").unwrap();
    add("consent-groups", Consent { scope: &groups, ..page }.render(words));
    add("consent-nothing", Consent { scope: &Scope::default(), ..page }.render(words));
}

/// A registered resource with one scope value that is described in both languages and one that is in English alone.
fn registered<'t>(identifier: &Resource, or: impl Fn(&'static str) -> &'t str) -> ProtectedResource {
    let scope = |value: &str, en, zh: Option<&'static str>| ScopeDescription {
        value: value.to_owned(),
        description: Description { en: or(en).to_owned(), zh: zh.map(|zh| or(zh).to_owned()) },
    };
    ProtectedResource {
        identifier: identifier.clone(),
        created_at: UnixTime(1_795_510_020),
        name: or("Files").to_owned(),
        scopes: vec![
            scope("files:read", "Read your files", Some("读取您的文件")),
            scope("files:write", "Change and delete your files", None),
        ],
        access_token_lifetime: None,
        signing_algorithm: None,
        clients: AdmittedClients::Listed(Vec::new()),
        acr: None,
        max_age: None,
        other_audiences: false,
        introspection_client: None,
    }
}

fn device<'t>(words: &Words, or: impl Fn(&'static str) -> &'t str, add: &mut impl FnMut(&str, String)) {
    let enter = EnterDeviceCode { csrf: or("token"), ui_locales: "", user_code: "", prefilled: false, error: None };
    add("device", enter.render(words));
    let prefilled = EnterDeviceCode { user_code: "WDJB-MJHT", prefilled: true, ui_locales: or("zh en"), ..enter };
    add("device-prefilled", prefilled.render(words));
    for (name, error) in [
        ("unknown", DeviceCodeError::Unknown),
        ("stale", DeviceCodeError::Stale),
        ("throttled", DeviceCodeError::Throttled { seconds: 600 }),
    ] {
        let page = EnterDeviceCode { user_code: or("WDJB-MJHS"), error: Some(error), ..enter };
        add(&format!("device-{name}"), page.render(words));
    }
    let scope = Scope::parse("openid offline_access photos:read").unwrap();
    let text = |plain| Some(or(plain).to_owned());
    let origin = DeviceOrigin {
        address: text("192.0.2.1"),
        country: text("NZ"),
        city: text("Wellington"),
        agent: or("Chrome, Linux").to_owned(),
    };
    let page = DeviceConsent {
        csrf: or("token"),
        ui_locales: "",
        user_code: "WDJB-MJHT",
        grant: or("AQEBAQEBAQEBAQEBAQEBAQ"),
        continue_to: or("page=device&user_code=WDJB-MJHT"),
        client: or("Photo frame"),
        scope: &scope,
        resources: &[],
        registered: &[],
        username: or("demo"),
        origin: &origin,
        requested_at: UnixTime(1_795_510_020),
        country: None,
    };
    let resources = [Resource::parse("https://api.example/v1").unwrap()];
    let (nothing, nowhere) = (Scope::default(), DeviceOrigin::default());
    add("device-consent", DeviceConsent { resources: &resources, ui_locales: or("zh en"), ..page }.render(words));
    let files = registered(&resources[0], &or);
    let read = Scope::parse("files:read").unwrap();
    let described = DeviceConsent { resources: &resources, registered: &[&files], scope: &read, ..page };
    add("device-consent-described", described.render(words));
    add("device-consent-elsewhere", DeviceConsent { country: Some("FR"), ..page }.render(words));
    add("device-consent-unknown", DeviceConsent { scope: &nothing, origin: &nowhere, ..page }.render(words));
    add("device-allowed", DeviceDecided { allowed: true }.render(words));
    add("device-denied", DeviceDecided { allowed: false }.render(words));
}

fn account<'t>(words: &Words, or: impl Fn(&'static str) -> &'t str, add: &mut impl FnMut(&str, String)) {
    let [then, later, now] = [1_790_000_000, 1_793_456_789, 1_795_510_020].map(UnixTime);
    let passkey = PasskeyRow { id: or("p1"), name: or("My phone"), created: then, last_used: Some(now), synced: true };
    let passkeys =
        [passkey, PasskeyRow { id: or("p2"), name: or("Security key"), last_used: None, synced: false, ..passkey }];
    let session =
        SessionRow { id: or("s1"), current: true, browser: or("Firefox, Linux"), since: later, last_used: now };
    let sessions = [
        session,
        SessionRow { id: or("s2"), current: false, browser: or("Safari, iPhone"), since: then, last_used: later },
        SessionRow { id: or("s3"), current: false, browser: "", ..session },
    ];
    let grants = [
        GrantRow { id: or("g1"), since: then, last_used: Some(now) },
        GrantRow { id: or("g2"), since: later, last_used: None },
    ];
    let scope = Scope::parse("openid profile offline_access photos:read").unwrap();
    let nothing = Scope::default();
    let application =
        ApplicationRow { client: or("app"), name: or("Photo album"), scope: &scope, since: then, grants: &grants };
    let applications = [
        application,
        ApplicationRow { client: or("notes"), name: or("Notes"), grants: &[], ..application },
        ApplicationRow { client: or("desk"), name: or("Desk"), scope: &nothing, grants: &[], ..application },
    ];
    let full = Account {
        csrf: or("token"),
        username: or("demo"),
        name: Some(or("Demo")),
        email: Some(or("demo@app.example")),
        has_password: true,
        recent_sign_in: true,
        passkey_options: Some(or(r#"{"challenge":"AAAA","rp":{"name":"Edgemint"}}"#)),
        passkeys: &passkeys,
        signed_in_by_passkey: true,
        sessions: &sessions,
        applications: &applications,
        offline_grants: 2,
        ticked: Ticked { passkeys: true, grants: false },
        done: None,
        error: None,
    };
    let empty = Account {
        name: None,
        email: None,
        has_password: false,
        passkey_options: None,
        passkeys: &[],
        signed_in_by_passkey: false,
        sessions: &sessions[..1],
        applications: &[],
        offline_grants: 0,
        ..full
    };
    add("account", full.render(words));
    add("account-empty", empty.render(words));
    add("account-old-sign-in", Account { recent_sign_in: false, ..full }.render(words));
    let changed = Done::PasswordChanged { sessions: 3, passkeys: 1, grants: 2 };
    for done in Done::FIXED.into_iter().chain([changed]) {
        assert_eq!(Done::parse(&done.word()), Some(done));
        add(&format!("account-{}", done.word()), Account { done: Some(done), ..full }.render(words));
    }
    for foreign in
        ["<script>", "password_changed", "password_changed.1.2", "password_changed.1.2.3.4", "password_changed.1.+2.3"]
    {
        assert_eq!(Done::parse(foreign), None, "{foreign}");
    }
    for (name, error) in [
        ("password-wrong", AccountError::CurrentPasswordWrong),
        ("password-common", AccountError::NewPassword(PasswordError::Common)),
        ("passkey-name", AccountError::PasskeyName(ProfileError::Empty)),
        ("passkey-not-added", AccountError::PasskeyNotAdded),
        ("too-many", AccountError::TooManyPasskeys),
        ("last", AccountError::LastWayIn),
        ("sign-in-too-old", AccountError::SignInTooOld),
        ("gone", AccountError::Gone),
        ("stale", AccountError::Stale),
        ("throttled", AccountError::Throttled { seconds: 1 }),
        ("unavailable", AccountError::Unavailable),
    ] {
        add(&format!("account-{name}"), Account { error: Some(error), ..full }.render(words));
    }
}

fn ends<'t>(words: &Words, or: impl Fn(&'static str) -> &'t str, add: &mut impl FnMut(&str, String)) {
    let question = LogoutQuestion {
        csrf: or("token"),
        request: or("client_id=app&state=x"),
        client: Some(or("Photo album")),
        username: or("demo"),
    };
    add("logout", question.render(words));
    add("logout-bare", LogoutQuestion { request: "", client: None, ..question }.render(words));
    add("signed-out", SignedOut { sign_in: "/account/sign-in" }.render(words));
    let redirect_uri = RedirectUri::parse("https://app.example/cb").unwrap();
    let parameters = [("code", or("c0de")), ("state", or("a b")), ("iss", "https://auth.example")];
    add("form-post", FormPost { redirect_uri: &redirect_uri, parameters: &parameters }.render(words));
    for (reference, problem) in [
        ("stale_page", Problem::StalePage),
        ("already_decided", Problem::AlreadyDecided),
        ("wrong_browser", Problem::WrongBrowser),
        ("unknown_client", Problem::UnknownClient),
        ("disabled_client", Problem::DisabledClient),
        ("redirect_mismatch", Problem::RedirectMismatch),
        ("bad_request", Problem::BadRequest { reason: "response_type must be code." }),
        ("throttled", Problem::Throttled { seconds: 40 }),
        ("upstream_account", Problem::UpstreamAccount),
        ("upstream_failed", Problem::UpstreamFailed),
        ("unavailable", Problem::Unavailable),
        ("signed_out_meanwhile", Problem::SignedOutMeanwhile),
        ("not_found", Problem::NotFound),
    ] {
        let page = ErrorPage { problem, restart: Some("/account/sign-in"), reference: Some(or(reference)) };
        add(reference, page.render(words));
        assert!((400..600).contains(&problem.status()));
    }
    for seconds in [1, 60, 3_600] {
        let page = ErrorPage { problem: Problem::Throttled { seconds }, restart: None, reference: None };
        add(&format!("throttled-{seconds}"), page.render(words));
    }
    add("not_found-bare", ErrorPage { problem: Problem::NotFound, restart: None, reference: None }.render(words));
}
