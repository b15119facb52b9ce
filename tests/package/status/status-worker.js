// A Worker as a user writes it, whose verifier checks whether a token was revoked.
import { env } from 'cloudflare:workers';
import { createVerifier } from 'edgemint';

// A test cannot set the clock of a Worker: this shifts it.
const systemNow = Date.now;
let shift = 0;
let stopped;
Date.now = () => (stopped ?? systemNow()) + shift;

const verifier = createVerifier({ issuer: env.ISSUER, audience: env.AUDIENCE, jwksUri: `${env.ISSUER}/jwks.json`, status: 'check' });

const routes = {
  async '/verify'(token) {
    return verifier.verify(token);
  },
  async '/sync'(token) {
    return verifier.verifySync(token);
  },
  async '/abandon'(token) {
    void verifier.verify(token).catch(() => {});
    return {};
  },
  async '/many'(token) {
    const verified = await Promise.all(Array.from({ length: 20 }, () => verifier.verify(token)));
    return verified.at(-1);
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
