/** The command that starts the server. */

import * as vscode from "vscode";
import type { Executable } from "vscode-languageclient/node";

import { findPython } from "./python";

/** `chosen` is the Python that the person has chosen for an app. Rejects with NoPython. */
export async function findServer(
  context: vscode.ExtensionContext,
  chosen: string | undefined,
  log: vscode.LogOutputChannel,
): Promise<Executable> {
  const own = vscode.workspace.getConfiguration("hotplate").get<string | null>("serverPath");
  if (own) {
    log.info(`The server is ${own}, as hotplate.serverPath says.`);
    return { command: own, args: ["lsp", "--stdio"] };
  }
  const script = context.asAbsolutePath("bundled/run_server.py");
  const python = await findPython(chosen, log);
  // Isolated: no PYTHON* variable and no package of the person's own has a say in the server.
  // The variables themselves stay, for the app.
  return { command: python, args: ["-I", "-X", "utf8", script, "lsp", "--stdio"] };
}
