// Draws the report of a step: its requests and responses, and the app's results.
import { CHECKS } from '../inspector/checks.js';
import { describeClaims } from '../inspector/claims.js';
import { dateWords } from '../inspector/times.js';
import { element, rich, secret, shorten } from './dom.js';
import { registration as metadata } from './registration.js';
import { isSecret, meaningOf } from './words.js';

/** The response headers that are shown. */
const TELLING = ['access-control-allow-origin', 'cache-control', 'content-type', 'location', 'pragma', 'retry-after', 'www-authenticate'];
const WIDTH = 60;

const KINDS = { address, checks, members, note, registration, token };

export function drawBlock(block) {
  return KINDS[block.kind](block);
}

/** A request and its response. */
export function drawExchange({ caption, request, answer }) {
  return element('section', { class: 'exchange' },
    element('h3', {}, caption),
    element('div', { class: 'sheet' }, ...drawRequest(request)),
    element('div', { class: 'sheet answer' }, ...drawAnswer(answer)));
}

function drawRequest({ method, url, headers, body }) {
  const { origin, pathname, searchParams } = new URL(url);
  const sent = [...searchParams, ...new URLSearchParams(body)];
  return [
    element('h4', {}, 'Request'),
    element('p', { class: 'line', translate: 'no' }, element('strong', {}, method), ' ', origin + pathname),
    ...drawHeaders(headers),
    ...(sent.length > 0 ? [drawMembers(sent)] : []),
  ];
}

function drawAnswer(answer) {
  const title = element('h4', {}, 'Answer');
  if (answer === undefined) return [title, element('p', { class: 'line' }, 'None.')];
  if (answer.isHidden) {
    return [title, element('p', {}, 'A redirect back to this page. Browsers hide its URL from scripts; that there is one is enough.')];
  }
  const { status, words, headers, body } = answer;
  const type = new Map(headers).get('content-type') ?? '';
  return [
    title,
    element('p', { class: 'line', translate: 'no' }, element('strong', { class: status < 400 ? 'good' : 'bad' }, `${status} ${words}`)),
    ...drawHeaders(headers.filter(([name]) => TELLING.includes(name))),
    ...drawBody(body, type),
  ];
}

function drawHeaders(headers) {
  if (headers.length === 0) return [];
  return [element('ul', { class: 'headers', translate: 'no' }, ...headers.map(([name, value]) => {
    const [, scheme, token] = name === 'authorization' ? value.match(/^(\S+) (.*)$/) ?? [] : [];
    return element('li', {}, `${name}: `, ...(token === undefined ? [value] : [`${scheme} `, secret('the bearer token', token)]));
  }))];
}

function drawBody(body, type) {
  if (body === '') return [element('p', { class: 'aside' }, 'Without a body.')];
  if (/^text\/html/.test(type)) return [element('p', { class: 'aside' }, `An HTML page, ${body.length} characters long.`)];
  try {
    return [element('pre', { translate: 'no' }, ...drawJson(JSON.parse(body)))];
  } catch {
    return [element('pre', { translate: 'no' }, body.slice(0, 2_000))];
  }
}

/** JSON on lines of its own, with secrets shortened, and short lists on one line. */
function drawJson(value, name = '', indent = '') {
  if (typeof value === 'string' && isSecret(name)) return [secret(name, value, '"')];
  const flat = JSON.stringify(value);
  if (value === null || typeof value !== 'object' || Object.keys(value).length === 0) return [flat];
  if (Array.isArray(value) && flat.length < WIDTH) return [flat.replaceAll('","', '", "')];
  const inner = `${indent}  `;
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  const members = Object.entries(value).flatMap(([key, member], index) => [
    `${index === 0 ? '' : ','}\n${inner}`, Array.isArray(value) ? '' : `${JSON.stringify(key)}: `, ...drawJson(member, key, inner),
  ]);
  return [open, ...members, `\n${indent}${close}`];
}

/** Names and values, each with its meaning. */
function drawMembers(entries) {
  return element('dl', { class: 'parameters' }, ...entries.map(([name, value]) => {
    // "old refresh_token" is one too.
    const known = name.split(' ').at(-1);
    return element('div', {},
      element('dt', { translate: 'no' }, name),
      element('dd', { class: 'value', translate: 'no' }, isSecret(known) ? secret(name, value) : value),
      element('dd', { class: 'meaning' }, meaningOf(name, value)));
  }));
}

function address({ caption, url }) {
  const { origin, pathname, searchParams } = new URL(url);
  const whole = url.replace(/([?&](\w+)=)([^&]*)/g, (pair, start, name, value) => (isSecret(name) ? start + shorten(value) : pair));
  return element('section', { class: 'exchange' },
    element('h3', {}, caption),
    element('div', { class: 'sheet' },
      element('p', { class: 'line', translate: 'no' }, element('strong', {}, 'GET'), ' ', origin + pathname),
      drawMembers([...searchParams]),
      element('details', {}, element('summary', {}, 'As a URL'), element('pre', { translate: 'no' }, whole))));
}

function members({ caption, members: values }) {
  return element('section', { class: 'exchange' },
    element('h3', {}, caption),
    element('div', { class: 'sheet' }, drawMembers(Object.entries(values))));
}

function checks({ caption, checks: passed }) {
  return element('section', { class: 'exchange' }, element('h3', {}, caption), drawPassed(passed));
}

function drawPassed(passed) {
  return element('ul', { class: 'passed-list' }, ...passed.map((words) => element('li', {}, words)));
}

function token({ caption, checks: passed, claims, header }) {
  return element('section', { class: 'exchange' },
    element('h3', {}, `${caption}: accepted`),
    drawPassed(passed.map((name) => (Object.hasOwn(CHECKS, name) ? CHECKS[name][0] : name))),
    element('div', { class: 'sheet' },
      element('dl', { class: 'parameters' }, ...describeClaims(claims).map(({ name, meaning, kind, value }) => element('div', {},
        element('dt', { translate: 'no' }, name),
        element('dd', { class: 'value', translate: 'no' }, kind === 'time' ? `${value}, ${dateWords(value)}` : plain(value)),
        element('dd', { class: 'meaning' }, meaning)))),
      element('details', {}, element('summary', {}, 'Its header'), element('pre', { translate: 'no' }, ...drawJson(header)))));
}

function note({ text }) {
  return element('p', { class: 'note' }, ...rich(text));
}

/** The commands with which an operator registers this page. */
function registration({ origin }) {
  const command = [
    `TOKEN=$(curl -s -u "root:$EDGEMINT_ROOT_SECRET" ${origin}/oauth/token \\`,
    `  -d grant_type=client_credentials | sed -n 's/.*"access_token" *: *"\\([^"]*\\)".*/\\1/p')`,
    `curl -s ${origin}/admin/clients -H "Authorization: Bearer $TOKEN" \\`,
    `  -H 'Content-Type: application/json' -d '${JSON.stringify(metadata(origin), null, 2)}'`,
  ].join('\n');
  return element('section', { class: 'exchange' },
    element('h3', {}, 'How to register this page'),
    element('pre', { translate: 'no' }, command),
    element('p', { class: 'aside' }, 'This authenticates as the client root, whose secret is in the variable. You also need a user to sign in as: create one the same way at /admin/users, with "scope":"read", or use your own account.'));
}

function plain(value) {
  if (Array.isArray(value)) return value.map(plain).join(' ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}
