// workerd is killed during its work, three times: every confirmed change holds, every unconfirmed one is complete or absent.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { admin, clientPath } from './admin.mjs';
import { startWorker, token } from './harness.mjs';
import { basic, bearer, postForm, send, until } from './request.mjs';

const LANES = 12;
const GRANT = { grant_type: 'client_credentials' };
let server;
let kids;

after(() => server?.kill());

for (const round of [1, 2, 3]) {
  test(`round ${round}`, async () => {
    server ??= await startWorker();
    const door = bearer((await token(server)).access_token);
    kids ??= await keyIds();
    assert.deepEqual(await keyIds(), kids);

    const storm = { running: true, answers: 0, clients: [] };
    const lanes = Array.from({ length: LANES }, (_, lane) => work(storm, `${round}-${lane}`, door));
    await until(() => storm.answers >= 150, 'enough answers');
    await server.kill();
    storm.running = false;
    await Promise.all(lanes);
    const inFlight = storm.clients.filter(({ doing }) => doing !== undefined);
    assert.ok(inFlight.length > 0, 'it was killed during its work');

    server = await startWorker(server.settings);
    assert.deepEqual(await keyIds(), kids);
    for (const client of storm.clients) await holds(client);
    const count = (state) => storm.clients.filter((client) => client.state === state).length;
    assert.ok(count('registered') > 0 && count('removed') > 0);
    assert.ok(storm.clients.some(({ tokens }) => tokens.some(({ revoked }) => revoked)));
  });
}

// Registers clients, has each get two tokens and revoke one, and removes every second client.
async function work(storm, lane, door) {
  const json = { ...door, 'content-type': 'application/json' };
  for (let number = 0; storm.running; number += 1) {
    // A request in flight may or may not have taken effect; `doing` records which it was.
    const client = { id: `client ${lane}-${number}`, secret: crypto.randomUUID(), state: 'new', doing: undefined, tokens: [] };
    storm.clients.push(client);
    const step = async (doing, ask) => {
      client.doing = doing;
      const answer = await ask();
      if (answer.status >= 400) throw new Error(`${doing}: ${answer.status} ${answer.text}`);
      client.doing = undefined;
      storm.answers += 1;
      return answer.json;
    };
    try {
      const metadata = JSON.stringify({ client_id: client.id, client_secret: client.secret });
      await step('register', () => send(server, '/admin/clients', { method: 'POST', headers: json, body: metadata }));
      client.state = 'registered';
      for (const revoked of [false, true]) {
        const { access_token } = await step('token', () => postForm(server, '/oauth/token', GRANT, basic(client)));
        const issued = { text: access_token, revoked: false };
        client.tokens.push(issued);
        if (!revoked) continue;
        client.tokens.pop();
        await step('revoke', () => postForm(server, '/oauth/revoke', { token: access_token }, basic(client)));
        client.tokens.push({ ...issued, revoked: true });
      }
      if (number % 2 === 0) {
        await step('remove', () => send(server, clientPath(client.id), { method: 'DELETE', headers: door }));
        client.state = 'removed';
      }
    } catch (error) {
      // The connection failed because the Worker was killed; any other error is a failure.
      if (error instanceof TypeError) return;
      throw error;
    }
  }
}

async function holds(client) {
  const { id, state, doing, tokens } = client;
  const label = `${id}: ${state}, ${doing ?? 'nothing'} in flight`;
  if (state === 'removed') {
    assert.deepEqual(await seen(client), { record: 404, token: 401 }, label);
  } else if (doing === 'register' || doing === 'remove') {
    // Either outcome, but complete: the registry finishes what it began.
    const { record } = await until(async () => {
      const now = await seen(client);
      return (now.record === 200) === (now.token === 200) && now;
      // It continues ten seconds after the crash; an isolate that read the record from KV before that caches it for a minute.
    }, `${label}: the same answer everywhere`, 120);
    if (record === 404) return;
  } else {
    assert.deepEqual(await seen(client), { record: 200, token: 200 }, label);
  }
  const root = basic({ id: 'root', secret: server.rootSecret });
  for (const { text, revoked } of tokens) {
    const answer = await postForm(server, '/oauth/introspect', { token: text }, root);
    assert.equal(answer.json.active, state === 'registered' && !revoked, label);
  }
}

// Its record comes from the client's registry, its token from KV.
async function seen(client) {
  const [record, issued] = await Promise.all([
    admin(server, 'GET', clientPath(client.id)),
    postForm(server, '/oauth/token', GRANT, basic(client)),
  ]);
  return { record: record.status, token: issued.status };
}

async function keyIds() {
  const { json } = await admin(server, 'GET', '/admin/keys');
  return json.keys.map(({ kid, stage }) => `${kid} ${stage}`);
}
