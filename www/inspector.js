// The token inspector: listens to the fields, checks the token and shows the results. The token is passed only
// to the package's verifier: not to a request, the URL, or any storage.
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
/** A check that takes longer than this shows a message. */
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
/** The times at which the verdict may change, and the time of the last one. */
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

/** Fetches the issuer's documents, and fills in the defaults from them. */
function greet() {
  authority = loadAuthority().then((found) => {
    // Without replacing the user's input.
    if (fields.audience.value === location.origin) fields.audience.value = found.issuer;
    showAuthority(found);
    return found;
  });
}

/** Shows everything about the text in the field. An older result that arrives after a newer one is dropped. */
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

/** Checks the token, and describes the result. Never rejects. */
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

/** Shows a verdict with its details, in place of those of the previous token. */
function conclude(verdict, { checks, facts, header, claims, now = clock() } = {}) {
  clearTimeout(waiting);
  showVerdict(verdict);
  showChecks(checks, facts);
  showToken({ header, claims }, verdict.state, now);
  showKey(facts?.header?.kid);
  showBusy(verdict === CHECKING);
  shown = { claims: claims?.members ?? {}, at: now };
}

/** Updates the relative times, and the verdict once the token has expired or become valid. */
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
