// What a start says when the server is ready.
import { join } from 'node:path';
import { DEMO_STATE, prepareDemo } from './demo.mjs';
import { LOCAL_SECRETS, ROOT_SECRET } from './secrets.mjs';

/** Prepares the demo and describes it. The demo is an application of this origin: with another issuer it would not work. */
export async function demoWords({ folder, www }, url, rootSecret) {
  if ((process.env.ISSUER || url) !== url) return '';
  try {
    const { url: page, username, password } = await prepareDemo(url, rootSecret, www, join(folder, DEMO_STATE));
    return `The demo, a sign-in to click through: ${page}
  user: ${username}  password: ${password}  (kept in ${DEMO_STATE})
`;
  } catch (error) {
    const call = error.call === undefined ? '' : ` (${error.call})`;
    return `The demo could not be prepared: ${error.message}${call}\n`;
  }
}

/** Returns the text with the three commands. */
export function welcome(url, secrets, took, demo) {
  const secret = secrets.kept ? `$(sed -n 's/^${ROOT_SECRET}=//p' ${LOCAL_SECRETS})` : `$${ROOT_SECRET}`;
  const told = [];
  if (secrets.generated) {
    told.push(`The secret of the client "root", kept in ${LOCAL_SECRETS} and not shown again: ${secrets.generated}`, '');
  }
  if (!secrets.kept) told.push(`(${ROOT_SECRET} comes from the environment: set it in that shell too.)`, '');
  const token = String.raw`sed -n 's/.*"access_token" *: *"\([^"]*\)".*/\1/p'`;
  return `
Edgemint is at ${url} (ready after ${took}). Ctrl-C stops it.
The token inspector: ${url}/
${demo}
${told.map((line) => `${line}\n`).join('')}Paste these into a shell, in this folder: get a token, show it to the sample, leave it out.

TOKEN=$(curl -s -u "root:${secret}" ${url}/oauth/token -d grant_type=client_credentials | ${token})
curl -s -w '\\n' -H "Authorization: Bearer $TOKEN" ${url}/api/whoami
curl -s -i -w '\\n' ${url}/api/whoami
`;
}
