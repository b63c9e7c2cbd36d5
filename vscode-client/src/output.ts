/** An output channel for each app, with what it prints; file names in tracebacks are links. */

import * as vscode from "vscode";

import { withoutEscapes } from "./ansi";
import type { Apps } from "./apps";
import { fileLinks } from "./links";
import type { Output } from "./protocol";

const LANGUAGE = "hotplate-output";

export class Outputs implements vscode.Disposable {
  private readonly channels = new Map<string, vscode.OutputChannel>();
  private readonly links: vscode.Disposable;

  constructor(private readonly apps: Apps) {
    this.links = vscode.languages.registerDocumentLinkProvider(
      { language: LANGUAGE },
      { provideDocumentLinks },
    );
  }

  append(output: Output): void {
    this.channel(output.app).append(withoutEscapes(output.text));
  }

  show(app: string): void {
    this.channel(app).show(true);
  }

  private channel(app: string): vscode.OutputChannel {
    let channel = this.channels.get(app);
    if (channel === undefined) {
      const name = this.apps.get(app)?.name ?? app;
      channel = vscode.window.createOutputChannel(`Flask: ${name}`, LANGUAGE);
      this.channels.set(app, channel);
    }
    return channel;
  }

  dispose(): void {
    this.links.dispose();
    for (const channel of this.channels.values()) {
      channel.dispose();
    }
  }
}

function provideDocumentLinks(document: vscode.TextDocument): vscode.DocumentLink[] {
  return fileLinks(document.getText()).map(({ start, end, path, line }) => {
    const range = new vscode.Range(document.positionAt(start), document.positionAt(end));
    const target = vscode.Uri.file(path).with({ fragment: `L${line}` });
    return new vscode.DocumentLink(range, target);
  });
}
