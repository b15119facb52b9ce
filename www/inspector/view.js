// Writes the results into the page. Creates text nodes only, never markup: a token may contain anything.
import { CHECKS, describeCheck } from './checks.js';
import { describeClaims, describeHeader, momentWords } from './claims.js';
import { indentJson } from './paste.js';
import { dateWords, durationWords, isTime, relativeWords } from './times.js';

/** The trustworthiness of the claims, by the state of the verdict. */
const VOUCHED = {
  accepted: 'The issuer has signed all of them.',
  checking: 'Not checked yet.',
  empty: '',
  refused: 'Not trustworthy: the token is refused. Do not rely on them.',
  unknown: 'Not verified: the token could not be checked.',
};

const find = (id) => document.getElementById(id);

/** Shows the verdict. Leaves unchanged parts alone, so that a screen reader does not repeat them. */
export function showVerdict({ state, word, why }) {
  find('verdict').dataset.state = state;
  write('verdict-word', word);
  writeRich('verdict-why', why);
  find('retry').hidden = state !== 'unknown';
  find('get-link').hidden = state !== 'empty';
}

/** Marks the shown checks as those of the previous token. */
export function showBusy(isBusy) {
  find('checks').setAttribute('aria-busy', isBusy);
}

/** Shows every check, or without checks their questions. */
export function showChecks(checks, facts) {
  const rows = checks === undefined
    ? Object.values(CHECKS).map(([title, question]) => ({ status: 'not-run', title, text: question, word: '' }))
    : checks.map((check) => describeCheck(check, facts));
  find('checks').replaceChildren(...rows.map(({ status, title, text, word = status.replace('-', ' ') }) =>
    element('li', { class: status },
      mark(status),
      element('h3', {}, title),
      element('p', { class: 'check-word' }, word),
      element('p', { class: 'check-text' }, ...rich(text)))));
}

/**
 * Shows the content of the field: the parts of the token in their colours, in a layer under the transparent text of the field,
 * and a word about what was left out.
 */
export function showPaste({ pasted, token, note, parts, isHuge }) {
  const names = ['part-header', 'part-claims', 'part-signature'];
  const start = parts.length === names.length ? pasted.indexOf(token) : -1;
  const pieces = parts.flatMap((part, index) => [index === 0 ? '' : '.', element('span', { class: names[index] }, part)]);
  const tinted = start < 0 ? [pasted] : [pasted.slice(0, start), ...pieces, pasted.slice(start + token.length)];
  const paper = find('paper').classList;
  paper.toggle('is-tinted', start >= 0);
  paper.toggle('is-huge', isHuge);
  // The layer gives the field its height; a huge text scrolls in the field instead. The line break at the end keeps
  // the height of a last line that is still empty.
  find('tint').replaceChildren(...(isHuge ? [] : tinted), '\n');
  write('paste-note', note);
  find('clear').hidden = pasted === '';
}

/** The header and the claims, each hidden if it could not be read. */
export function showToken({ header, claims }, state, now) {
  find('header-section').hidden = header === undefined;
  find('claims-section').hidden = claims === undefined;
  find('header').replaceChildren(...(header ? describeHeader(header.members).map((member) => row(member, now)) : []));
  find('claims').replaceChildren(...(claims ? describeClaims(claims.members).map((member) => row(member, now)) : []));
  find('header-json').textContent = header ? indentJson(header.json) : '';
  find('claims-json').textContent = claims ? indentJson(claims.json) : '';
  write('vouched', VOUCHED[state]);
  showLife(claims?.members ?? {}, now);
}

/** Brings everything that depends on the clock up to date. */
export function showTime(claims, now) {
  for (const place of document.querySelectorAll('[data-moment]')) {
    place.textContent = momentWords(place.dataset.claim, Number(place.dataset.moment), now);
  }
  showLife(claims, now);
}

/** Shows the issuer, how to get a token, and the keys. */
export function showAuthority({ issuer, tokenEndpoint, keys, trouble }) {
  write('issuer', issuer);
  write('curl', `curl -s \\\n  -u "root:$EDGEMINT_ROOT_SECRET" \\\n  -d grant_type=client_credentials \\\n  ${tokenEndpoint}`);
  write('keys-words', keysWords(keys, trouble));
  find('keys').replaceChildren(...(keys ?? []).map((key) => element('li', { 'data-kid': key.kid },
    element('code', { translate: 'no' }, text(key.kid ?? 'without a name')),
    element('span', {}, [key.alg, key.kty, key.crv].filter(Boolean).map(text).join(' · ')),
    element('strong', { class: 'key-chosen' }, 'named by this token'))));
}

/** Marks the key that the token names. */
export function showKey(kid) {
  for (const item of find('keys').children) item.classList.toggle('is-chosen', kid !== undefined && item.dataset.kid === kid);
}

function showLife({ iat, nbf, exp }, now) {
  const start = isTime(nbf) ? nbf : iat;
  const isKnown = isTime(start) && isTime(exp) && exp > start;
  find('life').hidden = !isKnown;
  if (!isKnown) return;
  const left = now >= exp ? 'expired' : now < start ? 'not valid yet' : `${durationWords(exp - now)} left`;
  write('life-words', `Valid for ${durationWords(exp - start)} in total, ${left}.`);
  const spent = Math.min(Math.max((now - start) / (exp - start), 0), 1);
  // Through the object model: the policy of this page forbids style attributes in markup.
  find('life').style.setProperty('--spent', `${(spent * 100).toFixed(2)}%`);
  find('life').classList.toggle('is-over', now >= exp);
  write('life-start', dateWords(start));
  write('life-end', dateWords(exp));
}

function row({ name, title, meaning, kind, value }, now) {
  return element('div', {},
    element('dt', {}, element('code', { translate: 'no' }, name), ' ', element('span', {}, title)),
    element('dd', { class: 'member-value' }, ...valueNodes(name, kind, value, now)),
    element('dd', { class: 'member-meaning' }, meaning));
}

function valueNodes(name, kind, value, now) {
  if (kind === 'time' && isTime(value)) {
    return [
      element('time', { datetime: new Date(value * 1000).toISOString() }, dateWords(value)),
      element('span', { class: 'moment', 'data-moment': value, 'data-claim': name }, momentWords(name, value, now)),
    ];
  }
  if (kind === 'list') {
    const items = value.map((item) => element('li', {}, element('code', { translate: 'no' }, text(item))));
    return items.length > 0 ? [element('ul', {}, ...items)] : ['nothing'];
  }
  return [element('code', { translate: 'no' }, text(value))];
}

function keysWords(keys, trouble) {
  if (keys === undefined) return `They could not be fetched. ${trouble}`;
  const count = keys.length === 1 ? 'one key' : `${keys.length} keys`;
  const doubt = trouble === undefined ? '' : ` But who the issuer is could not be asked, it is taken from the address. ${trouble}`;
  return `It publishes ${count}. They change from time to time; a new one is published before it signs.${doubt}`;
}

function text(value) {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function write(id, words) {
  const place = find(id);
  if (place.textContent !== words) place.textContent = words;
}

function writeRich(id, words) {
  const place = find(id);
  if (place.textContent !== words.replace(/[“”]/g, '')) place.replaceChildren(...rich(words));
}

/** Values of the token and names are in double quotation marks; here they are shown as code instead. */
function rich(words) {
  return words.split(/“([^”]*)”/).map((piece, index) => (index % 2 === 0 ? piece : element('code', { translate: 'no' }, piece)));
}

function mark(status) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  svg.setAttribute('class', 'mark');
  svg.setAttribute('aria-hidden', 'true');
  use.setAttribute('href', `#mark-${status}`);
  svg.append(use);
  return svg;
}

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(attribute, value);
  made.append(...children);
  return made;
}
