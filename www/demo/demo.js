// The demo: an app that signs a user in, step by step, and shows everything that it sends and receives.
// Runs the steps and keeps the journey; steps.js has the protocol, view.js the page.
import { forgetJourney, goBack, loadJourney, saveJourney } from './journey.js';
import { recordWire } from './wire.js';
import { describeTrouble } from './words.js';

await start();

async function start() {
  let steps;
  let view;
  try {
    // Not at the top of the file: a missing library must be reported, not break the page.
    [steps, view] = await Promise.all([import('./steps.js'), import('./view.js')]);
  } catch {
    document.getElementById('broken').hidden = false;
    return;
  }
  const { STEPS, NAMES } = steps;
  const journey = loadJourney();
  let isBusy = false;

  const arrived = arrive();
  let opened = arrived === undefined ? lastTaken() : undefined;
  show();
  if (arrived !== undefined && nextName() === undefined) view.turnToEnd();
  else if (arrived !== undefined) view.turnTo(nextName());
  document.getElementById('start-over').addEventListener('click', () => {
    forgetJourney();
    location.replace(location.pathname);
  });

  function show() {
    view.showJourney(journey, { opened, act: { run: take, goBack: back } });
  }

  /** Runs a step, keeps its report and shows it. */
  async function take(step) {
    if (isBusy) return;
    isBusy = true;
    view.showBusy(step, true);
    view.showNotice();
    goBack(journey, step.name, NAMES);
    delete journey.facts.leave;
    const wire = recordWire();
    const report = { exchanges: wire.exchanges, blocks: [] };
    try {
      report.blocks = await step.run(journey.facts, wire);
      // A step that redirects to the server is complete when the user returns.
      if (step.leave === undefined) journey.finished.push(step.name);
      journey.reports[step.name] = report;
      saveJourney(journey);
    } catch (error) {
      journey.finished = journey.finished.filter((name) => name !== step.name);
      report.blocks = error.blocks ?? [];
      report.trouble = describeTrouble(error);
      journey.reports[step.name] = report;
      keepIfPossible();
    }
    isBusy = false;
    opened = step.name;
    show();
    view.showBusy(step, false);
    view.turnTo(step.name);
    view.announce(report.trouble ? `${step.title} failed. ${report.trouble.what}` : `${step.title}: done.`);
  }

  function back(name) {
    if (isBusy) return;
    goBack(journey, name, NAMES);
    for (const fact of ['callback', 'leave', 'tokens', 'transaction']) delete journey.facts[fact];
    keepIfPossible();
    opened = undefined;
    show();
    view.turnTo(name);
  }

  /**
   * Reads the response from the URL and removes it from the address bar, whose content ends up in
   * the history, in bookmarks and in screenshots. Returns the step that it completes.
   */
  function arrive() {
    const answer = new URLSearchParams(location.search);
    if (answer.size === 0) return undefined;
    history.replaceState(null, '', location.pathname);
    const { facts } = journey;
    const isAuthorization = answer.has('code') || answer.has('error');
    if (isAuthorization && facts.transaction !== undefined) {
      facts.callback = String(answer);
      return finishLeaving('request');
    }
    if (!isAuthorization && facts.signOutState !== undefined && answer.get('state') === facts.signOutState) {
      // Signed out: the stored data is no longer needed.
      journey.facts = { authority: facts.authority };
      return finishLeaving('sign-out');
    }
    view.showNotice('The address contained a response that this tab did not request. It was discarded: it could be an attempt to sign you in as another user.');
    return undefined;
  }

  function finishLeaving(name) {
    const report = journey.reports[name];
    goBack(journey, name, NAMES);
    delete journey.facts.leave;
    journey.finished.push(name);
    journey.reports[name] = report ?? { exchanges: [], blocks: [] };
    saveJourney(journey);
    return name;
  }

  function nextName() {
    return NAMES.find((name) => !journey.finished.includes(name));
  }

  function lastTaken() {
    return STEPS.findLast(({ name }) => journey.reports[name] !== undefined)?.name;
  }

  function keepIfPossible() {
    try {
      saveJourney(journey);
    } catch {
      // The error itself is shown; it need not outlive the page.
    }
  }
}
