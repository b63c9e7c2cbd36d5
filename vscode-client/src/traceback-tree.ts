/** The tracebacks as a tree. Pure, but for the language. */

import { l10n } from "vscode";

import type { Cause, Frame, Traceback } from "./protocol";

export type Node = TracebackNode | FrameNode | FoldedNode | CauseNode;

export interface TracebackNode {
  kind: "traceback";
  traceback: Traceback;
}

export interface FrameNode {
  kind: "frame";
  frame: Frame;
}

/** Frames of other people's code that follow each other. */
export interface FoldedNode {
  kind: "folded";
  frames: Frame[];
}

export interface CauseNode {
  kind: "cause";
  cause: Cause;
  /** What that one came from in turn, nearest first. */
  further: readonly Cause[];
}

export const KEPT = 50;

/** Newest first, and no more than the server itself remembers. */
export function withNewest(list: readonly Traceback[], told: Traceback): Traceback[] {
  return [told, ...list.filter((each) => each.id !== told.id)].slice(0, KEPT);
}

/** What stands below a node: frames innermost first, then what the exception came from. */
export function children(node: Node): Node[] {
  switch (node.kind) {
    case "traceback":
      return [...fold(node.traceback.frames), ...nest(node.traceback.causes ?? [])];
    case "cause":
      return [...fold(node.cause.frames), ...nest(node.further)];
    case "folded":
      return node.frames.map((frame) => ({ kind: "frame", frame }));
    case "frame":
      return [];
  }
}

/** Each cause holds the next one; the members of a group stand beside each other. */
function nest(causes: readonly Cause[]): CauseNode[] {
  const [first, ...further] = causes;
  if (first === undefined) {
    return [];
  }
  return first.relation === "group"
    ? causes.map((cause) => ({ kind: "cause", cause, further: [] }))
    : [{ kind: "cause", cause: first, further }];
}

function fold(frames: readonly Frame[]): Node[] {
  const nodes: Node[] = [];
  for (const frame of [...frames].reverse()) {
    const last = nodes.at(-1);
    if (frame.inWorkspace) {
      nodes.push({ kind: "frame", frame });
    } else if (last?.kind === "folded") {
      last.frames.push(frame);
    } else {
      nodes.push({ kind: "folded", frames: [frame] });
    }
  }
  return nodes;
}

export function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}

/** The exception as Python prints it, in one line. */
export function headline(raised: { type: string; message: string }): string {
  const first = firstLine(raised.message);
  return first === "" || first === raised.type ? raised.type : `${raised.type}: ${first}`;
}

/** Where it was raised: the request, or the occasion. */
export function occasion(traceback: Traceback): string {
  if (traceback.request !== undefined) {
    return `${traceback.request.method} ${pathOf(traceback.request.url)}`;
  }
  switch (traceback.when) {
    case "startup":
      return l10n.t("at the start");
    case "thread":
      return l10n.t("in a thread");
    case "template":
      return l10n.t("in a template");
    case "request":
      return l10n.t("in a request");
  }
}

export function relation(cause: Cause): string {
  switch (cause.relation) {
    case "context":
      return l10n.t("raised while handling this");
    case "group":
      return l10n.t("in the group");
    case "caught":
      return l10n.t("caught before");
    default:
      return l10n.t("the cause");
  }
}

function pathOf(url: string): string {
  try {
    const { pathname, search } = new URL(url);
    return pathname + search;
  } catch {
    return url;
  }
}

/** The last part of a URI's path. */
export function fileName(uri: string): string {
  const path = uri.replace(/[?#].*$/, "").replace(/^python:/, "");
  const name = path.slice(path.lastIndexOf("/") + 1);
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
