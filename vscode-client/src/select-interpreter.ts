/** Lets the person choose the app's Python: with the extension for that, or by its path. */

import { existsSync } from "node:fs";
import * as path from "node:path";

import * as vscode from "vscode";

import type { Interpreters } from "./interpreters";
import { inFolders } from "./python";

/** The command of the Python extension; Python Environments takes it over where it is installed. */
const PYTHON_EXTENSION = "python.setInterpreter";

interface Choice extends vscode.QuickPickItem {
  /** The setting's value; undefined removes it. Rejects or answers null where nothing is chosen. */
  choose: () => Promise<string | undefined | null>;
}

/** `folder` is the workspace folder of the app that is meant. */
export async function selectInterpreter(
  folder: vscode.Uri | undefined,
  interpreters: Interpreters,
): Promise<void> {
  const picked = await vscode.window.showQuickPick(await choices(folder, interpreters), {
    title: vscode.l10n.t("The Python that runs your app"),
  });
  const value = await picked?.choose();
  if (value === null || picked === undefined) {
    return;
  }
  const section = vscode.workspace.getConfiguration("hotplate", folder);
  const target =
    vscode.workspace.workspaceFile === undefined
      ? vscode.ConfigurationTarget.Workspace
      : vscode.ConfigurationTarget.WorkspaceFolder;
  await section.update("interpreter", value, target);
}

async function choices(
  folder: vscode.Uri | undefined,
  interpreters: Interpreters,
): Promise<Choice[]> {
  const t = vscode.l10n.t;
  const list: Choice[] = [];
  if ((await vscode.commands.getCommands(true)).includes(PYTHON_EXTENSION)) {
    list.push({
      label: `$(snake) ${t("Choose with the Python extension…")}`,
      choose: async () => {
        // It does not say whether its own question was closed without an answer.
        const chosen = await interpreters.chosenDuring(
          vscode.commands.executeCommand(PYTHON_EXTENSION),
        );
        return chosen ? undefined : null;
      },
    });
  }
  for (const python of inFolders().filter((each) => existsSync(each))) {
    list.push({
      label: path.basename(path.dirname(path.dirname(python))),
      description: python,
      choose: () => Promise.resolve(python),
    });
  }
  list.push(
    {
      label: `$(folder-opened) ${t("Find it on the disk…")}`,
      choose: async () => {
        const title = t("A Python, or the folder of a virtual environment");
        const found = await vscode.window.showOpenDialog({
          title,
          ...(folder && { defaultUri: folder }),
          canSelectFiles: true,
          canSelectFolders: true,
        });
        return found?.[0]?.fsPath ?? null;
      },
    },
    {
      label: `$(search) ${t("Let Hotplate look for it")}`,
      description: t("removes the setting hotplate.interpreter"),
      choose: () => Promise.resolve(undefined),
    },
  );
  return list;
}
