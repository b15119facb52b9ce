// Reads and drives the token inspector as a user does: by its labels and texts. Contains no assertions.

/** The checks, in the order in which they run. */
export const CHECKS = [
  'Format', 'Type', 'Algorithm', 'Key', 'Signature', 'Claims', 'Issuer', 'Audience', 'Expiry', 'Not before', 'Age',
  'Required claims', 'Scope',
];

/** Pastes a text into the field for the token and waits for its verdict. */
export async function paste(page, text) {
  await page.getByLabel('Token', { exact: true }).fill(text);
  return verdict(page);
}

/** The verdict: its word and its reason. Waits until the check is complete. */
export async function verdict(page) {
  await page.locator('#checks[aria-busy=false]').waitFor();
  const status = page.locator('.verdict [role=status]');
  const [word, why] = await status.locator('p').allInnerTexts();
  return { word, why };
}

/** Each check by its title: `{ word, text }`. */
export async function checks(page) {
  const rows = await page.getByRole('region', { name: 'Checks' }).getByRole('listitem').all();
  const entries = rows.map(async (row) => {
    const [title, word, text] = await Promise.all(['h3', '.check-word', '.check-text'].map((part) => row.locator(part).innerText()));
    return [title, { word, text }];
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** The members of the header or the claims by their names: `{ value, meaning }`. */
export async function members(page, name) {
  const rows = await page.getByRole('region', { name, exact: true }).locator('dl > div').all();
  const entries = rows.map(async (row) => {
    const [key, value, meaning] = await Promise.all(['dt code', 'dd:nth-of-type(1)', 'dd:nth-of-type(2)'].map((part) => row.locator(part).innerText()));
    return [key, { value, meaning }];
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** A token of these parts; the signature is the text of its third part. */
export function compact(header, claims, signature = '') {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${encode(header)}.${encode(claims)}.${signature}`;
}

/** The header and the claims of a token. */
export function decode(token) {
  return token.split('.').slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url')));
}
