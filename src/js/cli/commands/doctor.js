// Checks of an authorization server, each with what to do.
import { failed, failureOf } from '../failures.js';
import { span } from './keys.js';

const SKEW = 5;
const SOON = 3 * 86_400;

/** One row a check: its name, and what it finds. A finding is `[state, detail, advice]`; `look` throws where nothing can be found out. */
const CHECKS = [
  ['health', async ({ get }) => {
    const { response } = await get('/health');
    return response.status === 200 ? ['ok', 'the server is healthy'] : ['failed', `GET /health responds with ${response.status}`, "read the Worker's log: npx wrangler tail"];
  }],
  ['transport', async ({ issuer, get }) => {
    if (issuer.startsWith('http:')) return ['warning', 'the issuer is on this machine, without TLS', 'deploy it on https for anything but development'];
    const { response } = await get('/health');
    return response.headers.has('strict-transport-security') ? ['ok', 'https, with HSTS'] : ['warning', 'https without HSTS', 'let the header Strict-Transport-Security through'];
  }],
  ['metadata', async ({ issuer, json }) => {
    const [server, provider] = await Promise.all(['oauth-authorization-server', 'openid-configuration'].map((name) => json(`/.well-known/${name}`)));
    if (server.issuer !== issuer) return ['failed', `the metadata names the issuer ${server.issuer}`, 'set ISSUER to the address at which clients reach the server'];
    if (JSON.stringify(server) !== JSON.stringify(provider)) return ['failed', 'the two metadata documents differ', 'a proxy changes one of them'];
    return ['ok', 'the metadata names this issuer'];
  }],
  ['jwks', async ({ json }) => {
    const { keys } = await json('/.well-known/jwks.json');
    if (keys.length === 0) return ['failed', 'the key set is empty', 'read the Worker\'s log: npx wrangler tail'];
    return ['ok', `${keys.length} published keys: ${[...new Set(keys.map(({ alg }) => alg))].join(', ')}`];
  }],
  ['clock', async ({ get }) => {
    const before = Date.now();
    const { response } = await get('/health');
    const date = Date.parse(response.headers.get('date') ?? '');
    if (Number.isNaN(date)) return ['skipped', 'the response has no Date'];
    const skew = Math.round((date - (before + Date.now()) / 2) / 1000);
    return Math.abs(skew) <= SKEW ? ['ok', 'the clocks agree'] : ['warning', `this machine's clock differs by ${skew} s`, 'synchronise the clock of this machine: tokens are judged by it'];
  }],
  ['cors', async ({ get }) => {
    const { response } = await get('/oauth/token', { method: 'OPTIONS', headers: { origin: 'https://app.example', 'access-control-request-method': 'POST' } });
    return response.headers.get('access-control-allow-origin') === '*' ? ['ok', 'applications in browsers can use the token endpoint'] : ['failed', 'the token endpoint refuses applications in browsers', 'a proxy removes Access-Control-Allow-Origin'];
  }],
  ['sign-in', async ({ keys }) => {
    await keys();
    return ['ok', 'your token is accepted'];
  }],
  ['keys', async ({ keys }) => {
    const { keys: all } = await keys();
    const active = all.filter(({ stage, use }) => stage === 'active' && use === 'sign');
    if (active.length === 0) return ['failed', 'no key signs', 'edgemint keys timeline'];
    const alone = active.filter(({ alg, sign_until: until }) => until !== null && until - Date.now() / 1000 < SOON && !all.some((key) => key.alg === alg && key.stage === 'next'));
    if (alone.length > 0) return ['warning', `${alone[0].alg} stops signing ${span(alone[0].sign_until - Date.now() / 1000)} and has no successor`, 'check that the Worker\'s cron trigger runs'];
    const leaving = all.filter(({ use, drop_at: drop, stage }) => use === 'verify' && stage !== 'gone' && drop - Date.now() / 1000 < SOON);
    if (leaving.length > 0) return ['warning', `the imported key ${leaving[0].kid} leaves ${span(leaving[0].drop_at - Date.now() / 1000)}`, 'its tokens are refused then'];
    return ['ok', `signing: ${active.map(({ alg, kid }) => `${alg} ${kid}`).join(', ')}`];
  }],
  ['key encryption', async ({ keyEncryption }) => {
    const { previous, done, failures, state } = await keyEncryption();
    if (failures > 0) return ['failed', `${failures} records could not be re-encrypted`, state];
    return previous !== null && !done ? ['warning', 'records may need the previous key-encryption key', 'edgemint key-encryption reseal --wait'] : ['ok', state];
  }],
];

const NEED_TOKEN = ['sign-in', 'keys', 'key encryption'];

/** Runs the checks and yields `{ check, state, detail, advice }`. */
export async function* findings({ session, signal }) {
  const { issuer, admin } = session;
  const once = (work) => {
    let result;
    return () => (result ??= work());
  };
  const get = async (path, init) => ({ response: await fetch(issuer + path, { ...init, redirect: 'manual', signal: AbortSignal.any([signal, AbortSignal.timeout(15_000)]) }) });
  const json = async (path) => {
    const { response } = await get(path);
    if (response.status !== 200) throw new Error(`GET ${path} responds with ${response.status}`);
    return response.json();
  };
  const tools = { issuer, get, json, keys: once(() => admin.listKeys({ signal })), keyEncryption: once(() => admin.readKeyEncryption({ signal })) };
  let isReachable = true;
  for (const [check, look] of CHECKS) {
    if (!isReachable) {
      yield { check, state: 'skipped', detail: 'the server cannot be reached' };
      continue;
    }
    let finding;
    try {
      finding = await look(tools);
    } catch (error) {
      signal.throwIfAborted();
      isReachable = !(check === 'health' && error.name !== 'Error');
      const { message, hint = 'edgemint login' } = failureOf(error);
      finding = NEED_TOKEN.includes(check) ? ['skipped', message, hint] : ['failed', message, isReachable ? undefined : 'check the issuer, DNS and the network'];
    }
    const [state, detail, advice] = finding;
    yield { check, state, detail, ...(advice !== undefined && { advice }) };
  }
}

async function run(context) {
  const { output } = context;
  let wrong = 0;
  const counted = async function* () {
    for await (const finding of findings(context)) {
      if (finding.state === 'failed') wrong += 1;
      yield finding;
    }
  };
  const color = { ok: 'green', warning: 'yellow', failed: 'red', skipped: 'dim' };
  await output.list(counted(), ['check', ['state', ({ state }, colors) => colors[color[state]](state)], 'detail', ['what to do', ({ advice }) => advice ?? '']], { wraps: true });
  if (wrong > 0) throw failed(`${wrong} ${wrong === 1 ? 'check' : 'checks'} failed`);
}

export const doctor = [{ name: 'doctor', summary: 'Check an authorization server: metadata, keys, clock, CORS, health; each with what to do.', run }];
