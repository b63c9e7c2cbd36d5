/** Werkzeug's interactive debugger of one exception: in the browser, or beside the code. */

import * as vscode from "vscode";

import { serverCommands } from "./protocol";
import type { Node } from "./traceback-tree";
import type { Tracebacks } from "./tracebacks";

const INTEGRATED = "workbench.action.browser.open";
const SIMPLE = "simpleBrowser.api.open";

/** The distribution whose webviews, with all that is shown in them, are of the workbench's own site. */
const OWN_SITE = "code-server";

/**
 * What can show the debugger beside the code. Its cookie is SameSite=Strict: in a frame of another
 * site, as VS Code's webviews are, it could never be unlocked. The desktop's integrated browser is no
 * frame; and code-server serves its webviews, and the app's forwarded port, from one site.
 */
async function viewer(): Promise<typeof INTEGRATED | typeof SIMPLE | undefined> {
  if ((await vscode.commands.getCommands(true)).includes(INTEGRATED)) {
    return INTEGRATED;
  }
  return vscode.env.appName === OWN_SITE ? SIMPLE : undefined;
}

/** Offers it in the menus, where it works. */
export async function lookForViewer(): Promise<void> {
  const found = (await viewer()) !== undefined;
  await vscode.commands.executeCommand("setContext", "hotplate.canOpenBeside", found);
}

/** In the browser. The server opens it, and says why where it can't. */
export async function openDebugger(node: Node | undefined): Promise<void> {
  const argument =
    node?.kind === "traceback" ? { app: node.traceback.app, id: node.traceback.id } : undefined;
  await vscode.commands.executeCommand(serverCommands.openDebugger, argument);
}

/** Beside the code; in the browser where there is nothing that it would work in. */
export async function openDebuggerBeside(
  node: Node | undefined,
  tracebacks: Tracebacks,
): Promise<void> {
  const traceback = node?.kind === "traceback" ? node.traceback : undefined;
  // Of a process that is gone the server says so.
  const alive = traceback !== undefined && tracebacks.isDebuggable(traceback);
  const url = alive ? traceback.debuggerUrl : undefined;
  const command = await viewer();
  if (url === undefined || command === undefined) {
    await openDebugger(node);
    return;
  }
  const reachable = await vscode.env.asExternalUri(vscode.Uri.parse(url, true));
  if (command === INTEGRATED) {
    await vscode.commands.executeCommand(command, {
      url: reachable.toString(true),
      openToSide: true,
    });
  } else {
    await vscode.commands.executeCommand(command, reachable, {
      viewColumn: vscode.ViewColumn.Beside,
    });
  }
}
