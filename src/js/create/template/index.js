// The Worker of this project: Edgemint, with routes of your own before it.
import edgemint from 'edgemint-worker';

// The classes of Edgemint's Durable Objects. Keep this line: a new release may have more of them.
export * from 'edgemint-worker';

export default {
  ...edgemint,

  async fetch(request, env, ctx) {
    // const { pathname } = new URL(request.url);
    // if (pathname === '/hello') return new Response('Hello\n');
    return edgemint.fetch(request, env, ctx);
  },
};
