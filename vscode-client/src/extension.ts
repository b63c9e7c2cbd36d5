/** Hotplate in VS Code: starts the server and gives what it tells VS Code's own places. */

import * as vscode from "vscode";

import { Hotplate } from "./hotplate";

let hotplate: Hotplate | undefined;

export function activate(context: vscode.ExtensionContext): void {
  hotplate = new Hotplate(context);
  context.subscriptions.push(hotplate);
  if (vscode.workspace.isTrusted) {
    // Not awaited: to find the interpreters may take others their time.
    void hotplate.start();
  }
}

export async function deactivate(): Promise<void> {
  await hotplate?.stop();
}
