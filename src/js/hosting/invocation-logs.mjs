// Says where a deployed Worker's invocation logs would hold tokens: some items of COMPATIBILITY put them into URLs.

/** The items of COMPATIBILITY with a token in the URL, and the names of libraries that include them. */
const TOKENS_IN_URLS = ['oauth2client', 'revocation_by_possession', 'tokeninfo'];

/**
 * Returns a warning, or undefined. `configuration` is that of wrangler, `options` those of `wrangler deploy`, whose `--var` replaces
 * a value of the configuration.
 */
export function invocationLogsWarning({ vars = {}, observability = {} }, options = []) {
  const value = varOf(options, 'COMPATIBILITY') ?? vars.COMPATIBILITY ?? '';
  const items = value.split(/[ ,]+/).filter((item) => TOKENS_IN_URLS.includes(item));
  const { enabled = false, logs = {} } = observability;
  const areLogged = (logs.enabled ?? enabled) && logs.invocation_logs !== false;
  if (items.length === 0 || !areLogged) return undefined;
  return `COMPATIBILITY names ${items.join(', ')}: clients put tokens into URLs, and Cloudflare's invocation logs hold URLs. `
    + 'Set `invocation_logs = false` under `[observability.logs]`.';
}

function varOf(options, name) {
  const values = options.flatMap((option, index) => {
    if (option === '--var') return [options[index + 1] ?? ''];
    return option.startsWith('--var=') ? [option.slice('--var='.length)] : [];
  });
  return values.findLast((value) => value.startsWith(`${name}:`))?.slice(name.length + 1);
}
