// Takes the demo's steps as a user does: by the controls of the page and of the server's own pages. Contains no assertions.
import { open } from './chromium.mjs';

/** The steps, in order. */
export const STEPS = [
  'Discovery', 'Authorization request', 'Callback', 'Code for tokens', 'Verification', 'API calls', 'Refresh', 'Revocation',
  'API call, refused', 'Sign-out',
];

/** The button of each step but the two that redirect. */
const BUTTONS = {
  Discovery: 'Get the metadata',
  Callback: 'Check the response',
  'Code for tokens': 'Redeem the code',
  Verification: 'Verify both tokens',
  'API calls': 'Call both APIs',
  Refresh: 'Refresh',
  Revocation: 'Revoke the grant',
  'API call, refused': 'Call the API again',
};

/** Opens the demo in a context of its own. */
export async function openDemo(browser, url, options) {
  const opened = await open(browser, `${url}/demo/`, options);
  if (options?.javaScriptEnabled !== false) await step(opened.page, STEPS.at(-1)).waitFor();
  return opened;
}

/** The part of the page that belongs to a step. */
export function step(page, title) {
  return page.locator('#steps > li').filter({ has: page.getByRole('heading', { level: 2, name: `: ${title}` }) });
}

/** The state of a step: `done`, `next`, `failed` or `later`. */
export async function state(page, title) {
  return (await step(page, title).getAttribute('class')).match(/is-(\w+)/)[1];
}

/** Waits until the page shows this state. */
export function reached(page, words) {
  return page.locator('#progress').filter({ hasText: words }).waitFor();
}

/** Clicks the button of a step and waits for its result, which is also announced to screen readers. */
export async function take(page, title, button = BUTTONS[title]) {
  await page.locator('#announcement').evaluate((node) => node.replaceChildren());
  await step(page, title).getByRole('button', { name: button, exact: true }).click();
  await page.locator('#announcement').filter({ hasText: title }).waitFor({ state: 'attached' });
}

/** Takes the steps up to and including this one. `person` is the user, and `decision` the button of the consent page. */
export async function takeAll(page, last, person, decision = 'allow') {
  for (const title of STEPS.slice(0, STEPS.indexOf(last) + 1)) {
    if (title === 'Authorization request') await leaveAndSignIn(page, person, decision);
    else if (title === 'Sign-out') await leaveAndSignOut(page);
    else await take(page, title);
  }
}

/** Step 2 up to the return: signs in if required, and decides. */
export async function leaveAndSignIn(page, person, decision = 'allow') {
  await take(page, 'Authorization request', 'Build the request');
  await page.getByRole('link', { name: 'Sign in at the server' }).click();
  const username = page.locator('input[name=username]');
  const choice = page.locator(`button[name=decision][value=${decision}]`);
  await username.or(choice).first().waitFor();
  if (await username.isVisible()) {
    await username.fill(person.username);
    await page.locator('input[name=password]').fill(person.password);
    await page.locator('input[name=password]').press('Enter');
  }
  await choice.click();
  await page.waitForURL('**/demo/');
}

/** Step 10. */
export async function leaveAndSignOut(page) {
  await take(page, 'Sign-out', 'Build the request');
  await page.getByRole('link', { name: 'Sign out at the server' }).click();
  await reached(page, 'All 10 steps are done.');
}

/** The error that a step shows, as text. */
export function trouble(page, title) {
  return step(page, title).locator('.trouble').innerText();
}

/** The exchanges that a step shows: `{ request, status, headers, parameters, body }`, as text. */
export async function exchanges(page, title) {
  return step(page, title).locator('.exchange:has(.answer)').evaluateAll((all) => all.map((one) => {
    const [request, answer] = one.querySelectorAll('.sheet');
    const texts = (node, selector) => [...node.querySelectorAll(selector)].map((found) => found.textContent);
    const names = texts(request, '.parameters dt');
    return {
      request: request.querySelector('.line').textContent,
      sent: texts(request, '.headers li'),
      parameters: Object.fromEntries(texts(request, '.parameters .value').map((value, index) => [names[index], value])),
      status: answer.querySelector('.line')?.textContent,
      got: texts(answer, '.headers li'),
      body: answer.querySelector('pre')?.textContent,
    };
  }));
}

/** The session storage of the page. */
export function kept(page) {
  return page.evaluate(() => JSON.parse(sessionStorage.getItem('edgemint-demo')));
}
