// A small Flask project with a virtual environment of its own, as a person would have it.
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const APP = `import sys

from flask import Flask

from numbers_of_today import average
from words import greet

app = Flask(__name__)


@app.get("/")
def index():
    return greet("world")


@app.get("/average")
def show_average():
    return str(average([]))


@app.get("/python")
def python():
    return sys.prefix
`;
/** The line, from 1, on which the app stands. */
export const APP_LINE = 8;

const NUMBERS = `def average(numbers):
    return sum(numbers) / len(numbers)
`;

export const words = (body) => `def greet(name):\n    return ${body}\n`;

/** What stands in `words.py` when the story begins. */
export const HELLO = words('f"Hello, {name}!"');

export function makeProject(folder, port) {
  mkdirSync(folder, { recursive: true });
  const write = (name, text) => writeFileSync(join(folder, name), text);
  write("app.py", APP);
  write("numbers_of_today.py", NUMBERS);
  write("words.py", HELLO);
  write("pyproject.toml", `[project]\nname = "story"\nversion = "0"\n\n[tool.hotplate]\nport = ${port}\n`);
  makeVenv(join(folder, ".venv"));
  execFileSync(
    join(folder, ".venv/bin/python"),
    ["-m", "pip", "--quiet", "--disable-pip-version-check", "install", "flask"],
    { stdio: ["ignore", "ignore", "inherit"], timeout: 120_000 },
  );
}

function makeVenv(folder, ...options) {
  execFileSync(process.env.PYTHON ?? "python3", ["-m", "venv", ...options, folder], { timeout: 60_000 });
}

/** Another environment that has what the first one has. */
export function makeOther(folder, first) {
  makeVenv(folder, "--without-pip");
  const packages = (venv) => {
    const [version] = readdirSync(join(venv, "lib"));
    return join(venv, "lib", version, "site-packages");
  };
  writeFileSync(join(packages(folder), "first.pth"), `${packages(first)}\n`);
}

/** Packs the stand-in for an extension of somebody else's, by its folder here. */
export function packStandIn(name, vsix) {
  const client = resolve(import.meta.dirname, "../..");
  execFileSync(
    process.execPath,
    [
      join(client, "node_modules/@vscode/vsce/vsce"), "package",
      "--no-dependencies", "--allow-missing-repository", "--out", vsix,
    ],
    { cwd: join(client, "test/story", name), stdio: ["ignore", "ignore", "inherit"], timeout: 30_000 },
  );
  return vsix;
}

/** A second app, of one file. */
export function makeSecond(folder, port) {
  mkdirSync(folder, { recursive: true });
  const app = 'from flask import Flask\n\napp = Flask(__name__)\n\n\n@app.get("/")\ndef index():\n    return "second"\n';
  writeFileSync(join(folder, "app.py"), app);
  writeFileSync(join(folder, "pyproject.toml"), `[tool.hotplate]\nport = ${port}\n`);
}

/** The processes whose command line names this folder and is Hotplate's: server and agents. */
export function processesOf(folder) {
  const found = [];
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
      if (command.includes(folder) && /run_server\.py|hotplate_agent/.test(command)) {
        found.push({ pid: Number(pid), command });
      }
    } catch {
      // It has ended in the meantime.
    }
  }
  return found;
}

/** The language servers among them. */
export const serversOf = (folder) =>
  processesOf(folder).filter(({ command }) => command.includes("run_server.py"));
