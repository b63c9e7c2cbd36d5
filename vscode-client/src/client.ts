/** The language client: how the server is started, and what it is told of this editor. */

import * as vscode from "vscode";
import {
  LanguageClient,
  RevealOutputChannelOn,
  type ClientCapabilities,
  type Executable,
  type FeatureState,
  type LanguageClientOptions,
  type Middleware,
  type StaticFeature,
} from "vscode-languageclient/node";

import { findPython } from "./python";
import { serverSettings, setByPerson } from "./settings";
import { messageName } from "./trace";

/** The command that starts the server. Rejects with NoPython. */
export async function findServer(
  context: vscode.ExtensionContext,
  log: vscode.LogOutputChannel,
): Promise<Executable> {
  const own = vscode.workspace.getConfiguration("hotplate").get<string | null>("serverPath");
  if (own) {
    log.info(`The server is ${own}, as hotplate.serverPath says.`);
    return { command: own, args: ["lsp", "--stdio"] };
  }
  const script = context.asAbsolutePath("bundled/run_server.py");
  const python = await findPython(log);
  // Isolated: no PYTHON* variable and no package of the person's own has a say in the server.
  // The variables themselves stay, for the app.
  return { command: python, args: ["-I", "-X", "utf8", script, "lsp", "--stdio"] };
}

export function createClient(
  context: vscode.ExtensionContext,
  server: Executable,
  log: vscode.LogOutputChannel,
  executeCommand: NonNullable<Middleware["executeCommand"]>,
): LanguageClient {
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
    middleware: { executeCommand, workspace: configurationMiddleware(context) },
  };
  const client = new LanguageClient("hotplate", "Hotplate", server, options);
  client.registerFeature(new OwnNotifications());
  return client;
}

/** Tells the server that this client shows Hotplate's own notifications itself. */
class OwnNotifications implements StaticFeature {
  fillClientCapabilities(capabilities: ClientCapabilities): void {
    capabilities.experimental = { ...(capabilities.experimental as object), hotplate: true };
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

/** Traces which messages there are, but never what stands in them: some hold the PIN. */
function withoutContents(log: vscode.LogOutputChannel): vscode.LogOutputChannel {
  const trace = (message: string) => {
    log.trace(messageName(message));
  };
  return Object.create(log, { trace: { value: trace } }) as vscode.LogOutputChannel;
}

function configurationMiddleware(context: vscode.ExtensionContext): NonNullable<Middleware["workspace"]> {
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
        return setByPerson(keys, (key) => section.inspect(key));
      }),
    // Sends that something has changed, without the values, which would hold the defaults too.
    didChangeConfiguration: (_sections, next) => next(undefined),
  };
}
