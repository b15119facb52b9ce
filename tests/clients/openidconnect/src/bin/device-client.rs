//! A device that signs a user in with the `oauth2` crate, unmodified (RFC 8628).
//!
//! `device-client ISSUER ADDRESS CLIENT_ID` prints the user code and the two addresses as a line of JSON, polls as the crate does, and
//! prints the result as another. A confidential client's secret is in `CLIENT_SECRET`.

#[path = "../transport.rs"]
mod transport;

use std::error::Error;
use std::time::Duration;

use oauth2::basic::BasicClient;
use oauth2::{
    ClientId, ClientSecret, DeviceAuthorizationUrl, HttpRequest, RefreshToken, RequestTokenError, Scope,
    StandardDeviceAuthorizationResponse, TokenResponse, TokenUrl,
};
use serde_json::json;

use transport::send;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [issuer, address, client_id] = arguments.as_slice() else {
        return Err("usage: device-client ISSUER ADDRESS CLIENT_ID".into());
    };
    let http = |request: HttpRequest| send(request, issuer, address);
    let client = BasicClient::new(ClientId::new(client_id.clone()))
        .set_device_authorization_url(DeviceAuthorizationUrl::new(format!("{issuer}/oauth/device_authorization"))?)
        .set_token_uri(TokenUrl::new(format!("{issuer}/oauth/token"))?);
    let client = match std::env::var("CLIENT_SECRET") {
        Ok(secret) => client.set_client_secret(ClientSecret::new(secret)),
        Err(_) => client,
    };
    let scopes = ["openid", "offline_access", "read"].map(|scope| Scope::new(scope.to_owned()));
    let details: StandardDeviceAuthorizationResponse =
        client.exchange_device_code().add_scopes(scopes).request(&http)?;
    println!(
        "{}",
        json!({
            "user_code": details.user_code().secret(),
            "verification_uri": details.verification_uri().as_str(),
            "verification_uri_complete": details.verification_uri_complete().map(|uri| uri.secret().clone()),
            "expires_in": details.expires_in().as_secs(),
            "interval": details.interval().as_secs(),
        })
    );
    // The crate polls each interval, and waits longer when it is told to.
    let result = match client.exchange_device_access_token(&details).request(&http, std::thread::sleep, Some(Duration::from_secs(120))) {
        Ok(tokens) => {
            let refresh: &RefreshToken = tokens.refresh_token().ok_or("no refresh token")?;
            let refreshed = client.exchange_refresh_token(refresh).request(&http)?;
            json!({
                "scope": tokens.scopes(),
                "expires_in": tokens.expires_in().map(|time| time.as_secs()),
                "access_token": tokens.access_token().secret(),
                "rotated": refreshed.refresh_token().is_some_and(|new| new.secret() != refresh.secret()),
            })
        }
        Err(RequestTokenError::ServerResponse(response)) => json!({ "error": response.error() }),
        Err(other) => return Err(other.into()),
    };
    println!("{result}");
    Ok(())
}
