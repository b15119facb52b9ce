// Runs a command that ends when the process that started it ends, even by SIGKILL: `node leash.mjs COMMAND ARGS...`.
//
// The starter holds the other end of standard input. A process that is killed by SIGKILL cannot stop its children, but the
// system closes its pipes. Must be started as the leader of a process group: it ends the whole group.
import { spawn } from 'node:child_process';

const [command, ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
let ending = false;

// wrangler closes its databases and removes its temporary files; processes that remain after 5 s are killed.
const end = () => {
  if (ending) return;
  ending = true;
  child.kill('SIGTERM');
  setTimeout(() => process.kill(-process.pid, 'SIGKILL'), 5_000);
};

process.stdin.resume().once('end', end).once('error', end);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, end);
child.once('error', (error) => {
  console.error(`${command} could not be started: ${error.message}`);
  process.exit(1);
});
child.once('exit', (code) => {
  if (ending) process.kill(-process.pid, 'SIGKILL');
  process.exit(code ?? 1);
});
