// The Worker that verifies and mints: the first request says what, the next ones how often. Measures nothing by itself: in
// workerd the clock stands still while a request computes.
import { minters, verifiers } from './contenders.mjs';
import { checkMinter, checkVerifier, givesFreshClaims, inputsOf, isAble, repeat } from './work.mjs';

let contenders = [];

const routes = {
  /** Takes the task, the keys and the tokens; checks every contender, and returns their names. */
  async '/prepare'({ what, keys, tokens, bad }) {
    contenders = await (what === 'mint' ? preparedMinters(keys) : preparedVerifiers(what, keys, tokens, bad));
    return contenders.map(({ contender }) => contender.name);
  },
  async '/work'({ index, count }) {
    const { contender, inputs } = contenders[index];
    await repeat(contender, inputs, count);
    return {};
  },
};

export default {
  async fetch(request) {
    return Response.json(await routes[new URL(request.url).pathname](await request.json()));
  },
};

async function preparedVerifiers(what, keys, tokens, bad) {
  const prepared = [];
  for (const contender of await verifiers(keys)) {
    const isOurs = contender.name.startsWith('edgemint');
    const takesPart = what === 'verify' || isOurs || contender.name === 'jose';
    if (!takesPart || (isOurs && !await isAble(contender, tokens[0]))) continue;
    // Twice, so that every cache has the tokens the second time.
    await checkVerifier(contender, { tokens, bad });
    await checkVerifier(contender, { tokens, bad });
    if (isOurs && !await givesFreshClaims(contender, tokens[0])) throw new Error(`${contender.name}: the claims are not fresh`);
    prepared.push({ contender, inputs: inputsOf(contender, tokens) });
  }
  return prepared;
}

async function preparedMinters(keys) {
  const prepared = [];
  for (const contender of await minters(keys)) {
    if (!await isAble(contender)) continue;
    await checkMinter(contender, keys);
    prepared.push({ contender, inputs: [undefined] });
  }
  return prepared;
}
