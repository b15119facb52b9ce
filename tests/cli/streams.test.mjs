// Long lists, streams and interruptions: at a server that counts fake.requests, fails when it is told to, and has 5,000 clients.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { tail } from '../../src/js/cli/commands/events.js';
import { until } from '../workerd/request.mjs';
import { startFakeServer } from './fake-server.mjs';
import { newUser } from './run.mjs';

const CLIENTS = 5000;
const PAGE = 100;
let fake;
let user;

before(async () => {
  fake = await startFakeServer();
  user = newUser({ EDGEMINT_ISSUER: fake.issuer, EDGEMINT_TOKEN: 'x' });
});

after(() => fake?.stop());

const clients = (query) => {
  const from = Number(query.get('cursor') ?? 0);
  const items = Array.from({ length: PAGE }, (_, index) => ({ client_id: `client-${from + index}`, client_name: 'x'.repeat(300), grant_types: [], scope: '', enabled: true }));
  return { clients: items, ...(from + PAGE < CLIENTS && { cursor: `${from + PAGE}` }) };
};

test('a list of 5,000 writes its first rows after its first page, and requests no more than is read', async () => {
  fake.serve({ 'GET /admin/clients': clients });
  const child = user.begin(['clients', 'list']);
  // What is not read stays in the pipe.
  const [chunk] = await once(child.stdout.setEncoding('utf8'), 'data');
  assert.match(chunk, /^\{"client_id":"client-0"/);
  child.stdout.pause();
  let before = 0;
  await until(async () => {
    const isStill = fake.requests.length === before;
    before = fake.requests.length;
    if (!isStill) await new Promise((resolve) => setTimeout(resolve, 250));
    return isStill;
  }, 'the pipe is full');
  assert.ok(before < CLIENTS / PAGE, `${before} pages`);
  child.stdout.destroy();
  const [code] = await once(child, 'close');
  // The reader of the pipe has left, as `head` does.
  assert.equal(code, 0);

  const all = await user.edgemint(['clients', 'list']);
  assert.deepEqual([all.code, all.lines.length], [0, CLIENTS]);
  fake.serve({ 'GET /admin/clients': clients });
  const some = await user.edgemint(['clients', 'list', '--limit', '150']);
  assert.deepEqual([some.lines.length, fake.requests.length], [150, 2]);
});

test('a connection that is lost in the middle of a list ends it with what was read, and the code', async () => {
  fake.serve({ 'GET /admin/clients': (query) => (query.get('cursor') === '200' ? 'broken' : clients(query)) });
  const { code, lines, stderr } = await user.edgemint(['clients', 'list']);
  assert.deepEqual([code, lines.length], [5, 200]);
  assert.match(stderr, /^error: the server could not be reached/);
});

test('an import that is interrupted says which keys are imported', async () => {
  for (const name of ['a', 'b', 'c']) assert.equal((await user.edgemint(['keygen', '--kid', name, '--out', `${name}.jwk`])).code, 0);
  const kids = [];
  fake.serve({ 'POST /admin/keys': (_, body) => {
    const { key: { kid } } = JSON.parse(body);
    kids.push(kid);
    return kid === 'b' ? 'broken' : { status: 201, kid, stage: 'next' };
  } });
  const { code, lines, stderr } = await user.edgemint(['keys', 'import', 'a.jwk', 'b.jwk', 'c.jwk', '--use', 'sign']);
  assert.deepEqual([code, lines.map(({ kid }) => kid), kids], [5, ['a'], ['a', 'b']]);
  assert.match(stderr, /1 of 3 keys are imported; b\.jwk and those after it are not/);

  let stop;
  fake.serve({ 'POST /admin/keys': (_, body) => {
    const { key: { kid } } = JSON.parse(body);
    if (kid === 'a') return { status: 201, kid, stage: 'next' };
    stop();
    return new Promise(() => {});
  } });
  const child = user.begin(['keys', 'import', 'a.jwk', 'b.jwk', 'c.jwk', '--use', 'sign']);
  stop = () => child.kill('SIGINT');
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => { said += text; });
  assert.deepEqual(await once(child, 'close'), [130, null]);
  assert.match(said, /1 of 3 keys are imported[^]*edgemint keys list[^]*error: interrupted/);
});

const event = (time, more) => ({ event: 'sign_in', severity: 'info', time, endpoint: '/account/sign-in', ...more });

test('a tail goes on after a lost connection, without a gap and without repetition', async () => {
  let clock = 1000;
  /** Stored events, the newest first, as the server gives them. */
  const stored = [];
  const add = (...items) => stored.unshift(...items.reverse());
  const fetched = [];
  const lost = () => { throw Object.assign(new Error('gone'), { code: 'unreachable' }); };
  const script = [
    () => {}, () => add(event(1001, { user: 'a' }), event(1001, { user: 'a' })), lost, lost,
    // While the connection was lost; one of them was stored late, under an earlier time.
    () => { clock += 3000; add(event(1500, { user: 'b' }), event(990, { user: 'old' }), event(1000, { user: 'late' }), event(1001, { user: 'a' }), event(1999, { user: 'c' })); },
    () => add(event(4001, { user: 'd' })),
  ];
  const controller = new AbortController();
  const admin = { listEvents: (query) => (async function* () {
    clock += 1;
    fetched.push(query.since);
    script.shift()?.();
    if (script.length === 0) setTimeout(() => controller.abort(), 30);
    yield* stored.filter(({ time }) => time >= query.since);
  }()) };
  const seen = [];
  const said = [];
  const following = async () => {
    for await (const { time, user: who } of tail({ admin, query: {}, since: 1000, signal: controller.signal, interval: 1, now: () => clock, lost: () => said.push('lost'), found: () => said.push('found') })) seen.push(`${time} ${who}`);
  };
  await assert.rejects(following(), { name: 'AbortError' });
  assert.deepEqual(seen, ['1001 a', '1001 a', '1500 b', '1000 late', '1001 a', '1999 c', '4001 d']);
  assert.deepEqual(said, ['lost', 'found']);
  assert.ok(fetched.every((since, index) => index === 0 || since >= fetched[index - 1]));
});

test('a tail writes one object a line, ends with 130, and stops at a refusal', async () => {
  const now = () => Math.floor(Date.now() / 1000);
  let failing = false;
  let stored = [];
  fake.serve({ 'GET /admin/events': () => (failing ? 'broken' : { events: stored }) });
  const child = user.begin(['events', 'tail']);
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (text) => { texts[name] += text; });
  await until(() => /following the events/.test(texts.stderr), 'it follows');
  stored = [event(now(), { user: 'a' })];
  await until(() => texts.stdout.includes('"user":"a"'), 'the event is written');
  failing = true;
  await until(() => /the connection is lost/.test(texts.stderr), 'it says so');
  stored = [event(now(), { user: 'b' }), ...stored];
  failing = false;
  await until(() => texts.stdout.includes('"user":"b"'), 'it goes on');
  assert.match(texts.stderr, /connected again; nothing was missed/);
  child.kill('SIGINT');
  assert.deepEqual(await once(child, 'close'), [130, null]);
  assert.deepEqual(texts.stdout.trim().split('\n').map((line) => JSON.parse(line).user), ['a', 'b']);

  fake.serve({ 'GET /admin/events': () => ({ status: 404, error: 'not_found', error_description: 'This server stores no events: EVENT_RETENTION_DAYS is 0.' }) });
  const refused = await user.edgemint(['events', 'tail']);
  assert.deepEqual([refused.code, /EVENT_RETENTION_DAYS/.test(refused.stderr)], [3, true]);
});

test('a server that cannot respond now is exit code 5, with the time to wait', async () => {
  fake.serve({ 'POST /admin/keys/rotate': () => ({ status: 503, error: 'temporarily_unavailable', error_description: 'The authorization server cannot answer now. Try again later.' }) });
  const { code, stderr } = await user.edgemint(['keys', 'rotate', '--yes']);
  assert.equal(code, 5);
  assert.match(stderr, /cannot answer now[^]*hint: try again/);
});

test('waits for a job until it is done, and says how to go on without waiting', async () => {
  let reads = 0;
  const job = (more) => ({ id: 'r', ended: reads, accounts: 1, unanswered: 0, started_at: 1, ...more });
  fake.serve({
    'POST /admin/revocations': () => ({ status: 202, ...job({ done: false }) }),
    'GET /admin/revocations/r': () => { reads += 1; return job({ done: reads === 3 }); },
  });
  const begun = await user.edgemint(['revoke', '--client', 'app', '--yes']);
  assert.deepEqual([begun.code, begun.json.done], [0, false]);
  assert.match(begun.stderr, /continues: edgemint revocations get r --wait/);
  const waited = await user.edgemint(['revoke', '--client', 'app', '--yes', '--wait']);
  assert.deepEqual([waited.code, waited.json.done, waited.json.ended, reads], [0, true, 3, 3]);
});

test('the removal of a client with grants in many accounts continues to the end', async () => {
  let rest = 3;
  fake.serve({
    'DELETE /admin/clients/app': () => ({ ended: 500, cursor: '1' }),
    'DELETE /admin/clients/app/grants': () => { rest -= 1; return { ended: 500, ...(rest > 0 && { cursor: `${rest}` }) }; },
  });
  assert.equal((await user.edgemint(['clients', 'delete', 'app', '--yes'])).code, 0);
  assert.deepEqual(fake.requests, ['DELETE /admin/clients/app', 'DELETE /admin/clients/app/grants?cursor=1', 'DELETE /admin/clients/app/grants?cursor=2', 'DELETE /admin/clients/app/grants?cursor=1']);
});

test('a record that could not be re-encrypted is a failure', async () => {
  fake.serve({ 'POST /admin/key-encryption/reseal': () => ({ status: 202, key: 'k', previous: 'p', records: 2, resealed: 1, failed: [{ record: 'r', cause: 'c' }], failures: 1, done: true, state: 'Keep the secrets until you know why.' }) });
  const { code, json, stderr } = await user.edgemint(['key-encryption', 'reseal']);
  assert.deepEqual([code, json.failures], [1, 1]);
  assert.match(stderr, /1 records could not be re-encrypted\nhint: Keep the secrets/);
});

test('an identifier may begin with hyphens', async () => {
  const [user1, grant, kid] = ['-jyWArZZ5Ox5Dvv4kxRLag', '--yWArZZ5Ox5Dvv4kxRLag', '-rkoifpPEA05mqkhjFzbHQFI0XrfniEIeMq6xT8JiwU'];
  fake.serve({
    'GET /admin/users': () => ({ users: [] }),
    [`DELETE /admin/users/${user1}/grants/${grant}`]: () => ({ status: 200 }),
    [`POST /admin/keys/${kid}/revoke`]: () => ({ keys: [], kid, revoked_at: 1 }),
    'GET /admin/events': () => ({ events: [] }),
  });
  assert.equal((await user.edgemint(['grants', 'revoke', user1, grant, '--yes'])).code, 0);
  assert.equal((await user.edgemint(['keys', 'revoke', kid, '--yes'])).json.kid, kid);
  assert.equal((await user.edgemint(['events', 'list', '--grant', grant, `--user=${user1}`])).code, 0);
  assert.equal(fake.requests.at(-1), `GET /admin/events?grant=${grant}&user=${user1}`);
  const short = await user.edgemint(['clients', 'get', '-x']);
  assert.deepEqual([short.code, /unknown option '-x'/.test(short.stderr)], [2, true]);
});
