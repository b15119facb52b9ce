// The limit of every operation that changes a grant: a warm Durable Object writes one row, and nothing else. It knows no
// client, checks nothing and signs nothing.
import { DurableObject } from 'cloudflare:workers';

// As long as one of our grants.
const STATE = 'x'.repeat(420);

export class Row extends DurableObject {
  constructor(state, env) {
    super(state, env);
    this.sql = state.storage.sql;
    this.sql.exec('CREATE TABLE IF NOT EXISTS record (id TEXT PRIMARY KEY, turned INTEGER, state TEXT) WITHOUT ROWID');
    this.turned = 0;
  }

  fetch() {
    this.turned += 1;
    this.sql.exec('INSERT OR REPLACE INTO record (id, turned, state) VALUES (?, ?, ?)', 'grant', this.turned, STATE);
    return new Response(`${this.turned}`);
  }
}

export default {
  fetch(request, env) {
    return env.ROWS.getByName(new URL(request.url).pathname).fetch(request);
  },
};
