// How far the newcomer has come, and what this app has to remember on the way.
//
// All of it is in sessionStorage, tokens included: it belongs to this tab, survives the two visits to the authority and
// a reload, and goes when the tab is closed. Any script that runs in a page can read it, as it can read anything else
// that an app in the browser holds; so no other script runs in this one (see the Content-Security-Policy), and tokens
// live for minutes. An app that never leaves its page would keep them in a variable; one with a server of its own
// would keep them there.

const KEY = 'edgemint-demo';

/**
 * A journey: `finished`, the names of the steps that are over; `reports` of the steps that were taken; and `facts`,
 * what a step has found out for those after it.
 */
export function loadJourney() {
  try {
    const { finished, reports, facts } = JSON.parse(sessionStorage.getItem(KEY));
    if (Array.isArray(finished) && reports && facts) return { finished, reports, facts };
  } catch {
    // None, or none that can be read: the first step is next.
  }
  return { finished: [], reports: {}, facts: {} };
}

export function saveJourney(journey) {
  sessionStorage.setItem(KEY, JSON.stringify(journey));
}

export function forgetJourney() {
  sessionStorage.removeItem(KEY);
}

/** The same journey, before the step of that name and with nothing of what came after. `names` are all steps in order. */
export function goBack(journey, name, names) {
  const before = new Set(names.slice(0, names.indexOf(name)));
  journey.finished = journey.finished.filter((step) => before.has(step));
  journey.reports = Object.fromEntries(Object.entries(journey.reports).filter(([step]) => before.has(step)));
}
