// The progress of the user, and the data that this app stores on the way.
//
// All of it is in sessionStorage, tokens included: it belongs to this tab, survives the two visits to the server and
// a reload, and is deleted when the tab is closed. Any script that runs in a page can read it, as it can read anything else
// that an app in the browser holds; so no other script runs in this page (see the Content-Security-Policy), and tokens
// expire within minutes. An app that never leaves its page would keep them in a variable; one with a server of its own
// would keep them there.

const KEY = 'edgemint-demo';

/**
 * A journey: `finished`, the names of the completed steps; `reports` of the steps that were run; and `facts`,
 * the results of a step for those after it.
 */
export function loadJourney() {
  try {
    const { finished, reports, facts } = JSON.parse(sessionStorage.getItem(KEY));
    if (Array.isArray(finished) && reports && facts) return { finished, reports, facts };
  } catch {
    // Missing or unreadable: the first step is next.
  }
  return { finished: [], reports: {}, facts: {} };
}

export function saveJourney(journey) {
  sessionStorage.setItem(KEY, JSON.stringify(journey));
}

export function forgetJourney() {
  sessionStorage.removeItem(KEY);
}

/** Returns the journey as it was before the step of that name. `names` are all steps in order. */
export function goBack(journey, name, names) {
  const before = new Set(names.slice(0, names.indexOf(name)));
  journey.finished = journey.finished.filter((step) => before.has(step));
  journey.reports = Object.fromEntries(Object.entries(journey.reports).filter(([step]) => before.has(step)));
}
