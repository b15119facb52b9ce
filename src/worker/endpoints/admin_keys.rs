//! The admin endpoints for signing keys, and the public endpoints that return one public key. A request to the former has a token
//! with the admin scope.

use serde_json::json;

use crate::keyring::{
    Import, ImportError, ImportText, JWKS_MAX_AGE, KeyId, KeyringRefusal, Private, PrivateJwk, Purpose, SPREAD,
    SigningKey,
};
use crate::oauth::Refusal;
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::token::{Algorithm, Key, base64url};
use crate::wire::Reply;

use crate::worker::crypto::{CheckingHandle, SigningHandle, from_pkcs8};
use crate::worker::endpoints::documents::cached;
use crate::worker::env::Platform;
use crate::worker::http::Incoming;
use crate::worker::objects::ObjectCommand;
use crate::worker::objects::address::Keyring;
use crate::worker::objects::keyring_do::{Ensure, ImportKey, Revoke, Rotate, SealedRing};
use crate::worker::random::random;
use crate::worker::report::RequestError;
use crate::worker::ring::{self, View};

/// `GET /admin/keys`: every key with its schedule, and those that were revoked.
pub(crate) async fn list(platform: &Platform) -> Result<Reply, RequestError> {
    all(platform, &Ensure { asked_at: platform.now }, 200).await
}

/// `POST /admin/keys/rotate`: the next key of every algorithm takes over: at once if every verifier can have it, else as
/// soon as it can. Within that time, doing it twice changes nothing.
pub(crate) async fn rotate(platform: &Platform) -> Result<Reply, RequestError> {
    let reply = all(platform, &Rotate { asked_at: platform.now }, 200).await?;
    platform.audit.note(EventKind::KeysRotated);
    Ok(reply)
}

async fn all(
    platform: &Platform,
    command: &impl ObjectCommand<Namespace = Keyring, Answer = SealedRing>,
    status: u16,
) -> Result<Reply, RequestError> {
    let view = ring::ask(platform, command).await?;
    Ok(Reply::json(status, &view.ring().describe(platform.now)))
}

/// `POST /admin/keys`: a key of another issuer, to sign with in its turn, or to verify with for some time.
pub(crate) async fn import(platform: &Platform, request: &Incoming) -> Result<Reply, RequestError> {
    let body = request.json_object().await?;
    let text = ImportText::parse(&body, platform.authority().algorithms(), platform.now).map_err(Refusal::from)?;
    let (kid, algorithm) = (text.kid.clone(), text.algorithm);
    let import = match (text.purpose, text.public) {
        (Purpose::Verify(until), Some(public)) => {
            let usable = CheckingHandle::import(algorithm, &public).await.is_some();
            usable.then_some(()).ok_or(Refusal::Import(ImportError::Mismatch))?;
            Import::to_verify(kid, algorithm, &public, until)
        }
        (Purpose::Sign(private), public) => {
            let (public, private) = halves(algorithm, public, &private).await?;
            prove(algorithm, &public, &private).await?;
            Import::to_sign(kid, algorithm, &public, private)
        }
        (Purpose::Verify(_), None) => return Err(Refusal::Import(ImportError::KeyMissing).into()),
    };
    let kid = import.kid.clone();
    let changed = ring::change(platform, &ImportKey { asked_at: platform.now, import: Box::new(import) }).await;
    if !matches!(changed, Ok(Err(_))) {
        // Where it could not be published it will be, by itself.
        platform.audit.key(&kid).note(EventKind::KeyImported);
    }
    let view = match changed? {
        Ok(view) => view,
        Err(refusal) => return Err(refusal.of_import().map_or(Refusal::KeyNotFound, Refusal::Import).into()),
    };
    let key = view.ring().find(kid.as_str()).ok_or(Refusal::KeyNotFound)?;
    let location = platform.authority().endpoint(&format!("/admin/keys/{}", encode(kid.as_str())));
    Ok(Reply::json(201, &key.describe(platform.now)).with("Location", location))
}

/// The public half and what is stored of the private one.
async fn halves(
    algorithm: Algorithm,
    public: Option<Key>,
    private: &Private,
) -> Result<(Key, PrivateJwk), RequestError> {
    let mismatch = || RequestError::from(Refusal::Import(ImportError::Mismatch));
    match (private, public) {
        (Private::Jwk(private), Some(public)) => {
            let jwk = serde_json::from_str(&private.to_jwk_text()).map_err(|_| mismatch())?;
            Ok((public, PrivateJwk::new(jwk)))
        }
        (Private::Pkcs8(private), _) => {
            let material = from_pkcs8(algorithm, private.der()).await?.ok_or_else(mismatch)?;
            let own = material.public.public_jwk().unwrap_or_default();
            let is_own = |bytes: &[u8]| own.get("x") == Some(&json!(base64url::encode(bytes)));
            // Of Ed25519 the platform does not look at the public half that may stand beside the private one.
            let brought = private.public_bytes().filter(|_| algorithm == Algorithm::EdDsa);
            brought.is_none_or(is_own).then_some(()).ok_or_else(mismatch)?;
            Ok((material.public, material.private))
        }
        (Private::Jwk(_), None) => Err(mismatch()),
    }
}

/// What the private half signs has to verify with the public one.
async fn prove(algorithm: Algorithm, public: &Key, private: &PrivateJwk) -> Result<(), RequestError> {
    let text = random::<32>()?;
    let mismatch = RequestError::from(Refusal::Import(ImportError::Mismatch));
    let (Some(signs), Some(checks)) =
        (SigningHandle::try_import(algorithm, private).await, CheckingHandle::import(algorithm, public).await)
    else {
        return Err(mismatch);
    };
    // Numbers that do not fit together make the platform fail rather than sign.
    let Some(signature) = signs.try_sign(&text).await else {
        return Err(mismatch);
    };
    match checks.check(&signature, &text).await? {
        true => Ok(()),
        false => Err(mismatch),
    }
}

/// `POST /admin/keys/KID/revoke`: it signs no more and leaves the set; the answer says from when on its tokens fail where.
pub(crate) async fn revoke(platform: &Platform, segment: &str) -> Result<Reply, RequestError> {
    let kid = KeyId::parse(&decode(segment)?).ok_or(Refusal::KeyNotFound)?;
    let changed = ring::change(platform, &Revoke { asked_at: platform.now, kid: kid.clone() }).await;
    if !matches!(changed, Ok(Err(_))) {
        // Where it could not be published it will be, by itself.
        platform.audit.key(&kid).note(EventKind::KeyRevoked);
    }
    let view = match changed? {
        Ok(view) => view,
        Err(KeyringRefusal::Unknown | KeyringRefusal::Exists | KeyringRefusal::Revoked | KeyringRefusal::Full) => {
            return Err(Refusal::KeyNotFound.into());
        }
    };
    let revoked = view.ring().revoked(kid.as_str()).ok_or(Refusal::KeyNotFound)?;
    let everywhere = revoked.revoked_at.plus(SPREAD);
    let mut answer = view.ring().describe(platform.now);
    if let Some(members) = answer.as_object_mut() {
        members.insert("kid".to_owned(), json!(kid));
        members.insert("revoked_at".to_owned(), json!(revoked.revoked_at));
        members.insert("refused_here_from".to_owned(), json!(everywhere));
        members.insert("refused_by_verifiers_from".to_owned(), json!(everywhere.plus(2 * JWKS_MAX_AGE)));
    }
    Ok(Reply::json(200, &answer))
}

/// How a public key is written.
#[derive(Clone, Copy)]
enum Form {
    Jwk,
    Pem,
    Certificate,
}

impl Form {
    const ALL: [(&'static str, Self); 3] = [(".jwk", Self::Jwk), (".pem", Self::Pem), (".crt", Self::Certificate)];

    /// The key and the form that an address names.
    fn of(name: &str) -> Option<(&str, Self)> {
        Self::ALL.into_iter().find_map(|(suffix, form)| Some((name.strip_suffix(suffix)?, form)))
    }
}

/// `GET /admin/keys/KID`, with `.jwk`, `.pem` or `.crt` behind it or without: then it is the JWK.
pub(crate) async fn read(platform: &Platform, request: &Incoming, segment: &str) -> Result<Reply, RequestError> {
    let name = decode(segment)?;
    let view = ring::view(platform).await?;
    // A key may be called anything, by another issuer.
    let (kid, form) = match (view.ring().find(&name), Form::of(&name)) {
        (None, Some(found)) => found,
        (Some(_), _) | (None, None) => (name.as_str(), Form::Jwk),
    };
    Ok(export(platform, request, &view, kid, form).await?.with("Cache-Control", "no-store"))
}

/// `GET /keys/KID.jwk`, `.pem`, `.crt`: for those who take keys one at a time. A key is public as long as it is in the set.
pub(crate) async fn read_public(platform: &Platform, request: &Incoming, segment: &str) -> Result<Reply, RequestError> {
    let name = decode(segment)?;
    let (kid, form) = Form::of(&name).ok_or(Refusal::KeyNotFound)?;
    let view = ring::view(platform).await?;
    export(platform, request, &view, kid, form).await
}

async fn export(
    platform: &Platform,
    request: &Incoming,
    view: &View,
    kid: &str,
    form: Form,
) -> Result<Reply, RequestError> {
    let published = |key: &&SigningKey| key.kid.as_str() == kid;
    let key = view.ring().published(platform.now).find(published).ok_or(Refusal::KeyNotFound)?;
    let (kind, text) = match form {
        Form::Jwk => ("application/jwk+json", Some(key.published_jwk().to_string())),
        Form::Pem => ("application/x-pem-file", key.public().and_then(|key| key.to_pem())),
        Form::Certificate => ("application/x-pem-file", ring::certificate(platform, view, key).await?),
    };
    let text = text.ok_or(Refusal::KeyNotFound)?;
    let reply = Reply { status: 200, headers: vec![("Content-Type", kind.to_owned())], body: Some(text) };
    Ok(cached(reply, JWKS_MAX_AGE, request))
}

fn decode(segment: &str) -> Result<String, Refusal> {
    js_sys::decode_uri_component(segment).map(String::from).map_err(|_| Refusal::KeyNotFound)
}

fn encode(text: &str) -> String {
    String::from(js_sys::encode_uri_component(text))
}
