/** Hotplate's own notifications and commands: the client's side of `docs/protocol.md`. */

import { NotificationType, type Range } from "vscode-languageclient/node";

export type State = "stopped" | "starting" | "running" | "failed" | "stopping";

/** An app's state has changed. `readyMs` is from the trigger to accepting. */
export interface AppState {
  app: string;
  name: string;
  folder: string;
  state: State;
  generation: number;
  url?: string;
  pid?: number;
  reason?: "start" | "save" | "command" | "crash" | "configuration" | "external";
  files?: string[];
  readyMs?: number;
  error?: { type: string; message: string; uri?: string; range?: Range };
}

/** The PIN that Werkzeug's debugger will ask for; null where it asks for none. Secret. */
export interface DebuggerPin {
  app: string;
  generation: number;
  pin: string | null;
  url?: string;
}

export interface Frame {
  uri: string;
  range: Range;
  function: string;
  code: string;
  inWorkspace: boolean;
}

/** A chained exception, or a member of a group. */
export interface Cause {
  type: string;
  message: string;
  relation?: "cause" | "context" | "group";
  frames: Frame[];
}

/** An exception; frames are outermost first. `debuggerUrl` is secret. */
export interface Traceback {
  app: string;
  generation: number;
  id: string;
  when: "startup" | "request" | "thread" | "template";
  type: string;
  message: string;
  text: string;
  frames: Frame[];
  causes?: Cause[];
  request?: { method: string; url: string };
  debuggerUrl?: string;
}

/** Whole lines that the app has printed. */
export interface Output {
  app: string;
  generation: number;
  stream: "stdout" | "stderr";
  text: string;
}

export const stateNotification = new NotificationType<AppState>("hotplate/state");
export const debuggerPinNotification = new NotificationType<DebuggerPin>("hotplate/debuggerPin");
export const tracebackNotification = new NotificationType<Traceback>("hotplate/traceback");
export const outputNotification = new NotificationType<Output>("hotplate/output");

/** The server's commands. The language client registers them with VS Code under these names. */
export const serverCommands = {
  start: "hotplate.start",
  stop: "hotplate.stop",
  restart: "hotplate.restart",
  openInBrowser: "hotplate.openInBrowser",
  openDebugger: "hotplate.openDebugger",
  debuggerPin: "hotplate.debuggerPin",
  state: "hotplate.state",
} as const;

/** The one argument that a command of the server takes. */
export interface CommandArgument {
  app?: string;
  id?: string;
}
