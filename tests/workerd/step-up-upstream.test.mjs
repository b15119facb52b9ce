// Step-up through an upstream provider: the class and the age are requested there, and nothing more is claimed here than the provider
// said and UPSTREAM_ACR maps.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { admin } from './admin.mjs';
import { decode } from './forgery.mjs';
import { startWorker } from './harness.mjs';
import { Browser, authorizationPath, pkce, redeem, registerPublicClient } from './people.mjs';
import { addPasskey, usePasskey } from './passkeys.mjs';
import { CALLBACK, depart, startProvider } from './stand-in.mjs';

const KEY = 'urn:example:key';
const STRONG = { acr: KEY };
const proof = pkce();
let provider;
let mapped;
let unmapped;

before(async () => {
  provider = await startProvider();
  const upstream = { UPSTREAM_ISSUER: provider.issuer, UPSTREAM_CLIENT_ID: 'em', UPSTREAM_ACCOUNTS: 'all', ADMIN_ACR: 'phr' };
  [mapped, unmapped] = await Promise.all([`acr:${KEY}=phr acr:urn:example:card=phr acr:urn:example:code=1 amr:hwk=phr`, ''].map(start));
  async function start(UPSTREAM_ACR) {
    const server = await startWorker({ vars: { ...upstream, UPSTREAM_ACR } });
    const client = await registerPublicClient(server, { scope: 'openid profile edgemint:admin' });
    return { server, client };
  }
});

after(async () => {
  for (const { server } of [mapped, unmapped]) await server?.stop();
  provider?.stop();
});

const path = (at, parameters) => authorizationPath(at.client, proof, { scope: 'openid', ...parameters });
const answer = (page) => Object.fromEntries(new URL(page.location ?? 'none:').searchParams);

/** A request that is answered by a sign-in at the provider; returns the last page, and the parameters that the provider received. */
async function signIn(at, claims, parameters, browser = new Browser(at.server)) {
  const location = await depart(browser, await browser.open(path(at, parameters)));
  let page = await browser.open(provider.back(location, { claims: { sub: 'someone', ...claims } }));
  if (page.location === null && /name="decision"/.test(page.html)) page = await browser.submit(page, { decision: 'allow' });
  return { browser, page, asked: Object.fromEntries(new URL(location).searchParams) };
}

async function claimsOf(at, page) {
  const { status, text, json } = await redeem(at.server, at.client, answer(page).code, proof);
  assert.equal(status, 200, text);
  return decode(json.access_token).claims;
}

test('the class is requested by the provider\'s own values, and reached by what they map to', async () => {
  for (const claims of [STRONG, { acr: 'urn:example:card' }, { amr: ['hwk', 'pin'] }]) {
    const { page, asked } = await signIn(mapped, claims, { acr_values: 'phr' });
    assert.deepEqual([asked.acr_values, asked.prompt, asked.max_age], [`${KEY} urn:example:card`, undefined, undefined]);
    assert.equal((await claimsOf(mapped, page)).acr, 'phr');
  }
  for (const [acr_values, sent] of [['1', undefined], ['1 phr', undefined], ['phr 1', `${KEY} urn:example:card`], [undefined, undefined]]) {
    const { page, asked } = await signIn(mapped, { acr: 'urn:example:code' }, { acr_values });
    assert.deepEqual([asked.acr_values, (await claimsOf(mapped, page)).acr], [sent, '1'], acr_values);
  }
});

test('a weaker sign-in at the provider ends at the client with an error, and not at the provider again', async () => {
  for (const claims of [{}, { acr: 'urn:example:code' }, { acr: 'phr' }, { acr: KEY.toUpperCase() }, { acr: [KEY] }, { amr: 'hwk' }]) {
    const { page, browser } = await signIn(mapped, claims, { acr_values: 'phr' });
    const { error, state, code } = answer(page);
    assert.deepEqual([error, state, code], ['unmet_authentication_requirements', 'state-1', undefined], JSON.stringify(claims));
    assert.equal(answer(await browser.open(path(mapped, { acr_values: 'phr', prompt: 'none' }))).error, 'login_required');
  }
});

test('max_age and the class are requested together, and both are checked', async () => {
  const now = Math.floor(Date.now() / 1000);
  const request = { acr_values: 'phr', max_age: '300' };
  const { page, asked } = await signIn(mapped, { ...STRONG, auth_time: now - 100 }, request);
  assert.deepEqual([asked.acr_values, asked.max_age], [`${KEY} urn:example:card`, '300']);
  const { acr, auth_time } = await claimsOf(mapped, page);
  assert.deepEqual([acr, auth_time], ['phr', now - 100]);
  for (const claims of [STRONG, { ...STRONG, auth_time: now - 900 }]) {
    assert.equal(answer((await signIn(mapped, claims, request)).page).error, 'login_required', JSON.stringify(claims));
  }
});

test('ADMIN_ACR is requested at the provider too', async () => {
  const { json: user } = await admin(mapped.server, 'POST', '/admin/users', {
    upstream: { issuer: provider.issuer, sub: 'operator' }, scope: 'edgemint:admin',
  });
  const request = { scope: 'openid edgemint:admin' };
  const weak = await signIn(mapped, { sub: 'operator' }, request);
  assert.equal(weak.asked.acr_values, `${KEY} urn:example:card`);
  assert.equal(answer(weak.page).error, 'unmet_authentication_requirements');
  const { page } = await signIn(mapped, { sub: 'operator', ...STRONG }, request);
  const { sub, scope, acr } = await claimsOf(mapped, page);
  assert.deepEqual([sub, scope, acr], [user.id, 'openid edgemint:admin', 'phr']);
});

test('without a mapping, the page offers no provider, and a sign-in there reaches nothing', async () => {
  const browser = new Browser(unmapped.server);
  const page = await browser.open(path(unmapped, { acr_values: 'phr' }));
  assert.match(page.html, /requires a passkey/);
  assert.doesNotMatch(page.html, /sign-in\/upstream/);
  const onward = page.url.searchParams.get('continue');
  const { location } = await browser.open(`/account/sign-in/upstream?${new URLSearchParams({ continue: onward })}`);
  assert.equal(new URL(location).searchParams.get('acr_values'), null);
  const back = await browser.open(provider.back(location, { claims: { sub: 'someone', acr: 'phr', amr: ['hwk', 'pop', 'mfa', 'user'] } }));
  assert.equal(answer(back).error, 'unmet_authentication_requirements');
});

test('a user of the provider steps up with a passkey of this server', async () => {
  const { browser } = await signIn(unmapped, {}, {});
  const { passkey } = await addPasskey(browser);
  const page = await usePasskey(browser, await browser.open(path(unmapped, { acr_values: 'phr' })), passkey, 2);
  assert.equal((await claimsOf(unmapped, page)).acr, 'phr');
});

test('a request that is altered on the way to the provider is refused before the user leaves', async () => {
  const browser = new Browser(mapped.server);
  const page = await browser.open(`/account/sign-in/upstream?${new URLSearchParams({ continue: 'client_id=unknown&acr_values=phr' })}`);
  assert.deepEqual([page.status, page.location], [400, null]);
  assert.equal((await browser.open(`${CALLBACK}?code=x&state=y`)).status, 400);
});
