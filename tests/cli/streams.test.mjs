// Long lists, streams and interruptions: at a server that counts requests, fails when it is told to, and has 5,000 clients.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { tail } from '../../src/js/cli/commands/events.js';
import { until } from '../workerd/request.mjs';
import { newUser } from './run.mjs';

const CLIENTS = 5000;
const PAGE = 100;
/** What the server responds to a path; a function gets the request's query and body. */
let routes;
let requests;
let server;
let user;

before(async () => {
  server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://localhost');
    let body = '';
    for await (const chunk of request) body += chunk;
    requests.push(`${request.method} ${request.url}`);
    const answer = await routes[`${request.method} ${pathname}`]?.(searchParams, body);
    if (answer === 'broken') return request.socket.destroy();
    const { status = 200, ...value } = answer ?? { status: 404, error: 'not_found', error_description: 'There is none.' };
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  user = newUser({ EDGEMINT_ISSUER: `http://127.0.0.1:${server.address().port}`, EDGEMINT_TOKEN: 'x' });
});

after(() => server?.close());

function serve(given) {
  routes = given;
  requests = [];
}

const clients = (query) => {
  const from = Number(query.get('cursor') ?? 0);
  const items = Array.from({ length: PAGE }, (_, index) => ({ client_id: `client-${from + index}`, client_name: 'x'.repeat(300), grant_types: [], scope: '', enabled: true }));
  return { clients: items, ...(from + PAGE < CLIENTS && { cursor: `${from + PAGE}` }) };
};

test('a list of 5,000 writes its first rows after its first page, and requests no more than is read', async () => {
  serve({ 'GET /admin/clients': clients });
  const child = user.begin(['clients', 'list']);
  // What is not read stays in the pipe.
  const [chunk] = await once(child.stdout.setEncoding('utf8'), 'data');
  assert.match(chunk, /^\{"client_id":"client-0"/);
  child.stdout.pause();
  await until(() => requests.length >= 2, 'the pipe is full');
  const before = requests.length;
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.ok(requests.length < CLIENTS / PAGE && requests.length - before <= 1, `${requests.length}`);
  child.stdout.destroy();
  const [code] = await once(child, 'close');
  // The reader of the pipe has left, as `head` does.
  assert.equal(code, 0);

  const all = await user.edgemint(['clients', 'list']);
  assert.deepEqual([all.code, all.lines.length], [0, CLIENTS]);
  serve({ 'GET /admin/clients': clients });
  const some = await user.edgemint(['clients', 'list', '--limit', '150']);
  assert.deepEqual([some.lines.length, requests.length], [150, 2]);
});

test('a connection that is lost in the middle of a list ends it with what was read, and the code', async () => {
  serve({ 'GET /admin/clients': (query) => (query.get('cursor') === '200' ? 'broken' : clients(query)) });
  const { code, lines, stderr } = await user.edgemint(['clients', 'list']);
  assert.deepEqual([code, lines.length], [5, 200]);
  assert.match(stderr, /^error: the server could not be reached/);
});

test('an import that is interrupted says which keys are imported', async () => {
  for (const name of ['a', 'b', 'c']) assert.equal((await user.edgemint(['keygen', '--kid', name, '--out', `${name}.jwk`])).code, 0);
  const kids = [];
  serve({ 'POST /admin/keys': (_, body) => {
    const { key: { kid } } = JSON.parse(body);
    kids.push(kid);
    return kid === 'b' ? 'broken' : { status: 201, kid, stage: 'next' };
  } });
  const { code, lines, stderr } = await user.edgemint(['keys', 'import', 'a.jwk', 'b.jwk', 'c.jwk', '--use', 'sign']);
  assert.deepEqual([code, lines.map(({ kid }) => kid), kids], [5, ['a'], ['a', 'b']]);
  assert.match(stderr, /1 of 3 keys are imported; b\.jwk and those after it are not/);

  let stop;
  serve({ 'POST /admin/keys': (_, body) => {
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
    () => { clock += 3000; add(event(1500, { user: 'b' }), event(990, { user: 'old' }), event(1001, { user: 'a' }), event(1999, { user: 'c' })); },
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
  assert.deepEqual(seen, ['1001 a', '1001 a', '1500 b', '1001 a', '1999 c', '4001 d']);
  assert.deepEqual(said, ['lost', 'found']);
  assert.ok(fetched.every((since, index) => index === 0 || since >= fetched[index - 1]));
});

test('a tail writes one object a line, ends with 130, and stops at a refusal', async () => {
  const now = () => Math.floor(Date.now() / 1000);
  let failing = false;
  let stored = [];
  serve({ 'GET /admin/events': () => (failing ? 'broken' : { events: stored }) });
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

  serve({ 'GET /admin/events': () => ({ status: 404, error: 'not_found', error_description: 'This server stores no events: EVENT_RETENTION_DAYS is 0.' }) });
  const refused = await user.edgemint(['events', 'tail']);
  assert.deepEqual([refused.code, /EVENT_RETENTION_DAYS/.test(refused.stderr)], [3, true]);
});

test('a server that cannot respond now is exit code 5, with the time to wait', async () => {
  serve({ 'POST /admin/keys/rotate': () => ({ status: 503, error: 'temporarily_unavailable', error_description: 'The authorization server cannot answer now. Try again later.' }) });
  const { code, stderr } = await user.edgemint(['keys', 'rotate', '--yes']);
  assert.equal(code, 5);
  assert.match(stderr, /cannot answer now[^]*hint: try again/);
});
