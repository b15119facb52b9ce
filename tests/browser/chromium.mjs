// A real Chromium, and a watch over everything that a page does in it. Judges nothing.
import { chromium } from 'playwright-core';
import { chromiumPath } from '../../.scripts/chromium.mjs';

/** A name that is no secure context, unlike localhost; it leads to this machine. */
export const INSECURE_HOST = 'inspector.test';

/** Starts the browser with a fresh profile. It sends no requests of its own. */
export function launch() {
  const executablePath = chromiumPath();
  if (executablePath === undefined) throw new Error('no Chromium is installed: run `npm test` once, or set CHROMIUM');
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', `--host-resolver-rules=MAP ${INSECURE_HOST} 127.0.0.1`,
    ],
  });
}

/**
 * Opens a page in a context of its own and watches it. Gives `{ page, seen }`; `seen` has `requests`, each a promise of
 * `{ method, url, headers, body }`, and `complaints`: violations of the content security policy, errors and warnings
 * on the console, and uncaught errors. With `ownClock` the page's clock and timers obey `page.clock`.
 */
export async function open(browser, url, { ownClock = false, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const seen = { requests: [], complaints: [] };
  const complain = (complaint) => { seen.complaints.push(complaint); };
  page.on('request', (request) => {
    const described = describe(request);
    // A request that no test awaits may fail when the browser closes.
    described.catch(() => {});
    seen.requests.push(described);
  });
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complain(message.text());
  });
  page.on('pageerror', (error) => complain(error.message));
  await page.exposeFunction('reportViolation', complain);
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) => {
      window.reportViolation(`policy: ${effectiveDirective} ${blockedURI}`);
    });
  });
  if (ownClock) await page.clock.install();
  await page.goto(url);
  return { page, seen };
}

async function describe(request) {
  return {
    method: request.method(),
    url: request.url(),
    headers: await request.allHeaders(),
    body: request.postData() ?? '',
  };
}
