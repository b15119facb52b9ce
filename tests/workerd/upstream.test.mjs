// One Edgemint as the upstream provider of another: the way there and back, and every failure on it.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import * as jose from 'jose';
import { admin, registerClient } from './admin.mjs';
import { freePort, startWorker } from './harness.mjs';
import {
  Browser, PASSWORD, authorizationPath, authorize, createUser, pkce, redeem, registerPublicClient,
} from './people.mjs';
import { bearer, send } from './request.mjs';

const CALLBACK = '/account/sign-in/upstream/callback';
let idp;
let rp;
let client;
let user;
let atIdp;

before(async () => {
  idp = await startWorker();
  const port = await freePort();
  atIdp = await registerClient(idp, {
    client_name: 'Downstream', redirect_uris: [`http://localhost:${port}${CALLBACK}`], scope: 'openid profile email',
  });
  rp = await startWorker({
    port,
    vars: { UPSTREAM_ISSUER: idp.issuer, UPSTREAM_CLIENT_ID: atIdp.id, UPSTREAM_NAME: 'The other one', UPSTREAM_ACCOUNTS: 'all' },
    secrets: { EDGEMINT_UPSTREAM_CLIENT_SECRET: atIdp.secret },
  });
  client = await registerPublicClient(rp);
  user = await createUser(idp, { name: 'Demo user', email: 'demo@example.com', email_verified: true });
});

after(async () => {
  await rp?.stop();
  await idp?.stop();
});

test('a user signs in and consents at the provider, and has an account here', async () => {
  const proof = pkce();
  const browser = new Browser(rp);
  const page = await browser.open(authorizationPath(client, proof, { scope: 'openid profile email' }));
  assert.match(page.html, /Continue with (<[^>]*>)?The other one/);
  const back = await visitIdp(await depart(browser, page), 'allow');
  const consent = await browser.open(back);
  assert.match(consent.html, /name="decision"/, consent.html);
  const answer = await browser.submit(consent, { decision: 'allow' });
  const { code, state, iss } = Object.fromEntries(new URL(answer.location).searchParams);
  assert.deepEqual([state, iss], ['state-1', rp.issuer]);
  const { json } = await redeem(rp, client, code, proof);
  const { json: claims } = await send(rp, '/oauth/userinfo', { headers: bearer(json.access_token) });
  const { sub, updated_at, ...told } = claims;
  assert.deepEqual(told, {
    name: 'Demo user', preferred_username: `${new URL(idp.issuer).host}:${user.username}`, email: 'demo@example.com', email_verified: true,
  });
  assert.notEqual(sub, user.id, 'the two accounts have different identifiers');
  assert.deepEqual(jose.decodeJwt(json.id_token).amr, ['pwd'], 'the method of the sign-in at the provider');

  // The second time it is the same account, and changes at the provider are adopted.
  await admin(idp, 'PUT', `/admin/users/${user.id}`, { username: user.username, name: 'New name' });
  const again = new Browser(rp);
  const second = await again.open(await visitIdp(await depart(again, await again.open('/account/sign-in')), 'allow'));
  assert.equal(second.url.pathname, '/account');
  assert.match(second.html, /New name/);
  const { json: read } = await admin(rp, 'GET', `/admin/users/${sub}`);
  assert.deepEqual([read.name, read.email], ['New name', undefined]);
});

test('a removed user who signs in again gets a new account', async () => {
  const other = await createUser(idp);
  const first = await accountOf(other);
  assert.equal((await admin(rp, 'DELETE', `/admin/users/${first}`)).status, 204);
  assert.notEqual(await accountOf(other), first);
});

test('a denial at the provider leads back to the sign-in page here, and keeps the request', async () => {
  const browser = new Browser(rp);
  const proof = pkce();
  const page = await browser.open(authorizationPath(client, proof));
  const failed = await browser.open(await visitIdp(await depart(browser, page), 'deny', await createUser(idp)));
  assert.equal(failed.status, 502);
  assert.match(failed.html, /role="alert"/);
  const local = await createUser(rp);
  const consent = await browser.submit(failed, { username: local.username, password: local.password });
  assert.match(consent.html, /name="decision"/);
});

test('a new sign-in that a client requires takes place at the provider, and auth_time says when', async () => {
  const person = await createUser(idp);
  await accountOf(person);
  const proof = pkce();
  const browser = new Browser(rp);
  const page = await browser.open(authorizationPath(client, proof, { prompt: 'login' }));
  const there = await depart(browser, page);
  assert.equal(new URL(there).searchParams.get('prompt'), 'login');
  const consent = await browser.open(await visitIdp(there, 'allow', person));
  const answer = consent.location === null ? await browser.submit(consent, { decision: 'allow' }) : consent;
  const { json } = await redeem(rp, client, new URL(answer.location).searchParams.get('code'), proof);
  const { auth_time, iat } = jose.decodeJwt(json.id_token);
  assert.ok(iat - auth_time <= 10, `${auth_time}`);
});

test('a response is valid only in the browser that started, only once, and only with its own state', async () => {
  const browser = new Browser(rp);
  const back = await visitIdp(await depart(browser, await browser.open('/account/sign-in')), 'allow');
  const stranger = new Browser(rp);
  assert.equal((await stranger.open(back)).status, 400);
  assert.equal(stranger.cookies.has('edgemint-session'), false);
  const otherState = new URL(back);
  otherState.searchParams.set('state', 'x'.repeat(43));
  assert.equal((await browser.open(otherState)).status, 400);
  assert.equal((await browser.open(back)).url.pathname, '/account');
  assert.equal((await browser.open(back)).status, 400, 'a second time');
});

test('refuses a response that names another issuer, or none', async () => {
  for (const change of [(url) => url.searchParams.set('iss', 'https://evil.example'), (url) => url.searchParams.delete('iss')]) {
    const browser = new Browser(rp);
    const back = new URL(await visitIdp(await depart(browser, await browser.open('/account/sign-in')), 'allow'));
    change(back);
    assert.equal((await browser.open(back)).status, 502);
    assert.equal(browser.cookies.has('edgemint-session'), false);
  }
});

test('refuses a code that was issued for another request', async () => {
  const browser = new Browser(rp);
  const back = new URL(await visitIdp(await depart(browser, await browser.open('/account/sign-in')), 'allow'));
  const other = new Browser(rp);
  const otherBack = new URL(await visitIdp(await depart(other, await other.open('/account/sign-in')), 'allow'));
  back.searchParams.set('code', otherBack.searchParams.get('code'));
  assert.equal((await browser.open(back)).status, 502);
});

test('without a provider these paths are not found', async () => {
  assert.equal((await new Browser(idp).open('/account/sign-in/upstream')).status, 404);
  assert.equal((await new Browser(idp).open(`${CALLBACK}?code=x&state=y`)).status, 404);
});

for (const [what, change] of Object.entries({
  'another nonce': (claims) => ({ ...claims, nonce: 'other' }),
  'another audience': (claims) => ({ ...claims, aud: 'other' }),
  'another issuer': (claims) => ({ ...claims, iss: 'https://other.example' }),
  'issued to another party': (claims) => ({ ...claims, azp: 'other' }),
  'an expired token': (claims) => ({ ...claims, exp: 1000 }),
  'no subject': ({ sub, ...claims }) => claims,
})) {
  test(`refuses an ID token with ${what}`, async () => {
    const { status, signedIn } = await signInAtFake({ change });
    assert.deepEqual([status, signedIn], [502, false]);
  });
}

test('refuses an ID token signed by a key that the provider does not publish', async () => {
  const { status, signedIn } = await signInAtFake({ wrongKey: true });
  assert.deepEqual([status, signedIn], [502, false]);
});

test('refuses userinfo about another subject', async () => {
  const { status, signedIn } = await signInAtFake({ userinfo: { sub: 'another-user' } });
  assert.deepEqual([status, signedIn], [502, false]);
});

test('the same stand-in, unchanged, signs the user in', async () => {
  const { status, signedIn } = await signInAtFake({});
  assert.deepEqual([status, signedIn], [200, true]);
});

for (const [what, broken] of Object.entries({
  'a document of another issuer': { document: { issuer: 'https://other.example' } },
  'a token endpoint that is a redirect': { tokenStatus: 302 },
  'a token endpoint that fails': { tokenStatus: 500 },
  'a response that is no JSON': { tokenBody: '<html>' },
  'an endless response': { tokenBody: `{"x":"${'a'.repeat(400_000)}"}` },
})) {
  test(`${what} leads to the sign-in page`, async () => {
    const { status, signedIn } = await signInAtFake(broken);
    assert.deepEqual([status, signedIn], [502, false]);
  });
}

/** Follows the link of the sign-in page; returns the URL at the provider. */
async function depart(browser, page) {
  const link = page.html.match(/href="(\/account\/sign-in\/upstream[^"]*)"/)[1].replaceAll('&amp;', '&');
  const { location } = await browser.open(link);
  assert.equal(new URL(location).searchParams.get('code_challenge_method'), 'S256');
  return location;
}

/** The user's actions at the provider; returns the URL that leads back. */
async function visitIdp(there, decision, person = user) {
  const browser = new Browser(idp);
  let page = await browser.submit(await browser.open(there), { username: person.username, password: PASSWORD });
  // A remembered consent shows no page.
  if (page.location === null) page = await browser.submit(page, { decision });
  return page.location;
}

async function accountOf(person) {
  const browser = new Browser(rp);
  await browser.open(await visitIdp(await depart(browser, await browser.open('/account/sign-in')), 'allow', person));
  const proof = pkce();
  const { code } = await authorize(browser, person, client, proof);
  return jose.decodeJwt((await redeem(rp, client, code, proof)).json.access_token).sub;
}

/** A stand-in for a provider that sends invalid responses. */
async function signInAtFake({ change = (claims) => claims, wrongKey, document, userinfo = { sub: 'upstream-user' }, tokenStatus = 200, tokenBody }) {
  const { publicKey, privateKey } = await jose.generateKeyPair('ES256');
  const signing = wrongKey ? (await jose.generateKeyPair('ES256')).privateKey : privateKey;
  let nonce;
  const http = createServer(async (request, response) => {
    const issuer = `http://localhost:${http.address().port}`;
    const reply = (status, body, headers = {}) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    };
    if (request.url === '/jwks') return reply(200, { keys: [{ ...await jose.exportJWK(publicKey), kid: 'k', alg: 'ES256' }] });
    if (request.url === '/token') {
      const claims = change({ iss: issuer, aud: 'em', sub: 'upstream-user', nonce, iat: now(), exp: now() + 60 });
      const idToken = await new jose.SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'k' }).sign(signing);
      return reply(tokenStatus, tokenBody ?? { id_token: idToken, access_token: 'a' }, { location: '/jwks' });
    }
    if (request.url === '/userinfo') return reply(request.headers.authorization === 'Bearer a' ? 200 : 401, userinfo);
    return reply(200, {
      issuer, authorization_endpoint: `${issuer}/auth`, token_endpoint: `${issuer}/token`, jwks_uri: `${issuer}/jwks`,
      userinfo_endpoint: `${issuer}/userinfo`, ...document,
    });
  });
  http.listen(0);
  await once(http, 'listening');
  const server = await startWorker({
    vars: { UPSTREAM_ISSUER: `http://localhost:${http.address().port}`, UPSTREAM_CLIENT_ID: 'em', UPSTREAM_ACCOUNTS: 'all' },
  });
  try {
    const browser = new Browser(server);
    let page = await browser.open('/account/sign-in/upstream');
    if (page.location !== null) {
      const there = new URL(page.location).searchParams;
      nonce = there.get('nonce');
      page = await browser.open(`${CALLBACK}?code=c&state=${there.get('state')}`);
    }
    return { status: page.status, signedIn: browser.cookies.has('edgemint-session') };
  } finally {
    await server.stop();
    http.closeAllConnections();
    http.close();
  }
}

function now() {
  return Math.floor(Date.now() / 1000);
}
