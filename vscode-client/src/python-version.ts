/** What a Python says of itself. */

export interface Python {
  path: string;
  version: string;
}

const OLDEST = [3, 10] as const;

/** The version and the executable, a line each; undefined where that is not what was answered. */
export function parseAnswer(stdout: string): Python | undefined {
  const [version, path] = stdout.split(/\r?\n/);
  if (version === undefined || !/^\d+\.\d+$/.test(version) || !path) {
    return undefined;
  }
  return { path, version };
}

export function isNewEnough({ version }: Python): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}
