// `npm run deploy` warns where tokens would get into the platform's logs: with items of COMPATIBILITY that put them into URLs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { repository } from '../../.scripts/repository.mjs';
import { deploy } from '../../src/js/hosting/deploy.mjs';
import { invocationLogsWarning } from '../../src/js/hosting/invocation-logs.mjs';

const LOGGED = { observability: { enabled: true } };

test('items with a token in the URL need invocation_logs = false', () => {
  const warns = (configuration, options) => invocationLogsWarning(configuration, options) !== undefined;
  for (const [COMPATIBILITY, expected] of [
    ['', false], [undefined, false], ['oauth2client', true], ['certificates, tokeninfo', true], ['revocation_by_possession', true],
    ['certificates code_without_pkce', false], ['tokeninfos', false],
  ]) {
    const vars = { COMPATIBILITY };
    assert.equal(warns({ ...LOGGED, vars }), expected, COMPATIBILITY);
    for (const observability of [
      undefined, { enabled: false }, { enabled: true, logs: { enabled: false } }, { enabled: true, logs: { invocation_logs: false } },
      { logs: { enabled: true, invocation_logs: false } },
    ]) assert.equal(warns({ vars, observability }), false, JSON.stringify(observability));
    assert.equal(warns({ vars, observability: { logs: { enabled: true } } }), expected);
  }
});

test('an option of the command replaces the value of the configuration', () => {
  const [on, off] = ['oauth2client', ''].map((COMPATIBILITY) => ({ ...LOGGED, vars: { COMPATIBILITY } }));
  assert.equal(invocationLogsWarning(on, ['--var', 'COMPATIBILITY:']), undefined);
  assert.match(invocationLogsWarning(off, ['--var', 'COMPATIBILITY:tokeninfo']), /names tokeninfo:/);
  assert.match(invocationLogsWarning(off, ['--var=COMPATIBILITY:tokeninfo', '--var', 'ISSUER:x']), /invocation_logs = false/);
  assert.match(invocationLogsWarning(on, ['--var']), /names oauth2client:/);
});

test('deploying says it, before anything is uploaded', async (t) => {
  const said = [];
  t.mock.method(console, 'warn', (text) => said.push(text));
  const configuration = { ...LOGGED, vars: { COMPATIBILITY: 'tokeninfo' } };
  const project = {
    folder: '.', command: [process.execPath, '-e', ''], options: [], env: () => process.env, issuer: 'https://as.example',
    prepare: async () => {}, configuration: async () => configuration,
  };
  await deploy(project, ['--dry-run']);
  assert.deepEqual(said, [`\nWarning: ${invocationLogsWarning(configuration)}\n`]);
  await deploy({ ...project, configuration: async () => ({}) }, ['--dry-run']);
  assert.equal(said.length, 1);
});

test('this repository as it is needs no warning', async () => {
  const configuration = await repository.configuration();
  assert.equal(configuration.vars.COMPATIBILITY, '');
  assert.equal(configuration.observability.enabled, true);
  assert.equal(invocationLogsWarning(configuration), undefined);
});
