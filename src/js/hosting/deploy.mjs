// Deploys a project with wrangler, together with its missing secrets.
// The Worker's code and its secrets are uploaded as one version: no Worker ever runs without its key-encryption key.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkPort } from './issuer.mjs';
import { invocationLogsWarning } from './invocation-logs.mjs';
import { KEY_ENCRYPTION_KEY, ROOT_SECRET, newSecret, rootSecretFromEnvironment } from './secrets.mjs';
import { Failure, step } from './steps.mjs';
import { runWrangler, showWrangler } from './wrangler.mjs';

/**
 * Deploys the project (see `wrangler.mjs`). `options` are passed to `wrangler deploy`; with `--dry-run` everything is done except
 * the upload, and no account is needed.
 */
export async function deploy(project, options) {
  const issuer = checkedIssuer(process.env.ISSUER || project.issuer);
  const given = rootSecretFromEnvironment({ strong: true });
  await project.prepare();
  const warning = invocationLogsWarning(await project.configuration(), options);
  if (warning !== undefined) console.warn(`\nWarning: ${warning}\n`);
  const command = ['deploy', '--var', `ISSUER:${issuer}`, ...options];
  if (options.includes('--dry-run')) {
    await showWrangler(project, command);
    return;
  }
  const present = await step('Secrets that the deployed Worker has', '3 s', () => deployedSecrets(project));
  const missing = {};
  if (!present.includes(KEY_ENCRYPTION_KEY)) missing[KEY_ENCRYPTION_KEY] = process.env[KEY_ENCRYPTION_KEY] || newSecret();
  // A secret in the environment replaces the deployed one.
  if (given !== undefined) missing[ROOT_SECRET] = given;
  else if (!present.includes(ROOT_SECRET)) missing[ROOT_SECRET] = newSecret();
  try {
    await withSecretsFile(missing, (file) => showWrangler(project, [...command, ...file]));
  } finally {
    // After a failure too: the version may be deployed already, and its secret can never be read back.
    if (missing[ROOT_SECRET] && given === undefined) {
      console.log(`\nThe secret of the client "root", from this upload on and not shown again: ${missing[ROOT_SECRET]}`);
    }
  }
}

function checkedIssuer(issuer) {
  const advice = 'ISSUER=https://auth.example.com npm run deploy';
  if (!issuer) throw new Failure('ISSUER is not set: the https origin that the Worker will be reached at', advice);
  checkPort(issuer, advice);
  const url = parse(issuer);
  if (url?.protocol !== 'https:' || url.origin !== issuer) {
    throw new Failure(`ISSUER is not an https origin, without a path and without a slash at the end: ${issuer}`, advice);
  }
  return issuer;
}

async function deployedSecrets(project) {
  const { code, stdout, output } = await runWrangler(project, ['secret', 'list', '--format', 'json']);
  if (code === 0) return JSON.parse(stdout).map((secret) => secret.name);
  // Cloudflare's codes for a Worker that does not exist yet.
  if (/\bcode: (10007|10090)\b|Worker .* not found/.test(output)) return [];
  const advice = 'log in with `npx wrangler login`, or set CLOUDFLARE_API_TOKEN';
  throw new Failure('wrangler cannot tell which secrets the Worker has', advice, output);
}

// A file that only this user can read, while wrangler runs: other users could read a command line.
async function withSecretsFile(secrets, work) {
  if (Object.keys(secrets).length === 0) return work([]);
  const folder = mkdtempSync(join(tmpdir(), 'edgemint-deploy-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  const file = join(folder, 'secrets.json');
  writeFileSync(file, JSON.stringify(secrets), { mode: 0o600 });
  try {
    return await work(['--secrets-file', file]);
  } finally {
    remove();
  }
}

function parse(text) {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
