// Entry `edgemint/resource`: the metadata of a protected resource for Workers, without wasm. See types/resource.d.ts.
import { createResource } from '../guard/protected_resource.js';

export function protectedResource(options) {
  return createResource(options, (answer) => function protectedResource({ method, url }) {
    const found = answer(method, url);
    return found === undefined ? undefined : new Response(found.body, found);
  });
}
