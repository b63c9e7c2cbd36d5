/** Hotplate's own notifications and commands: the client's side of `docs/protocol.md`. */

import type { Range } from "vscode-languageclient/node";

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

/** An app is none of the workspace's any more. */
export interface Removed {
  app: string;
}

/** The PIN that Werkzeug's debugger will ask for; null where it asks for none. Secret. */
export interface DebuggerPin {
  app: string;
  generation: number;
  pin: string | null;
  url?: string;
}

/** A page of the debugger has just asked its reader for the PIN. */
export interface PinWanted {
  app: string;
  generation: number;
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
  relation?: "cause" | "context" | "group" | "caught";
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

/** The notifications' names, with what they carry. */
export interface Notifications {
  "hotplate/state": AppState;
  "hotplate/removed": Removed;
  "hotplate/debuggerPin": DebuggerPin;
  "hotplate/pinWanted": PinWanted;
  "hotplate/traceback": Traceback;
  "hotplate/output": Output;
}

/** The server's commands. They are VS Code's too, under the same names. */
export const serverCommands = {
  start: "hotplate.start",
  stop: "hotplate.stop",
  restart: "hotplate.restart",
  openInBrowser: "hotplate.openInBrowser",
  openDebugger: "hotplate.openDebugger",
  debuggerPin: "hotplate.debuggerPin",
  useFreePort: "hotplate.useFreePort",
  state: "hotplate.state",
} as const;

/** The one argument that a command of the server takes. */
export interface CommandArgument {
  app?: string;
  id?: string;
}
