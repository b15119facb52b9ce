// Cloudflare's published limits and prices, with their sources. Each number is the page's own; none was measured here.

/** The date on which the pages were read, as stored copies; the prices are those of the paid plan. */
export const READ_ON = '2026-11-24';

export const PAGES = {
  objects: 'developers.cloudflare.com/durable-objects/platform/limits',
  objectPrices: 'developers.cloudflare.com/durable-objects/platform/pricing',
  workers: 'developers.cloudflare.com/workers/platform/limits',
  workerPrices: 'developers.cloudflare.com/workers/platform/pricing',
  kv: 'developers.cloudflare.com/kv/platform/limits',
  kvPrices: 'developers.cloudflare.com/kv/platform/pricing',
};

export const LIMITS = {
  /** Requests a second to one Durable Object, "a soft limit". */
  objectRequests: { value: 1000, page: PAGES.objects },
  /** Bytes in one Durable Object with SQLite. */
  objectBytes: { value: 10e9, page: PAGES.objects },
  /** Writes a second of one key in KV. */
  kvWrites: { value: 1, page: PAGES.kv },
  /** Subrequests of one request: 10,000 on the paid plan, 50 on the free one; older copies of the page have 1,000. */
  subrequests: { value: 1000, page: PAGES.workers },
  /** Bytes of memory of an isolate. */
  memory: { value: 128e6, page: PAGES.workers },
  /** Processor time of a request on the free plan, ms; on the paid one it is 30 s unless set otherwise. */
  freeProcessor: { value: 10, page: PAGES.workers },
  paidProcessor: { value: 30_000, page: PAGES.workerPrices },
  /** Bytes of a Worker, compressed, on the paid plan; 3 MB on the free one. A newer copy has 64 MiB. */
  workerBytes: { value: 10e6, page: PAGES.workers },
};

/** Dollars for a million of each, beyond the included amount of a month. */
export const PRICES = {
  requests: { million: 0.30, included: 10e6, what: 'requests', page: PAGES.workerPrices },
  processor: { million: 0.02, included: 30e6, what: 'ms of processor time', page: PAGES.workerPrices },
  objectCalls: { million: 0.15, included: 1e6, what: 'calls of objects, alarms among them', page: PAGES.objectPrices },
  objectTime: { million: 12.50, included: 400e3, what: 'GB-s of objects in memory', page: PAGES.objectPrices },
  rowsRead: { million: 0.001, included: 25e9, what: 'rows read', page: PAGES.objectPrices },
  rowsWritten: { million: 1.00, included: 50e6, what: 'rows written', page: PAGES.objectPrices },
  kvReads: { million: 0.50, included: 10e6, what: 'reads of KV', page: PAGES.kvPrices },
  stored: { million: 0.20e6, included: 5, what: 'GB stored in objects', page: PAGES.objectPrices },
};

/** Bytes of memory that are billed for each object in use. */
export const OBJECT_MEMORY = 0.128;
