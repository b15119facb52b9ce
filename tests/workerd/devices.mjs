// Devices without a browser, as their users and servers see them (RFC 8628): shared by the tests about them. Contains no assertions.
import { registerClient } from './admin.mjs';
import { tokenRequest } from './people.mjs';
import { basic, postForm } from './request.mjs';

export const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/** Registers a public client for devices. */
export function registerDeviceClient(server, metadata = {}) {
  return registerClient(server, {
    client_name: 'Photo frame', token_endpoint_auth_method: 'none', grant_types: [DEVICE_GRANT, 'refresh_token'],
    scope: 'openid profile offline_access read write', ...metadata,
  });
}

/** Sends a device authorization request as a client, public or with a secret. `parameters` may be a list of pairs. */
export function requestDevice(server, client, parameters = {}, headers = {}) {
  const form = [...new URLSearchParams(parameters), ...client.secret === undefined ? [['client_id', client.id]] : []];
  return postForm(server, '/oauth/device_authorization', form, { ...client.secret === undefined ? {} : basic(client), ...headers });
}

/** Starts a device; returns the members of the response, or throws. */
export async function startDevice(server, client, parameters = {}, headers = {}) {
  const { status, text, json } = await requestDevice(server, client, parameters, headers);
  if (status !== 200) throw new Error(`no device code: ${status} ${text}`);
  return json;
}

/** Polls. */
export function poll(server, client, device_code, parameters = {}) {
  return tokenRequest(server, client, { grant_type: DEVICE_GRANT, device_code, ...parameters });
}

/** Enters a code in a browser that is signed in or signs in; returns the page that follows. */
export async function enterCode(browser, user, user_code) {
  let page = await browser.open('/device');
  if (/name="password"/.test(page.html)) page = await browser.submit(page, { username: user.username, password: user.password });
  return browser.submit(page, { user_code }, { action: '/device' });
}

/** Enters a code and decides; returns the last page. */
export async function decideDevice(browser, user, user_code, decision = 'allow') {
  const page = await enterCode(browser, user, user_code);
  return browser.submit(page, { decision }, { action: '/device/consent' });
}
