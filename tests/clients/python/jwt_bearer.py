"""Third-party clients exchange assertions for access tokens (RFC 7523 section 2.1).

Usage: jwt_bearer.py LIBRARY, with a JSON object on the standard input: token_endpoint, issuer (of the server), client_id, subject,
key (PEM), kid, scope; for requests-oauth2client also secret and asserter. Prints the token response as JSON.
"""

import json
import sys
import time
import uuid


def google_auth(c):
    from google.auth.transport.requests import Request
    from google.oauth2 import service_account

    info = {
        "type": "service_account",
        "client_email": c["client_id"],
        "private_key": c["key"],
        "private_key_id": c["kid"],
        "token_uri": c["token_endpoint"],
    }
    # It sends no jti, and an audience of Google unless another is configured.
    credentials = service_account.Credentials.from_service_account_info(
        info, scopes=c["scope"].split(), subject=c["subject"], additional_claims={"aud": c["issuer"]}
    )
    credentials.refresh(Request())
    return {"access_token": credentials.token, "scope": c["scope"]}


def authlib(c):
    from authlib.integrations.requests_client import AssertionSession

    # Its audience is the token endpoint.
    session = AssertionSession(
        token_endpoint=c["token_endpoint"],
        issuer=c["client_id"],
        subject=c["subject"],
        grant_type=AssertionSession.JWT_BEARER_GRANT_TYPE,
        scope=c["scope"],
        key=c["key"],
        header={"alg": "RS256", "kid": c["kid"]},
    )
    session.refresh_token()
    return dict(session.token)


def requests_oauth2client(c):
    from jwskate import Jwk, Jwt
    from requests_oauth2client import OAuth2Client

    now = int(time.time())
    claims = {"iss": c["asserter"], "sub": c["subject"], "aud": c["issuer"], "iat": now, "exp": now + 60}
    claims["jti"] = str(uuid.uuid4())
    client = OAuth2Client(c["token_endpoint"], auth=(c["client_id"], c["secret"]), testing=True)
    assertion = Jwt.sign(claims, Jwk.from_pem(c["key"]), alg="RS256", extra_headers={"kid": c["kid"]})
    return client.jwt_bearer(assertion, scope=c["scope"]).as_dict()


def confluent_kafka(c):
    from confluent_kafka import Producer

    errors = []
    producer = Producer({
        # No broker listens there: the token is requested before one is needed.
        "bootstrap.servers": "localhost:1",
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanisms": "OAUTHBEARER",
        "sasl.oauthbearer.method": "oidc",
        "sasl.oauthbearer.grant.type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "sasl.oauthbearer.token.endpoint.url": c["token_endpoint"],
        "sasl.oauthbearer.scope": c["scope"],
        "sasl.oauthbearer.assertion.algorithm": "RS256",
        "sasl.oauthbearer.assertion.private.key.pem": c["key"],
        "sasl.oauthbearer.assertion.claim.aud": c["issuer"],
        "sasl.oauthbearer.assertion.claim.iss": c["client_id"],
        "sasl.oauthbearer.assertion.claim.sub": c["subject"],
        "sasl.oauthbearer.assertion.claim.jti.include": True,
        "error_cb": errors.append,
    })
    # Its client of the token endpoint is internal: the test looks for the event of the token. It ends this program.
    while not any("token" in str(error).lower() for error in errors):
        producer.poll(0.1)
    return {"errors": [str(error) for error in errors]}


LIBRARIES = {
    "google-auth": google_auth,
    "Authlib": authlib,
    "requests-oauth2client": requests_oauth2client,
    "confluent-kafka": confluent_kafka,
}

print(json.dumps(LIBRARIES[sys.argv[1]](json.load(sys.stdin)), default=str))
