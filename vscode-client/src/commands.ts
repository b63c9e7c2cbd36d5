/**
 * The commands of the palette and the menus.
 *
 * Those that the server itself offers (`hotplate.start` and its kin) are registered by the language
 * client; here they only learn which app is meant. The others have names that the server does not.
 */

import * as vscode from "vscode";
import type { Middleware } from "vscode-languageclient/node";

import type { Apps } from "./apps";
import type { Outputs } from "./output";
import { copyPin, type Pins } from "./pin";
import { serverCommands, type CommandArgument, type Frame } from "./protocol";
import { pickApp, showMenu } from "./status";
import type { Node } from "./traceback-tree";
import { openDebugger, openPlace, type Tracebacks } from "./tracebacks";

export interface Parts {
  apps: Apps;
  outputs: Outputs;
  pins: Pins;
  tracebacks: Tracebacks;
  restartServer: () => Promise<void>;
  log: vscode.LogOutputChannel;
}

export function registerCommands(parts: Parts): vscode.Disposable {
  const { apps, outputs, pins, tracebacks, log } = parts;
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
    "hotplate.openSettings": () =>
      vscode.commands.executeCommand("workbench.action.openSettings", "hotplate."),
    "hotplate.showServerLog": () => {
      log.show();
    },
    "hotplate.restartServer": () => parts.restartServer(),
    "hotplate.openFrame": (frame: Frame) => openPlace(frame),
    "hotplate.openFrameDebugger": (node?: Node) => openDebugger(node),
    "hotplate.copyTraceback": async (node?: Node) => {
      if (node?.kind === "traceback") {
        await vscode.env.clipboard.writeText(node.traceback.text);
      }
    },
    "hotplate.clearTracebacks": () => {
      tracebacks.clear();
    },
  };
  return vscode.Disposable.from(
    ...Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(name, run)),
  );
}

/** What happens between a command of the server and the server: the app is named, errors are told. */
export function serverCommandMiddleware(apps: Apps): NonNullable<Middleware["executeCommand"]> {
  return async (command, args, next) => {
    const given = args[0] as CommandArgument | string | undefined;
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
      answer = await next(command, [argument]);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      void vscode.window.showWarningMessage(message);
      return undefined;
    }
    if (command === serverCommands.debuggerPin) {
      await copyPin((answer as { pin: string | null } | null)?.pin ?? null);
    }
    return answer;
  };
}
