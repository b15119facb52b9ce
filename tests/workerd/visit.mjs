// A user's browser between a client's authorization request and the response.
import { formOf } from './people.mjs';

/**
 * Takes a browser through the pages that an authorization URL leads to, and decides as told at the consent page. Returns
 * the `answer` as client libraries take it, a URL or (`response_mode=form_post`) a Request; the last `page`; and which
 * pages were `shown` before it. There is no `answer` if the browser ends at another page.
 */
export async function visit(browser, user, url, decision = 'allow') {
  const shown = [];
  let page = await browser.open(`${url}`);
  for (let steps = 0; steps < 4; steps += 1) {
    if (page.location !== null) return { answer: new URL(page.location), page, shown };
    if (/<form[^>]* data-form-post/.test(page.html)) return { answer: posted(page), page, shown };
    if (/name="password"/.test(page.html)) {
      shown.push('sign-in');
      page = await browser.submit(page, { username: user.username, password: user.password });
    } else if (/name="decision"/.test(page.html)) {
      shown.push('consent');
      page = await browser.submit(page, { decision });
    } else {
      return { page, shown };
    }
  }
  throw new Error(`no end: ${shown.join(', ')}`);
}

// The client's request once the browser has sent the form.
function posted(page) {
  const { action, fields } = formOf(page);
  return new Request(action, { method: 'POST', body: new URLSearchParams(fields) });
}

/** The response with other values in its query; `undefined` removes one. */
export function altered(answer, changes) {
  const url = new URL(answer);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  return url;
}
