// The entry of the bare Worker: the least that a Worker over the `worker` crate needs.
import module from 'edgemint.wasm';
import { fetch, initSync } from 'edgemint-bindings';

initSync({ module });

export default { fetch };
