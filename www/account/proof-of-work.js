// Computes the proof of work that a sign-in form requires, in slices on the page's main thread: Trusted Types forbid a
// worker. It starts at once, while the user enters the password; a form that is sent earlier waits for the proof.
// Its texts are in the form's `data-` attributes. Without this script the user has to wait.

import { PARTS, solve } from './puzzle.js';

/** How long a slice may take, milliseconds: short enough that typing and scrolling stay smooth. */
const SLICE = 12;

async function begin(form) {
  const message = form.querySelector('.message');
  const { challenge, proof } = form.elements;
  const instead = form.dataset.instead;
  if (instead) document.querySelector('#error').textContent = instead;
  let percent = 0;
  let submitter;
  const say = () => {
    const text = submitter === undefined ? form.dataset.computing : form.dataset.sending;
    message.textContent = text.replace('{percent}', percent);
  };
  const hold = (event) => {
    event.preventDefault();
    submitter = event.submitter;
    say();
  };
  form.addEventListener('submit', hold);
  say();
  proof.value = await compute(challenge.value, (parts) => {
    // Not each part: a screen reader reads out every change.
    const tenths = Math.floor(10 * parts / PARTS) * 10;
    if (tenths === percent) return;
    percent = tenths;
    say();
  });
  form.removeEventListener('submit', hold);
  message.textContent = form.dataset.ready;
  if (submitter !== undefined) form.requestSubmit(submitter);
}

/** Resolves to the proof for a challenge, and reports the number of parts so far. */
async function compute(challenge, tell) {
  const [, , bits, tag] = challenge.split('.');
  const parts = solve(decode(tag), Number(bits));
  for (;;) {
    const until = performance.now() + SLICE;
    let step;
    do step = parts.next(); while (!step.done && performance.now() < until);
    if (step.done) return step.value;
    tell(step.value);
    await pause();
  }
}

/** Lets the page handle pending events. A timer would wait for at least four milliseconds. */
function pause() {
  if (globalThis.scheduler?.yield) return globalThis.scheduler.yield();
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

function decode(base64url) {
  const text = atob(base64url.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

const form = document.querySelector('form[data-proof]');
if (form) begin(form);
