// A Worker that generates and imports keys, as the request says.
import { createIssuer, createJwks, createVerifier, generateKey, importKey, thumbprint } from 'edgemint';

const [issuer, audience] = ['https://issuer.example', 'https://api.example'];

const routes = {
  /** A new key and all its forms; a token that it signs is verified with the key that was read from the PEM. */
  async '/make'({ alg }) {
    const key = await generateKey(alg);
    const isSecret = key.type === 'secret';
    const again = await (isSecret ? importKey(key.toRaw(), { alg, kid: 'given' }) : importKey(await key.toPem(), { alg }));
    const half = isSecret ? again : await importKey(await key.toPublic().toPem(), { alg });
    const token = await createIssuer({ issuer, key: again }).mint({ sub: 's', aud: audience, client_id: 'c' });
    const { key: used } = await createVerifier({ issuer, audience, key: half }).verify(token);
    return {
      jwk: key.toJwk(), again: again.toJwk(), half: half.toJwk(), thumbprint: await thumbprint(key), used,
      ...(key.type === 'private' && { pem: await key.toPem(), publicPem: await half.toPem(), set: createJwks([key]) }),
    };
  },
  async '/take'({ key, alg }) {
    return { ...await importKey(key, { alg }) };
  },
  async '/closed'({ jwk, parameters, usages }) {
    const handle = await crypto.subtle.importKey('jwk', jwk, parameters, false, usages);
    return { ...await importKey(handle) };
  },
};

export default {
  async fetch(request) {
    try {
      return Response.json(await routes[new URL(request.url).pathname](await request.json()));
    } catch ({ name, code, reason, message }) {
      return Response.json({ name, code, reason, message });
    }
  },
};
