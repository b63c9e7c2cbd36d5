/** The parts of the extension, and the server's life in this window. */

import * as vscode from "vscode";

import { Apps } from "./apps";
import type { Listeners, Server } from "./client";
import { registerCommands } from "./commands";
import { Crashes } from "./crashes";
import { lookForViewer } from "./debugger";
import { Interpreters } from "./interpreters";
import { Outputs } from "./output";
import { Pins } from "./pin";
import type { CommandArgument } from "./protocol";
import { NoPython } from "./python";
import { findServer } from "./server-command";
import { Status } from "./status";
import { Tracebacks } from "./tracebacks";
import { tellUntrusted, Untrusted } from "./trust";
import { within } from "./within";

/** How long a server may take to answer `initialize`. Ours needs half a second. */
const START_MS = 30_000;

export class Hotplate implements vscode.Disposable {
  private readonly log = vscode.window.createOutputChannel("Hotplate", { log: true });
  private readonly apps = new Apps();
  private readonly pins = new Pins();
  private readonly outputs = new Outputs(this.apps);
  private readonly status = new Status(this.apps);
  private readonly tracebacks = new Tracebacks(this.apps);
  private readonly interpreters = new Interpreters(this.log);
  private readonly crashes = new Crashes();
  private readonly registered: vscode.Disposable;
  private untrusted: Untrusted | undefined;
  private server: Server | undefined;
  /** Starts and stops, one after the other. */
  private turn: Promise<void> = Promise.resolve();

  constructor(private readonly context: vscode.ExtensionContext) {
    const { apps, outputs, pins, tracebacks, interpreters, log } = this;
    if (!vscode.workspace.isTrusted) {
      this.untrusted = new Untrusted();
    }
    this.registered = vscode.Disposable.from(
      registerCommands({
        apps,
        outputs,
        pins,
        tracebacks,
        interpreters,
        log,
        restartServer: () => this.restart(),
        execute: (command, argument) => this.execute(command, argument),
      }),
      vscode.workspace.onDidGrantWorkspaceTrust(() => {
        this.untrusted?.dispose();
        this.untrusted = undefined;
        void this.start();
      }),
      vscode.workspace.onDidChangeConfiguration((event) => {
        const own = ["hotplate.serverPath", "hotplate.serverInterpreter"];
        if (own.some((setting) => event.affectsConfiguration(setting))) {
          void this.restart();
        }
      }),
      this.interpreters.onDidChange(() => {
        // The server asks for all settings anew. It restarts the apps whose Python is another.
        this.server?.settingsChanged();
      }),
    );
  }

  start(): Promise<void> {
    return this.inTurn(() => this.startServer());
  }

  stop(): Promise<void> {
    return this.inTurn(() => this.stopServer());
  }

  async restart(): Promise<void> {
    if (!vscode.workspace.isTrusted) {
      await tellUntrusted();
      return;
    }
    this.crashes.forget();
    await this.inTurn(async () => {
      await this.stopServer();
      await this.startServer();
    });
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    this.turn = this.turn.then(work, work);
    return this.turn;
  }

  private async startServer(): Promise<void> {
    if (this.server !== undefined) {
      return;
    }
    void lookForViewer();
    this.status.trouble(undefined);
    const { context, interpreters, crashes, listeners, log } = this;
    try {
      const [{ createServer }] = await Promise.all([import("./client"), interpreters.find()]);
      const command = await findServer(context, interpreters.get(undefined), log);
      this.server = createServer(command, {
        context,
        interpreters,
        crashes,
        listeners,
        ready: (isReady) => {
          this.ready(isReady);
        },
        gaveUp: () => {
          this.tellGivenUp();
        },
        log,
      });
      const started = this.server.start().then(() => true);
      if ((await within(START_MS, started)) === undefined) {
        // A program that is none of ours, perhaps. Nobody is to wait for it for ever.
        started.catch(() => undefined);
        throw new Error(`It has not answered for ${START_MS / 1000} s.`);
      }
    } catch (error) {
      await this.stopServer();
      this.tellNotStarted(error);
    }
  }

  private async stopServer(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    try {
      await server?.stop();
    } catch (error) {
      this.log.warn("The server did not end as it should have:", String(error));
    }
    this.forget();
  }

  private get listeners(): Listeners {
    return {
      "hotplate/state": (state) => {
        this.apps.update(state);
      },
      "hotplate/removed": ({ app }) => {
        this.apps.remove(app);
        this.pins.remove(app);
      },
      "hotplate/debuggerPin": (pin) => {
        this.pins.update(pin);
      },
      "hotplate/pinWanted": (wanted) => {
        void this.pins.offer(wanted);
      },
      "hotplate/traceback": (traceback) => {
        this.tracebacks.add(traceback);
      },
      "hotplate/output": (output) => {
        this.outputs.append(output);
      },
    };
  }

  private ready(isReady: boolean): void {
    void vscode.commands.executeCommand("setContext", "hotplate.ready", isReady);
    if (!isReady) {
      this.forget();
    }
  }

  private async execute(command: string, argument: CommandArgument): Promise<unknown> {
    if (!vscode.workspace.isTrusted) {
      await tellUntrusted();
      return undefined;
    }
    await this.turn; // where it is being started, the command waits for it
    if (this.server?.isRunning !== true) {
      throw new Error(
        vscode.l10n.t("Hotplate's server is not running. Run the command “Restart Hotplate Itself”."),
      );
    }
    return this.server.execute(command, argument);
  }

  /** With the server its apps are gone. The exceptions stay: they are what the person reads. */
  private forget(): void {
    this.apps.clear();
    this.pins.clear();
  }

  private tellNotStarted(error: unknown): void {
    const t = vscode.l10n.t;
    const noPython = error instanceof NoPython;
    this.log.error(noPython ? `No Python was found. Tried: ${error.message}.` : String(error));
    const message = noPython ? noPythonMessage(error) : t("Hotplate's server could not be started.");
    this.status.trouble(message);
    const settings = t("Open Settings");
    const get = t("Get Python");
    const log = t("Show the Log");
    const nothing = noPython && error.wanted === undefined;
    const buttons = nothing ? [get, settings, log] : [settings, log];
    // Not awaited: it may stand there for long, and a later start is not to wait for it.
    void vscode.window.showErrorMessage(message, ...buttons).then((answer) => {
      if (answer === settings) {
        void vscode.commands.executeCommand(
          "workbench.action.openSettings",
          "hotplate.serverInterpreter",
        );
      } else if (answer === get) {
        void vscode.env.openExternal(vscode.Uri.parse("https://www.python.org/downloads/"));
      } else if (answer === log) {
        this.log.show();
      }
    });
  }

  private tellGivenUp(): void {
    const t = vscode.l10n.t;
    const message = t("Hotplate's server has crashed six times in three minutes, and stays ended.");
    this.log.error(message);
    this.status.trouble(message);
    const again = t("Start It Again");
    const log = t("Show the Log");
    void vscode.window.showErrorMessage(message, again, log).then((answer) => {
      if (answer === again) {
        void this.restart();
      } else if (answer === log) {
        this.log.show();
      }
    });
  }

  dispose(): void {
    this.untrusted?.dispose();
    const { registered, status, tracebacks, outputs, interpreters, apps } = this;
    for (const part of [registered, status, tracebacks, outputs, interpreters, apps]) {
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
