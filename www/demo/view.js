// Writes the journey into the page: every step with its state, and around them the overall progress.
import { drawBlock, drawExchange } from './blocks.js';
import { element, rich } from './dom.js';
import { STEPS } from './steps.js';

const STATES = { done: 'done', failed: 'failed', later: '', next: 'next' };

const find = (id) => document.getElementById(id);
/** The data that each step was last drawn from: an unchanged step is left alone, with all values that were revealed in it. */
const drawn = new Map();

/**
 * Shows the journey. `opened` is the step whose report is open; `act` has `run(step)` and `goBack(name)` for the
 * buttons.
 */
export function showJourney(journey, { opened, act }) {
  const done = journey.finished.length;
  const next = STEPS.findIndex(({ name }) => !journey.finished.includes(name));
  find('progress').textContent = next < 0 ? `All ${STEPS.length} steps are done.` : `Step ${next + 1} of ${STEPS.length}`;
  find('progress-bar').value = done;
  find('start-over').hidden = Object.keys(journey.reports).length === 0;
  find('end').hidden = next >= 0;
  const list = find('steps');
  for (const [index, step] of STEPS.entries()) {
    const report = journey.reports[step.name];
    const state = index === next ? (report?.trouble ? 'failed' : 'next') : journey.finished.includes(step.name) ? 'done' : 'later';
    const leave = state === 'next' && report !== undefined ? journey.facts.leave : undefined;
    const content = { state, report, leave };
    const print = JSON.stringify(content);
    const item = list.children[index] ?? list.appendChild(element('li', { id: `step-${step.name}` }));
    if (drawn.get(step) !== print) {
      drawn.set(step, print);
      item.className = `step is-${state}`;
      item.replaceChildren(...drawStep(step, index, content, act));
    }
    const details = item.querySelector('.report');
    if (details !== null) details.open = step.name === opened;
  }
}

/** Marks a step as running. Its button keeps the focus, so it is not disabled. */
export function showBusy({ name }, isBusy) {
  const button = find(`step-${name}`).querySelector('.act button');
  button?.setAttribute('aria-disabled', isBusy);
}

/** Scrolls to the title of the step, and focuses it. */
export function turnTo(name) {
  const title = find(`step-${name}`).querySelector('h2');
  title.focus({ preventScroll: true });
  title.scrollIntoView({ block: 'start' });
}

/** Scrolls to the final section, and focuses it. */
export function turnToEnd() {
  find('end-title').focus({ preventScroll: true });
  find('end').scrollIntoView({ block: 'center' });
}

/** Announces a text to screen readers. */
export function announce(words) {
  find('announcement').textContent = words;
}

/** Shows a notice that belongs to no step; undefined removes it. */
export function showNotice(words = '') {
  find('notice').replaceChildren(...rich(words));
  find('notice').hidden = words === '';
}

function drawStep(step, index, { state, report, leave }, act) {
  const { title, who, why, button } = step;
  const word = STATES[state];
  return [
    element('div', { class: 'step-head' },
      element('span', { class: 'number', 'aria-hidden': 'true' }, String(index + 1)),
      element('h2', { tabindex: '-1' },
        element('span', { class: 'unseen' }, `Step ${index + 1}: `), title, ' ',
        ...(word === '' ? [] : [element('span', { class: 'state' }, word)])),
      element('p', { class: 'who' }, who)),
    element('div', { class: 'step-body' },
      element('p', { class: 'why' }, why),
      ...((state === 'next' || state === 'failed') && !report?.trouble?.isFinal ? [drawActs(step, button, leave, act)] : []),
      ...(report?.trouble ? [drawTrouble(report, index, act)] : []),
      ...(report ? [drawReport(report)] : [])),
  ];
}

function drawActs(step, words, leave, act) {
  const run = element('button', { type: 'button', class: leave === undefined ? 'main' : undefined }, leave === undefined ? words : 'Build it again');
  run.addEventListener('click', () => act.run(step));
  return element('p', { class: 'act' }, ...(leave === undefined ? [] : [element('a', { class: 'main', href: leave }, step.leave), ' ']), run);
}

function drawTrouble({ trouble: { what, code, advice, isFinal } }, index, act) {
  const back = element('button', { type: 'button', class: isFinal ? 'main' : undefined }, 'Back to step 2');
  back.addEventListener('click', () => act.goBack('request'));
  return element('div', { class: 'trouble' },
    element('p', { class: 'what' }, ...rich(what)),
    ...(code === undefined ? [] : [element('p', {}, 'The error’s name: ', element('code', { translate: 'no' }, code))]),
    ...(advice === undefined ? [] : [element('p', {}, element('strong', {}, 'What to do: '), ...rich(advice))]),
    ...(index > 1 ? [element('p', { class: 'act' }, back)] : []));
}

function drawReport({ exchanges, blocks }) {
  const parts = [...exchanges.map(drawExchange), ...blocks.map(drawBlock)];
  if (parts.length === 0) return '';
  return element('details', { class: 'report' }, element('summary', {}, 'What happened'), ...parts);
}
