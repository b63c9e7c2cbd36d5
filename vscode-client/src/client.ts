/**
 * The language client: how the server is started, and what it is told of this editor.
 *
 * It is a bundle of its own, loaded when the server is to start: the library behind it is large.
 */

import * as vscode from "vscode";
import {
  CloseAction,
  DidChangeConfigurationNotification,
  ErrorAction,
  ExecuteCommandRequest,
  LanguageClient,
  RevealOutputChannelOn,
  State,
  type ClientCapabilities,
  type ErrorHandler,
  type Executable,
  type FeatureState,
  type LanguageClientOptions,
  type Middleware,
  type ServerCapabilities,
  type StaticFeature,
} from "vscode-languageclient/node";

import type { Crashes } from "./crashes";
import type { Interpreters } from "./interpreters";
import type { CommandArgument, Notifications } from "./protocol";
import { serverSettings, setByPerson } from "./settings";
import { messageName } from "./trace";

/** What is done with what the server tells, by the message's name. */
export type Listeners = { [Name in keyof Notifications]: (told: Notifications[Name]) => void };

/** The server, as far as the rest of the extension knows it. */
export interface Server {
  readonly isRunning: boolean;
  start(): Promise<void>;
  /** Ends it and its apps. */
  stop(): Promise<void>;
  /** Rejects with what to tell the person. */
  execute(command: string, argument: CommandArgument): Promise<unknown>;
  /** Some settings are others now: it asks for all of them anew. */
  settingsChanged(): void;
}

export interface Surroundings {
  context: vscode.ExtensionContext;
  interpreters: Interpreters;
  crashes: Crashes;
  listeners: Listeners;
  /** The server answers, or it does no more. */
  ready: (isReady: boolean) => void;
  /** The server has crashed too often, and is not started again. */
  gaveUp: () => void;
  log: vscode.LogOutputChannel;
}

export function createServer(command: Executable, surroundings: Surroundings): Server {
  let hasRun = false;
  const client = createClient(command, surroundings, () => hasRun);
  const { listeners, ready } = surroundings;
  for (const [name, listener] of Object.entries(listeners)) {
    client.onNotification(name, listener as (told: unknown) => void);
  }
  client.onDidChangeState(({ newState }) => {
    hasRun ||= newState === State.Running;
    ready(newState === State.Running);
  });
  return {
    get isRunning() {
      return client.state === State.Running;
    },
    start: () => client.start(),
    stop: () => client.dispose(),
    execute: (command, argument) =>
      client.sendRequest(ExecuteCommandRequest.type, { command, arguments: [argument] }),
    settingsChanged: () => {
      if (client.state === State.Running) {
        void client.sendNotification(DidChangeConfigurationNotification.type, { settings: null });
      }
    },
  };
}

function createClient(
  command: Executable,
  surroundings: Surroundings,
  hasRun: () => boolean,
): LanguageClient {
  const { log } = surroundings;
  const options: LanguageClientOptions = {
    // All files: an app may have read any of them while it started.
    documentSelector: [{ scheme: "file" }],
    initializationOptions: { trusted: vscode.workspace.isTrusted },
    outputChannel: log,
    traceOutputChannel: withoutContents(log),
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    stdioOptions: {
      stdout: () => undefined, // it is the protocol
      stderr: (stream, channel) => {
        stream.on("data", (text: Buffer) => {
          channel.append(text.toString());
        });
      },
    },
    errorHandler: errorHandler(surroundings, hasRun),
    middleware: { workspace: configurationMiddleware(surroundings) },
  };
  const client = new LanguageClient("hotplate", "Hotplate", command, options);
  client.registerFeature(new OwnNotifications());
  return client;
}

/** Tells the server that this client shows Hotplate's own notifications itself. */
class OwnNotifications implements StaticFeature {
  fillClientCapabilities(capabilities: ClientCapabilities): void {
    const hotplate = { commands: ["hotplate.copyPin", "hotplate.selectInterpreter"] };
    capabilities.experimental = { ...(capabilities.experimental as object), hotplate };
    // The status bar shows a start already.
    capabilities.window = { ...capabilities.window, workDoneProgress: false };
  }

  preInitialize(capabilities: ServerCapabilities): void {
    // The commands are registered by us: they have something to say without a server, too.
    delete capabilities.executeCommandProvider;
  }

  initialize(): void {
    // There is nothing to do.
  }

  getState(): FeatureState {
    return { kind: "static" };
  }

  clear(): void {
    // There is nothing to let go.
  }
}

function errorHandler(
  { crashes, gaveUp, log }: Surroundings,
  hasRun: () => boolean,
): ErrorHandler {
  return {
    error: (error, message, count) => {
      const name = message === undefined ? "" : ` (${messageName(JSON.stringify({ message }))})`;
      log.warn(`The connection to the server has a problem: ${error.message}${name}.`);
      const action = (count ?? 0) <= 3 ? ErrorAction.Continue : ErrorAction.Shutdown;
      return { action, handled: true };
    },
    closed: () => {
      if (!hasRun()) {
        // The start itself fails with this, and is told: a second server would be nobody's.
        return { action: CloseAction.DoNotRestart, handled: true };
      }
      if (crashes.again(Date.now())) {
        log.warn("The server has ended by itself. It is started again.");
        return { action: CloseAction.Restart, handled: true };
      }
      gaveUp();
      return { action: CloseAction.DoNotRestart, handled: true };
    },
  };
}

/** Traces which messages there are, but never what stands in them: some hold the PIN. */
function withoutContents(log: vscode.LogOutputChannel): vscode.LogOutputChannel {
  const trace = (message: string) => {
    log.trace(messageName(message));
  };
  return Object.create(log, { trace: { value: trace } }) as vscode.LogOutputChannel;
}

function configurationMiddleware({
  context,
  interpreters,
}: Surroundings): NonNullable<Middleware["workspace"]> {
  const manifest = context.extension.packageJSON as {
    contributes: { configuration: { properties: Record<string, unknown> }[] };
  };
  const properties = manifest.contributes.configuration.map((group) => group.properties);
  const keys = serverSettings(Object.assign({}, ...properties) as Record<string, unknown>);
  return {
    configuration: (params, token, next) =>
      params.items.map((item) => {
        if (item.section !== "hotplate") {
          const answer = next({ items: [item] }, token);
          return Array.isArray(answer) ? (answer[0] as unknown) : null;
        }
        const scope = item.scopeUri === undefined ? undefined : vscode.Uri.parse(item.scopeUri);
        const section = vscode.workspace.getConfiguration("hotplate", scope);
        const values = setByPerson(keys, (key) => section.inspect(key));
        const interpreterHint = interpreters.get(scope);
        return interpreterHint === undefined ? values : { ...values, interpreterHint };
      }),
    // Sends that something has changed, without the values, which would hold the defaults too.
    didChangeConfiguration: (_sections, next) => next(undefined),
  };
}
