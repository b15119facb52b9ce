// Entry `edgemint/admin`: the client of the admin API, without wasm. See types/admin.d.ts.
export { AdminClient } from '../admin/admin_client.js';
export { AdminError } from '../admin/admin_error.js';
