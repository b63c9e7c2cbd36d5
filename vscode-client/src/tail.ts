/** The end of what was printed, as a terminal takes it. */

const MOST = 400_000;

export class Tail {
  private kept = "";

  get text(): string {
    return this.kept;
  }

  /** What is new, in a terminal's spelling. */
  append(text: string): string {
    const lines = text.replace(/\r?\n/g, "\r\n");
    this.kept += lines;
    if (this.kept.length > MOST) {
      // Much at once, so that it is not done for each line; and whole lines only.
      const cut = this.kept.slice(-MOST / 2);
      this.kept = cut.slice(cut.indexOf("\n") + 1);
    }
    return lines;
  }
}
