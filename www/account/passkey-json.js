// Converts between the JSON of Web Authentication (section 5.1) and the browser's interface; by the browser's own
// functions, or by hand if it lacks them or a password manager replaced them by its own object.

/** PublicKeyCredentialRequestOptionsJSON as options for `navigator.credentials.get`. */
export function requestOptions(json) {
  const own = PublicKeyCredential.parseRequestOptionsFromJSON;
  if (own) return own.call(PublicKeyCredential, json);
  return { ...json, challenge: decode(json.challenge), allowCredentials: json.allowCredentials?.map(withId) };
}

/** PublicKeyCredentialCreationOptionsJSON as options for `navigator.credentials.create`. */
export function creationOptions(json) {
  const own = PublicKeyCredential.parseCreationOptionsFromJSON;
  if (own) return own.call(PublicKeyCredential, json);
  return {
    ...json,
    challenge: decode(json.challenge),
    user: withId(json.user),
    excludeCredentials: json.excludeCredentials?.map(withId),
  };
}

/** A credential as RegistrationResponseJSON or AuthenticationResponseJSON. */
export function credentialJson(credential) {
  try {
    return credential.toJSON();
  } catch {
    return byHand(credential);
  }
}

function byHand({ id, rawId, type, authenticatorAttachment, response }) {
  const json = { clientDataJSON: encode(response.clientDataJSON) };
  for (const name of ['authenticatorData', 'signature', 'userHandle', 'attestationObject']) {
    if (response[name]) json[name] = encode(response[name]);
  }
  if (response.getTransports) json.transports = response.getTransports();
  return {
    id,
    rawId: encode(rawId),
    type,
    authenticatorAttachment: authenticatorAttachment ?? undefined,
    response: json,
    clientExtensionResults: {},
  };
}

function withId(entry) {
  return { ...entry, id: decode(entry.id) };
}

function decode(base64url) {
  const text = atob(base64url.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function encode(buffer) {
  const text = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join('');
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
