/** The apps that the server has told of, and the last state of each. */

import { EventEmitter, type Disposable } from "vscode";

import type { AppState } from "./protocol";

export class Apps implements Disposable {
  private readonly states = new Map<string, AppState>();
  private readonly changed = new EventEmitter<void>();

  readonly onDidChange = this.changed.event;

  get all(): AppState[] {
    return [...this.states.values()];
  }

  get(app: string): AppState | undefined {
    return this.states.get(app);
  }

  update(state: AppState): void {
    this.states.set(state.app, state);
    this.changed.fire();
  }

  remove(app: string): void {
    this.states.delete(app);
    this.changed.fire();
  }

  /** The server is gone, and its apps with it. */
  clear(): void {
    this.states.clear();
    this.changed.fire();
  }

  dispose(): void {
    this.changed.dispose();
  }
}
