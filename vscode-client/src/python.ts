/** Finds a Python that can run the server. The app runs with its own, which the server finds. */

import { execFile } from "node:child_process";
import * as path from "node:path";

import * as vscode from "vscode";

import { isNewEnough, parseAnswer, type Python } from "./python-version";

const ASK = 'import sys; print("%d.%d" % sys.version_info[:2]); print(sys.executable)';
const ANSWER_MS = 10_000;
const NAMES = ["python3", "python", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10"];

/** `wanted` is what the setting names, where it does; `message` says what was tried. */
export class NoPython extends Error {
  constructor(
    readonly wanted: string | undefined,
    tried: readonly string[],
  ) {
    super(tried.join(", "));
  }
}

/** The first that is new enough. Rejects with NoPython, whose message says what was tried. */
export async function findPython(log: vscode.LogOutputChannel): Promise<string> {
  const tried: string[] = [];
  const wanted = vscode.workspace.getConfiguration("hotplate").get<string | null>("serverInterpreter");
  const candidates = wanted ? [() => Promise.resolve([wanted])] : [pythonExtension, onPath, inFolders];
  for (const candidate of candidates) {
    for (const command of await candidate()) {
      const python = await ask(command);
      if (python !== undefined && isNewEnough(python)) {
        log.info(`The server runs with Python ${python.version} (${python.path}).`);
        return python.path;
      }
      tried.push(python === undefined ? command : `${command} is ${python.version}`);
    }
  }
  throw new NoPython(wanted ?? undefined, tried);
}

/** What the Python extension has chosen, where it is installed. */
async function pythonExtension(): Promise<string[]> {
  const extension = vscode.extensions.getExtension<PythonApi>("ms-python.python");
  if (extension === undefined) {
    return [];
  }
  try {
    const api = await within(ANSWER_MS, Promise.resolve(extension.activate()));
    const environments = api?.environments;
    if (environments === undefined) {
      return [];
    }
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
    const active = environments.getActiveEnvironmentPath(folder);
    const resolved = await within(ANSWER_MS, environments.resolveEnvironment(active));
    const executable = resolved?.executable.uri?.fsPath;
    return executable === undefined ? [] : [executable];
  } catch {
    return []; // it is a guest here: its troubles are told by itself
  }
}

function onPath(): Promise<string[]> {
  return Promise.resolve(NAMES);
}

/** The projects' own virtual environments: the last resort, as they come and go. */
function inFolders(): Promise<string[]> {
  const [bin, name] = process.platform === "win32" ? ["Scripts", "python.exe"] : ["bin", "python"];
  return Promise.resolve(
    (vscode.workspace.workspaceFolders ?? [])
      .filter((folder) => folder.uri.scheme === "file")
      .flatMap((folder) => [".venv", "venv"].map((dir) => path.join(folder.uri.fsPath, dir, bin, name))),
  );
}

function ask(command: string): Promise<Python | undefined> {
  return new Promise((resolve) => {
    execFile(command, ["-I", "-c", ASK], { timeout: ANSWER_MS }, (error, stdout) => {
      resolve(error === null ? parseAnswer(stdout) : undefined);
    });
  });
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => {
      resolve(undefined);
    }, ms);
  });
  return Promise.race([promise, late]).finally(() => {
    clearTimeout(timer);
  });
}

/** As much of the Python extension's API as is used here. */
interface PythonApi {
  environments?: {
    getActiveEnvironmentPath(resource?: vscode.Uri): { id: string; path: string };
    resolveEnvironment(environment: {
      id: string;
      path: string;
    }): Promise<{ executable: { uri?: vscode.Uri } } | undefined>;
  };
}
