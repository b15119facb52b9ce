// Writes the OpenAPI document of the admin API to www/admin/openapi.json, where it is served as a static file.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readIfThere } from '../src/js/hosting/files.mjs';
import { openapi } from '../src/js/openapi/document.mjs';
import { root } from './toolbox.mjs';

/** The document of this version. */
export function adminDocument() {
  return openapi(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version);
}

/** Updates the file. An unchanged one is not written: `wrangler dev` watches the folder. */
export function writeOpenapi() {
  const file = join(root, 'www', 'admin', 'openapi.json');
  const text = `${JSON.stringify(adminDocument(), undefined, 2)}\n`;
  if (readIfThere(file) === text) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
