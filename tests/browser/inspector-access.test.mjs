// Accessibility of the inspector: with the keyboard alone, with a screen reader, on a phone, in the dark, without motion.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { buildPackage } from '../../.scripts/build-package.mjs';
import { startWorker, token } from '../workerd/harness.mjs';
import { launch, open } from './chromium.mjs';
import { compact, paste, verdict } from './inspector.mjs';
import { contrasts, focused, sticking } from './measures.mjs';

const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 360, height: 740 };

let server;
let browser;
let texts;

before(async () => {
  await buildPackage();
  server = await startWorker();
  browser = await launch();
  const { access_token: good } = await token(server);
  const long = 'https://issuer.example.org/'.padEnd(600, 'long');
  texts = {
    empty: '',
    accepted: good,
    refused: compact({ alg: 'ES256', typ: long, kid: long }, { iss: long, aud: [long], [long]: { [long]: long }, exp: 1 }, 'AAAA'),
    garbage: 'a'.repeat(900),
    huge: 'a'.repeat(20_000),
  };
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

describe('with the keyboard alone', () => {
  test('every control is reached once, in reading order, and shows its focus', async () => {
    const { page } = await open(browser, server.url);
    const expected = {
      empty: ['Skip to the token', 'No token?', 'Token', 'Audience', 'Type', 'Copy', 'the demo'],
      accepted: ['Skip to the token', 'Clear', 'Token', 'Audience', 'Type', 'Claims as JSON', 'Header as JSON', 'Copy', 'the demo'],
    };
    for (const [state, names] of Object.entries(expected)) {
      await paste(page, texts[state]);
      await page.evaluate(() => {
        document.activeElement.blur();
        getSelection().removeAllRanges();
        document.body.tabIndex = -1;
        document.body.focus();
        document.body.removeAttribute('tabindex');
      });
      const reached = [];
      for (let steps = 0; steps < names.length; steps += 1) {
        await page.keyboard.press('Tab');
        const { name, hasRing } = await page.evaluate(focused);
        reached.push(name);
        assert.ok(hasRing, `no ring around ${name}`);
      }
      assert.deepEqual(reached, names);
      await page.keyboard.press('Tab');
      const { name } = await page.evaluate(focused);
      assert.ok(['', names[0]].includes(name), `trapped at ${name}`);
    }
  });

  test('a token is pasted, checked, checked for another audience, inspected and cleared', async () => {
    const { page } = await open(browser, server.url, { permissions: ['clipboard-read', 'clipboard-write'] });
    const press = async (...keys) => { for (const key of keys) await page.keyboard.press(key); };
    await press('Tab', 'Enter');
    await page.keyboard.insertText(texts.accepted);
    assert.equal((await verdict(page)).word, 'Accepted');
    await press('Tab');
    await page.keyboard.type('x');
    await page.getByText('Refused', { exact: true }).waitFor();
    await press('Tab', 'Tab', 'Enter');
    assert.ok(await page.locator('#claims-json').isVisible());
    await press('Tab', 'Tab', 'Enter');
    await page.getByText('Copied.').waitFor();
    await press('Shift+Tab', 'Shift+Tab', 'Shift+Tab', 'Shift+Tab', 'Shift+Tab', 'Shift+Tab', 'Enter');
    assert.equal((await verdict(page)).word, 'Paste a token');
    // The command is copied, and the focus is back in the field.
    await press('Control+V');
    assert.match(await page.getByLabel('Token', { exact: true }).inputValue(), /^curl -s .*\/oauth\/token$/s);
  });
});

describe('with a screen reader', () => {
  test('the verdict is announced politely, once, and not again while only the clock changes', async () => {
    const { page } = await open(browser, server.url, { ownClock: true });
    await paste(page, texts.accepted);
    const status = page.getByRole('status').filter({ hasText: 'Accepted' });
    assert.equal(await status.getAttribute('aria-live'), 'polite');
    assert.equal(await status.getAttribute('aria-atomic'), 'true');
    await status.evaluate((node) => {
      window.changes = 0;
      new MutationObserver((records) => { window.changes += records.length; }).observe(node, { subtree: true, childList: true, characterData: true });
    });
    await page.clock.runFor('00:30');
    assert.match(await page.locator('#life-words').innerText(), /(8|9) minutes/);
    assert.equal(await page.evaluate(() => window.changes), 0);
    await page.getByLabel('Audience').fill('x');
    await page.clock.runFor(1_000);
    await page.getByText('Refused', { exact: true }).waitFor();
    assert.ok(await page.evaluate(() => window.changes) > 0);
  });

  test('headings descend in steps of one, and every control has a name', async () => {
    const { page } = await open(browser, server.url);
    await paste(page, texts.accepted);
    const headings = page.locator('h1, h2, h3, h4').filter({ visible: true });
    const levels = await headings.evaluateAll((all) => all.map(({ tagName }) => Number(tagName[1])));
    assert.equal(levels.filter((level) => level === 1).length, 1);
    for (const [index, level] of levels.entries()) assert.ok(index === 0 ? level === 1 : level <= levels[index - 1] + 1, `${levels}`);
    for (const role of ['button', 'textbox', 'link']) {
      assert.equal(await page.getByRole(role, { name: /^$/ }).count(), 0, role);
    }
    assert.equal(await page.locator('html').getAttribute('lang'), 'en');
  });

  test('no state is shown by colour alone', async () => {
    const { page } = await open(browser, server.url);
    await paste(page, texts.refused);
    const rows = await page.locator('#checks li').evaluateAll((all) => all.map((row) => [
      row.querySelector('.check-word').textContent, row.querySelector('use').getAttribute('href'),
    ]));
    assert.deepEqual(new Map(rows), new Map([['passed', '#mark-passed'], ['failed', '#mark-failed'], ['not run', '#mark-not-run']]));
    const signs = await page.locator('.coin-sign').evaluateAll((all) => all.filter((one) => one.checkVisibility()).map((one) => one.dataset.for));
    assert.deepEqual(signs, ['refused']);
  });
});

describe('on any screen', () => {
  for (const [name, viewport] of Object.entries({ phone: PHONE, desktop: DESKTOP })) {
    test(`nothing overflows sideways: ${name}`, async () => {
      const { page } = await open(browser, server.url, { viewport });
      for (const [state, text] of Object.entries(texts)) {
        await paste(page, text);
        await page.locator('details').evaluateAll((all) => { for (const one of all) one.open = true; });
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(width <= viewport.width, `${state}: ${width}`);
        assert.deepEqual(await page.evaluate(sticking), [], state);
      }
    });
  }

  for (const colorScheme of ['light', 'dark']) {
    test(`text has a contrast of at least 4.5 to 1: ${colorScheme}`, async () => {
      const { page } = await open(browser, server.url, { colorScheme });
      for (const state of ['empty', 'accepted', 'refused']) {
        await paste(page, texts[state]);
        const weak = await page.evaluate(contrasts);
        assert.ok(weak.count > 40, `${weak.count} texts`);
        assert.deepEqual(weak.below, [], state);
      }
      await page.route('**/jwks.json', (route) => route.abort());
      await page.reload();
      await paste(page, texts.accepted);
      assert.deepEqual((await page.evaluate(contrasts)).below, [], 'unknown');
    });
  }

  test('nothing moves if the user prefers reduced motion', async () => {
    for (const [reducedMotion, expected] of [['no-preference', 'strike'], ['reduce', 'none']]) {
      const { page } = await open(browser, server.url, { reducedMotion });
      await paste(page, texts.accepted);
      const name = await page.locator('[data-for=accepted]').evaluate((sign) => getComputedStyle(sign).animationName);
      assert.equal(name, expected);
    }
  });

  test('screenshots of every state, light and dark', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'edgemint-inspector-'));
    try {
      for (const [device, viewport] of Object.entries({ phone: PHONE, desktop: DESKTOP })) {
        for (const colorScheme of ['light', 'dark']) {
          const { page } = await open(browser, server.url, { viewport, colorScheme });
          for (const [state, text] of Object.entries(texts)) {
            await paste(page, text);
            const picture = await page.screenshot({ path: join(folder, `${state}-${device}-${colorScheme}.png`), fullPage: true });
            assert.equal(picture.readUInt32BE(16), viewport.width, 'the width in the PNG');
          }
          const [red] = (await page.locator('body').evaluate((body) => getComputedStyle(body).backgroundColor)).match(/\d+/g);
          assert.equal(Number(red) > 128, colorScheme === 'light');
        }
      }
    } finally {
      if (process.env.EDGEMINT_SCREENSHOTS) console.log(`Screenshots: ${folder}`);
      else rmSync(folder, { recursive: true, force: true });
    }
  });
});
