// How long fetched documents are fresh.

/** Returns `max-age` within the bounds, in seconds (RFC 9111 section 5.2.2). */
export function secondsFresh(cacheControl, bounds) {
  if (/(^|[\s,])no-(store|cache)\b/i.test(cacheControl)) return bounds.least;
  const maxAge = /(?:^|[\s,])max-age="?(\d+)/i.exec(cacheControl);
  return within(bounds, maxAge === null ? bounds.usual : Number(maxAge[1]));
}

export function within({ least, most }, seconds) {
  return Math.min(Math.max(seconds, least), most);
}

/** Returns whether `since` is less than `ms` ago. False if the clock was set back meanwhile. */
export function isWithin(ms, since) {
  const elapsed = Date.now() - since;
  return elapsed >= 0 && elapsed < ms;
}
