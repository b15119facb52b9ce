"""requests-oauth2client connects a device (RFC 8628).

Usage: device.py, with a JSON object on the standard input: token_endpoint, device_authorization_endpoint, client_id, scope, and secret for a
confidential client. Prints the user code as a line of JSON, polls as the library does, and prints the tokens or the error.
"""

import json
import sys

from requests_oauth2client import ClientSecretBasic, DeviceAuthorizationPollingJob, OAuth2Client, OAuth2Error


def main():
    c = json.load(sys.stdin)
    auth = ClientSecretBasic(c["client_id"], c["secret"]) if "secret" in c else c["client_id"]
    client = OAuth2Client(
        c["token_endpoint"], auth=auth, device_authorization_endpoint=c["device_authorization_endpoint"], testing=True
    )
    started = client.authorize_device(scope=c["scope"])
    print(json.dumps({"user_code": started.user_code, "interval": started.interval}), flush=True)
    job = DeviceAuthorizationPollingJob(client, started)
    token = None
    try:
        while token is None:
            token = job()
        print(json.dumps({
            "access_token": token.access_token,
            "refresh_token": token.refresh_token,
            "scope": token.scope,
            "subject": token.id_token.sub,
        }))
    except OAuth2Error as error:
        print(json.dumps({"error": error.error}))


main()
