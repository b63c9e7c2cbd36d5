// VS Code's workbench in a browser, as a person sees it.
import { createRequire } from "node:module";
import { join } from "node:path";

import { until } from "./waiting.mjs";

const ARGUMENTS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
  "--disable-background-networking", "--disable-component-update",
  "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
];
const LONG = 60_000;

/** `where` is the folder that code-server and playwright-core are laid in. */
export function launch(where, executablePath) {
  const { chromium } = createRequire(join(where, "package.json"))("playwright-core");
  return chromium.launch({ executablePath, headless: true, args: ARGUMENTS });
}

export class Workbench {
  constructor(context, page) {
    this.context = context;
    this.page = page;
  }

  /** An empty window. */
  static async create(browser) {
    const context = await browser.newContext({
      viewport: { width: 1280, height: 800 },
      colorScheme: "light",
      permissions: ["clipboard-read", "clipboard-write"],
    });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    return new Workbench(context, page);
  }

  /** Opens a folder or a workspace file in it. */
  async open(url, folder) {
    const kind = folder.endsWith(".code-workspace") ? "workspace" : "folder";
    await this.page.goto(`${url}/?${kind}=${encodeURIComponent(folder)}`, { waitUntil: "domcontentloaded" });
    await this.page.waitForSelector(".monaco-workbench .part.statusbar", { timeout: LONG });
    const rows = this.page.locator(".explorer-folders-view .monaco-list-row").first();
    try {
      await rows.waitFor();
    } catch {
      // VS Code in a browser now and then shows a workspace file without its folders.
      await this.page.reload({ waitUntil: "domcontentloaded" });
      await rows.waitFor({ timeout: LONG });
    }
  }

  get quickInput() {
    return this.page.locator(".quick-input-widget:visible .quick-input-box input");
  }

  get quickPicks() {
    return this.page.locator(".quick-input-widget:visible .quick-input-list .monaco-list-row");
  }

  /**
   * Opens the quick input and types into it; with `row`, clicks on that one. What is just opening may
   * take the focus, and the quick input goes: so again.
   */
  async ask(key, text, row) {
    await until(`the quick input for ${text}`, LONG, async () => {
      await this.page.keyboard.press(key);
      await this.quickInput.waitFor({ timeout: 3000 });
      await this.quickInput.fill(text, { timeout: 3000 });
      if (row !== undefined) {
        // Not by Enter: what was used last may still be the row that is marked.
        await this.quickPicks.filter({ hasText: row }).first().click({ timeout: 3000 });
      }
      return true;
    });
  }

  async command(title) {
    await this.ask("F1", `>${title}`, title);
  }

  async openFile(name) {
    await this.ask("Control+p", name, name);
    await this.activeTab(name).waitFor();
    await this.page.locator(".editor-instance .view-lines").first().waitFor();
  }

  /** Replace the open file's text, exactly: typing would be indented by the editor. */
  async replaceText(text) {
    await this.page.locator(".editor-group-container.active .editor-instance .view-lines").click();
    await this.page.evaluate((given) => navigator.clipboard.writeText(given), text);
    await this.page.keyboard.press("Control+a");
    await this.page.keyboard.press("Control+v");
    await this.page.locator(".tabs-container .tab.active.dirty").waitFor();
  }

  async save() {
    await this.page.keyboard.press("Control+s");
    await this.page.locator(".tabs-container .tab.active:not(.dirty)").waitFor();
  }

  /** Puts the cursor somewhere in the open file; both count from 1. */
  async goTo(line, column) {
    await this.page.locator(".editor-group-container.active .editor-instance .view-lines").click();
    await this.ask("Control+g", `:${line}:${column}`);
    await this.page.keyboard.press("Enter");
    await this.statusItem(`Ln ${line}, Col ${column}`).waitFor();
  }

  quickFixes(title) {
    return this.page.locator(".action-widget .monaco-list-row, .monaco-menu .action-item", { hasText: title });
  }

  /** Chooses from the quick fixes at the cursor. */
  async quickFix(title) {
    await until(`the quick fix ${title}`, LONG, async () => {
      await this.page.keyboard.press("Control+.");
      await this.quickFixes(title).first().click({ timeout: 3000 });
      return true;
    });
  }

  get terminalRows() {
    return this.page.locator(".terminal-wrapper .xterm-rows > div");
  }

  activeTab(name) {
    return this.page.locator(".editor-group-container.active .tabs-container .tab.active", { hasText: name });
  }

  statusItem(text) {
    return this.page.locator(".part.statusbar .statusbar-item", { hasText: text });
  }

  toast(text) {
    return this.page.locator(".notifications-toasts .notification-list-item", { hasText: text });
  }

  get squiggles() {
    return this.page.locator(".editor-instance .squiggly-error");
  }

  async problems() {
    await this.command("Problems: Focus on Problems View");
    return this.page.locator(".markers-panel .monaco-list-row");
  }

  get sideBarRows() {
    return this.page.locator(".part.sidebar .pane-body .monaco-list-row");
  }

  clipboard() {
    return this.page.evaluate(() => navigator.clipboard.readText());
  }

  close() {
    return this.context.close();
  }
}
