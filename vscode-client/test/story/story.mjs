// What a person does with Hotplate, in a real VS Code: node story.mjs VSIX WORKBENCH SCREENSHOTS RESULT
// The last line in RESULT is "PASSED FAILED".
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { CodeServer } from "./code-server.mjs";
import { HELLO, makeProject, processesOf, words } from "./project.mjs";
import { freePort, isFree, until } from "./waiting.mjs";
import { launch, Workbench } from "./workbench.mjs";

const [vsix, where, screenshots, result] = process.argv.slice(2);
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const WHOLE_MS = 240_000;

const home = realpathSync(mkdtempSync(join(tmpdir(), "hotplate-story-")));
const folder = join(home, "story");
const server = new CodeServer(where, join(home, "vscode"));
const port = await freePort();
const url = `http://127.0.0.1:${port}`;
let browser, vs, pin;

const get = async (path = "/") => {
  const response = await fetch(url + path, { signal: AbortSignal.timeout(10_000) });
  return { status: response.status, text: await response.text() };
};
const equal = (actual, expected) => {
  if (actual !== expected) {
    throw new Error(`expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`);
  }
};
const contains = (text, part) => {
  if (!text.includes(part)) {
    throw new Error(`expected ${JSON.stringify(part)} in ${JSON.stringify(text.slice(0, 500))}`);
  }
};
const settings = (values) => {
  mkdirSync(join(folder, ".vscode"), { recursive: true });
  writeFileSync(join(folder, ".vscode/settings.json"), JSON.stringify(values));
};
async function closeWindow() {
  await vs.close();
  vs = undefined;
  await until("no process is left", 15_000, () => {
    const left = processesOf(home);
    if (left.length > 0) {
      throw new Error(left.map(({ pid, command }) => `${pid} ${command}`).join("; "));
    }
    return true;
  });
  equal(await isFree(port), true);
}
const gone = (locator) => locator.first().waitFor({ state: "detached" });

const STORY = {
  "the extension installs, and a Flask project opens": async () => {
    makeProject(folder, port);
    contains(server.install(vsix), "successfully installed");
    await server.start();
    browser = await launch(where, CHROMIUM);
    vs = await Workbench.open(browser, server.url, folder);
  },
  "by itself the app runs, and the status bar shows its port": async () => {
    await vs.statusItem(`:${port}`).waitFor({ timeout: 30_000 });
  },
  "the app answers": async () => {
    equal((await get()).text, "Hello, world!");
  },
  "the app's line shows its state": async () => {
    await vs.openFile("app.py");
    await vs.page.locator(".codelens-decoration a", { hasText: "Running" }).waitFor();
  },
  "a save is live, and no request is refused meanwhile": async () => {
    await vs.openFile("words.py");
    await vs.replaceText(words('f"Good morning, {name}!"'));
    await vs.save();
    await until("the new answer", 10_000, async () => {
      const { status, text } = await get();
      equal(status, 200);
      return text === "Good morning, world!";
    });
  },
  "a mistake: the status bar, a squiggle, a row in Problems, the error in the browser": async () => {
    await vs.replaceText("def greet(name)\n    return name\n");
    await vs.save();
    await vs.statusItem("failed").waitFor();
    await vs.squiggles.first().waitFor({ state: "attached" });
    const rows = await vs.problems();
    await rows.filter({ hasText: "SyntaxError" }).first().waitFor();
    const { status, text } = await get();
    equal(status, 500);
    contains(text, "SyntaxError");
  },
  "mended: all of it goes": async () => {
    await vs.openFile("words.py");
    await vs.replaceText(HELLO);
    await vs.save();
    await vs.statusItem(`:${port}`).waitFor();
    await gone(vs.squiggles);
    await gone(vs.page.locator(".markers-panel .monaco-list-row", { hasText: "SyntaxError" }));
    equal((await get()).text, "Hello, world!");
  },
  "an exception in a request is in the view of exceptions": async () => {
    equal((await get("/average")).status, 500);
    await vs.command("Hotplate: Focus on Exceptions View");
    await vs.sideBarRows.filter({ hasText: "ZeroDivisionError" }).first().waitFor();
    await vs.sideBarRows.filter({ hasText: "sum(numbers)" }).first().waitFor();
  },
  "a click on its frame opens the file at the expression": async () => {
    await vs.sideBarRows.filter({ hasText: "sum(numbers)" }).first().click();
    await vs.activeTab("numbers_of_today.py").waitFor();
    await vs.statusItem("Ln 2, Col").waitFor();
    await vs.squiggles.first().waitFor({ state: "attached" });
  },
  "the output has the traceback": async () => {
    await vs.command("Hotplate: Show the App's Output");
    await vs.page.locator(".output-view .view-line", { hasText: "ZeroDivisionError" }).first().waitFor();
  },
  "the menu copies the debugger's PIN, which unlocks the debugger": async () => {
    await vs.statusItem(`:${port}`).click();
    await vs.quickPicks.filter({ hasText: "Copy the debugger's PIN" }).waitFor();
    await screenshot("menu");
    await vs.quickPicks.filter({ hasText: "Copy the debugger's PIN" }).click();
    pin = await until("a PIN on the clipboard", 5000, async () => {
      const text = await vs.clipboard();
      return /^\d{3}-\d{3}-\d{3}$/.test(text) && text;
    });
    const page = await vs.context.newPage();
    page.setDefaultTimeout(10_000);
    await page.goto(`${url}/average`);
    const line = page.locator(".traceback .frame pre.line.current").last();
    await line.hover();
    await line.locator("img").click();
    await page.locator(".pin-prompt input[name=pin]").fill(pin);
    await page.locator(".pin-prompt input[name=btn]").click();
    const input = page.locator(".traceback .console input[type=text], .traceback .console form input").first();
    await input.fill("sum(numbers), len(numbers)");
    await input.press("Enter");
    await page.locator(".traceback .console", { hasText: "(0, 0)" }).first().waitFor();
    await page.screenshot({ path: join(screenshots, "debugger.png") });
    await page.close();
  },
  "the log does not hold the PIN": async () => {
    const logs = readdirSync(server.data, { recursive: true }).filter((name) => name.endsWith(".log"));
    if (!logs.some((name) => name.includes("Hotplate"))) {
      throw new Error(`there is no log of Hotplate's in ${logs.join(", ")}`);
    }
    equal(logs.filter((name) => readFileSync(join(server.data, name), "utf8").includes(pin)).join(), "");
  },
  "Stop frees the port, and Start takes it again": async () => {
    await vs.command("Hotplate: Stop");
    await vs.statusItem("stopped").waitFor();
    equal(await isFree(port), true);
    await vs.command("Hotplate: Start");
    await vs.statusItem(`:${port}`).waitFor();
    equal((await get()).text, "Hello, world!");
  },
  "a setting of the editor wins over the project's file, and its removal gives the word back": async () => {
    const other = await freePort();
    settings({ "hotplate.port": other });
    await vs.statusItem(`:${other}`).waitFor();
    equal((await fetch(`http://127.0.0.1:${other}/`)).status, 200);
    settings({});
    await vs.statusItem(`:${port}`).waitFor();
    equal((await get()).text, "Hello, world!");
  },
  "the server is killed: it comes back, and the app with it": async () => {
    const before = processesOf(home).map(({ pid }) => pid);
    const { pid } = processesOf(home).find(({ command }) => command.includes("run_server.py"));
    process.kill(pid, "SIGKILL");
    await until("none of the old processes", 5000, () =>
      processesOf(home).every((each) => !before.includes(each.pid)),
    );
    await vs.statusItem(`:${port}`).waitFor();
    await until("the answer", 5000, async () => (await get()).text === "Hello, world!");
  },
  "a Python that is none is told by its setting, and a better one starts it all": async () => {
    settings({ "hotplate.serverInterpreter": "/nonexistent/python" });
    await vs.toast("hotplate.serverInterpreter").waitFor();
    equal(await isFree(port), true);
    settings({});
    await vs.statusItem(`:${port}`).waitFor();
  },
  "the window closes: no process is left, and the port is free": async () => {
    if (processesOf(home).length < 2) {
      throw new Error("the server and the app should have been seen before");
    }
    await closeWindow();
  },
  "in a folder that is not trusted nothing runs; trust starts the app": async () => {
    await server.stop();
    await server.start({ trust: true });
    vs = await Workbench.open(browser, server.url, folder);
    await vs.openFile("app.py");
    await vs.statusItem("Restricted Mode").waitFor();
    await vs.command("Workspaces: Manage Workspace Trust");
    const trust = vs.page.locator(".workspace-trust-editor .monaco-button", { hasText: /^Trust$/ }).first();
    await trust.waitFor();
    equal(processesOf(home).length, 0);
    await trust.click();
    await vs.statusItem(`:${port}`).waitFor();
    equal((await get()).text, "Hello, world!");
    await screenshot("trusted");
    await closeWindow();
  },
};

let shots = 0;
async function screenshot(name) {
  if (vs !== undefined) {
    shots += 1;
    const file = `${String(shots).padStart(2, "0")}-${name}.png`;
    await vs.page.screenshot({ path: join(screenshots, file), animations: "disabled" }).catch(() => undefined);
  }
}

async function finish(passed) {
  const failed = Object.keys(STORY).length - passed;
  await browser?.close().catch(() => undefined);
  await server.stop();
  if (failed > 0) {
    const kept = join(screenshots, "logs");
    for (const log of [server.log, join(server.data, "logs")].filter((path) => existsSync(path))) {
      cpSync(log, join(kept, log.split("/").at(-1)), { recursive: true });
    }
  }
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  writeFileSync(result, `${passed} ${failed}\n`);
  process.exit(failed > 0 ? 1 : 0);
}

rmSync(screenshots, { recursive: true, force: true });
mkdirSync(screenshots, { recursive: true });
let passed = 0;
const overtime = setTimeout(() => {
  console.log(`✗ the story has taken longer than ${WHOLE_MS / 1000} s`);
  void finish(passed);
}, WHOLE_MS);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.once(signal, () => void finish(passed));
}
for (const [name, act] of Object.entries(STORY)) {
  const begun = Date.now();
  try {
    await act();
    await screenshot(name.replace(/[^a-zA-Z]+/g, "-").slice(0, 40).toLowerCase());
  } catch (error) {
    await screenshot("failed");
    console.log(`✗ ${name}\n  ${String(error.message).replaceAll("\n", "\n  ")}`);
    console.log("  What follows in the story was not tried, and counts as failed.");
    break;
  }
  passed += 1;
  console.log(`✓ ${name} (${((Date.now() - begun) / 1000).toFixed(1)} s)`);
}
clearTimeout(overtime);
await finish(passed);
