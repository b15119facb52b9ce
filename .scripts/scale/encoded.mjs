// The number of bytes of a status list token: one is really encoded, with randomly revoked entries, always the same ones.
import { deflateSync } from 'node:zlib';
import { constant } from '../constants.mjs';

/** The bytes of a list in which this many entries are revoked. */
export function listTokenBytes(revoked) {
  const size = constant('LIST_SIZE');
  const bits = new Uint8Array(size / 8);
  const next = chance();
  for (let count = 0; count < revoked;) {
    const index = next() % size;
    if (!(bits[index >> 3] & 1 << (index & 7))) count += 1;
    bits[index >> 3] |= 1 << (index & 7);
  }
  const lst = deflateSync(bits, { level: 6 }).toString('base64url');
  const uri = 'https://id.example.com/oauth/status/1000';
  const claims = {
    iss: 'https://id.example.com', sub: uri, iat: 1_800_000_000, exp: 1_800_000_000, ttl: constant('STATUS_TTL'),
    status_list: { bits: 1, lst },
  };
  const header = { typ: 'statuslist+jwt', alg: 'ES256', kid: 'k'.repeat(43) };
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url').length;
  const SIGNATURE = 86;
  return part(header) + 1 + part(claims) + 1 + SIGNATURE;
}

// A Lehmer generator.
function chance() {
  let state = 20_261_124;
  return () => {
    state = state * 48_271 % 2_147_483_647;
    return state;
  };
}
