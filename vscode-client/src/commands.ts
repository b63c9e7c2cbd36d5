/** The commands of the palette and the menus: the server's, and those of this extension alone. */

import * as vscode from "vscode";

import type { Apps } from "./apps";
import { openDebugger, openDebuggerBeside } from "./debugger";
import type { Interpreters } from "./interpreters";
import type { Outputs } from "./output";
import { copyPin, type Pins } from "./pin";
import { serverCommands, type CommandArgument, type Frame } from "./protocol";
import { selectInterpreter } from "./select-interpreter";
import { pickApp, showMenu } from "./status";
import type { Node } from "./traceback-tree";
import { openPlace, type Tracebacks } from "./tracebacks";

export interface Parts {
  apps: Apps;
  outputs: Outputs;
  pins: Pins;
  tracebacks: Tracebacks;
  interpreters: Interpreters;
  restartServer: () => Promise<void>;
  /** Has the server run a command. Rejects with what to tell the person. */
  execute: (command: string, argument: CommandArgument) => Promise<unknown>;
  log: vscode.LogOutputChannel;
}

const WALKTHROUGH = "hotplate.hotplate#hotplate.firstSteps";

export function registerCommands(parts: Parts): vscode.Disposable {
  const { apps, outputs, pins, tracebacks, interpreters, log } = parts;
  const chosen = async (argument: CommandArgument | undefined) =>
    argument?.app ?? (await pickApp(apps, vscode.l10n.t("Which app?")))?.app;
  const commands: Record<string, (...given: never[]) => unknown> = {
    "hotplate.showMenu": () => showMenu(apps, pins),
    "hotplate.showOutput": async (argument?: CommandArgument) => {
      const app = await chosen(argument);
      if (app !== undefined) {
        outputs.show(app);
      }
    },
    "hotplate.copyPin": async (argument?: CommandArgument) => {
      const app = await chosen(argument);
      await (app === undefined ? copyPin(null) : pins.copy(app));
    },
    "hotplate.goToError": async (argument?: CommandArgument) => {
      const { uri, range } = apps.get((await chosen(argument)) ?? "")?.error ?? {};
      if (uri !== undefined && range !== undefined) {
        await openPlace({ uri, range });
      }
    },
    "hotplate.selectInterpreter": async (argument?: CommandArgument) => {
      const folder = apps.get((await chosen(argument)) ?? "")?.folder;
      await selectInterpreter(workspaceFolder(folder), interpreters);
    },
    "hotplate.openSettings": () =>
      vscode.commands.executeCommand("workbench.action.openSettings", "@ext:hotplate.hotplate"),
    "hotplate.openWalkthrough": () =>
      vscode.commands.executeCommand("workbench.action.openWalkthrough", WALKTHROUGH),
    "hotplate.showServerLog": () => {
      log.show();
    },
    "hotplate.restartServer": () => parts.restartServer(),
    "hotplate.openFrame": (frame: Frame) => openPlace(frame),
    "hotplate.openFrameDebugger": (node?: Node) => openDebugger(node),
    "hotplate.openFrameDebuggerBeside": (node?: Node) => openDebuggerBeside(node, tracebacks),
    "hotplate.openDebuggerBeside": () => openDebuggerBeside(tracebacks.newest, tracebacks),
    "hotplate.copyTraceback": async (node?: Node) => {
      if (node?.kind === "traceback") {
        await vscode.env.clipboard.writeText(node.traceback.text);
      }
    },
    "hotplate.clearTracebacks": () => {
      tracebacks.clear();
    },
  };
  for (const name of Object.values(serverCommands)) {
    commands[name] = (given?: CommandArgument | string) => runOnServer(parts, name, given);
  }
  return vscode.Disposable.from(
    ...Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(name, run)),
  );
}

/** A command of the server's: the app is named before, and what went wrong is told. */
async function runOnServer(
  { apps, execute }: Parts,
  command: string,
  given: CommandArgument | string | undefined,
): Promise<unknown> {
  let argument: CommandArgument = typeof given === "string" ? { id: given } : (given ?? {});
  const named = argument.app !== undefined || argument.id !== undefined;
  if (!named && command !== serverCommands.state && apps.all.length > 1) {
    const app = await pickApp(apps, vscode.l10n.t("Which app?"));
    if (app === undefined) {
      return undefined;
    }
    argument = { ...argument, app: app.app };
  }
  let answer: unknown;
  try {
    answer = await execute(command, argument);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    void vscode.window.showWarningMessage(message);
    return undefined;
  }
  if (command === serverCommands.debuggerPin) {
    await copyPin((answer as { pin: string | null } | null)?.pin ?? null);
  }
  return answer;
}

function workspaceFolder(uri: string | undefined): vscode.Uri | undefined {
  const folder = uri === undefined ? undefined : vscode.workspace.getWorkspaceFolder(vscode.Uri.parse(uri));
  return (folder ?? vscode.workspace.workspaceFolders?.[0])?.uri;
}
