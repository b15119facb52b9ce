// Composes the configuration of wrangler from the part that belongs to a release and the project's own.
import { Failure } from './steps.mjs';

/** The project's configuration, as the messages name it. */
export const OWN_FILE = 'wrangler.toml';

/**
 * Returns the configuration of a project: that of the release, completed by the project's own. `release` is `wrangler.json` of the
 * package, with the folder of its pages in `assets.directory`. A setting that both have and that does not fit is refused.
 */
export function compose(release, own) {
  for (const [name, advice] of Object.entries(REFUSED)) {
    if (own[name] !== undefined) throw conflict(`\`${name}\` is not supported`, advice);
  }
  for (const name of ['name', 'main']) {
    if (typeof own[name] !== 'string') throw conflict(`\`${name}\` is missing`, name === 'name' ? 'name the Worker' : 'main = "index.js"');
  }
  const composed = { ...own };
  for (const [name, value] of Object.entries(release)) {
    const rule = RULES[name];
    if (rule === undefined) throw new Error(`no rule composes ${name}`);
    composed[name] = own[name] === undefined && name !== 'migrations' ? value : rule(value, own[name], name, release);
  }
  return composed;
}

const REFUSED = {
  env: 'make a project for each environment',
  site: 'serve files of your own from index.js',
};

/** How a setting of the release and the same one of the project become one. */
const RULES = {
  compatibility_date: same,
  compatibility_flags: union,
  vars: defaults,
  observability: defaults,
  triggers: (release, own) => ({ ...own, crons: union(release.crons, own.crons) }),
  secrets: (release, own) => ({ ...own, required: union(release.required, own.required) }),
  assets,
  kv_namespaces: bindings('binding'),
  durable_objects: objects,
  migrations,
};

function same(release, own, name) {
  if (own !== release) throw conflict(`\`${name}\` is "${own}", and this release of edgemint-worker needs "${release}"`, `remove \`${name}\``);
  return release;
}

function union(release = [], own = []) {
  return [...new Set([...release, ...own])];
}

function defaults(release, own) {
  return { ...release, ...own };
}

function assets(release, own) {
  if (own.directory !== undefined && own.directory !== release.directory) {
    const advice = `it must be "${release.directory}", or be left out; serve files of your own from index.js`;
    throw conflict(`\`assets.directory\` is "${own.directory}"`, advice);
  }
  if (own.run_worker_first === false) {
    throw conflict('`assets.run_worker_first` is false', 'list paths of your own, or leave it out');
  }
  const run_worker_first = own.run_worker_first === true || union(release.run_worker_first, own.run_worker_first);
  return { ...release, ...own, run_worker_first };
}

/** Composes lists of bindings, which `key` names. The project may complete a binding of the release, with an id for example. */
function bindings(key) {
  return (release, own, setting) => {
    const completed = release.map((binding) => {
      const mine = own.find((other) => other[key] === binding[key]) ?? {};
      const different = Object.keys(binding).find((member) => mine[member] !== undefined && mine[member] !== binding[member]);
      if (different !== undefined) {
        const what = `${binding[key]} in \`${setting}\` has the ${different} "${mine[different]}", and edgemint-worker's has "${binding[different]}"`;
        throw conflict(what, 'give your own binding another name');
      }
      return { ...binding, ...mine };
    });
    const added = own.filter((binding) => !release.some((other) => other[key] === binding[key]));
    return [...completed, ...added];
  };
}

function objects(release, own, setting) {
  const composed = bindings('name')(release.bindings, own.bindings ?? [], `${setting}.bindings`);
  const classes = release.bindings.map((binding) => binding.class_name);
  const taken = composed.slice(release.bindings.length).find((binding) => classes.includes(binding.class_name) && !binding.script_name);
  if (taken !== undefined) {
    const what = `the binding ${taken.name} is for the class ${taken.class_name}, which belongs to edgemint-worker`;
    throw conflict(what, 'give your own class another name');
  }
  return { ...own, bindings: composed };
}

/**
 * Composes the migrations in the order in which they are applied. Cloudflare applies those that follow the deployed one, so a
 * migration of the project keeps its place when a release adds one: its member `after` has the tag of the release's latest
 * migration when it was written.
 */
function migrations(release, own = [], _setting, { durable_objects: { bindings: released } }) {
  const tags = release.map(({ tag }) => tag);
  const classes = released.map((binding) => binding.class_name);
  let earliest = 0;
  for (const { tag, after, ...changes } of own) {
    if (/^v\d+$/.test(tag)) throw conflict(`the migration "${tag}" has a tag as edgemint-worker's have`, `choose another, such as "own-${tag}"`);
    const place = tags.indexOf(after);
    const advice = `add \`after = "${tags.at(-1)}"\`, the tag of edgemint-worker's latest migration, and keep it in later releases`;
    if (after === undefined) throw conflict(`the migration "${tag}" does not say which one of edgemint-worker it follows`, advice);
    if (place === -1) throw conflict(`the migration "${tag}" follows "${after}", which edgemint-worker does not have`, advice);
    if (place < earliest) throw conflict(`the migration "${tag}" is out of order: the one before it follows "${tags[earliest]}"`, advice);
    earliest = place;
    const taken = classes.find((name) => JSON.stringify(changes).includes(`"${name}"`));
    if (taken !== undefined) {
      throw conflict(`the migration "${tag}" changes the class ${taken}, which belongs to edgemint-worker`, 'give your own class another name');
    }
  }
  return release.flatMap((migration) => [
    migration,
    ...own.filter(({ after }) => after === migration.tag).map(({ after: _, ...rest }) => rest),
  ]);
}

function conflict(what, advice) {
  return new Failure(`${OWN_FILE}: ${what}`, advice);
}
