/** What there is to say in a workspace that the person has not trusted: nothing runs, and why. */

import * as vscode from "vscode";

const APPS = "{app.py,wsgi.py,.flaskenv,*/app.py,*/wsgi.py}";

/** Says so in the status bar, where there may be an app, until trust is granted. */
export class Untrusted implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem(
    "hotplate.untrusted",
    vscode.StatusBarAlignment.Left,
    1,
  );

  constructor() {
    this.item.name = "Hotplate";
    this.item.text = `$(shield) ${vscode.l10n.t("Hotplate: not trusted")}`;
    this.item.tooltip = why();
    this.item.command = "workbench.trust.manage";
    void this.showWhereAnAppMayBe();
  }

  private async showWhereAnAppMayBe(): Promise<void> {
    const found = await vscode.workspace.findFiles(APPS, undefined, 1);
    if (found.length > 0 && !vscode.workspace.isTrusted) {
      this.item.show();
    }
  }

  dispose(): void {
    this.item.dispose();
  }
}

/** A command came, and its answer is no. */
export async function tellUntrusted(): Promise<void> {
  const manage = vscode.l10n.t("Manage Trust");
  if ((await vscode.window.showWarningMessage(why(), manage)) === manage) {
    await vscode.commands.executeCommand("workbench.trust.manage");
  }
}

function why(): string {
  return vscode.l10n.t(
    "Hotplate runs the code of your project. You have not trusted this workspace, so nothing runs.",
  );
}
