// Responds at once, or after this many signatures (`?sign=`): the cost of an empty request in workerd, and of WebCrypto.
const { privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
const text = new TextEncoder().encode('a'.repeat(400));

export default {
  async fetch(request) {
    const count = Number(new URL(request.url).searchParams.get('sign') ?? 0);
    for (let done = 0; done < count; done += 1) await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, privateKey, text);
    return new Response('Hello, World!');
  },
};
