// Waiting is for something, with a limit that only a fault reaches. Nothing here waits for time to pass.

/** What must happen within this long, milliseconds. A test that passes takes a fraction of it. */
export const PATIENCE = 15_000;

const PAUSE = 25; // ms between two looks at something that does not announce itself

/** The first truthy value of `look`, which may be asynchronous. */
export async function eventually(look, what, within = PATIENCE) {
  const end = performance.now() + within;
  for (;;) {
    const value = await look();
    if (value) return value;
    if (performance.now() > end) throw new Error(`not within ${within / 1000} s: ${what}`);
    await new Promise((resume) => setTimeout(resume, PAUSE));
  }
}

/** What is told one after the other, kept, and waited for. */
export class Told {
  #waiting = new Set();
  #all = [];

  get all() {
    return this.#all;
  }

  add(value) {
    this.#all.push(value);
    for (const look of [...this.#waiting]) look(value);
  }

  /** Forgets all but the newest. */
  forget() {
    this.#all = this.#all.slice(-1);
  }

  /** The first value from now on for which `fits` holds. */
  next(fits, what, within = PATIENCE) {
    return new Promise((resolve, reject) => {
      let last;
      const end = () => (clearTimeout(timer), this.#waiting.delete(look));
      const timer = setTimeout(() => {
        end();
        reject(new Error(`not within ${within / 1000} s: ${what}; last told: ${JSON.stringify(last)}`));
      }, within).unref();
      const look = (value) => {
        last = value;
        try {
          if (!fits(value)) return;
          end();
          resolve(value);
        } catch (error) {
          end();
          reject(error);
        }
      };
      this.#waiting.add(look);
    });
  }

  /** The first value for which `fits` holds, of those told already and those to come. */
  async find(fits, what, within = PATIENCE) {
    return this.#all.find(fits) ?? this.next(fits, what, within);
  }
}
