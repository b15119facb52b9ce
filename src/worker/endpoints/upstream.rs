//! Signing in at another OpenID provider: sending the browser there, and its return.

use crate::names;
use crate::oauth::Refusal;
use crate::oauth::endpoints::step_up::Wanted;
use crate::oauth::endpoints::upstream::{self, Conditions, Journey};
use crate::oauth::grant::SignIn;
use crate::oauth::vocabulary::pkce::Challenge;
use crate::pages::SignInError;
use crate::token::base64url;
use crate::wire::{Form, Reply, form_encode};
use crate::worker::browser::Browser;
use crate::worker::endpoints::authorize::{asked, continuation, refuse};
use crate::worker::endpoints::sign_in;
use crate::worker::env::Platform;
use crate::worker::http::Incoming;
use crate::worker::kv;
use crate::worker::random::random;
use crate::worker::report::RequestError;
use crate::worker::services::federation;
use crate::worker::services::sessions::{self, NotOpened};
use crate::worker::services::upstream_provider::{identify, provider};

/// How long a sign-in at the provider may take, seconds.
const JOURNEY_TTL: u64 = 900;
/// `GET /account/sign-in/upstream`: sends the browser to the provider.
pub(crate) async fn depart(platform: &Platform, request: &Incoming, browser: &Browser) -> Result<Reply, RequestError> {
    let authority = platform.authority();
    let upstream = authority.upstream().ok_or(Refusal::NotFound)?;
    let query = request.query_form()?;
    let onward = query.get("continue").unwrap_or_default().to_owned();
    let Ok((provider, _)) = provider(platform, upstream).await else {
        return failed(platform, browser, &onward).await;
    };
    let text = || random::<32>().map(|bytes| base64url::encode(&bytes));
    let (state, nonce, verifier) = (text()?, text()?, text()?);
    let challenge = Challenge::of_verifier(&verifier).ok_or(Refusal::PkceVerifier)?;
    let form = Form::parse(&onward).map_err(Refusal::from)?;
    let wanted = match form.get("client_id") {
        Some(_) => asked(platform, &form).await?.wanted(),
        None => Wanted::of_page(&form),
    };
    let conditions = Conditions { onward: &form, wanted };
    let there = provider.sign_in(authority, upstream, &state, &nonce, challenge.as_str(), &conditions);
    let (departed, until, max_age) = (platform.now, platform.now.plus(JOURNEY_TTL), conditions.max_age());
    let journey = Journey { nonce, verifier, onward, until, departed, max_age };
    let sealed = kv::seal(platform, &journey_name(platform, &state), &journey).await?;
    Ok(browser.departs(platform, Reply::see_other(there), &state, &sealed, JOURNEY_TTL))
}

/// `GET /account/sign-in/upstream/callback`: the return of the browser.
pub(crate) async fn arrive(platform: &Platform, request: &Incoming, browser: &Browser) -> Result<Reply, RequestError> {
    let upstream = platform.authority().upstream().ok_or(Refusal::NotFound)?;
    let answer = request.query_form()?;
    // The cookie opens only for the state that it was sealed for: a sign-in that another page began does not continue here.
    let state = answer.get("state").unwrap_or_default();
    let sealed = browser.journey(platform, state).unwrap_or_default();
    let journey = match kv::open::<Journey>(platform, &journey_name(platform, state), sealed).await? {
        Ok(journey) if platform.now < journey.until => journey,
        Ok(_) | Err(_) => return Err(Refusal::FormForeign.into()),
    };
    let (subject, told) = match identify(platform, upstream, &answer, &journey).await {
        Ok(identified) => identified,
        Err(RequestError::Refused(refusal)) => return refused(platform, browser, &journey.onward, &refusal).await,
        // A failure of our own verifier is not the provider's, nor the user's.
        Err(fault) => return Err(fault),
    };
    let account = match federation::account_of(platform, upstream, &subject, &told).await {
        Ok(account) => account,
        Err(RequestError::Refused(refusal)) => return refused(platform, browser, &journey.onward, &refusal).await,
        Err(fault) => return Err(fault),
    };
    let sign_in = SignIn { at: subject.at, amr: subject.amr, acr: Some(subject.acr) };
    let session = match sessions::open_for(platform, browser, &account, sign_in, None).await? {
        Ok(session) => session,
        Err(NotOpened::Disabled) => return sign_in::disabled(platform, browser, &journey.onward).await,
        Err(NotOpened::Refused) => return Err(Refusal::Upstream.into()),
    };
    let onward = continuation(Some(&journey.onward));
    let reply = browser.signed_in(platform, &account, &session, None, &onward)?;
    Ok(Browser::arrives(platform, reply, state))
}

/// The reply to a user whom the provider or this server refused.
async fn refused(
    platform: &Platform,
    browser: &Browser,
    onward: &str,
    refusal: &Refusal,
) -> Result<Reply, RequestError> {
    let form = Form::parse(onward).map_err(Refusal::from)?;
    match refusal {
        // The client asked for a recent sign-in, and trying again would not help: it decides how to go on.
        Refusal::UpstreamAuthTime if form.get("client_id").is_some() => {
            let asked = asked(platform, &form).await?;
            Ok(refuse(platform, browser, &asked.target, refusal))
        }
        Refusal::UpstreamAuthTime => {
            platform.audit.refused(refusal);
            sign_in::upstream_failed(platform, browser, onward, SignInError::UpstreamNotRecent).await
        }
        Refusal::UpstreamAccount => {
            platform.audit.refused(refusal);
            // The provider would sign the same user in again, without a question.
            let restart = format!("/account/sign-in?continue={}", form_encode(&upstream::with_another_account(&form)));
            Ok(browser.problem(platform, refusal, Some(&restart)))
        }
        other => {
            platform.audit.refused(other);
            failed(platform, browser, onward).await
        }
    }
}

/// The sign-in page again, with an error.
async fn failed(platform: &Platform, browser: &Browser, onward: &str) -> Result<Reply, RequestError> {
    sign_in::upstream_failed(platform, browser, onward, SignInError::UpstreamFailed).await
}

fn journey_name(platform: &Platform, state: &str) -> String {
    names::journey(platform.authority().issuer(), state)
}
