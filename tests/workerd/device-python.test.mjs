// requests-oauth2client, unmodified, connects devices.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { decideDevice, registerDeviceClient } from './devices.mjs';
import { startWorker } from './harness.mjs';
import { Browser, createUser } from './people.mjs';
import { skip, startPython } from './python.mjs';

const SCOPE = 'openid offline_access read';

// The library waits for the interval before it polls again: side by side, that costs a few seconds once.
describe('requests-oauth2client', { concurrency: true }, () => {
  let server;

  before(async () => {
    if (!skip) server = await startWorker();
  });

  after(() => server?.stop());

  for (const method of ['none', 'client_secret_basic']) {
    for (const decision of ['allow', 'deny']) {
      test(`${method}: ${decision}`, { skip }, async () => {
        const client = await registerDeviceClient(server, { token_endpoint_auth_method: method });
        const user = await createUser(server);
        const child = startPython('device.py', [], {
          token_endpoint: `${server.url}/oauth/token`, device_authorization_endpoint: `${server.url}/oauth/device_authorization`,
          client_id: client.id, secret: client.secret, scope: SCOPE,
        });
        const closed = once(child, 'close');
        let errors = '';
        child.stderr.setEncoding('utf8').on('data', (text) => { errors += text; });
        const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
        const started = JSON.parse((await lines.next()).value ?? assert.fail(errors));
        assert.equal(started.interval, 5);
        await decideDevice(new Browser(server), user, started.user_code, decision);
        const result = JSON.parse((await lines.next()).value ?? assert.fail(errors));
        const [code] = await closed;
        assert.equal(code, 0, errors);
        if (decision === 'deny') return assert.deepEqual(result, { error: 'access_denied' });
        const { access_token, refresh_token, ...rest } = result;
        assert.deepEqual([typeof access_token, typeof refresh_token], ['string', 'string']);
        return assert.deepEqual(rest, { scope: SCOPE, subject: user.id });
      });
    }
  }
});
