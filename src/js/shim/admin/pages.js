// A list of the admin API: its items, or its pages, one request a page.

export class Pages {
  #load;
  #member;
  #first;

  /** `load` returns the page at a cursor; `member` is the member with its items; `first` is the cursor to begin with, if any. */
  constructor(load, member, first) {
    this.#load = load;
    this.#member = member;
    this.#first = first;
  }

  /** Requests the first page alone. */
  page() {
    return this.#load(this.#first);
  }

  async* pages() {
    let cursor = this.#first;
    do {
      const page = await this.#load(cursor);
      yield page;
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  async* [Symbol.asyncIterator]() {
    for await (const page of this.pages()) yield* page[this.#member];
  }
}
