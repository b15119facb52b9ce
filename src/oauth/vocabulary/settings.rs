//! The table of settings: what wrangler.toml has under `[vars]`, with the field of each.

macro_rules! settings {
    ($($(#[$doc:meta])+ $name:literal => $field:ident,)+) => {
        /// The settings as texts of the environment; empty means the default.
        #[derive(Clone, Copy, Debug, Default)]
        pub struct Settings<'s> {
            $($(#[$doc])+ pub $field: &'s str,)+
        }

        impl Settings<'_> {
            /// The names of the settings in the environment.
            pub const NAMES: &'static [&'static str] = &[$($name,)+];

            /// Reads each setting by its name with `read`, and returns what `parse` makes of them.
            pub fn read<R>(read: impl Fn(&str) -> String, parse: impl FnOnce(Settings<'_>) -> R) -> R {
                $(let $field = read($name);)+
                parse(Settings { $($field: &$field,)+ })
            }
        }
    };
}

settings! {
    /// The issuer identifier; required.
    "ISSUER" => issuer,
    /// The audience of tokens requested without `resource`; by default the issuer.
    "DEFAULT_RESOURCE" => default_resource,
    /// Signing algorithms, separated by spaces or commas; by default ES256.
    "SIGNING_ALGORITHMS" => algorithms,
    /// The time after which a signing key gets a successor, days; by default 30.
    "KEY_ROTATION_DAYS" => key_rotation_days,
    /// Lifetime of access tokens, seconds; by default 600.
    "ACCESS_TOKEN_TTL" => access_token_ttl,
    /// The scope that the sample resource requires; by default none.
    "SAMPLE_SCOPE" => sample_scope,
    /// The lifetime of a grant with refresh tokens, seconds; by default 90 days.
    "REFRESH_TOKEN_TTL" => refresh_token_ttl,
    /// The lifetime of a grant that is not used, seconds; by default 14 days.
    "REFRESH_TOKEN_IDLE_TTL" => refresh_token_idle_ttl,
    /// The replay window of refresh tokens, seconds; by default 30, 0 for none.
    "REFRESH_REPLAY_WINDOW" => refresh_replay_window,
    /// The lifetime of a session, seconds; by default 7 days.
    "SESSION_TTL" => session_ttl,
    /// The retention of events, days; by default 30, 0 for none.
    "EVENT_RETENTION_DAYS" => event_retention,
    /// Whether users can create their own accounts: `true` or `false`, the default.
    "SELF_REGISTRATION" => self_registration,
    /// The scope that new accounts may allow to clients; by default `openid profile email offline_access`.
    "DEFAULT_USER_SCOPE" => default_user_scope,
    /// The issuer of the upstream OpenID provider; by default there is none.
    "UPSTREAM_ISSUER" => upstream_issuer,
    /// This server's `client_id` at the provider.
    "UPSTREAM_CLIENT_ID" => upstream_client_id,
    /// The provider's name that users see; by default the host of its issuer.
    "UPSTREAM_NAME" => upstream_name,
    /// The users of the provider who may sign in here: `known`, the default, `all`, or e-mail domains.
    "UPSTREAM_ACCOUNTS" => upstream_accounts,
    /// The `acr` and `amr` values of the provider that are accepted; by default none.
    "UPSTREAM_ACR" => upstream_acr,
    /// The request header that holds the client's address; by default `CF-Connecting-IP`, `none` for no header.
    "CLIENT_ADDRESS_HEADER" => client_address_header,
    /// The authentication context class that a user's sign-in needs for `edgemint:admin`: `phr` for a passkey; by default none.
    "ADMIN_ACR" => admin_acr,
    /// What is permitted to client software that cannot change: items separated by spaces or commas; by default none.
    "COMPATIBILITY" => compatibility,
}

/// The setting that makes each request log its costs: `true` or `false`, the default. Read apart from the others, since it applies
/// even where one of them is wrong.
pub const COST_LOG: &str = "COST_LOG";
