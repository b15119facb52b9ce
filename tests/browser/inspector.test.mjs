// The token inspector in a real browser, served by the real Worker: its verdict for each kind of token, and its own
// errors.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { buildPackage } from '../../.scripts/build-package.mjs';
import { startWorker, token } from '../workerd/harness.mjs';
import { INSECURE_HOST, launch, open } from './chromium.mjs';
import { CHECKS, checks, compact, decode, members, paste, verdict } from './inspector.mjs';

let server;
let other;
let browser;
let good;
let foreign;

before(async () => {
  await buildPackage();
  server = await startWorker();
  other = await startWorker();
  browser = await launch();
  good = (await token(server)).access_token;
  foreign = (await token(other)).access_token;
});

after(async () => {
  await browser?.close();
  await server?.stop();
  await other?.stop();
});

const inspector = (options) => open(browser, server.url, options);

describe('a token of this issuer', () => {
  test('is accepted: every check passes, every claim is explained', async () => {
    const { page, seen } = await inspector();
    const { word, why } = await paste(page, good);
    assert.equal(word, 'Accepted');
    assert.match(why, new RegExp(`^Signed by ${server.issuer} for ${server.issuer}, valid until .*\\d{4}.*\\d\\d:\\d\\d:\\d\\d`));
    const found = await checks(page);
    assert.deepEqual(Object.keys(found), CHECKS);
    for (const [name, { word, text }] of Object.entries(found)) {
      assert.equal(word, 'passed', name);
      assert.match(text, /\w+.*\.$/, name);
    }
    const [header, claims] = decode(good);
    assert.ok(found.Key.text.includes(header.kid));
    const shown = await members(page, 'Claims');
    assert.deepEqual(new Set(Object.keys(shown)), new Set(Object.keys(claims)));
    for (const { meaning } of Object.values(shown)) assert.match(meaning, /^[A-Z].+\.$/);
    assert.equal(shown.sub.value, 'root');
    assert.match(shown.sub.meaning, /the client itself/);
    assert.equal(shown.scope.value, 'edgemint:admin');
    assert.match(shown.exp.value, /expires in (9 minutes \d+ seconds?|10 minutes)$/);
    assert.match(shown.iat.value, /issued (\d+ seconds? ago|just now)$/);
    assert.match(await page.locator('#life-words').innerText(), /^Valid for 10 minutes in total, (9 minutes .*|10 minutes) left\.$/);
    assert.equal((await members(page, 'Header')).kid.value, header.kid);
    assert.equal(await page.locator('#vouched').innerText(), 'The issuer has signed all of them.');
    assert.deepEqual(seen.complaints, []);
  });

  test('is shown as the JSON that was signed, too', async () => {
    const { page } = await inspector();
    await paste(page, good);
    for (const [index, name] of ['Header', 'Claims'].entries()) {
      await page.getByText(`${name} as JSON`).click();
      const shown = await page.locator(`#${name.toLowerCase()}-json`).innerText();
      assert.deepEqual(JSON.parse(shown), decode(good)[index]);
    }
  });

  test('shows times in the reader\'s time zone', async () => {
    const { page } = await inspector({ timezoneId: 'Asia/Kolkata' });
    await paste(page, good);
    const local = new Date((decode(good)[1].exp + 5.5 * 3600) * 1000).toISOString().slice(11, 19);
    assert.match((await members(page, 'Claims')).exp.value, new RegExp(`${local} GMT\\+5:30`));
  });

  test('expires while it is shown', async () => {
    const { page } = await inspector({ ownClock: true });
    assert.equal((await paste(page, good)).word, 'Accepted');
    await page.clock.fastForward('11:00');
    await page.getByText('Refused', { exact: true }).waitFor();
    assert.match((await verdict(page)).why, /^It expired on /);
    assert.equal((await checks(page)).Expiry.word, 'failed');
    assert.match((await members(page, 'Claims')).exp.value, /expired 1 minute( \d+ seconds?)? ago$/);
    assert.match(await page.locator('#life-words').innerText(), /expired\.$/);
  });

  test('marks its signing key among those of the issuer', async () => {
    const { page } = await inspector();
    await paste(page, good);
    const keys = page.getByRole('region', { name: 'Keys of this issuer' });
    const { keys: [{ kid }] } = await (await fetch(`${server.url}/.well-known/jwks.json`)).json();
    await keys.getByRole('listitem').filter({ hasText: kid }).getByText('named by this token').waitFor();
    assert.match(await keys.getByRole('listitem').first().innerText(), /ES256/);
  });

  test('is found in pasted text around it', async () => {
    const { page } = await inspector();
    const answer = JSON.stringify(await token(server), null, 2);
    const wrapped = good.replace(/.{72}/g, '$&\n');
    for (const [text, note] of [
      [answer, /access_token in the JSON/], [`Authorization: Bearer ${good}\n`, /Bearer/], [wrapped, /Line breaks/], [` ${good}\n`, /^$/],
    ]) {
      assert.equal((await paste(page, text)).word, 'Accepted', text);
      assert.match(await page.locator('#paste-note').innerText(), note);
    }
  });
});

describe('a token is refused, with the reason', () => {
  const changed = (part) => {
    const parts = good.split('.');
    // The first character of a part has no unused bits: changing it changes the value.
    parts[part] = (parts[part][0] === 'A' ? 'B' : 'A') + parts[part].slice(1);
    return parts.join('.');
  };
  const withClaims = (more) => {
    const [header, claims] = decode(good);
    return compact(header, { ...claims, ...more }, good.split('.')[2]);
  };
  const cases = {
    'a changed signature': [() => changed(2), 'Signature', /changed after it was signed, or signed with another key\.$/],
    'a changed claim': [() => withClaims({ scope: 'everything' }), 'Signature', /changed after it was signed/],
    'a longer life': [() => withClaims({ exp: 4_000_000_000 }), 'Signature', /changed after it was signed/],
    'another issuer': [() => foreign, 'Issuer', () => `It says that ${other.issuer} issued it, not ${server.issuer}.`],
    'no signature': [() => compact({ alg: 'none', typ: 'at+jwt' }, decode(good)[1]), undefined, /alg none: it is not signed/],
    'an unknown algorithm': [() => compact({ alg: 'HS1', typ: 'at+jwt' }, decode(good)[1], 'AAAA'), undefined, /alg HS1, which is not allowed/],
    'another type': [() => compact({ ...decode(good)[0], typ: 'JWT' }, decode(good)[1], good.split('.')[2]), 'Type', /says type JWT; at\+jwt is expected/],
    'an unknown key': [() => compact({ alg: 'ES256', typ: 'at+jwt', kid: 'unknown' }, decode(good)[1], good.split('.')[2]), 'Key', /publishes no key unknown/],
    'an extension': [() => compact({ alg: 'ES256', typ: 'at+jwt', crit: ['x'], x: 1 }, {}, 'AAAA'), 'Format', /asks for crit/],
    'a claim of the wrong type': [() => withClaims({ exp: 'soon' }), 'Claims', /changed after it was signed/],
    prose: [() => 'hello there', 'Format', /three parts, joined by dots; it has no dot\.$/],
    'two parts': [() => 'eyJhbGciOiJFUzI1NiJ9.e30', 'Format', /this text has 2/],
    'three invalid parts': [() => 'a.b.c', 'Format', /header is not a JSON object/],
    'an encrypted token': [() => `${compact({ alg: 'RSA-OAEP', enc: 'A256GCM' }, {}, 'AAAA')}.AAAA.AAAA`, 'Format', /encrypted \(a JWE\)/],
    'the JSON serialisation': [() => '{"payload":"e30","signatures":[]}', 'Format', /It is JSON/],
    'more than 16 KiB': [() => `${good}${'A'.repeat(16 * 1024)}`, 'Format', /^It has 1\d,\d{3} bytes\. A verifier reads at most 16,384\.$/],
  };
  // One page for all of them: each verdict has to replace the one before.
  let shared;
  before(async () => { shared = await inspector(); });
  after(() => shared.page.context().close());
  for (const [name, [make, failed, why]] of Object.entries(cases)) {
    test(name, async () => {
      const { page, seen } = shared;
      const found = await paste(page, make());
      assert.equal(found.word, 'Refused');
      if (typeof why === 'function') assert.ok(found.why.startsWith(why()), found.why);
      else assert.match(found.why, why);
      const failures = Object.entries(await checks(page)).filter(([, { word }]) => word === 'failed').map(([title]) => title);
      assert.ok(failures.length > 0);
      if (failed !== undefined) assert.ok(failures.includes(failed), failures.join());
      if (await page.locator('#claims-section').isVisible()) assert.match(await page.locator('#vouched').innerText(), /^Not (trustworthy|verified)/);
      assert.deepEqual(seen.complaints, []);
    });
  }

  test('refuses another audience or type than the reader expects', async () => {
    const { page } = await inspector();
    await paste(page, good);
    const audience = page.getByLabel('Audience');
    assert.equal(await audience.inputValue(), server.issuer);
    await audience.fill('https://api.example.org');
    await page.getByText('Refused', { exact: true }).waitFor();
    assert.equal((await verdict(page)).why, `It is for ${server.issuer}, not for https://api.example.org.`);
    assert.equal((await checks(page)).Audience.word, 'failed');
    await audience.fill('');
    await page.getByText('Not checked', { exact: true }).waitFor();
    assert.equal((await verdict(page)).why, 'Enter the expected audience below.');
    await audience.fill(server.issuer);
    await page.getByText('Accepted', { exact: true }).waitFor();
    await page.getByLabel('Type').fill('JWT');
    await page.getByText('Refused', { exact: true }).waitFor();
    assert.match((await verdict(page)).why, /says type at\+jwt; JWT is expected/);
  });
});

describe('without a token', () => {
  test('the page explains what it does, and shows no verdict', async () => {
    const { page, seen } = await inspector();
    assert.equal((await verdict(page)).word, 'Paste a token');
    const found = await checks(page);
    assert.deepEqual(Object.keys(found), CHECKS);
    for (const { word, text } of Object.values(found)) assert.deepEqual([word, text.at(-1)], ['', '?']);
    assert.equal(await page.getByRole('region', { name: 'Claims', exact: true }).count(), 0);
    const command = page.getByRole('region', { name: 'Get a token' });
    assert.ok((await command.innerText()).includes(`${server.issuer}/oauth/token`));
    assert.deepEqual(seen.complaints, []);
  });

  test('nothing remains of the previous token', async () => {
    const { page } = await inspector();
    await paste(page, good);
    await page.getByRole('button', { name: 'Clear' }).click();
    assert.equal((await verdict(page)).word, 'Paste a token');
    assert.ok(!(await page.content()).includes(decode(good)[1].jti));
    assert.ok(await page.getByLabel('Token', { exact: true }).evaluate((field) => field === document.activeElement));
  });

  test('without scripts, the page says that it needs them', async () => {
    const { page } = await inspector({ javaScriptEnabled: false });
    assert.match(await page.locator('noscript').innerText(), /needs JavaScript/);
    await page.locator('noscript .notice').waitFor();
  });
});

describe('errors that are independent of the token', () => {
  const KEYS = '**/.well-known/jwks.json';

  test('reports that keys cannot be fetched, until they can', async () => {
    const { page } = await inspector();
    for (const fail of [(route) => route.abort(), (route) => route.fulfill({ status: 503, json: {} })]) {
      await page.route(KEYS, fail);
      await page.reload();
      const { word, why } = await paste(page, good);
      assert.equal(word, 'Not checked');
      assert.match(why, /^The issuer’s keys could not be fetched: .*jwks\.json (could not be reached|responded with status 503)\.$/);
      assert.equal((await checks(page)).Key.word, 'not run');
      assert.equal((await checks(page)).Signature.word, 'not run');
      assert.match(await page.locator('#vouched').innerText(), /^Not verified/);
      assert.equal((await members(page, 'Claims')).sub.value, 'root');
      assert.match(await page.locator('#keys-words').innerText(), /could not be fetched/);
      await page.unroute(KEYS);
      await page.getByRole('button', { name: 'Try again' }).click();
      await page.getByText('Accepted', { exact: true }).waitFor();
    }
  });

  test('a token that is refused without keys stays refused while they are unavailable', async () => {
    const { page } = await inspector();
    await page.route(KEYS, (route) => route.abort());
    await page.reload();
    assert.match((await paste(page, foreign)).why, new RegExp(`^It says that ${other.issuer} issued it`));
  });

  for (const [name, files, words] of [
    ['the WebAssembly', '**/*.wasm', /WebAssembly could not be loaded/],
    ['the package', '**/web.js', /files under \/edgemint\/ could not be loaded/],
  ]) {
    test(`reports that ${name} cannot be loaded`, async () => {
      const { page } = await inspector();
      await page.route(files, (route) => route.abort());
      await page.reload();
      const { word, why } = await paste(page, good);
      assert.equal(word, 'Not checked');
      assert.match(why, words);
      assert.equal((await members(page, 'Claims')).sub.value, 'root');
    });
  }

  test('reports that it waits for a slow issuer', async () => {
    const { page } = await inspector();
    let release;
    const released = new Promise((resolve) => { release = resolve; });
    await page.route(KEYS, async (route) => {
      await released;
      await route.continue();
    });
    await page.reload();
    await page.getByLabel('Token', { exact: true }).fill(good);
    await page.getByText('Checking…', { exact: true }).waitFor();
    assert.equal(await page.locator('#vouched').innerText(), 'Not checked yet.');
    release();
    await page.getByText('Accepted', { exact: true }).waitFor();
  });

  test('accepts another host name of the issuer', async () => {
    const { page } = await open(browser, server.url.replace('localhost', '127.0.0.1'));
    assert.equal((await paste(page, good)).word, 'Accepted');
    assert.equal(await page.getByLabel('Audience').inputValue(), server.issuer);
  });

  test('reports an insecure context', async () => {
    const { page } = await open(browser, server.url.replace('localhost', INSECURE_HOST));
    const { word, why } = await paste(page, good);
    assert.equal(word, 'Not checked');
    assert.match(why, /only on pages from https, or from localhost/);
  });
});
