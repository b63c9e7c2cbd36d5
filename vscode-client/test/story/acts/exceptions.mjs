// An exception: the view, the output, the debugger in the browser and beside the code, the PIN.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { equal, gone } from "../stage.mjs";
import { until } from "../waiting.mjs";

/** Opens a console of Werkzeug's page, which then asks for its PIN. */
async function openConsole(page) {
  const line = page.locator(".traceback .frame pre.line.current").last();
  await line.hover();
  await line.locator("img").click();
  await page.locator(".pin-prompt input[name=pin]").waitFor();
}

async function unlock(page, pin) {
  await page.locator(".pin-prompt input[name=pin]").fill(pin);
  await page.locator(".pin-prompt input[name=btn]").click();
}

async function evaluate(page, code, answer) {
  const input = page.locator(".traceback .console input[type=text], .traceback .console form input").first();
  await input.fill(code);
  await input.press("Enter");
  await page.locator(".traceback .console", { hasText: answer }).first().waitFor();
}

export const exceptions = {
  "an exception in a request is in the view of exceptions": async (stage) => {
    const { vs } = stage;
    equal((await stage.get("/average")).status, 500);
    await vs.command("Hotplate: Focus on Exceptions View");
    await vs.sideBarRows.filter({ hasText: "ZeroDivisionError" }).first().waitFor();
    await vs.sideBarRows.filter({ hasText: "sum(numbers)" }).first().waitFor();
    await vs.sideBarRows.filter({ hasText: "frames of libraries" }).first().waitFor();
    await vs.page.locator(".activitybar .action-item", { hasText: /^[1-9]/ }).first().waitFor();
  },
  "a click on its frame opens the file at the expression": async ({ vs }) => {
    await vs.sideBarRows.filter({ hasText: "sum(numbers)" }).first().click();
    await vs.activeTab("numbers_of_today.py").waitFor();
    await vs.statusItem("Ln 2, Col").waitFor();
    await vs.squiggles.first().waitFor({ state: "attached" });
  },
  "the output has the traceback, in the app's colours": async (stage) => {
    const { vs } = stage;
    await vs.command("Hotplate: Show the App's Output");
    await vs.terminalRows.filter({ hasText: "ZeroDivisionError" }).first().waitFor();
    // Werkzeug prints a request that found nothing in yellow.
    await stage.get("/nothing");
    await vs.page.locator(".xterm-rows span.xterm-fg-3", { hasText: "/nothing" }).first().waitFor();
    await stage.picture("exceptions");
  },
  "a click on a file in the output opens it at the line": async ({ vs }) => {
    await vs.openFile("words.py");
    const row = vs.terminalRows.filter({ hasText: 'app.py", line 18' }).last();
    const { x, y, height } = await row.boundingBox();
    const { mouse, keyboard } = vs.page;
    await keyboard.down("Control");
    await until("the file", 20_000, async () => {
      // A link is one as soon as the pointer has been seen over it.
      await mouse.move(x + 60, y + height / 2);
      await mouse.move(x + 80, y + height / 2, { steps: 4 });
      await vs.page.getByText("Follow link").waitFor({ timeout: 2000 });
      await mouse.click(x + 80, y + height / 2);
      await vs.activeTab("app.py").waitFor({ timeout: 2000 });
      return true;
    });
    await keyboard.up("Control");
    await vs.statusItem("Ln 18, Col").waitFor();
  },
  "a debugger page asks for its PIN: it is one click away, and unlocks": async (stage) => {
    const { vs } = stage;
    const page = await vs.context.newPage();
    page.setDefaultTimeout(10_000);
    await page.goto(`${stage.url}/average`);
    await openConsole(page);
    await vs.toast("asks for its PIN").getByText("Copy the PIN").click();
    stage.pin = await until("a PIN on the clipboard", 5000, async () => {
      const text = await vs.clipboard();
      return /^\d{3}-\d{3}-\d{3}$/.test(text) && text;
    });
    await unlock(page, stage.pin);
    await evaluate(page, "sum(numbers), len(numbers)", "(0, 0)");
    await page.screenshot({ path: join(stage.screenshots, "debugger.png") });
    await page.close();
    await vs.context.clearCookies(); // another browser, as it were
  },
  "the debugger opens beside the code, where the PIN from the menu unlocks it": async (stage) => {
    const { vs } = stage;
    await vs.page.evaluate(() => navigator.clipboard.writeText(""));
    await vs.statusItem(`:${stage.port}`).click();
    await vs.quickPicks.filter({ hasText: "Copy the debugger's PIN" }).waitFor();
    await stage.picture("menu");
    await vs.quickPicks.filter({ hasText: "Copy the debugger's PIN" }).click();
    await until("the PIN on the clipboard", 5000, async () => (await vs.clipboard()) === stage.pin);
    await vs.command("View: Toggle Panel Visibility");
    const row = vs.sideBarRows.filter({ hasText: "ZeroDivisionError" }).first();
    await row.hover();
    await row.locator(".action-label[aria-label='Open in the Debugger beside the Code']").click();
    const page = vs.page
      .frameLocator("iframe.webview.ready")
      .frameLocator("iframe#active-frame")
      .frameLocator("iframe");
    await openConsole(page);
    await unlock(page, stage.pin);
    await evaluate(page, "sum(numbers), len(numbers)", "(0, 0)");
    await vs.page.locator(".part.sidebar .composite.title").click(); // out of the frame
    await vs.command("Notifications: Clear All Notifications");
    await stage.picture("debugger");
    await vs.command("View: Close All Editors");
    await vs.command("View: Close All Editor Groups");
  },
  "Clear empties the view": async ({ vs }) => {
    await vs.command("Hotplate: Clear Exceptions");
    await gone(vs.sideBarRows.filter({ hasText: "ZeroDivisionError" }));
    await vs.page.locator(".part.sidebar", { hasText: "No exception so far" }).waitFor();
  },
  "the log does not hold the PIN": async ({ server, pin }) => {
    const logs = readdirSync(server.data, { recursive: true }).filter((name) => name.endsWith(".log"));
    if (!logs.some((name) => name.includes("Hotplate"))) {
      throw new Error(`there is no log of Hotplate's in ${logs.join(", ")}`);
    }
    equal(logs.filter((name) => readFileSync(join(server.data, name), "utf8").includes(pin)).join(), "");
  },
};
