"""Third-party clients exchange access tokens (RFC 8693).

Usage: token_exchange.py LIBRARY, with a JSON object on the standard input: token_endpoint, client_id, secret, subject_token, audience,
scope, and optionally actor_token. Prints the token response as JSON.
"""

import json
import sys

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


def google_auth(c):
    from google.auth.transport.requests import Request
    from google.oauth2 import sts, utils

    authentication = utils.ClientAuthentication(utils.ClientAuthType.basic, c["client_id"], c["secret"])
    client = sts.Client(c["token_endpoint"], authentication)
    return client.exchange_token(
        Request(),
        "urn:ietf:params:oauth:grant-type:token-exchange",
        c["subject_token"],
        ACCESS_TOKEN,
        audience=c["audience"],
        scopes=c["scope"].split(),
        requested_token_type=ACCESS_TOKEN,
        actor_token=c.get("actor_token"),
        actor_token_type=c.get("actor_token") and ACCESS_TOKEN,
        additional_options={"userProject": "1"},
    )


def google_identity_pool(c):
    from google.auth import identity_pool
    from google.auth.transport.requests import Request

    class Supplier(identity_pool.SubjectTokenSupplier):
        def get_subject_token(self, context, request):
            return c["subject_token"]

    credentials = identity_pool.Credentials(
        c["audience"],
        ACCESS_TOKEN,
        c["token_endpoint"],
        subject_token_supplier=Supplier(),
        client_id=c["client_id"],
        client_secret=c["secret"],
        scopes=c["scope"].split(),
    )
    credentials.refresh(Request())
    return {"access_token": credentials.token, "scope": c["scope"], "issued_token_type": ACCESS_TOKEN}


def requests_oauth2client(c):
    from requests_oauth2client import BearerToken, OAuth2Client

    client = OAuth2Client(c["token_endpoint"], auth=(c["client_id"], c["secret"]), testing=True)
    actor = c.get("actor_token")
    return client.token_exchange(
        subject_token=BearerToken(c["subject_token"]),
        actor_token=actor and BearerToken(actor),
        requested_token_type=ACCESS_TOKEN,
        audience=c["audience"],
        scope=c["scope"],
    ).as_dict()


LIBRARIES = {
    "google-auth": google_auth,
    "google-auth, identity_pool": google_identity_pool,
    "requests-oauth2client": requests_oauth2client,
}

print(json.dumps(LIBRARIES[sys.argv[1]](json.load(sys.stdin)), default=str))
