// A password hash with weaker parameters: the next sign-in replaces it by one with the current parameters.
import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { startWorker } from './harness.mjs';
import { Browser, createUser } from './people.mjs';
import { open, seal } from './sealed.mjs';

// From the reference implementation of Argon2 (test.c), for the password "password".
const WEAK = '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4';
const CURRENT = /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/;
let server;
let user;

before(async () => {
  server = await startWorker();
  user = { ...(await createUser(server)), password: 'password' };
  await restart(() => changeHash((hash) => {
    assert.match(hash, CURRENT);
    return WEAK;
  }));
});

after(async () => {
  await server?.stop();
  if (server) rmSync(server.persist, { recursive: true, force: true });
});

test('a wrong password does not change the hash', async () => {
  const page = await new Browser(server).signIn({ ...user, password: 'not the password' });
  assert.equal(page.status, 400);
  assert.equal(await storedHash(), WEAK);
});

test('a sign-in replaces the hash by one with the current parameters, once', async () => {
  const page = await new Browser(server).signIn(user);
  assert.deepEqual([page.status, page.url.pathname], [200, '/account']);
  const first = await storedHash();
  assert.match(first, CURRENT);

  const again = await new Browser(server).signIn(user);
  assert.deepEqual([again.status, again.url.pathname], [200, '/account']);
  assert.equal(await storedHash(), first, 'a current hash is kept');
});

async function storedHash() {
  let found;
  await restart(() => changeHash((hash) => {
    found = hash;
    return hash;
  }));
  return found;
}

/** Stops the Worker, runs `work` on its files, and starts it again. */
async function restart(work) {
  await server.kill();
  work();
  server = await startWorker(server.settings);
}

/** Changes the password hash of the user in the storage of the object of the user name. */
function changeHash(change) {
  const name = `password|${server.issuer}|${user.id}`;
  const folder = join(server.persist, 'do', '-IdentifierObject');
  let changed = 0;
  for (const file of readdirSync(folder).filter((own) => /^[0-9a-f]+\.sqlite$/.test(own))) {
    const database = new DatabaseSync(join(folder, file));
    try {
      for (const { kind, id, state } of database.prepare('SELECT kind, id, state FROM record').all()) {
        const record = JSON.parse(state);
        if (record?.account !== user.id || !record.password) continue;
        const sealed = seal(server, name, change(open(server, name, record.password)));
        const update = database.prepare('UPDATE record SET state = ? WHERE kind = ? AND id = ?');
        update.run(JSON.stringify({ ...record, password: sealed }), kind, id);
        changed += 1;
      }
    } finally {
      database.close();
    }
  }
  assert.equal(changed, 1);
}
