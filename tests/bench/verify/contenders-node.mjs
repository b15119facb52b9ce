// Contenders in Node.js only: libraries that need node:crypto, and node:crypto itself. See contenders.mjs.
import { createHmac, sign as signBytes, timingSafeEqual, verify as verifyBytes } from 'node:crypto';
import { JwtVerifier } from 'aws-jwt-verify';
import fastJwt from 'fast-jwt';
import jsonwebtoken from 'jsonwebtoken';
import { AUDIENCE, ISSUER, REQUIRED, TYPE, newClaims } from './claims.mjs';
import { CLAIM_CHECKS, complete, parts } from './contenders.mjs';

/** Verifiers of tokens of this algorithm with this key. `cache`: how many tokens fast-jwt remembers. */
export function nodeVerifiers({ algorithm, publicKey, publicJwk, cache = false }) {
  const fast = fastJwt.createVerifier({
    key: exported(publicKey, 'spki'),
    algorithms: [algorithm],
    allowedIss: ISSUER,
    allowedAud: AUDIENCE,
    checkTyp: TYPE,
    requiredClaims: REQUIRED,
    cache,
  });
  const options = { algorithms: [algorithm], issuer: ISSUER, audience: AUDIENCE };
  const contenders = [
    { name: 'fast-jwt', work: (token) => fast(token) },
    {
      name: 'jsonwebtoken',
      work: (token) => jsonwebtoken.verify(token, publicKey, options),
      cannot: ['type', 'required claims'],
    },
    { name: 'aws-jwt-verify', work: awsVerify(publicJwk), cannot: ['type', 'required claims'] },
    {
      name: 'limit: node:crypto',
      prepare: (token) => nodeParts(algorithm, token),
      work: nodeVerify(algorithm, publicKey),
      claims: () => undefined,
      cannot: CLAIM_CHECKS,
    },
  ];
  return complete(contenders.map((contender) => ({ isSync: true, ...contender })), algorithm);
}

/** Minters of tokens of this algorithm with this key. */
export function nodeMinters({ algorithm, kid, privateKey }) {
  const fast = fastJwt.createSigner({ key: exported(privateKey, 'pkcs8'), algorithm, kid, header: { typ: TYPE } });
  const options = { algorithm, keyid: kid, header: { typ: TYPE } };
  const contenders = [
    { name: 'fast-jwt', work: () => fast(newClaims()) },
    { name: 'jsonwebtoken', work: () => jsonwebtoken.sign(newClaims(), privateKey, options) },
    { name: 'limit: node:crypto', work: nodeSign(algorithm, privateKey), isLimit: true },
  ];
  return complete(contenders.map((contender) => ({ isSync: true, ...contender })), algorithm);
}

/** A static key set, and the synchronous verification, which is the faster one. */
function awsVerify(publicJwk) {
  const verifier = JwtVerifier.create({ issuer: ISSUER, audience: AUDIENCE, jwksUri: `${ISSUER}/jwks.json` });
  verifier.cacheJwks({ keys: [publicJwk] });
  return (token) => verifier.verifySync(token);
}

/** The limit: a bare KeyObject, and for ECDSA a signature in DER, which is the fastest form. */
function nodeVerify(algorithm, key) {
  if (algorithm === 'HS256') {
    return ({ input, signature }) => {
      if (!timingSafeEqual(createHmac('sha256', key).update(input).digest(), signature)) throw new Error('forged');
    };
  }
  const hash = algorithm === 'EdDSA' ? null : 'sha256';
  return ({ input, signature }) => {
    if (!verifyBytes(hash, input, key, signature)) throw new Error('forged');
  };
}

function nodeSign(algorithm, key) {
  const input = Buffer.alloc(500, 'x');
  if (algorithm === 'HS256') return () => createHmac('sha256', key).update(input).digest();
  const hash = algorithm === 'EdDSA' ? null : 'sha256';
  return () => signBytes(hash, input, key);
}

function nodeParts(algorithm, token) {
  const { input, signature } = parts(token);
  return { input, signature: algorithm === 'ES256' ? der(signature) : signature };
}

/** Both numbers as ASN.1 INTEGERs in a SEQUENCE (RFC 3279 section 2.2.3). */
function der(signature) {
  const integer = (bytes) => {
    const start = bytes.findIndex((byte) => byte !== 0);
    const digits = bytes.subarray(start);
    const padding = digits[0] >= 0x80 ? [0] : [];
    return [2, digits.length + padding.length, ...padding, ...digits];
  };
  const numbers = [...integer(signature.subarray(0, 32)), ...integer(signature.subarray(32))];
  return Uint8Array.from([0x30, numbers.length, ...numbers]);
}

function exported(key, type) {
  return key.type === 'secret' ? key.export() : key.export({ format: 'pem', type });
}
