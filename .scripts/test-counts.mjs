// A reporter for `node --test`: yields one JSON object with the counts of each test file, for test.mjs. The built-in reporters count
// all files together, and count a file without tests as a test that passed.
import { resolve } from 'node:path';

/** Yields `{ FILE: { passed, failed, skipped, seconds } }` for the runner's events; `skipped` has a text for each skipped test. */
export default async function* counts(events) {
  const files = {};
  for await (const { type, data } of events) {
    const path = data?.file && resolve(data.file);
    const file = path && (files[path] ??= { passed: 0, failed: 0, skipped: [], seconds: 0 });
    if (type === 'test:summary' && file) file.seconds = data.duration_ms / 1000;
    // A suite fails when a test in it fails, which is counted by itself.
    if ((type !== 'test:pass' && type !== 'test:fail') || data.details.type === 'suite') continue;
    const why = [data.skip, data.todo].find((value) => value !== undefined && value !== false);
    // The runner reports the file itself where it ended before its first test did.
    const isWhole = resolve(data.name) === path;
    if (why !== undefined) file.skipped.push(typeof why === 'string' && why !== '' ? `${data.name}: ${why}` : data.name);
    else if (type === 'test:pass' && !isWhole) file.passed += 1;
    else file.failed += 1;
  }
  yield JSON.stringify(files);
}
