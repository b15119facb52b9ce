// The Node.js that wrangler needs. Loaded by every Node.js, so that an old one gets a sentence instead of a syntax error.

/** The oldest Node.js that wrangler runs with. */
export const OLDEST_NODE = '22.12.0';

/** Returns whether a version is older than another. */
export function isOlder(version, than) {
  const numbers = version.split('.').map(Number);
  const others = than.split('.').map(Number);
  const place = others.findIndex((other, index) => numbers[index] !== other);
  return place !== -1 && numbers[place] < others[place];
}

/** Returns the npm package that is a Node.js for this machine, from a map of names to versions, as `[name, version]`, or undefined. */
export function packagedNode(packages) {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  return Object.entries(packages).find(([name]) => name === `node-${platform}-${process.arch}`);
}

/** Prints what is wrong and what to do, and ends the process. */
export function refuse(what, advice) {
  console.error(`\n${what}\nWhat to do: ${advice}`);
  process.exit(1);
}
