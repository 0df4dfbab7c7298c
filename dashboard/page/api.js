// Requests to the API: a few at a time, conditional, repeated while the server is busy.

const AT_ONCE = 4;
const MOST_TRIES = 6;
const MOST_KEPT = 200;

/** The API refused; `detail` says why and what to do. */
export class Refused extends Error {
  constructor(status, detail, retryAfter) {
    super(detail);
    this.name = "Refused";
    this.status = status;
    this.retryAfter = retryAfter;
  }

  /** Whether there is no data yet: asking again at once does not help. */
  get hasNoData() {
    return this.status === 503 && this.retryAfter == null;
  }
}

/** The server did not answer. */
export class Unreachable extends Error {
  constructor() {
    super("The server does not answer.");
    this.name = "Unreachable";
  }
}

export class Api {
  #token;
  #kept = new Map();
  #asked = new Map();
  #waiting = [];
  #running = 0;
  #round = new AbortController();

  /** `refused` is called when the token is not, or no longer, accepted. */
  constructor(token, refused = () => {}) {
    this.#token = token;
    this.refused = refused;
  }

  /** Begin anew: what is still being asked is dropped, and what is asked from now on is asked again. */
  newRound() {
    this.#round.abort();
    this.#round = new AbortController();
    this.#asked.clear();
  }

  /** The body of a JSON answer; the same object as before when nothing has changed. Asked once per round. */
  get(path) {
    if (!this.#asked.has(path)) this.#asked.set(path, this.#inTurn(() => this.#conditional(path), this.#round.signal));
    return this.#asked.get(path);
  }

  /** Forget that a path was asked in this round. */
  forget(path) {
    this.#asked.delete(path);
  }

  /** An answer as it is, for a download. */
  async fetch(path, headers = {}, signal = undefined) {
    let answer;
    try {
      const given = { Authorization: `Bearer ${this.#token}`, ...headers };
      // Relative, so that it holds below any prefix a proxy puts before it. The cache is ours: see `#conditional`.
      answer = await fetch(`.${path}`, { headers: given, signal, cache: "no-store" });
    } catch (error) {
      throw error.name === "AbortError" ? error : new Unreachable();
    }
    if (answer.ok || answer.status === 304) return answer;
    throw await this.#refusal(answer);
  }

  async #refusal(answer) {
    const problem = await answer.json().catch(() => ({}));
    const retryAfter = answer.headers.get("Retry-After");
    const refusal = new Refused(answer.status, problem.detail ?? `The server answered ${answer.status}.`, retryAfter);
    refusal.faults = problem.errors ?? [];
    if (answer.status === 401) this.refused();
    return refusal;
  }

  async #conditional(path) {
    const { signal } = this.#round;
    const kept = this.#kept.get(path);
    for (let tried = 1; ; tried += 1) {
      try {
        const answer = await this.fetch(path, kept ? { "If-None-Match": kept.tag } : {}, signal);
        return answer.status === 304 ? kept.body : this.#keep(path, answer.headers.get("ETag"), await answer.json());
      } catch (error) {
        if (error.retryAfter == null || tried === MOST_TRIES) throw error;
        await pause(Number(error.retryAfter) * 1000);
        signal.throwIfAborted();
      }
    }
  }

  #keep(path, tag, body) {
    this.#kept.delete(path);
    if (tag) this.#kept.set(path, { tag, body });
    if (this.#kept.size > MOST_KEPT) this.#kept.delete(this.#kept.keys().next().value);
    return body;
  }

  async #inTurn(ask, signal) {
    if (this.#running >= AT_ONCE) await new Promise((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      signal.throwIfAborted();
      return await ask();
    } finally {
      if (this.#waiting.length) this.#waiting.shift()();
      else this.#running -= 1;
    }
  }
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
