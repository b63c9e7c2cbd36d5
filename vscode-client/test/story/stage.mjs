// What all acts share: the project, the editor, the window that is open, and how they look at it.
import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { CodeServer } from "./code-server.mjs";
import { processesOf } from "./project.mjs";
import { freePort, isFree, until } from "./waiting.mjs";
import { Workbench } from "./workbench.mjs";

export class Stage {
  /** `where` is the folder that VS Code is laid in, `screenshots` where pictures go. */
  static async set({ vsix, where, screenshots }) {
    const stage = new Stage();
    stage.vsix = vsix;
    stage.where = where;
    stage.screenshots = screenshots;
    stage.home = realpathSync(mkdtempSync(join(tmpdir(), "hotplate-story-")));
    stage.folder = join(stage.home, "story");
    stage.server = new CodeServer(where, join(stage.home, "vscode"));
    stage.port = await freePort();
    stage.url = `http://127.0.0.1:${stage.port}`;
    return stage;
  }

  /** Opens a window on the project, or on a workspace file. */
  async openWindow(workspace) {
    this.vs = await Workbench.create(this.browser);
    await this.vs.open(this.server.url, workspace ?? this.folder);
    return this.vs;
  }

  async get(path = "/", url = this.url) {
    const response = await fetch(url + path, { signal: AbortSignal.timeout(10_000) });
    return { status: response.status, text: await response.text() };
  }

  /** Waits until the project's app answers as it did in the beginning. */
  async answersAgain() {
    await until("the answer", 10_000, async () => (await this.get()).text === "Hello, world!");
  }

  /** The project's own settings of the editor. */
  settings(values) {
    mkdirSync(join(this.folder, ".vscode"), { recursive: true });
    writeFileSync(join(this.folder, ".vscode/settings.json"), JSON.stringify(values));
  }

  /** Waits until no process of Hotplate's is left, and its port is free. */
  async nobodyLeft() {
    await until("no process is left", 15_000, () => {
      const left = processesOf(this.home);
      if (left.length > 0) {
        throw new Error(left.map(({ pid, command }) => `${pid} ${command}`).join("; "));
      }
      return true;
    });
    equal(await isFree(this.port), true);
  }

  async closeWindow() {
    if (processesOf(this.home).length < 2) {
      throw new Error("the server and the app should have been seen before");
    }
    await this.vs.close();
    this.vs = undefined;
    await this.nobodyLeft();
  }

  /** A picture for the documentation. */
  async picture(name) {
    const folder = join(this.screenshots, "pictures");
    mkdirSync(folder, { recursive: true });
    await this.vs.page.mouse.move(640, 20); // nothing is hovered
    await this.vs.page.screenshot({ path: join(folder, `${name}.png`), animations: "disabled" });
  }
}

export function equal(actual, expected) {
  if (actual !== expected) {
    throw new Error(`expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`);
  }
}

export function contains(text, part) {
  if (!text.includes(part)) {
    throw new Error(`expected ${JSON.stringify(part)} in ${JSON.stringify(text.slice(0, 500))}`);
  }
}

export const gone = (locator) => locator.first().waitFor({ state: "detached" });
