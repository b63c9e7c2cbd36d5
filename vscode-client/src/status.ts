/** The status bar item, driven by what the server tells of the processes; and its menu. */

import * as vscode from "vscode";

import type { Apps } from "./apps";
import type { Pins } from "./pin";
import { serverCommands, type AppState } from "./protocol";
import { describe, statusText, worstFirst } from "./status-text";

export class Status implements vscode.Disposable {
  private readonly item: vscode.StatusBarItem;
  private readonly listening: vscode.Disposable;
  /** What keeps the server itself from running. */
  private problem: string | undefined;

  constructor(private readonly apps: Apps) {
    this.item = vscode.window.createStatusBarItem(
      "hotplate.status",
      vscode.StatusBarAlignment.Left,
      1,
    );
    this.item.name = "Hotplate";
    this.listening = apps.onDidChange(() => {
      this.render();
    });
  }

  /** Says what keeps the server itself from running, until it is undefined again. */
  trouble(problem: string | undefined): void {
    this.problem = problem;
    this.render();
  }

  private render(): void {
    const status = statusText(this.apps.all);
    if (status === undefined && this.problem === undefined) {
      this.item.hide();
      return;
    }
    this.item.command = status === undefined ? "hotplate.restartServer" : "hotplate.showMenu";
    if (status === undefined) {
      this.item.text = `$(error) ${vscode.l10n.t("Hotplate is not running")}`;
      this.item.tooltip = this.problem;
      this.item.accessibilityInformation = undefined;
      this.item.backgroundColor = new vscode.ThemeColor("statusBarItem.errorBackground");
      this.item.show();
      return;
    }
    this.item.text = status.text;
    this.item.accessibilityInformation = { label: status.label, role: "button" };
    this.item.backgroundColor = status.failed
      ? new vscode.ThemeColor("statusBarItem.errorBackground")
      : undefined;
    this.item.tooltip = tooltip(this.apps.all);
    this.item.show();
  }

  dispose(): void {
    this.listening.dispose();
    this.item.dispose();
  }
}

function tooltip(apps: readonly AppState[]): vscode.MarkdownString {
  const text = new vscode.MarkdownString();
  worstFirst(apps).forEach((app, index) => {
    text.appendMarkdown(index > 0 ? "\n\n**" : "**");
    text.appendText(app.name);
    text.appendMarkdown("** ");
    text.appendText(describe(app));
  });
  return text;
}

interface Entry extends vscode.QuickPickItem {
  run?: () => unknown;
}

/** What can be done with an app: first which, where there are several. */
export async function showMenu(apps: Apps, pins: Pins): Promise<void> {
  const app = await pickApp(apps, vscode.l10n.t("Which app?"));
  if (app === undefined) {
    if (apps.all.length === 0) {
      await showEmptyMenu();
    }
    return;
  }
  const picked = await vscode.window.showQuickPick(entries(app, pins), {
    title: app.name,
    placeHolder: describe(app),
  });
  await picked?.run?.();
}

function entries(app: AppState, pins: Pins): Entry[] {
  const t = vscode.l10n.t;
  const argument = { app: app.app };
  const run = (command: string, given: unknown = argument) => () =>
    vscode.commands.executeCommand(command, given);
  const stopped = app.state === "stopped" || app.state === "stopping";
  const list: Entry[] = [];
  if (app.url !== undefined && !stopped) {
    list.push({
      label: `$(globe) ${t("Open in browser")}`,
      description: app.url,
      run: run(serverCommands.openInBrowser),
    });
  }
  if (stopped) {
    list.push({ label: `$(play) ${t("Start")}`, run: run(serverCommands.start) });
  } else {
    list.push({ label: `$(debug-restart) ${t("Restart")}`, run: run(serverCommands.restart) });
    list.push({ label: `$(debug-stop) ${t("Stop")}`, run: run(serverCommands.stop) });
  }
  list.push({ label: `$(output) ${t("Show output")}`, run: run("hotplate.showOutput") });
  const place = app.error?.uri;
  if (place !== undefined) {
    list.push({
      label: `$(error) ${t("Go to the error")}`,
      run: run("hotplate.goToError"),
    });
  }
  if (pins.has(app.app)) {
    list.push({ label: `$(key) ${t("Copy the debugger's PIN")}`, run: run("hotplate.copyPin") });
  }
  list.push(
    {
      label: `$(debug-alt) ${t("Open the last exception in the debugger")}`,
      run: run(serverCommands.openDebugger),
    },
    { label: "", kind: vscode.QuickPickItemKind.Separator },
    { label: `$(symbol-namespace) ${t("Choose the interpreter")}`, run: run("hotplate.selectInterpreter") },
    { label: `$(gear) ${t("Settings")}`, run: run("hotplate.openSettings") },
  );
  return list;
}

async function showEmptyMenu(): Promise<void> {
  const start = vscode.l10n.t("Start");
  const settings = vscode.l10n.t("Settings");
  const answer = await vscode.window.showInformationMessage(
    vscode.l10n.t("Hotplate has found no Flask app here. Name yours in the settings."),
    start,
    settings,
  );
  if (answer === start) {
    await vscode.commands.executeCommand(serverCommands.start);
  } else if (answer === settings) {
    await vscode.commands.executeCommand("hotplate.openSettings");
  }
}

/** The app that is meant: the only one, or the one that the person picks. */
export async function pickApp(apps: Apps, title: string): Promise<AppState | undefined> {
  const all = worstFirst(apps.all);
  if (all.length <= 1) {
    return all[0];
  }
  const items = all.map((app) => ({ label: app.name, description: describe(app), app }));
  const picked = await vscode.window.showQuickPick(items, { title });
  return picked?.app;
}
