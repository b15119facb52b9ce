// Loads an HTTP server on loopback: requests on persistent connections, each of which waits for its response. Our own generator,
// because on two cores a generator takes its time from the server's: autocannon was measured to spend twice as much per
// request.
import { once } from 'node:events';
import { connect } from 'node:net';

/** The bytes of an HTTP/1.1 request. */
export function requestBytes({ method, path, headers = {}, body = '' }) {
  const fields = { Host: 'localhost', ...headers };
  if (method !== 'GET') fields['Content-Length'] = Buffer.byteLength(body);
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
}

/**
 * Sends requests on this many connections for this long, one at a time on each connection, and returns the responses a second.
 *
 * - `request`: one fixed request, on this many `connections`; throws if a response is not a 200.
 * - `conversations` instead: one for each connection. Each has its next `request` as bytes, and a function `next` that
 *   returns the one after it for the text of the response, or throws. It can be resumed later.
 * - `seconds`: how long; or `answers`: how many responses on each connection.
 * - `latencies`: a list that gets the milliseconds between each request and its response.
 */
export async function load({ port, request, connections, conversations, seconds = Infinity, answers = Infinity, latencies = [] }) {
  const talks = conversations ?? Array.from({ length: connections }, () => repetition(request));
  const started = performance.now();
  const until = started + seconds * 1000;
  const counts = await Promise.all(talks.map((talk) => converse(port, talk, until, answers, latencies)));
  return counts.reduce((sum, count) => sum + count, 0) / ((performance.now() - started) / 1000);
}

/** A conversation of one fixed request. */
function repetition(request) {
  const next = (answer) => {
    bodyOf(answer);
    return request;
  };
  return { request, next };
}

/** The body of a 200 response; throws for any other. */
export function bodyOf(answer) {
  if (!answer.startsWith('HTTP/1.1 200 ')) throw new Error(`answered:\n${answer}`);
  return answer.slice(answer.indexOf(END) + END.length);
}

const ANSWER_WITHIN = 10_000;
const END = '\r\n\r\n';
const NOTHING = Buffer.alloc(0);

async function converse(port, talk, until, answers, latencies) {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  await once(socket, 'connect');
  return new Promise((resolve, reject) => {
    let count = 0;
    let sent = performance.now();
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
      if (length === undefined) {
        fail(`does not say how long its answer is:\n${received}`);
        return;
      }
      try {
        talk.request = talk.next(received.latin1Slice());
      } catch (error) {
        fail(error.message);
        return;
      }
      count += 1;
      received = NOTHING;
      const now = performance.now();
      latencies.push(now - sent);
      if (count < answers && now < until) {
        sent = now;
        socket.write(talk.request);
      } else {
        socket.destroy();
        resolve(count);
      }
    });
    socket.write(talk.request);
  });
}

// As workerd and Node.js write it.
const LENGTH = '\r\nContent-Length: ';

/** The length of the response, head and body: infinite while the head is incomplete, undefined if the head does not say. */
function answerLength(received) {
  const end = received.indexOf(END);
  if (end < 0) return Infinity;
  const head = received.latin1Slice(0, end);
  const at = head.indexOf(LENGTH);
  return at < 0 ? undefined : end + END.length + Number.parseInt(head.slice(at + LENGTH.length), 10);
}
