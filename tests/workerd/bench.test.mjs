// Each part of `npm run bench` works: runs with the smallest load, whose numbers mean nothing.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { buildPackage } from '../../.scripts/build-package.mjs';
import { buildWorker } from '../../.scripts/build-worker.mjs';
import { run } from '../../.scripts/steps.mjs';

/** What the output of each part must contain: rows with numbers. */
const ROWS = {
  verify: /^edgemint[^\n]* [\d,]+ /m,
  token: /^2( +[\d,.]+(?: \([\d.]+ to [\d.]+\))?){5}$/m,
  'cold-start': /^first token +[\d.]+, [\d.]+ +[\d.]+, [\d.]+$/m,
  flows: [
    /^edgemint, introspection +[\d,]+ +[\d.]+ \(/m, /^edgemint, a poll that has to wait +[\d,]+/m,
    /^edgemint, a service account +[\d,]+/m, /^edgemint, a trusted issuer about a user +[\d,]+ +[\d.]+ \(/m,
    /^edgemint, token exchange +[\d,]+/m,
  ],
  revocation: /^median [\d.]+ s, 90 % within [\d.]+ s, 99 % within [\d.]+ s, longest [\d.]+ s; promised: 60 s, held\.$/m,
  'sign-in-timing': /^first attempt on a name( +-?[\d.]+( to [\d.]+)?){5}$/m,
  cpu: [/^client_credentials +-?[\d,.]+ +-?[\d.]+ to -?[\d.]+ +-?[\d.]+$/m, /^client_credentials, warm +-?[\d.]+$/m],
};

before(async () => {
  await buildWorker();
  await buildPackage();
});

// Two at once, because one of them mostly waits for a status list.
describe('npm run bench', { concurrency: 2 }, () => {
  for (const part of ['revocation', ...Object.keys(ROWS).filter((name) => name !== 'revocation')]) {
    test(`npm run bench -- ${part} measures`, async () => {
      const { stdout } = await run('npm', ['run', '--silent', 'bench', '--', part, '--smoke']);
      for (const row of [ROWS[part]].flat()) assert.match(stdout, row);
      assert.doesNotMatch(stdout, /NaN|undefined/);
      assert.match(stdout, /^Altogether /m);
    });
  }
});
