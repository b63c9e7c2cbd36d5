/** How often a server that crashes is started again: five times in three minutes and no more. */

const MOST = 5;
const WITHIN_MS = 3 * 60_000;

export class Crashes {
  private times: number[] = [];

  /** Whether to start again after a crash. `now` is in milliseconds. */
  again(now: number): boolean {
    this.times = this.times.filter((time) => now - time < WITHIN_MS);
    if (this.times.length >= MOST) {
      return false;
    }
    this.times.push(now);
    return true;
  }

  /** The person has started it: what was before does not count. */
  forget(): void {
    this.times = [];
  }
}
