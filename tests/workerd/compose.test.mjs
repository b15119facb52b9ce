// The configuration of a project: the part of a release and the project's own, composed without loss or refused with a sentence.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compose } from '../../src/js/hosting/compose.mjs';
import { Failure } from '../../src/js/hosting/steps.mjs';
import { releasedConfiguration } from '../../.scripts/packages.mjs';

const PAGES = 'node_modules/edgemint-worker/www';
const released = releasedConfiguration();
const release = { ...released, assets: { ...released.assets, directory: PAGES } };
const composed = (own) => compose(release, { name: 'auth', main: 'index.js', ...own });

function refuses(own, what, advice) {
  assert.throws(() => composed(own), (error) => {
    assert.ok(error instanceof Failure, error.stack);
    assert.match(error.message, what);
    assert.match(error.advice, advice);
    return true;
  });
}

test('a project without settings of its own gets every part of the release', () => {
  const { name, main, ...rest } = composed({});
  assert.deepEqual({ name, main }, { name: 'auth', main: 'index.js' });
  assert.deepEqual(rest, release);
  assert.ok(release.migrations.length >= 3 && release.durable_objects.bindings.length >= 8 && release.triggers.crons.length > 0);
});

test('the release contains nothing of the repository', () => {
  for (const name of ['name', 'main', 'build']) assert.equal(released[name], undefined, name);
  assert.equal(released.assets.directory, undefined);
});

test('the own bindings, routes, settings, schedules and secrets of a project are kept', () => {
  const own = {
    routes: [{ pattern: 'auth.example.com', custom_domain: true }],
    vars: { ISSUER: 'https://auth.example.com', ACCESS_TOKEN_TTL: '300', COLOUR: 'red' },
    secrets: { required: ['OWN_SECRET'] },
    triggers: { crons: ['0 0 * * *'] },
    observability: { head_sampling_rate: 0.1 },
    compatibility_flags: ['nodejs_compat'],
    kv_namespaces: [{ binding: 'OWN', id: '1' }, { binding: 'EDGEMINT_STORE', id: '2' }],
    durable_objects: { bindings: [{ name: 'COUNTER', class_name: 'Counter' }] },
    r2_buckets: [{ binding: 'FILES', bucket_name: 'files' }],
    assets: { directory: PAGES, run_worker_first: ['/hello'] },
  };
  const all = composed(own);
  assert.deepEqual(all.routes, own.routes);
  assert.deepEqual(all.r2_buckets, own.r2_buckets);
  assert.deepEqual(all.compatibility_flags, [...release.compatibility_flags, ...own.compatibility_flags]);
  assert.deepEqual(all.vars, { ...release.vars, ...own.vars });
  assert.deepEqual(all.secrets.required, [...release.secrets.required, 'OWN_SECRET']);
  assert.deepEqual(all.triggers.crons, [...release.triggers.crons, '0 0 * * *']);
  assert.deepEqual(all.observability, { ...release.observability, head_sampling_rate: 0.1 });
  assert.deepEqual(all.kv_namespaces, [{ binding: 'EDGEMINT_STORE', id: '2' }, { binding: 'OWN', id: '1' }]);
  assert.deepEqual(all.durable_objects.bindings, [...release.durable_objects.bindings, ...own.durable_objects.bindings]);
  assert.deepEqual(all.assets.run_worker_first, [...release.assets.run_worker_first, '/hello']);
});

test('a migration of the project keeps its place when a release adds one', () => {
  const latest = release.migrations.at(-1).tag;
  const own = { migrations: [{ tag: 'counter', after: latest, new_sqlite_classes: ['Counter'] }] };
  const tags = (configuration) => configuration.migrations.map(({ tag }) => tag);
  const before = tags(composed(own));
  assert.deepEqual(before, [...tags(release), 'counter']);
  assert.equal(composed(own).migrations.at(-1).after, undefined, 'wrangler does not know `after`');
  const next = { ...release, migrations: [...release.migrations, { tag: 'v99', new_sqlite_classes: ['AddedObject'] }] };
  assert.deepEqual(tags(compose(next, { name: 'auth', main: 'index.js', ...own })), [...before, 'v99']);
});

test('refuses what contradicts the release, with a sentence and a remedy', () => {
  const latest = release.migrations.at(-1).tag;
  const [{ class_name }] = release.durable_objects.bindings;
  const migration = (members) => ({ migrations: [{ tag: 'own', after: latest, ...members }] });
  for (const [own, what, advice] of [
    [{ compatibility_date: '2020-01-01' }, /`compatibility_date` is "2020-01-01"/, /remove/],
    [{ env: { staging: {} } }, /`env` is not supported/, /a project for each environment/],
    [{ main: undefined }, /`main` is missing/, /index\.js/],
    [{ assets: { directory: 'public' } }, /`assets.directory` is "public"/, /must be "node_modules/],
    [{ assets: { run_worker_first: false } }, /run_worker_first/, /list paths/],
    [{ durable_objects: { bindings: [{ name: 'EDGEMINT_KEYRING', class_name: 'Other' }] } }, /EDGEMINT_KEYRING .* "Other"/, /another name/],
    [{ durable_objects: { bindings: [{ name: 'OTHER', class_name }] } }, /OTHER .* belongs to edgemint-worker/, /another name/],
    [migration({ tag: 'v4' }), /"v4"/, /own-v4/],
    [migration({ after: undefined }), /does not say which/, new RegExp(`after = "${latest}"`)],
    [migration({ after: 'v77' }), /follows "v77"/, new RegExp(`after = "${latest}"`)],
    [migration({ deleted_classes: [class_name] }), /changes the class/, /another name/],
    [{ migrations: [{ tag: 'b', after: latest }, { tag: 'a', after: release.migrations[0].tag }] }, /"a" is out of order/, /after/],
  ]) refuses(own, what, advice);
});
