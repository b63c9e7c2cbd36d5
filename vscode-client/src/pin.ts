/** The debugger's PINs: kept in memory, and handed to the clipboard when the person asks. */

import * as vscode from "vscode";

import type { DebuggerPin, PinWanted } from "./protocol";

export class Pins {
  private readonly pins = new Map<string, string>();
  /** The apps of which we are asking already: a page asks again at each try. */
  private readonly offered = new Set<string>();

  update(told: DebuggerPin): void {
    if (told.pin === null) {
      this.pins.delete(told.app);
    } else {
      this.pins.set(told.app, told.pin);
    }
  }

  remove(app: string): void {
    this.pins.delete(app);
  }

  has(app: string): boolean {
    return this.pins.has(app);
  }

  clear(): void {
    this.pins.clear();
  }

  /** A page asks for the PIN: it is one click away. */
  async offer({ app }: PinWanted): Promise<void> {
    if (!this.has(app) || this.offered.has(app)) {
      return;
    }
    this.offered.add(app);
    const copy = vscode.l10n.t("Copy the PIN");
    const answer = await vscode.window.showInformationMessage(
      vscode.l10n.t("A page of the debugger asks for its PIN."),
      copy,
    );
    this.offered.delete(app);
    if (answer === copy) {
      await this.copy(app);
    }
  }

  async copy(app: string): Promise<void> {
    await copyPin(this.pins.get(app) ?? null);
  }
}

/** Put a PIN on the clipboard and say so. The message does not hold the PIN. */
export async function copyPin(pin: string | null): Promise<void> {
  if (pin === null) {
    void vscode.window.showInformationMessage(
      vscode.l10n.t("The debugger asks for no PIN: the app is not running, or its debugger is off."),
    );
    return;
  }
  await vscode.env.clipboard.writeText(pin);
  vscode.window.setStatusBarMessage(
    `$(key) ${vscode.l10n.t("The debugger's PIN is on the clipboard.")}`,
    5000,
  );
}
