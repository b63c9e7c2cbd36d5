/** Where a text that an app has printed names a line of a file, as Python's tracebacks do. */

export interface FileLink {
  /** Offsets in the text. */
  start: number;
  end: number;
  path: string;
  line: number;
}

const FRAME = /File "(?<path>(?:\/|[A-Za-z]:[\\/])[^"\n]+)", line (?<line>\d+)/g;
const MOST = 1000;

export function fileLinks(text: string): FileLink[] {
  const links: FileLink[] = [];
  for (const match of text.matchAll(FRAME)) {
    const path = match.groups?.path ?? "";
    const line = Number(match.groups?.line);
    const start = match.index;
    links.push({ start, end: start + match[0].length, path, line });
    if (links.length === MOST) {
      break;
    }
  }
  return links;
}
