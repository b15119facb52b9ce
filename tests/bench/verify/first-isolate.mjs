// The code of an isolate. When it is bundled, `first` becomes one of the modules first-NAME.mjs.
import { first } from 'first';

export default {
  async fetch(request) {
    await first(await request.json());
    return new Response('verified');
  },
};
