// Loads an HTTP server on loopback: one fixed request, again and again, on connections that stay open, each waiting
// for its answer. Our own, since on two cores a generator takes its time from the server's: autocannon was measured
// to spend twice as much on a request.
import { once } from 'node:events';
import { connect } from 'node:net';

/** The bytes of an HTTP/1.1 request. */
export function requestBytes({ method, path, headers = {}, body = '' }) {
  const fields = { Host: 'localhost', ...headers };
  if (method !== 'GET') fields['Content-Length'] = Buffer.byteLength(body);
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
}

/** Sends `request` on so many connections for so long, and gives the answers a second. Throws if one is not a 200. */
export async function load({ port, request, connections, seconds }) {
  const started = performance.now();
  const until = started + seconds * 1000;
  const counts = await Promise.all(Array.from({ length: connections }, () => repeat(port, request, until)));
  return counts.reduce((sum, count) => sum + count, 0) / ((performance.now() - started) / 1000);
}

const ANSWER_WITHIN = 10_000;

async function repeat(port, request, until) {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  await once(socket, 'connect');
  return new Promise((resolve, reject) => {
    let count = 0;
    let received = NOTHING;
    const fail = (reason) => {
      socket.destroy();
      reject(new Error(`the server on port ${port} ${reason}`));
    };
    socket.on('error', (error) => fail(`broke off: ${error.message}`));
    socket.on('end', () => fail('closed the connection'));
    socket.setTimeout(ANSWER_WITHIN, () => fail(`gave no answer within ${ANSWER_WITHIN} ms`));
    socket.on('data', (chunk) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      const length = answerLength(received);
      if (received.length < length) return;
      if (length === undefined || !received.latin1Slice(0, OK.length).startsWith(OK)) {
        fail(`answered:\n${received}`);
        return;
      }
      count += 1;
      received = NOTHING;
      if (performance.now() < until) {
        socket.write(request);
      } else {
        socket.destroy();
        resolve(count);
      }
    });
    socket.write(request);
  });
}

const NOTHING = Buffer.alloc(0);
const OK = 'HTTP/1.1 200 ';
// As workerd writes it.
const LENGTH = '\r\nContent-Length: ';

/** How long the answer is, head and body: infinite while the head is not all there, undefined if it does not say. */
function answerLength(received) {
  const end = received.indexOf('\r\n\r\n');
  if (end < 0) return Infinity;
  const head = received.latin1Slice(0, end);
  const at = head.indexOf(LENGTH);
  return at < 0 ? undefined : end + 4 + Number.parseInt(head.slice(at + LENGTH.length), 10);
}
