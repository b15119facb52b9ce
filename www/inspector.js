// The token inspector: listens to the fields, has the token examined and the findings shown. The token goes nowhere
// but into the package's verifier: not into a request, the address, or any storage.
import { loadAuthority } from './inspector/authority.js';
import { NONE_RUN, describeTrouble, describeVerdict } from './inspector/checks.js';
import { MAX_BYTES, byteLength, openToken, readPaste } from './inspector/paste.js';
import { clock, isTime } from './inspector/times.js';
import { examine, startOver } from './inspector/verification.js';
import {
  showAuthority, showBusy, showChecks, showKey, showPaste, showTime, showToken, showVerdict,
} from './inspector/view.js';

/** Delay of the verdict while an expectation is typed. */
const TYPING_MS = 150;
/** Work that takes longer than this shows a message. */
const PATIENCE_MS = 200;

const fields = {
  token: document.getElementById('token'),
  audience: document.getElementById('audience'),
  type: document.getElementById('type'),
};
const EMPTY = { state: 'empty', word: 'Paste a token', why: 'It is read and checked here, in this page.' };
const CHECKING = { state: 'checking', word: 'Checking…', why: 'The verifier and the issuer’s keys are on their way.' };

let authority;
let latest = 0;
let typing;
let waiting;
/** The moments at which the verdict may turn, and when it was found. */
let shown = { claims: {}, at: 0 };

fields.audience.value = location.origin;
greet();
inspect();

fields.token.addEventListener('input', inspect);
for (const field of [fields.audience, fields.type]) {
  field.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(inspect, TYPING_MS);
  });
}
document.getElementById('clear').addEventListener('click', () => {
  fields.token.value = '';
  fields.token.focus();
  inspect();
});
document.getElementById('retry').addEventListener('click', () => {
  startOver();
  greet();
  inspect();
  fields.token.focus();
});
document.getElementById('copy').addEventListener('click', copyCommand);
setInterval(tick, 1_000);

/** Gets the issuer's documents, and fills in what follows from them. */
function greet() {
  authority = loadAuthority().then((found) => {
    // Not over what the reader has written.
    if (fields.audience.value === location.origin) fields.audience.value = found.issuer;
    showAuthority(found);
    return found;
  });
}

/** Shows everything about the text in the field. An older look that ends later than a newer one is dropped. */
async function inspect() {
  latest += 1;
  const look = latest;
  const pasted = fields.token.value;
  const { token, note } = readPaste(pasted);
  const isHuge = byteLength(token) > MAX_BYTES;
  const { parts, header, claims } = isHuge ? { parts: [] } : openToken(token);
  showPaste({ pasted, token, note, parts, isHuge });
  if (token === '') return conclude(EMPTY);

  const now = clock();
  showBusy(true);
  clearTimeout(waiting);
  waiting = setTimeout(conclude, PATIENCE_MS, CHECKING, { header, claims, now });
  const findings = await judge({ token, parts, header: header?.members, claims: claims?.members });
  if (look === latest) conclude(findings.verdict, { ...findings, header, claims, now });
}

/** Has the token examined, and puts the outcome into words. Never rejects. */
async function judge(facts) {
  const found = await authority;
  const all = { ...facts, authority: found, expected: { audience: fields.audience.value.trim(), type: fields.type.value.trim() } };
  try {
    const { checks } = await examine(facts.token, { ...all.expected, issuer: found.issuer, jwksUri: found.jwksUri });
    return { verdict: describeVerdict(checks, all), checks, facts: all };
  } catch (error) {
    return { verdict: describeTrouble(error, all), checks: NONE_RUN, facts: all };
  }
}

/** Shows a verdict with all that belongs to it, in place of everything about the token before. */
function conclude(verdict, { checks, facts, header, claims, now = clock() } = {}) {
  clearTimeout(waiting);
  showVerdict(verdict);
  showChecks(checks, facts);
  showToken({ header, claims }, verdict.state, now);
  showKey(facts?.header?.kid);
  showBusy(verdict === CHECKING);
  shown = { claims: claims?.members ?? {}, at: now };
}

/** Lets the clock go on: relative times, and the verdict once the token has expired or begun. */
function tick() {
  if (document.hidden) return;
  const now = clock();
  const { claims: { exp, nbf }, at } = shown;
  showTime(shown.claims, now);
  // The verifier counts whole seconds.
  const turns = [exp, nbf].filter(isTime).map(Math.ceil);
  if (turns.some((moment) => at < moment && moment <= now)) inspect();
}

async function copyCommand() {
  const command = document.getElementById('curl');
  const told = document.getElementById('copied');
  try {
    await navigator.clipboard.writeText(command.textContent);
    told.textContent = 'Copied.';
  } catch {
    getSelection().selectAllChildren(command);
    told.textContent = 'Not allowed to copy; it is selected for you.';
  }
}
