//! The device authorization endpoint (RFC 8628 section 3.1), and the addresses that lead to the page where a user enters a code.

use serde::Serialize;

use crate::limits::DEVICE_CODE_TTL;
use crate::oauth::endpoints::authorize::scope_and_resources;
use crate::oauth::endpoints::step_up::Wanted;
use crate::oauth::grant::device::{DeviceOrigin, DeviceRequest, DeviceStage, FIRST_INTERVAL};
use crate::oauth::grant::device_code::{DeviceCode, UserCode};
use crate::oauth::grant::gate::{self, ClientFacts};
use crate::oauth::grant::handle::{GrantId, MacKey};
use crate::oauth::refusal::Refusal;
use crate::oauth::vocabulary::authority::Authority;
use crate::oauth::vocabulary::catalogue::Catalogue;
use crate::oauth::vocabulary::client::{AuthMethod, Client, ClientId, GrantType};
use crate::oauth::vocabulary::compatibility::Item;
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::scope::Scope;
use crate::token::UnixTime;
use crate::wire::{Form, encode_parameters};

/// The path of the page where a user enters a code.
pub const PAGE: &str = "/device";

/// A parsed device authorization request.
#[derive(Debug)]
pub struct DeviceAuthorization {
    client: ClientId,
    scope: Scope,
    resources: Vec<Resource>,
}

/// The device authorization response (RFC 8628 section 3.2).
#[derive(Debug, Serialize)]
pub struct DeviceAuthorizationResponse {
    device_code: String,
    user_code: String,
    verification_uri: String,
    /// The same by its name in draft-ietf-oauth-v2-05.
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_url: Option<String>,
    verification_uri_complete: String,
    expires_in: u64,
    interval: u64,
}

impl DeviceAuthorization {
    /// Parses the request of a client that has authenticated by this method, or of one that may go without (`None`).
    ///
    /// 1. The client passes the checks of the gate that need only the client: it is enabled, it has authenticated as registered,
    ///    unless an operator lifted that, and it registered the grant type.
    /// 2. The client may request tokens for each resource (RFC 8707 section 2).
    /// 3. The scope is limited to what the client registered, which is also the default, and the resources know, and not empty
    ///    afterwards.
    ///
    /// # Errors
    /// The first of these that does not hold.
    pub fn parse(
        authority: &Authority,
        catalogue: &Catalogue,
        client: &Client,
        by: Option<AuthMethod>,
        form: &Form,
    ) -> Result<Self, Refusal> {
        let facts = ClientFacts::of(authority, catalogue, client, by);
        if by.is_none() && client.is_permitted(Item::DeviceWithoutSecret, authority) {
            gate::admit_unauthenticated(GrantType::DeviceCode, &facts)?;
        } else {
            gate::admit(GrantType::DeviceCode, &facts)?;
        }
        let (scope, resources) = scope_and_resources(authority, catalogue, client, form)?;
        Ok(Self { client: client.id.clone(), scope, resources })
    }

    /// Returns the request as it is stored. `grant` is the random identifier of the grant that it may become.
    pub fn stored(&self, grant: GrantId, origin: DeviceOrigin, now: UnixTime) -> DeviceRequest {
        DeviceRequest {
            grant,
            client: self.client.clone(),
            scope: self.scope.clone(),
            resources: self.resources.clone(),
            origin,
            issued_at: now,
            interval: FIRST_INTERVAL,
            stage: DeviceStage::Pending,
        }
    }
}

impl DeviceAuthorizationResponse {
    /// Returns the response.
    pub fn new(authority: &Authority, key: &MacKey, code: &DeviceCode, user_code: &UserCode) -> Self {
        let user_code = user_code.shown();
        Self {
            device_code: code.write(key),
            verification_uri: authority.endpoint(PAGE),
            verification_url: authority
                .compatibility()
                .permits(Item::DraftDeviceGrant)
                .then(|| authority.endpoint(PAGE)),
            verification_uri_complete: authority.endpoint(&format!("{PAGE}?user_code={user_code}")),
            user_code,
            expires_in: DEVICE_CODE_TTL,
            interval: FIRST_INTERVAL,
        }
    }
}

/// Returns the query that continues at the page after the sign-in that is wanted, with a code to fill in.
pub fn onward(user_code: Option<&str>, ui_locales: Option<&str>, wanted: &Wanted) -> String {
    let page = Some(("page", "device"));
    let rest = [("user_code", user_code), ("ui_locales", ui_locales)];
    let rest = rest.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let parts = [encode_parameters(page.into_iter().chain(rest)), wanted.query()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("&")
}

/// Returns the address of the page, if this query continues there.
pub fn continuation(query: &Form) -> Option<String> {
    if query.get("page") != Some("device") {
        return None;
    }
    let rest = ["user_code", "ui_locales"].into_iter().filter_map(|name| Some((name, query.get(name)?)));
    let rest = encode_parameters(rest);
    Some(if rest.is_empty() { PAGE.to_owned() } else { format!("{PAGE}?{rest}") })
}
