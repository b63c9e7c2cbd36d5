/** The debugger's PINs: kept in memory, and handed to the clipboard when the person asks. */

import * as vscode from "vscode";

import type { DebuggerPin } from "./protocol";

export class Pins {
  private readonly pins = new Map<string, string>();

  update(told: DebuggerPin): void {
    if (told.pin === null) {
      this.pins.delete(told.app);
    } else {
      this.pins.set(told.app, told.pin);
    }
  }

  has(app: string): boolean {
    return this.pins.has(app);
  }

  clear(): void {
    this.pins.clear();
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
