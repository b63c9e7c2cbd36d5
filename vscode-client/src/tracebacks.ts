/** The view of the last exceptions: newest first, each frame a way to its exact place. */

import * as vscode from "vscode";

import type { Apps } from "./apps";
import type { Frame, Traceback } from "./protocol";
import {
  children,
  fileName,
  firstLine,
  headline,
  occasion,
  relation,
  withNewest,
  type Node,
} from "./traceback-tree";

export class Tracebacks implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  private list: Traceback[] = [];
  /** By traceback's id, as the message does not say it. */
  private readonly times = new Map<string, Date>();
  private readonly changed = new vscode.EventEmitter<undefined>();
  private readonly view: vscode.TreeView<Node>;
  private readonly listening: vscode.Disposable;
  private generations = "";

  readonly onDidChangeTreeData = this.changed.event;

  constructor(private readonly apps: Apps) {
    this.view = vscode.window.createTreeView("hotplate.tracebacks", { treeDataProvider: this });
    this.listening = apps.onDidChange(() => {
      // With its process the debugger of an exception is gone.
      const now = apps.all.map((app) => `${app.app} ${app.generation}`).join();
      if (now !== this.generations) {
        this.generations = now;
        this.changed.fire(undefined);
      }
    });
  }

  get newest(): Node | undefined {
    const [traceback] = this.list;
    return traceback && { kind: "traceback", traceback };
  }

  add(traceback: Traceback): void {
    this.list = withNewest(this.list, traceback);
    this.times.set(traceback.id, new Date());
    const kept = new Set(this.list.map(({ id }) => id));
    for (const id of this.times.keys()) {
      if (!kept.has(id)) {
        this.times.delete(id);
      }
    }
    this.refresh();
  }

  clear(): void {
    this.list = [];
    this.times.clear();
    this.refresh();
  }

  private refresh(): void {
    const count = this.list.length;
    this.view.badge =
      count === 0
        ? undefined
        : {
            value: count,
            tooltip:
              count === 1 ? vscode.l10n.t("1 exception") : vscode.l10n.t("{0} exceptions", count),
          };
    void vscode.commands.executeCommand("setContext", "hotplate.hasTracebacks", count > 0);
    this.changed.fire(undefined);
  }

  getChildren(node?: Node): Node[] {
    return node === undefined
      ? this.list.map((traceback) => ({ kind: "traceback", traceback }))
      : children(node);
  }

  getTreeItem(node: Node): vscode.TreeItem {
    switch (node.kind) {
      case "traceback":
        return this.tracebackItem(node.traceback, node.traceback === this.list[0]);
      case "frame":
        return frameItem(node.frame);
      case "folded": {
        const item = new vscode.TreeItem(
          node.frames.length === 1
            ? vscode.l10n.t("1 frame of a library")
            : vscode.l10n.t("{0} frames of libraries", node.frames.length),
          vscode.TreeItemCollapsibleState.Collapsed,
        );
        item.iconPath = new vscode.ThemeIcon("library");
        return item;
      }
      case "cause": {
        const item = new vscode.TreeItem(
          headline(node.cause),
          vscode.TreeItemCollapsibleState.Collapsed,
        );
        item.description = relation(node.cause);
        item.iconPath = new vscode.ThemeIcon("debug-breakpoint-unverified");
        return item;
      }
    }
  }

  /** Whether the process that raised it still runs, with a debugger. */
  isDebuggable({ app, debuggerUrl, generation }: Traceback): boolean {
    const now = this.apps.get(app);
    return debuggerUrl !== undefined && now?.generation === generation && now.state !== "stopped";
  }

  private tracebackItem(traceback: Traceback, newest: boolean): vscode.TreeItem {
    const item = new vscode.TreeItem(
      traceback.type,
      newest
        ? vscode.TreeItemCollapsibleState.Expanded
        : vscode.TreeItemCollapsibleState.Collapsed,
    );
    const time = this.times.get(traceback.id)?.toLocaleTimeString() ?? "";
    item.id = traceback.id;
    // What tells one from another comes first: the view is narrow.
    const message = firstLine(traceback.message);
    item.description = [occasion(traceback), time, message].filter((part) => part !== "").join(" · ");
    item.iconPath = new vscode.ThemeIcon("error", new vscode.ThemeColor("list.errorForeground"));
    item.tooltip = traceback.text;
    item.contextValue = this.isDebuggable(traceback) ? "traceback debuggable" : "traceback";
    return item;
  }

  dispose(): void {
    this.listening.dispose();
    this.view.dispose();
    this.changed.dispose();
  }
}

function frameItem(frame: Frame): vscode.TreeItem {
  const where = `${fileName(frame.uri)}:${frame.range.start.line + 1}`;
  const item = new vscode.TreeItem(frame.code || frame.function || where);
  item.description = frame.function
    ? vscode.l10n.t("{0} in {1}", where, frame.function)
    : where;
  item.tooltip = `${frame.uri.replace(/^file:\/\//, "")}:${frame.range.start.line + 1}`;
  item.iconPath = new vscode.ThemeIcon(frame.inWorkspace ? "debug-stackframe" : "circle-small");
  item.contextValue = "frame";
  if (frame.uri.startsWith("file:")) {
    item.command = { command: "hotplate.openFrame", title: vscode.l10n.t("Open"), arguments: [frame] };
  }
  return item;
}

/** Open a place in a file and select it. */
export async function openPlace(place: Pick<Frame, "uri" | "range">): Promise<void> {
  const { start, end } = place.range;
  const selection = new vscode.Range(start.line, start.character, end.line, end.character);
  await vscode.window.showTextDocument(vscode.Uri.parse(place.uri), { selection });
}
