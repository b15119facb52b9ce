// How long a refused sign-in takes for a name that exists and for an unknown one, at the first attempt of a day and later: an
// attacker who could tell them apart by the time would learn who has an account. The threats page refers to this benchmark.
import { step } from '../../.scripts/steps.mjs';
import { startWorker } from '../workerd/harness.mjs';
import { Browser, createUser } from '../workerd/people.mjs';
import { middleHalf, median, table } from './rounds.mjs';

const FULL = { names: 101, later: 3 };
const SHORT = { names: 25, later: 1 };
const SMOKE = { names: 3, later: 1 };
const WARM_UP = 5;

/** Returns the results as text. */
export async function benchSignInTiming({ short = false, smoke = false } = {}) {
  const { names, later } = smoke ? SMOKE : short ? SHORT : FULL;
  let server = await startWorker({ assets: false });
  try {
    const users = await step(`${names} users`, `${Math.ceil(names / 5)} s`, () => someUsers(server, names));
    // The objects of the names that exist are read from disk, as for users who have not signed in recently.
    const { settings } = server;
    await server.kill();
    server = await startWorker(settings);
    const times = await step('attempts', `${Math.ceil(names * 2 * (1 + later) / 4)} s`, () => measure(server, users, later));
    return describe(times, names);
  } finally {
    await server.stop();
  }
}

async function someUsers(server, count) {
  const users = [];
  for (let made = 0; made < count; made += 1) users.push(await createUser(server));
  return users;
}

/** The times of each kind, in milliseconds. Existing and unknown names take turns, so that both meet the same machine. */
async function measure(server, users, later) {
  const visitor = new Visitor(server);
  for (let made = 0; made < WARM_UP; made += 1) await visitor.attempt(`warm-up-${made}`);
  const times = { existing: { first: [], later: [] }, unknown: { first: [], later: [] } };
  for (const [index, { username }] of users.entries()) {
    const turns = [['existing', username], ['unknown', username.replace('user-', 'none-')]];
    if (index % 2 === 1) turns.reverse();
    for (const [kind, name] of turns) times[kind].first.push(await visitor.attempt(name));
    for (let round = 0; round < later; round += 1) {
      for (const [kind, name] of turns) times[kind].later.push(await visitor.attempt(name));
    }
  }
  return times;
}

/** Tries wrong passwords, each from an address that has been used before, but rarely. */
class Visitor {
  #server;
  #attempts = 0;
  #pages = [];

  constructor(server) {
    this.#server = server;
  }

  async attempt(username) {
    const turn = Math.floor(this.#attempts / 20);
    this.#attempts += 1;
    if (this.#pages[turn] === undefined) {
      const browser = new Browser(this.#server, { 'cf-connecting-ip': `192.0.2.${turn % 250}` });
      this.#pages[turn] = { browser, page: await browser.open('/account/sign-in') };
      await this.#send(this.#pages[turn], 'warm-up-of-the-address');
    }
    const started = performance.now();
    const { status } = await this.#send(this.#pages[turn], username);
    if (status !== 400) throw new Error(`the attempt was not refused as wrong: ${status}`);
    return performance.now() - started;
  }

  #send({ browser, page }, username) {
    return browser.submit(page, { username, password: 'a wrong password' }, { action: '/account/sign-in' });
  }
}

function describe({ existing, unknown }, names) {
  const row = (what, known, other) => {
    const differences = known.map((time, index) => other[index] - time);
    const half = (values) => middleHalf(values).map((value) => value.toFixed(1)).join(' to ');
    return [what, median(known).toFixed(1), half(known), median(other).toFixed(1), half(other), median(differences).toFixed(1)];
  };
  return `A refused sign-in by password in a new browser, milliseconds: ${names} names that exist and as many that do not, in turns, the
objects of all of them not in memory before. Medians, between which the middle half lies, and the median of the differences.

${table([
    ['', 'exists', 'middle half', 'does not', 'middle half', 'difference'],
    row('first attempt on a name', existing.first, unknown.first),
    row('later attempts', existing.later, unknown.later),
  ])}`;
}
