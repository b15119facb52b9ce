//! The stored record of a grant: its stages, expiry and what tokens it may still yield.

use serde::{Deserialize, Serialize};

use crate::oauth::grant::gate::{self, ClientFacts, Facts, Granted, Permit, Requested, UserFacts};
use crate::oauth::grant::handle::SessionId;
use crate::oauth::grant::lost_resource::LostResource;
use crate::oauth::grant::request::{Describe, Described, Expiry, TokenGrant};
use crate::oauth::vocabulary::claims::UserClaim;
use crate::oauth::vocabulary::client::{ClientId, GrantType};
use crate::oauth::vocabulary::lifetimes::Lifetimes;
use crate::oauth::vocabulary::pkce::Challenge;
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::scope::Scope;
use crate::oauth::vocabulary::sign_in::SignIn;
use crate::oauth::vocabulary::status_entry::{StatusEntry, SuspensionState};
use crate::token::UnixTime;

/// A stored grant. It is deleted when it is revoked or has expired.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Grant {
    /// The client.
    pub client: ClientId,
    /// The scope that was allowed.
    pub scope: Scope,
    /// The resources that it was allowed for.
    pub resources: Vec<Resource>,
    /// The session in which it was allowed; the grant of an assertion has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// Whether `offline_access` was allowed (OpenID Connect Core section 11). The grant outlives its session as long as the
    /// client may have that scope; see [`gate::outlives_session`].
    pub offline: bool,
    /// The sign-in of the user; the grant of an assertion has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_in: Option<SignIn>,
    /// The PKCE challenge of a code; kept after redemption to recognise a client that retries. Devices and assertions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<Challenge>,
    /// When it was allowed.
    pub issued_at: UnixTime,
    /// The status list entry of its access tokens; absent in records of versions without status lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<StatusEntry>,
    /// The claims about the user that the client requested for the ID token (`claims`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub id_token_claims: Vec<UserClaim>,
    /// When the last of its access tokens expires, by the lifetime at their issue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_end: Option<UnixTime>,
    /// Whether its status list entry is suspended; absent if it never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspension: Option<SuspensionState>,
    /// The resources that it has lost, as long as an access token may name one; absent in records of grants that lost none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<LostResource>,
    /// Its stage.
    pub stage: Stage,
}

/// The stage of a grant.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// A code was issued and not redeemed yet.
    Code {
        /// The redirect URI that the code was sent to.
        redirect_uri: String,
        /// The `nonce` of the ID token.
        nonce: Option<String>,
    },
    /// The user allowed a device, and its device code was not redeemed yet.
    Device {
        /// When the device code expires.
        expires: UnixTime,
    },
    /// The code or the device code has been redeemed.
    Live {
        /// The generation of the current refresh token; 0 for none.
        generation: u64,
        /// When that generation was issued.
        turned_at: UnixTime,
        /// When the grant was last redeemed or refreshed.
        used_at: UnixTime,
        /// When the code was redeemed.
        redeemed_at: UnixTime,
    },
    /// An assertion yielded its only access token, when the grant was issued.
    Asserted,
}

impl Grant {
    /// Returns the grant of an assertion, whose access token has been permitted.
    pub fn asserted(
        client: ClientId,
        permit: &Permit,
        status: StatusEntry,
        lifetimes: &Lifetimes,
        now: UnixTime,
    ) -> Self {
        Self {
            client,
            scope: permit.scope().clone(),
            resources: permit.resources().to_vec(),
            session: None,
            offline: false,
            sign_in: None,
            challenge: None,
            issued_at: now,
            status: Some(status),
            id_token_claims: Vec::new(),
            tokens_end: Some(now.plus(permit.lifetime(lifetimes.access))),
            suspension: None,
            lost: Vec::new(),
            stage: Stage::Asserted,
        }
    }

    /// Returns the session without which it is not active, if there is one.
    pub fn needed_session(&self) -> Option<&SessionId> {
        self.session.as_ref().filter(|_| !self.offline)
    }

    /// Returns when it expires if it is not used again. Its session may end it earlier.
    pub fn ends(&self, lifetimes: &Lifetimes) -> UnixTime {
        match self.stage {
            Stage::Code { .. } => self.issued_at.plus(lifetimes.code),
            Stage::Asserted => self.only_token_ends(self.issued_at, lifetimes),
            Stage::Device { expires } => expires,
            Stage::Live { generation: 0, redeemed_at, .. } => self.only_token_ends(redeemed_at, lifetimes),
            Stage::Live { used_at, .. } => {
                self.issued_at.plus(lifetimes.refresh).min(used_at.plus(lifetimes.refresh_idle))
            }
        }
    }

    /// Returns whether it has not expired.
    pub fn is_active(&self, lifetimes: &Lifetimes, now: UnixTime) -> bool {
        now < self.ends(lifetimes)
    }

    /// Returns the facts for the gate: what was granted, and by whom it is used now.
    pub(super) fn facts<'f>(
        &'f self,
        client: &'f ClientFacts,
        user: UserFacts<'f>,
        requested: Requested<'f>,
    ) -> Facts<'f> {
        let granted = Granted {
            owner: Some(&self.client),
            scope: &self.scope,
            resources: &self.resources,
            offline: self.offline,
            sign_in: self.sign_in.as_ref(),
        };
        Facts { client, user: Some(user), granted, requested }
    }

    /// Describes a refresh token; `None` if it cannot be used any more. The caller has checked that the grant is active and
    /// the client its own.
    pub fn describe(
        &self,
        request: &Describe,
        user: UserFacts<'_>,
        lifetimes: &Lifetimes,
        now: UnixTime,
    ) -> Option<Described> {
        let Stage::Live { generation, turned_at, .. } = self.stage else {
            return None;
        };
        let current = request.generation == generation && request.generation > 0;
        let just_turned = is_before(request.generation, generation) && lifetimes.is_replay(turned_at, now);
        let facts = self.facts(&request.client, user, Requested::default());
        let scope = gate::remaining(GrantType::RefreshToken, &facts, now).ok()?;
        (current || just_turned).then(|| Described { scope, at: turned_at, ends: self.ends(lifetimes) })
    }

    /// Returns when the last access token that was issued for it expires; `None` if none was.
    pub fn last_token_ends(&self, lifetimes: &Lifetimes) -> Option<UnixTime> {
        match self.stage {
            Stage::Code { .. } | Stage::Device { .. } => None,
            Stage::Live { used_at, .. } => self.tokens_end.max(Some(used_at.plus(lifetimes.access))),
            Stage::Asserted => Some(self.only_token_ends(self.issued_at, lifetimes)),
        }
    }

    /// Returns when the only access token of a grant without refresh tokens expires, which was issued then.
    fn only_token_ends(&self, issued_at: UnixTime, lifetimes: &Lifetimes) -> UnixTime {
        self.tokens_end.unwrap_or_else(|| issued_at.plus(lifetimes.access))
    }

    /// Records that an access token is issued now.
    pub(super) fn record_access_token(&mut self, permit: &Permit, lifetimes: &Lifetimes, now: UnixTime) {
        self.tokens_end = self.tokens_end.max(Some(now.plus(permit.lifetime(lifetimes.access))));
    }

    /// Returns whether its code or device code has been redeemed.
    pub fn is_redeemed(&self) -> bool {
        match self.stage {
            Stage::Code { .. } | Stage::Device { .. } => false,
            Stage::Live { .. } | Stage::Asserted => true,
        }
    }

    /// Returns when its refresh token expires. `session_ends` is the end of its session, if it does not outlive it.
    pub(super) fn expiry(&self, lifetimes: &Lifetimes, session_ends: Option<UnixTime>) -> Expiry {
        let authorization = self.issued_at.plus(lifetimes.refresh);
        let within_session = |end: UnixTime| session_ends.map_or(end, |session| end.min(session));
        Expiry { refresh_token: within_session(self.ends(lifetimes)), authorization: within_session(authorization) }
    }

    /// Returns when it was last allowed, redeemed or refreshed.
    pub fn last_used(&self) -> UnixTime {
        match self.stage {
            Stage::Code { .. } | Stage::Device { .. } | Stage::Asserted => self.issued_at,
            Stage::Live { used_at, .. } => used_at,
        }
    }

    /// Returns the contents of tokens that the gate permits; `None` for the grant of an assertion, which yields no more tokens.
    pub(super) fn tokens(&self, permit: Permit, generation: u64, at: UnixTime, expiry: Expiry) -> Option<TokenGrant> {
        Some(TokenGrant {
            permit,
            generation,
            at,
            sign_in: self.sign_in.clone()?,
            session: self.session.clone()?,
            nonce: None,
            id_token_claims: self.id_token_claims.clone(),
            status: self.status,
            repeated: false,
            expiry: Some(expiry),
        })
    }
}

/// Returns whether this is the generation before the current one. There is none before the first.
pub(super) fn is_before(asked: u64, current: u64) -> bool {
    asked > 0 && asked.checked_add(1) == Some(current)
}
