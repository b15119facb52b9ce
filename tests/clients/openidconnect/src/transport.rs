//! How the programs reach the server behind the issuer's name.

use openidconnect::{HttpRequest, HttpResponse, http};

/// Sends a request to the server behind the issuer's name, as a TLS terminator would.
pub(crate) fn send(request: HttpRequest, issuer: &str, address: &str) -> Result<HttpResponse, minreq::Error> {
    let url = request.uri().to_string().replacen(issuer, address, 1);
    let mut outgoing = minreq::Request::new(minreq::Method::Custom(request.method().to_string()), url)
        .with_timeout(10)
        .with_follow_redirects(false)
        .with_body(request.body().as_slice());
    for (name, value) in request.headers() {
        outgoing = outgoing.with_header(name.as_str(), value.to_str().unwrap_or_default());
    }
    let incoming = outgoing.send()?;
    let mut response = http::Response::new(incoming.as_bytes().to_vec());
    *response.status_mut() = http::StatusCode::from_u16(incoming.status_code).unwrap_or(http::StatusCode::BAD_GATEWAY);
    for (name, value) in &incoming.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<http::HeaderName>(), value.parse()) {
            response.headers_mut().append(name, value);
        }
    }
    Ok(response)
}
