// Shared by the tests of status lists: an issuer that publishes a list, tokens that refer to it, and a clock that the test moves.
import { deflateSync } from 'node:zlib';
import { SignJWT } from 'jose';
import { JWKS, startIssuer } from './issuer.mjs';
import { AUDIENCE, sign } from './signer.mjs';

export const LIST = '/statuslists/1';
export const MEDIA_TYPE = 'application/statuslist+jwt';

/** The bytes of a list before compression: `statuses` maps an index to its value. */
export function packed(statuses, { bits = 1, size = 64 } = {}) {
  const bytes = Buffer.alloc(Math.ceil(size * bits / 8));
  for (const [index, status] of Object.entries(statuses)) {
    bytes[Math.floor(index * bits / 8)] |= status << (index * bits % 8);
  }
  return bytes;
}

/** The member `status_list` of a list with these statuses. */
export function listOf(statuses, { bits = 1, size } = {}) {
  return { bits, lst: deflateSync(packed(statuses, { bits, size }), { level: 9 }).toString('base64url') };
}

/** A signed list. A claim or a header member that is undefined is left out. */
export function signList(key, claims, header = {}) {
  const present = (members) => Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
  return new SignJWT(present(claims)).setProtectedHeader(present({ alg: key.alg, kid: key.kid, typ: 'statuslist+jwt', ...header })).sign(key.signing);
}

export const seconds = () => Math.floor(Date.now() / 1000);

/**
 * An issuer with a key and a list, both for a test to change: `list.statuses`, `list.bits`, `list.claims`, `list.header`,
 * `list.headers` (of the response), `list.key`, `list.text` (the whole). `token(index)` is a token that refers to the list,
 * `asked` are the headers of the requests for it.
 */
export async function startLists(t, key) {
  const issuer = await startIssuer({ keys: [key] });
  t?.after(() => issuer.stop());
  const uri = `${issuer.origin}${LIST}`;
  const list = { statuses: {}, claims: {}, header: {}, headers: {}, key };
  const asked = [];
  const text = async () => {
    const { statuses, bits, size, claims, header } = list;
    return list.text ?? signList(list.key, {
      sub: uri, iss: issuer.issuer, iat: seconds(), ttl: 60, status_list: listOf(statuses, { bits, size }), ...claims,
    }, header);
  };
  const serve = async (request, response) => {
    asked.push(request.headers);
    const body = await text();
    response.writeHead(200, { 'content-type': MEDIA_TYPE, 'access-control-allow-origin': '*', ...list.headers }).end(body);
  };
  issuer.routes[LIST] = serve;
  const tokenWith = (status, more) => sign(key, {
    ...more, claims: { iss: issuer.issuer, iat: seconds(), exp: seconds() + 86_400 * 30, status, ...more?.claims },
  });
  return {
    issuer,
    uri,
    list,
    asked,
    serve,
    text,
    options: { issuer: issuer.issuer, audience: AUDIENCE, jwksUri: `${issuer.origin}${JWKS}` },
    tokenWith,
    token: (index, more) => tokenWith({ status_list: { idx: index, uri } }, more),
    fetches: () => issuer.count(LIST),
  };
}

/** Delays responses: `handler` is a route, `letGo()` sends its responses. */
export function gated(serve) {
  let letGo;
  const gate = new Promise((resolve) => { letGo = resolve; });
  const handler = async (request, response) => {
    await gate;
    await serve(request, response);
  };
  return { handler, letGo };
}
