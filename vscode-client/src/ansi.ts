/** Output channels show text as it is: colours would be seen as their codes. */

// CSI sequences (colours, cursor), OSC sequences (titles, links) and the other two-byte escapes.
// eslint-disable-next-line no-control-regex
const ESCAPES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])/g;

export function withoutEscapes(text: string): string {
  return text.replace(ESCAPES, "");
}
