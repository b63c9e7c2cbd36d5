import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";

import { serverSettings, setByPerson, type Inspected } from "../../src/settings";

const inspecting = (values: Record<string, Inspected>) => (key: string) => values[key];

describe("what the person has set", () => {
  test("defaults are not sent", () => {
    const values = { port: { defaultValue: 5000 }, host: {} };
    assert.deepEqual(setByPerson(["port", "host"], inspecting(values)), {});
  });

  test("a value that equals the default is sent: the person has given it", () => {
    const values = { port: { defaultValue: 5000, workspaceValue: 5000 } };
    assert.deepEqual(setByPerson(["port"], inspecting(values)), { port: 5000 });
  });

  test("the nearest value wins", () => {
    const values = { port: { globalValue: 1, workspaceValue: 2, workspaceFolderValue: 3 } };
    assert.deepEqual(setByPerson(["port"], inspecting(values)), { port: 3 });
  });

  test("false and zero are values, null is none", () => {
    const values = {
      debug: { globalValue: false },
      port: { workspaceValue: 0 },
      app: { workspaceValue: null },
    };
    assert.deepEqual(setByPerson(["debug", "port", "app"], inspecting(values)), {
      debug: false,
      port: 0,
    });
  });

  test("environment variables of all scopes are merged, lists are not", () => {
    const values = {
      env: { globalValue: { A: "1", B: "1" }, workspaceFolderValue: { B: "2" } },
      extraFiles: { globalValue: ["a"], workspaceValue: ["b"] },
    };
    assert.deepEqual(setByPerson(["env", "extraFiles"], inspecting(values)), {
      env: { A: "1", B: "2" },
      extraFiles: ["b"],
    });
  });
});

test("the extension's own settings are not the server's", () => {
  const contributed = { "hotplate.port": {}, "hotplate.serverPath": {} };
  assert.deepEqual(serverSettings(contributed), ["port"]);
});

const manifestText = readFileSync("package.json", "utf8");
const texts = JSON.parse(readFileSync("package.nls.json", "utf8")) as Record<string, string>;

test("each text of the manifest can be translated, and none is left over", () => {
  const used = [...manifestText.matchAll(/"%([^"%]+)%"/g)].map(([, key]) => key);
  assert.deepEqual([...new Set(used)].sort(), Object.keys(texts).sort());
  const titles = /"(?:title|name|contents|markdownDescription|altText)": "(?!%|Hotplate"|hotplate")/;
  const bare = manifestText.split("\n").filter((line) => titles.test(line));
  assert.deepEqual(bare.filter((line) => !line.includes("The Hotplate maintainers")), []);
});

test("the commands that the manifest's texts name are there", () => {
  interface Manifest {
    contributes: { commands: { command: string; category: string }[] };
  }
  const { commands } = (JSON.parse(manifestText) as Manifest).contributes;
  assert.ok(commands.every(({ category }) => category === "Hotplate"));
  const known = new Set(commands.map(({ command }) => command));
  for (const [, command = ""] of JSON.stringify(texts).matchAll(/command:(hotplate\.\w+)/g)) {
    assert.ok(known.has(command) || command === "hotplate.tracebacks", command);
  }
});

test("the manifest has the server's settings, with its defaults, each described", () => {
  interface Property {
    default: unknown;
    scope: string;
    markdownDescription: string;
  }
  const manifest = JSON.parse(manifestText) as {
    contributes: { configuration: { properties: Record<string, Property> }[] };
  };
  const groups = manifest.contributes.configuration.map((group) => group.properties);
  const properties = Object.assign({}, ...groups) as Record<string, Property>;
  const defaults = Object.fromEntries(
    serverSettings(properties).map((key) => [key, properties[`hotplate.${key}`]?.default]),
  );
  assert.deepEqual(defaults, {
    app: null,
    script: null,
    args: [],
    apps: [],
    folder: null,
    name: null,
    interpreter: null,
    cwd: null,
    env: {},
    envFile: null,
    host: "127.0.0.1",
    port: 5000,
    cert: null,
    key: null,
    threaded: true,
    debug: true,
    debugger: true,
    autoStart: "ask",
    restartOnSave: "manual",
    extraFiles: [],
    excludePatterns: [],
    watchExternalChanges: true,
    warmup: "dependencies",
    drainSeconds: 2,
    startSeconds: 30,
    openBrowser: "never",
  });
  for (const [key, property] of Object.entries(properties)) {
    assert.ok((texts[property.markdownDescription.slice(1, -1)] ?? "").length > 15, key);
    const runsPrograms = /(interpreter|serverInterpreter|serverPath)$/.test(key);
    assert.equal(property.scope, runsPrograms ? "machine-overridable" : "resource", key);
  }
});
