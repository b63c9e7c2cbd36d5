/** What the person has set, and nothing else: a default of ours must not hide `[tool.hotplate]`. */

/** What VS Code's `inspect` answers, as far as we look at it. */
export interface Inspected {
  defaultValue?: unknown;
  globalValue?: unknown;
  workspaceValue?: unknown;
  workspaceFolderValue?: unknown;
}

/** Settings of this extension itself; the server does not know them. */
const OWN_SETTINGS = new Set(["serverPath", "serverInterpreter"]);

/** The settings' names below `hotplate`, from what the extension's manifest contributes. */
export function serverSettings(contributed: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(contributed)
    .map((key) => key.replace(/^hotplate\./, ""))
    .filter((key) => !OWN_SETTINGS.has(key));
}

export function setByPerson(
  keys: readonly string[],
  inspect: (key: string) => Inspected | undefined,
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const key of keys) {
    const value = effective(inspect(key));
    if (value !== undefined && value !== null) {
      values[key] = value;
    }
  }
  return values;
}

/** The nearest value; objects (`env`) are merged, as VS Code itself does. */
function effective(inspected: Inspected | undefined): unknown {
  const given = [
    inspected?.globalValue,
    inspected?.workspaceValue,
    inspected?.workspaceFolderValue,
  ].filter((value) => value !== undefined);
  if (given.length > 1 && given.every(isObject)) {
    return Object.assign({}, ...given) as unknown;
  }
  return given.at(-1);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
