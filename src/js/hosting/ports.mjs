// The port of a local server: which one, and that it is free.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { readIfThere } from './files.mjs';
import { Failure } from './steps.mjs';

/** Returns the port that the environment names, or 8787. */
export function chosenPort() {
  const port = Number(process.env.PORT || 8787);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new Failure(`PORT is not a port: ${process.env.PORT}`, 'give a number from 1 to 65535, or leave it out for 8787');
  }
  return port;
}

/**
 * Refuses a port that another program uses, on either loopback address: browsers and curl may use either for `localhost`, and
 * would reach that program there.
 */
export async function checkPortIsFree(folder, port) {
  for (const host of ['127.0.0.1', '::1']) {
    const code = await new Promise((resolve) => {
      const probe = createServer().once('error', (error) => resolve(error.code));
      probe.listen({ port, host, ipv6Only: true }, () => probe.close(() => resolve(undefined)));
    });
    // Without IPv6 no program can use the second address.
    if (code === undefined || code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') continue;
    const other = `choose another port: PORT=${port === 65535 ? 8788 : port + 1} npm start`;
    const group = code === 'EADDRINUSE' ? earlierStart(folder, port) : undefined;
    if (group !== undefined) {
      const what = `port ${port} is in use by an earlier \`npm start\` of this folder (process group ${group})`;
      throw new Failure(what, `end that one with Ctrl-C, or with \`kill -- -${group}\`; or ${other}`);
    }
    throw new Failure(code === 'EADDRINUSE' ? `port ${port} is in use` : `port ${port} cannot be used: ${code}`, `stop what listens there, or ${other}`);
  }
}

/** Notes the process group of a server: a start that is killed may leave it running. */
export function noteStart(folder, port, group) {
  mkdirSync(join(folder, '.wrangler'), { recursive: true });
  writeFileSync(startNote(folder, port), `${group}\n`);
}

/** Removes the note. */
export function forgetStart(folder, port) {
  rmSync(startNote(folder, port), { force: true });
}

function startNote(folder, port) {
  return join(folder, '.wrangler', `start-${port}`);
}

function earlierStart(folder, port) {
  const group = Number(readIfThere(startNote(folder, port)));
  return group > 1 && signalGroup(group, 0) ? group : undefined;
}

/** Sends a signal to a process group. Returns whether it exists. */
export function signalGroup(group, signal) {
  try {
    return process.kill(-group, signal);
  } catch {
    return false;
  }
}
