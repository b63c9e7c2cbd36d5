/**
 * The Python that the person has chosen for each folder, in the extension that lets them choose:
 * Python Environments, else Python. Neither needs to be there.
 */

import * as vscode from "vscode";

import { within } from "./within";

/** How long we wait for an extension of somebody else's before the first start. */
const ANSWER_MS = 5000;

/** How long after its question it may take such an extension to say what was chosen. */
const CHOSEN_MS = 1000;

/** Who lets the person choose. */
interface Chooser {
  chosen(folder: vscode.Uri): Promise<string | undefined>;
  onDidChange(listener: () => void): vscode.Disposable;
}

export class Interpreters implements vscode.Disposable {
  private readonly paths = new Map<string, string>();
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly listening: vscode.Disposable[] = [];
  private chooser: Chooser | undefined;
  private chooserListening: vscode.Disposable | undefined;

  /** A folder has another interpreter now. */
  readonly onDidChange = this.changed.event;

  constructor(private readonly log: vscode.LogOutputChannel) {
    this.listening.push(
      vscode.workspace.onDidChangeWorkspaceFolders(() => void this.look()),
      vscode.extensions.onDidChange(() => void this.find()),
    );
  }

  /** Undefined where nobody is there to choose with, or nothing is chosen. */
  get(folder: vscode.Uri | undefined): string | undefined {
    const asked = folder ?? vscode.workspace.workspaceFolders?.[0]?.uri;
    return asked && this.paths.get(asked.toString());
  }

  /** Look for the extensions and ask them. It never takes long: a late answer comes as a change. */
  async find(): Promise<void> {
    await within(ANSWER_MS, this.askForChooser());
  }

  private async askForChooser(): Promise<void> {
    if (this.chooser === undefined) {
      this.chooser = (await pythonEnvironments()) ?? (await pythonExtension());
      this.chooserListening = this.chooser?.onDidChange(() => void this.look());
    }
    await this.look();
  }

  /** Whether another one is chosen while `asking` goes on, or a moment after. */
  async chosenDuring(asking: Thenable<unknown>): Promise<boolean> {
    let listening: vscode.Disposable | undefined;
    const told = new Promise<true>((resolve) => {
      listening = this.chooser?.onDidChange(() => {
        resolve(true);
      });
    });
    try {
      await asking;
      return (await within(CHOSEN_MS, told)) === true;
    } finally {
      listening?.dispose();
    }
  }

  private async look(): Promise<void> {
    const { chooser } = this;
    if (chooser === undefined) {
      return;
    }
    let news = false;
    for (const { uri } of vscode.workspace.workspaceFolders ?? []) {
      const key = uri.toString();
      const before = this.paths.get(key);
      const path = await chooser.chosen(uri).catch(() => before);
      if (path === before) {
        continue;
      }
      if (path === undefined) {
        this.paths.delete(key);
        this.log.info(`No interpreter is chosen for ${uri.fsPath} any more.`);
      } else {
        this.paths.set(key, path);
        this.log.info(`The interpreter chosen for ${uri.fsPath} is ${path}.`);
      }
      news = true;
    }
    if (news) {
      this.changed.fire();
    }
  }

  dispose(): void {
    vscode.Disposable.from(...this.listening).dispose();
    this.chooserListening?.dispose();
    this.changed.dispose();
  }
}

/** An extension's API; undefined where it is not installed, offers none, or fails. */
async function apiOf<T>(id: string): Promise<T | undefined> {
  try {
    return (await vscode.extensions.getExtension<T | undefined>(id)?.activate()) ?? undefined;
  } catch {
    return undefined; // we are guests there: its troubles are told by itself
  }
}

async function pythonEnvironments(): Promise<Chooser | undefined> {
  const api = await apiOf<EnvironmentsApi>("ms-python.vscode-python-envs");
  if (api?.getEnvironment === undefined || api.onDidChangeEnvironment === undefined) {
    return undefined; // the person has it switched off (python.useEnvironmentsExtension)
  }
  const { onDidChangeEnvironment } = api;
  return {
    chosen: async (folder) => (await api.getEnvironment?.(folder))?.execInfo?.run?.executable,
    onDidChange: (listener) => onDidChangeEnvironment.call(api, listener),
  };
}

async function pythonExtension(): Promise<Chooser | undefined> {
  const environments = (await apiOf<PythonApi>("ms-python.python"))?.environments;
  if (environments === undefined) {
    return undefined;
  }
  return {
    chosen: async (folder) => {
      const active = environments.getActiveEnvironmentPath(folder);
      return (await environments.resolveEnvironment(active))?.executable.uri?.fsPath;
    },
    onDidChange: (listener) => environments.onDidChangeActiveEnvironmentPath(listener),
  };
}

/** As much of the Python Environments extension's API as is used here. */
interface EnvironmentsApi {
  getEnvironment?(
    scope: vscode.Uri,
  ): Promise<{ execInfo?: { run?: { executable?: string } } } | undefined>;
  onDidChangeEnvironment?: vscode.Event<unknown>;
}

/** As much of the Python extension's API as is used here. */
interface PythonApi {
  environments?: {
    getActiveEnvironmentPath(resource?: vscode.Uri): { id: string; path: string };
    resolveEnvironment(environment: {
      id: string;
      path: string;
    }): Promise<{ executable: { uri?: vscode.Uri } } | undefined>;
    onDidChangeActiveEnvironmentPath: vscode.Event<unknown>;
  };
}
