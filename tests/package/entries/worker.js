// A Worker as a user writes it: it creates the verifier at global scope, and every request uses it.
import { env } from 'cloudflare:workers';
import { anyType, createIssuer, createVerifier, decodeUnverified } from 'edgemint';

// A test cannot set the clock of a Worker: this shifts it.
const systemNow = Date.now;
let shift = 0;
let stopped;
Date.now = () => (stopped ?? systemNow()) + shift;

const verifier = createVerifier({ issuer: env.ISSUER, audience: env.AUDIENCE });

const routes = {
  async '/verify'(token) {
    return verifier.verify(token);
  },
  async '/abandon'(token) {
    void verifier.verify(token).catch(() => {});
    return {};
  },
  async '/many'(token) {
    const verified = await Promise.all(Array.from({ length: 20 }, () => verifier.verify(token)));
    return verified.at(-1);
  },
  async '/given'(token, { options }) {
    return createVerifier({ issuer: env.ISSUER, audience: env.AUDIENCE, ...options }).verify(token);
  },
  async '/cryptoKey'(token, { jwk, algorithm }) {
    const key = await crypto.subtle.importKey('jwk', jwk, algorithm, false, ['verify']);
    return createVerifier({ issuer: env.ISSUER, audience: env.AUDIENCE, type: anyType, key }).verify(token);
  },
  async '/sync'(token, { options }) {
    return createVerifier({ issuer: env.ISSUER, audience: env.AUDIENCE, ...options }).verifySync(token);
  },
  async '/mint'(_, { key, sync }) {
    const issuer = createIssuer({ issuer: env.ISSUER, key });
    const claims = { sub: 'subject', aud: env.AUDIENCE, client_id: 'client' };
    return { token: sync ? issuer.mintSync(claims) : await issuer.mint(claims) };
  },
  async '/explain'(token) {
    return verifier.explain(token);
  },
  async '/decode'(token) {
    return decodeUnverified(token);
  },
  // No lease may end because the machine is slow.
  async '/stop'() {
    stopped = systemNow();
    return {};
  },
  async '/turn'(_, { seconds }) {
    shift += seconds * 1000;
    return {};
  },
};

export default {
  async fetch(request) {
    const { token, ...rest } = await request.json();
    try {
      return Response.json(await routes[new URL(request.url).pathname](token, rest));
    } catch (error) {
      return Response.json({ name: error.name, code: error.code, message: error.message }, { status: 401 });
    }
  },
};
