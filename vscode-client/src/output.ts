/**
 * What each app prints, in a terminal of its own: an output channel would show colours as their
 * codes. The terminal is made when the person wants to see it; what came before is kept for it.
 */

import * as vscode from "vscode";

import type { Apps } from "./apps";
import { fileLinks, type FileLink } from "./links";
import type { Output } from "./protocol";
import { Tail } from "./tail";
import { openPlace } from "./tracebacks";

export class Outputs implements vscode.Disposable {
  private readonly printed = new Map<string, Printed>();
  private readonly listening: vscode.Disposable;

  constructor(private readonly apps: Apps) {
    const provider: vscode.TerminalLinkProvider<Link> = {
      provideTerminalLinks: ({ terminal, line }) =>
        this.owns(terminal) ? fileLinks(line).map((link) => new Link(link)) : [],
      handleTerminalLink: async ({ link }) => {
        const start = { line: link.line - 1, character: 0 };
        await openPlace({ uri: vscode.Uri.file(link.path).toString(), range: { start, end: start } });
      },
    };
    this.listening = vscode.Disposable.from(
      vscode.window.registerTerminalLinkProvider(provider),
      vscode.window.onDidCloseTerminal((closed) => {
        for (const printed of this.printed.values()) {
          printed.forget(closed);
        }
      }),
    );
  }

  append(output: Output): void {
    this.of(output.app).append(output.text);
  }

  show(app: string): void {
    this.of(app).show(this.apps.get(app)?.name ?? app);
  }

  private of(app: string): Printed {
    let printed = this.printed.get(app);
    if (printed === undefined) {
      printed = new Printed();
      this.printed.set(app, printed);
    }
    return printed;
  }

  private owns(terminal: vscode.Terminal): boolean {
    return [...this.printed.values()].some((printed) => printed.terminal === terminal);
  }

  dispose(): void {
    this.listening.dispose();
    for (const printed of this.printed.values()) {
      printed.dispose();
    }
  }
}

/** One app's output, and the terminal that shows it while there is one. */
class Printed implements vscode.Disposable {
  terminal: vscode.Terminal | undefined;
  private readonly tail = new Tail();
  private readonly written = new vscode.EventEmitter<string>();
  private open = false;

  append(text: string): void {
    const lines = this.tail.append(text);
    if (this.open) {
      this.written.fire(lines);
    }
  }

  show(name: string): void {
    this.terminal ??= vscode.window.createTerminal({
      name: `Flask: ${name}`,
      iconPath: new vscode.ThemeIcon("flame"),
      isTransient: true,
      pty: {
        onDidWrite: this.written.event,
        open: () => {
          this.open = true;
          this.written.fire(this.tail.text);
        },
        close: () => {
          this.open = false;
        },
      },
    });
    this.terminal.show(true);
  }

  /** The person has closed a terminal: this one, perhaps. */
  forget(closed: vscode.Terminal): void {
    if (closed === this.terminal) {
      this.terminal = undefined;
      this.open = false;
    }
  }

  dispose(): void {
    this.terminal?.dispose();
    this.written.dispose();
  }
}

class Link extends vscode.TerminalLink {
  constructor(readonly link: FileLink) {
    super(link.start, link.end - link.start);
  }
}
