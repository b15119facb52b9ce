//! What is wrong with the input of an operator or a user: a table for each kind of input, a row for each cause.
//!
//! A row is `Cause: "word" "sentence"`: the word is for the log, the sentence for the sender. A table with one word for all
//! its rows has it beside its name.

/// Writes an enum of causes from a table.
macro_rules! causes {
    ($(#[$doc:meta])* $name:ident { $( $(#[$row_doc:meta])* $cause:ident: $word:literal $sentence:literal; )+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $( $(#[$row_doc])* $cause, )+ }

        impl $name {
            /// All of them.
            pub const ALL: [Self; [$($sentence),+].len()] = [$( Self::$cause ),+];

            /// Returns the stable word for logs and metrics.
            pub const fn kind(self) -> &'static str {
                match self { $( Self::$cause => $word, )+ }
            }

            /// Returns the sentence for the sender.
            pub const fn sentence(self) -> &'static str {
                match self { $( Self::$cause => $sentence, )+ }
            }

            /// Returns the row of a malformed request for the table of refusals.
            pub(super) const fn row(self) -> super::Row {
                super::Row::malformed(self.kind(), self.sentence())
            }
        }
    };
    ($(#[$doc:meta])* $name:ident $word:literal { $( $(#[$row_doc:meta])* $cause:ident: $sentence:literal; )+ }) => {
        causes! { $(#[$doc])* $name { $( $(#[$row_doc])* $cause: $word $sentence; )+ } }
    };
}

causes! {
    /// What is wrong with the body of `POST /admin/revocations`.
    BulkError {
        /// `before` is not a whole number of seconds, or lies in the future.
        Before: "revocation_before" "before must be whole seconds since 1970, and not in the future.";
        /// `client` is not a client identifier.
        Client: "revocation_client" "client must be a client_id.";
        /// The body has no member: it would match every grant.
        Empty: "revocation_empty" "Describe the grants to revoke by user, client, resource or before.";
        /// `resource` is not an absolute URI without a fragment.
        Resource: "revocation_resource" "resource must be an absolute URI without a fragment.";
        /// The body has an unknown member, which may have been meant as a restriction.
        Unknown: "revocation_unknown" "Only the members user, client, resource and before are allowed.";
        /// `user` is not a user's identifier.
        User: "revocation_user" "user must be the id of a user.";
    }
}

causes! {
    /// Which parameter of `GET /admin/events` is wrong.
    EventQueryError "event_query" {
        /// `client` is not a client identifier.
        Client: "client must be a client_id.";
        /// `event` is not an event kind.
        Event: "event must be a word from the manual's list of events.";
        /// `grant` is not a grant's identifier.
        Grant: "grant must be the identifier of a grant.";
        /// `jti` is not a token's identifier.
        Jti: "jti must be the identifier of a token.";
        /// `kid` is not a key's identifier.
        Kid: "kid must be the identifier of a key.";
        /// `limit` is out of range.
        Limit: "limit must be a number from 1 to 1000.";
        /// `since` is later than `until`.
        Range: "since must not be later than until.";
        /// `severity` is unknown.
        Severity: "severity must be info, notice or alert.";
        /// `since` is not a number of seconds.
        Since: "since must be a time in seconds since 1970.";
        /// The list does not have the parameter.
        Unknown: "This list takes since, until, event, severity, client, user, grant, kid, jti, limit and cursor.";
        /// `until` is not a number of seconds.
        Until: "until must be a time in seconds since 1970.";
        /// `user` is not an account's identifier.
        User: "user must be the identifier of a user.";
    }
}

causes! {
    /// What is wrong with the description of an exchange rule.
    ExchangeRuleError "exchange_rule" {
        /// `client`.
        Client: "client must be a client_id other than root.";
        /// `client_id` is malformed, missing with `id_jag`, or present without it.
        ClientId: "client_id is required with the mode id_jag, and with no other: 1 to 500 visible ASCII characters.";
        /// `client`, `sources` or `targets` in the body differ from those of the record.
        Differs: "client, sources and targets must be those of this rule: they are its identity.";
        /// `mode`.
        Mode: "mode must be impersonation, delegation or id_jag.";
        /// `resources` is malformed, or present without `id_jag`.
        Resources: "resources is allowed with the mode id_jag alone: a list of at most 20 absolute URIs without a fragment.";
        /// `scope`.
        Scope: "scope must be a text of scope values separated by spaces, at most 4000 bytes, without edgemint:admin and offline_access.";
        /// `sources`.
        Sources: "sources must be a list of 1 to 20 audiences of tokens: absolute URIs without a fragment, or values of client_id; with the mode id_jag, the client alone.";
        /// `targets`.
        Targets: "targets must be a list of 1 to 20 absolute URIs without a fragment; with the mode id_jag, the issuer identifier of one other authorization server.";
        /// The body has an unknown member, which may have been meant as a restriction.
        Unknown: "Only the members client, client_id, sources, targets, resources, scope and mode are allowed.";
    }
}

causes! {
    /// What is wrong with client metadata (RFC 7591 section 2).
    MetadataError "metadata" {
        /// `access_token_signed_response_alg`.
        AccessTokenAlg: "access_token_signed_response_alg must be ES256, RS256 or EdDSA, and one of the server's SIGNING_ALGORITHMS.";
        /// `assertion_audience`.
        AssertionAudience: "assertion_audience must be issuer or token_endpoint.";
        /// `assertion_without_jti` is no boolean, or the client has no keys or not the grant type.
        AssertionWithoutJti: "assertion_without_jti must be true or false; true requires the grant type urn:ietf:params:oauth:grant-type:jwt-bearer, and jwks or jwks_uri.";
        /// `token_endpoint_auth_method`.
        AuthMethod: "token_endpoint_auth_method must be client_secret_basic, client_secret_post, private_key_jwt or none.";
        /// `client_id`.
        ClientId: "client_id must be 1 to 200 visible ASCII characters, and neither . nor .. alone.";
        /// `client_id` in the body differs from the one in the path.
        ClientIdDiffers: "client_id must be the one in the URL.";
        /// `client_id` is the identifier of a user (RFC 9700 section 4.15).
        ClientIdOfUser: "client_id is the identifier of a user: the client's tokens would appear to be about that user.";
        /// `client_name`, `client_uri`, `contacts`, `software_id` or `software_version`.
        Description: "client_name, client_uri, software_id and software_version must be texts of at most 500 bytes, contacts a list of them.";
        /// `device_without_secret` is no boolean, or the client is public or has not the grant type.
        DeviceWithoutSecret: "device_without_secret must be true or false; true requires a client that authenticates, and the grant type urn:ietf:params:oauth:grant-type:device_code.";
        /// `enabled`.
        Enabled: "enabled must be true or false.";
        /// `grant_types`.
        GrantTypes: "grant_types must be a list of authorization_code, client_credentials, urn:ietf:params:oauth:grant-type:device_code, refresh_token, urn:ietf:params:oauth:grant-type:jwt-bearer, urn:ietf:params:oauth:grant-type:token-exchange; refresh_token requires one that signs users in.";
        /// A public client that registers `client_credentials` or token exchange.
        GrantTypesPublic: "A client with the authentication method none can use neither client_credentials nor urn:ietf:params:oauth:grant-type:token-exchange.";
        /// `id_token_signed_response_alg`.
        IdTokenAlg: "id_token_signed_response_alg must be ES256, RS256 or EdDSA, and one of the server's SIGNING_ALGORITHMS.";
        /// `id_token_claims`.
        IdTokenClaims: "id_token_claims must be profile, or be omitted.";
        /// `jwks` is not a JWK Set of usable public keys.
        Jwks: "jwks must be a JWK Set of 1 to 20 public signature keys.";
        /// `jwks` and `jwks_uri` together (RFC 7591 section 2).
        JwksBoth: "Send jwks or jwks_uri, not both.";
        /// `private_key_jwt` without `jwks` and `jwks_uri`.
        JwksMissing: "private_key_jwt requires jwks or jwks_uri.";
        /// `jwks_uri` is an address that this server does not fetch.
        JwksUri: "jwks_uri must be an https URL on port 443 of a public, lower-case host name, without user information and fragment, at most 500 bytes.";
        /// `post_logout_redirect_uris`.
        PostLogoutRedirectUris: "post_logout_redirect_uris must be a list of at most 50 redirect URIs.";
        /// `redirect_uris`.
        RedirectUris: "redirect_uris must be a list of at most 50 URIs without a fragment: https, http on localhost, or a private-use scheme.";
        /// The authorization code grant without `redirect_uris`.
        RedirectUrisMissing: "authorization_code requires redirect_uris.";
        /// `require_pkce` is no boolean, or the client is public or has not the grant type.
        RequirePkce: "require_pkce must be true or false; false requires a client that authenticates, and the grant type authorization_code.";
        /// `resources`.
        Resources: "resources must be a list of at most 50 absolute URIs without a fragment.";
        /// `response_types`.
        ResponseTypes: "response_types must be [\"code\"].";
        /// `scope`.
        Scope: "scope must be a text of scope values separated by spaces, at most 4000 bytes.";
        /// `client_secret`.
        Secret: "client_secret must be 16 to 512 visible ASCII characters, at least 6 different ones, and not a repeated shorter text.";
        /// A `client_secret` for a client that authenticates by keys or not at all.
        SecretUnused: "A client with private_key_jwt or none has no client_secret.";
        /// `service_account` is malformed, or the client has no keys or not the grant type.
        ServiceAccount: "service_account must have only jti (required or optional), users (a list of at most 200 ids of users) and scope (without edgemint:admin and offline_access); it requires the grant type urn:ietf:params:oauth:grant-type:jwt-bearer, and jwks or jwks_uri.";
        /// `token_endpoint_auth_signing_alg`.
        SigningAlg: "token_endpoint_auth_signing_alg must be an asymmetric JWS algorithm.";
    }
}

causes! {
    /// What is wrong with the description of a resource.
    ResourceError "resource" {
        /// `access_token_lifetime`.
        AccessTokenLifetime: "access_token_lifetime must be a whole number of seconds from 1 to 86400.";
        /// `acr`.
        Acr: "acr must be 1 or phr.";
        /// `clients`.
        Clients: "clients must be all, self_registered, or a list of at most 200 values of client_id, without root.";
        /// `identifier` is not an absolute URI without a fragment, or is this server's.
        Identifier: "identifier must be an absolute URI without a fragment, at most 512 bytes, and not this server's issuer.";
        /// `identifier` in the body differs from that of the record.
        IdentifierDiffers: "identifier must be the one of this record.";
        /// `introspection_client`.
        IntrospectionClient: "introspection_client must be a client_id other than root.";
        /// `max_age`.
        MaxAge: "max_age must be a whole number of seconds from 60 to 34560000.";
        /// `name`.
        Name: "name must be 1 to 100 characters without control characters and direction marks.";
        /// `other_audiences`.
        OtherAudiences: "other_audiences must be true or false.";
        /// `scopes`.
        Scopes: "scopes must be a list of at most 100 objects with value (one scope value, none of this server's own, each once) and description (an object with en and optionally zh, texts of 1 to 100 characters without control characters and direction marks).";
        /// `signing_algorithm`.
        SigningAlgorithm: "signing_algorithm must be one of the server's SIGNING_ALGORITHMS.";
        /// The body has an unknown member, which may have been meant as a restriction.
        Unknown: "Only the members of a resource are allowed; see the manual.";
    }
}

causes! {
    /// What is wrong with the description of a trusted issuer.
    TrustedIssuerError "trusted_issuer" {
        /// `algorithms`.
        Algorithms: "algorithms must be a list of asymmetric JWS algorithms.";
        /// `assertions`, or another member that contradicts `id_jag`.
        Assertions: "assertions must be jwt or id_jag; id_jag requires subject user_id or upstream, and excludes audience token_endpoint, jti optional and client_authentication optional.";
        /// `audience`.
        Audience: "audience must be issuer or token_endpoint.";
        /// `client_authentication`.
        ClientAuthentication: "client_authentication must be required or optional.";
        /// `clients`.
        Clients: "clients must be a list of 1 to 100 values of client_id, without root.";
        /// `issuer` is not an identifier with a scheme, or is this server's.
        Issuer: "issuer must be the value of iss in the assertions: a text of at most 500 visible ASCII characters that contains :// and is not this server's issuer.";
        /// `issuer` in the body differs from that of the record.
        IssuerDiffers: "issuer must be the one of this record.";
        /// `jti`.
        Jti: "jti must be required or optional.";
        /// `jwks` is not a JWK Set of usable public keys.
        Jwks: "jwks must be a JWK Set of 1 to 20 public signature keys.";
        /// `jwks_uri` is an address that this server does not fetch.
        JwksUri: "jwks_uri must be an https URL on port 443 of a public, lower-case host name, without user information and fragment, at most 500 bytes.";
        /// Both `jwks` and `jwks_uri`, or neither.
        Keys: "Send either jwks or jwks_uri.";
        /// `scope`.
        Scope: "scope must be a text of scope values separated by spaces, at most 4000 bytes, without edgemint:admin and offline_access.";
        /// `subject`.
        Subject: "subject must be client_id, mapped_client, user_id, username or upstream.";
        /// `subjects` is malformed, missing with `mapped_client`, or present without it.
        Subjects: "mapped_client requires subjects, an object that maps 1 to 100 values of sub to members of clients; other values of subject exclude it.";
        /// The body has an unknown member, which may have been meant as a restriction.
        Unknown: "Only the members of a trusted issuer are allowed; see the manual.";
    }
}

causes! {
    /// What is wrong with the description of a user.
    UserError {
        /// `email`.
        Email: "user_email" "email must be an address of at most 254 bytes.";
        /// `email_verified`.
        EmailVerified: "user_email_verified" "email_verified must be true or false.";
        /// `enabled`.
        Enabled: "user_enabled" "enabled must be true or false.";
        /// `end_grants`.
        EndGrants: "user_end_grants" "end_grants must be true or false.";
        /// `groups`.
        Groups: "user_groups" "groups must be a list of at most 100 texts of 1 to 100 characters without control characters.";
        /// `name`.
        Name: "user_name" "name must be 1 to 100 characters without control characters and direction marks.";
        /// `password` is too short, too long, or contains a control character.
        Password: "user_password" "password must be 8 to 128 characters without control characters.";
        /// `scope`.
        Scope: "user_scope" "scope must be a text of scope values separated by spaces.";
        /// `upstream`.
        Upstream: "user_upstream" "upstream must have issuer (the configured UPSTREAM_ISSUER) and sub (1 to 255 characters), or be null.";
        /// `username`.
        Username: "user_username" "username must be 1 to 128 ASCII letters, digits and ._@+- (with more before an @, as in an e-mail address).";
    }
}
