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

/**
 * The first that is new enough: the one that the person has chosen for the app, those on the path,
 * the projects' own. Rejects with NoPython, whose message says what was tried.
 */
export async function findPython(
  chosen: string | undefined,
  log: vscode.LogOutputChannel,
): Promise<string> {
  const tried: string[] = [];
  const wanted = vscode.workspace.getConfiguration("hotplate").get<string | null>("serverInterpreter");
  const candidates = wanted ? [wanted] : [...(chosen ? [chosen] : []), ...NAMES, ...inFolders()];
  for (const command of candidates) {
    const python = await ask(command);
    if (python !== undefined && isNewEnough(python)) {
      log.info(`The server runs with Python ${python.version} (${python.path}).`);
      return python.path;
    }
    tried.push(python === undefined ? command : `${command} is ${python.version}`);
  }
  throw new NoPython(wanted ?? undefined, tried);
}

/** The Pythons of the projects' own virtual environments, whether or not they are there. */
export function inFolders(): string[] {
  const [bin, name] = process.platform === "win32" ? ["Scripts", "python.exe"] : ["bin", "python"];
  return (vscode.workspace.workspaceFolders ?? [])
    .filter((folder) => folder.uri.scheme === "file")
    .flatMap((folder) => [".venv", "venv"].map((dir) => path.join(folder.uri.fsPath, dir, bin, name)));
}

function ask(command: string): Promise<Python | undefined> {
  return new Promise((resolve) => {
    execFile(command, ["-I", "-c", ASK], { timeout: ANSWER_MS }, (error, stdout) => {
      resolve(error === null ? parseAnswer(stdout) : undefined);
    });
  });
}
