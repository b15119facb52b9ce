// Writes strings to wasm and reads them in Node: by methods of Buffer, which allocate no object for each call.
import { Buffer } from 'node:buffer';
import { webTexts } from './memory.js';

const bufferTexts = {
  bytes: undefined,
  view: (buffer) => Buffer.from(buffer),
  write: (bytes, text, start, length) => bytes.utf8Write(text, start, length),
  read: (bytes, start, length) => bytes.utf8Slice(start, start + length),
};

// Other runtimes use this entry too, and may lack these undocumented methods.
const { utf8Slice, utf8Write } = Buffer.prototype;
export const nodeTexts = typeof utf8Slice === 'function' && typeof utf8Write === 'function' ? bufferTexts : webTexts;
