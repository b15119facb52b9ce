// Accessibility of the demo: with the keyboard alone, with a screen reader, on a phone, in the dark.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { buildPackage } from '../../.scripts/build-package.mjs';
import { prepareDemo } from '../../src/js/hosting/demo.mjs';
import { root } from '../../.scripts/toolbox.mjs';
import { startWorker } from '../workerd/harness.mjs';
import { launch } from './chromium.mjs';
import { STEPS, leaveAndSignIn, openDemo, step, take, takeAll } from './demo.mjs';
import { contrasts, focused, sticking } from './measures.mjs';

const www = join(root, 'www');
let server;
let browser;
let person;
let folder;

before(async () => {
  await buildPackage();
  server = await startWorker();
  browser = await launch();
  folder = mkdtempSync(join(tmpdir(), 'edgemint-demo-'));
  person = await prepareDemo(server.url, server.rootSecret, www, join(folder, 'demo.json'));
});

after(async () => {
  await browser?.close();
  await server?.stop();
  if (!folder) return;
  if (process.env.EDGEMINT_SCREENSHOTS) console.log(`Screenshots: ${folder}`);
  else rmSync(folder, { recursive: true });
});

for (const [name, viewport] of Object.entries({ narrow: { width: 320, height: 640 }, phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 900 } })) {
  for (const colorScheme of ['light', 'dark']) {
    test(`nothing overflows and all text has enough contrast, at each step and with everything open: ${name}, ${colorScheme}`, async () => {
      const { page } = await openDemo(browser, server.url, { viewport, colorScheme });
      const look = async (moment) => {
        await page.locator('details').evaluateAll((all) => { for (const one of all) one.open = true; });
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= viewport.width, moment);
        assert.deepEqual(await page.evaluate(sticking), [], moment);
        const { count, below } = await page.evaluate(contrasts);
        assert.ok(count > 30, `${count} texts`);
        assert.deepEqual(below, [], moment);
        await page.screenshot({ path: join(folder, `${moment}-${name}-${colorScheme}.png`), fullPage: true });
      };
      await look('begin');
      await takeAll(page, 'Callback', person, 'deny');
      await look('denied');
      await page.getByRole('button', { name: 'Back to step 2' }).click();
      await leaveAndSignIn(page, person);
      await look('back');
      for (const title of STEPS.slice(2, -1)) await take(page, title);
      for (const button of await page.getByRole('button', { name: /^Reveal/ }).all()) await button.click();
      await look('end');
      await page.context().close();
    });
  }
}

test('with the keyboard alone: every control shows its focus, and the next step follows', async () => {
  const { page } = await openDemo(browser, server.url);
  const press = async (until) => {
    for (let presses = 0; presses < 60; presses += 1) {
      await page.keyboard.press('Tab');
      const { name, hasRing } = await page.evaluate(focused);
      assert.ok(hasRing, `no ring around ${name}`);
      if (name === until) return page.keyboard.press('Enter');
    }
    assert.fail(`${until} was not reached`);
  };
  await press('Skip to the steps');
  await press('Get the metadata');
  await step(page, 'Discovery').locator('.state').filter({ hasText: 'done' }).waitFor();
  // The focus is at the completed step, so that its text is read next.
  assert.match(await page.evaluate(() => document.activeElement.textContent), /^Step 1: Discovery/);
  await press('Build the request');
  await page.getByRole('link', { name: 'Sign in at the server' }).waitFor();
  await press('Sign in at the server');
  await page.locator('input[name=username]').waitFor();
  await page.context().close();
});

test('with a screen reader: each step is announced, headings descend in steps of one, every control has a name', async () => {
  const { page } = await openDemo(browser, server.url);
  await takeAll(page, 'Verification', person);
  const status = page.getByRole('status');
  assert.equal(await status.textContent(), 'Verification: done.');
  await page.locator('details').evaluateAll((all) => { for (const one of all) one.open = true; });
  const headings = page.locator('h1, h2, h3, h4').filter({ visible: true });
  const levels = await headings.evaluateAll((all) => all.map(({ tagName }) => Number(tagName[1])));
  assert.equal(levels.filter((level) => level === 1).length, 1);
  for (const [index, level] of levels.entries()) assert.ok(index === 0 ? level === 1 : level <= levels[index - 1] + 1, `${levels}`);
  for (const role of ['button', 'link', 'progressbar']) assert.equal(await page.getByRole(role, { name: /^$/ }).count(), 0, role);
  await page.context().close();
});

test('without scripts the page says what it needs', async () => {
  const { page } = await openDemo(browser, server.url, { javaScriptEnabled: false });
  assert.match(await page.locator('noscript').innerText(), /needs JavaScript/);
  await page.context().close();
});
