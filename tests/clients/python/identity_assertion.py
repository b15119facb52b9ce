"""Authlib on either side of an identity assertion (draft-ietf-oauth-identity-assertion-authz-grant).

Usage: identity_assertion.py SIDE, with a JSON object on the standard input, and a JSON object as the output.

sign: signs an assertion as an identity provider and presents it. Input: issuer, audience, subject, assertion_client, resource, key (PEM),
kid, token_endpoint, client_id, secret. Prints the token response.

accept: runs the grant of a resource authorization server. Input: assertion, audience, client_id, issuer, subject, jwks. Prints user and
scope, or error.
"""

import json
import sys
import time


def sign(c):
    import requests
    from authlib.oauth2.drafts.id_jag import IDJAGGrant

    assertion = IDJAGGrant.sign(
        c["key"],
        c["issuer"],
        c["audience"],
        c["subject"],
        c["assertion_client"],
        expires_at=int(time.time()) + 300,
        claims={"resource": c["resource"], "scope": "read"},
        alg="RS256",
        header={"kid": c["kid"]},
    )
    form = {"grant_type": IDJAGGrant.GRANT_TYPE, "assertion": assertion}
    return requests.post(c["token_endpoint"], data=form, auth=(c["client_id"], c["secret"])).json()


def accept(c):
    from authlib.oauth2.drafts.id_jag import IDJAGGrant
    from authlib.oauth2.rfc6749 import OAuth2Error, OAuth2Request
    from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
    from joserfc.jwk import KeySet

    class Client:
        def get_client_id(self):
            return c["client_id"]

        def check_grant_type(self, grant_type):
            return True

    class Server:
        def authenticate_client(self, request, methods, endpoint="token"):
            return Client()

        def send_signal(self, name, *args, **kwargs):
            pass

        def validate_requested_scope(self, scope):
            pass

    class Grant(IDJAGGrant):
        def get_audiences(self):
            return [c["audience"]]

        def resolve_issuer_key(self, issuer, headers):
            assert issuer == c["issuer"]
            return KeySet.import_key_set(c["jwks"])

        def authenticate_user(self, subject):
            return subject if subject == c["subject"] else None

        def check_jti(self, claims, jti):
            return True

        def check_id_jag_permission(self, client, user, scopes):
            return True

    class Request(OAuth2Request):
        form = {"grant_type": IDJAGGrant.GRANT_TYPE, "assertion": c["assertion"]}

    request = Request("POST", f"{c['audience']}/token")
    request.payload = BasicOAuth2Payload(request.form)
    grant = Grant(request, Server())
    try:
        grant.validate_token_request()
    except OAuth2Error as error:
        return {"error": error.error}
    return {"user": request.user, "scope": request.scope}


print(json.dumps({"sign": sign, "accept": accept}[sys.argv[1]](json.load(sys.stdin))))
