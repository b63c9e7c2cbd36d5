/** Hotplate in VS Code: starts the server and gives what it tells VS Code's own places. */

import * as vscode from "vscode";
import { State, type LanguageClient } from "vscode-languageclient/node";

import { Apps } from "./apps";
import { createClient, findServer } from "./client";
import { registerCommands, serverCommandMiddleware } from "./commands";
import { Outputs } from "./output";
import { Pins } from "./pin";
import * as protocol from "./protocol";
import { NoPython } from "./python";
import { Status } from "./status";
import { Tracebacks } from "./tracebacks";

let hotplate: Hotplate | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  hotplate = new Hotplate(context);
  context.subscriptions.push(hotplate);
  await hotplate.start();
}

export async function deactivate(): Promise<void> {
  await hotplate?.stop();
}

class Hotplate implements vscode.Disposable {
  private readonly log = vscode.window.createOutputChannel("Hotplate", { log: true });
  private readonly apps = new Apps();
  private readonly pins = new Pins();
  private readonly outputs = new Outputs(this.apps);
  private readonly status = new Status(this.apps);
  private readonly tracebacks = new Tracebacks(this.apps);
  private readonly registered: vscode.Disposable;
  private client: LanguageClient | undefined;
  /** Starts and stops, one after the other. */
  private turn: Promise<void> = Promise.resolve();

  constructor(private readonly context: vscode.ExtensionContext) {
    const { apps, outputs, pins, tracebacks, log } = this;
    const restartServer = () => this.restart();
    this.registered = vscode.Disposable.from(
      registerCommands({ apps, outputs, pins, tracebacks, log, restartServer }),
      vscode.workspace.onDidChangeConfiguration((event) => {
        const own = ["hotplate.serverPath", "hotplate.serverInterpreter"];
        if (own.some((setting) => event.affectsConfiguration(setting))) {
          void this.restart();
        }
      }),
    );
  }

  start(): Promise<void> {
    return this.inTurn(() => this.startClient());
  }

  stop(): Promise<void> {
    return this.inTurn(() => this.stopClient());
  }

  restart(): Promise<void> {
    return this.inTurn(async () => {
      await this.stopClient();
      await this.startClient();
    });
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    this.turn = this.turn.then(work, work);
    return this.turn;
  }

  private async startClient(): Promise<void> {
    try {
      const server = await findServer(this.context, this.log);
      const middleware = serverCommandMiddleware(this.apps);
      this.client = createClient(this.context, server, this.log, middleware);
      this.listen(this.client);
      await this.client.start();
    } catch (error) {
      await this.tellNotStarted(error);
    }
  }

  private async stopClient(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    try {
      await client?.dispose();
    } catch (error) {
      this.log.warn("The server did not end as it should have:", String(error));
    }
    this.forget();
  }

  private listen(client: LanguageClient): void {
    client.onNotification(protocol.stateNotification, (state) => {
      this.apps.update(state);
    });
    client.onNotification(protocol.debuggerPinNotification, (pin) => {
      this.pins.update(pin);
    });
    client.onNotification(protocol.tracebackNotification, (traceback) => {
      this.tracebacks.add(traceback);
    });
    client.onNotification(protocol.outputNotification, (output) => {
      this.outputs.append(output);
    });
    client.onDidChangeState(({ newState }) => {
      void vscode.commands.executeCommand(
        "setContext",
        "hotplate.ready",
        newState === State.Running,
      );
      if (newState !== State.Running) {
        this.forget();
      }
    });
  }

  /** With the server its apps are gone. The exceptions stay: they are what the person reads. */
  private forget(): void {
    this.apps.clear();
    this.pins.clear();
  }

  private async tellNotStarted(error: unknown): Promise<void> {
    const t = vscode.l10n.t;
    const settings = t("Open Settings");
    const log = t("Show the Log");
    const noPython = error instanceof NoPython;
    this.log.error(noPython ? `No Python was found. Tried: ${error.message}.` : String(error));
    const message = noPython ? noPythonMessage(error) : t("Hotplate's server could not be started.");
    void vscode.window.showErrorMessage(message, settings, log).then((answer) => {
      if (answer === settings) {
        void vscode.commands.executeCommand(
          "workbench.action.openSettings",
          "hotplate.serverInterpreter",
        );
      } else if (answer === log) {
        this.log.show();
      }
    });
    await vscode.commands.executeCommand("setContext", "hotplate.ready", false);
  }

  dispose(): void {
    for (const part of [this.registered, this.status, this.tracebacks, this.outputs, this.apps]) {
      part.dispose();
    }
    this.log.dispose();
  }
}

function noPythonMessage({ wanted }: NoPython): string {
  const t = vscode.l10n.t;
  const needs = t("Hotplate itself runs with Python 3.10 or later; your app may use an older one.");
  return wanted === undefined
    ? `${needs} ${t("None was found. Install one, or name it in hotplate.serverInterpreter.")}`
    : `${needs} ${t("What hotplate.serverInterpreter names is none: {0}", wanted)}`;
}
