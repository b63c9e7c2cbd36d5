// What surrounds the app: interpreters, crashes of the server, reloads, other windows, trust.
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { makeOther, makeSecond, packStandIn, processesOf, serversOf } from "../project.mjs";
import { equal, gone } from "../stage.mjs";
import { freePort, isFree, until } from "../waiting.mjs";
import { Workbench } from "../workbench.mjs";

const CRASHES = 5; // that are mended without a word

/** Kills the language server; the processes that were there are gone then. */
async function crash({ home }) {
  const before = processesOf(home).map(({ pid }) => pid);
  const [{ pid }] = serversOf(home);
  process.kill(pid, "SIGKILL");
  await until("none of the old processes", 5000, () =>
    processesOf(home).every((each) => !before.includes(each.pid)),
  );
}

export const surroundings = {
  "the window closes: no process is left, and the port is free": async (stage) => {
    await stage.closeWindow();
  },
  "the app runs with the Python that is chosen in the Python extension": async (stage) => {
    const { home, folder, server } = stage;
    stage.venv = join(folder, ".venv");
    stage.other = join(home, "other");
    makeOther(stage.other, stage.venv);
    const pythons = [stage.other, stage.venv].map((venv) => join(venv, "bin/python"));
    writeFileSync(join(home, "interpreters.txt"), `${pythons.join("\n")}\n`);
    await server.stop();
    server.install(packStandIn("python-extension", join(home, "python.vsix")));
    await server.start();
    const vs = await stage.openWindow();
    await vs.statusItem(`:${stage.port}`).waitFor({ timeout: 30_000 });
    equal((await stage.get("/python")).text, stage.other);
  },
  "another one is chosen: the app runs with it, and the server is the same": async (stage) => {
    const { vs } = stage;
    const [{ pid }] = serversOf(stage.home);
    await vs.command("Hotplate: Choose the Interpreter");
    await vs.quickPicks.filter({ hasText: "Choose with the Python extension" }).click();
    await vs.quickPicks.filter({ hasText: join(stage.venv, "bin/python") }).click();
    await until("the other Python", 15_000, async () => (await stage.get("/python")).text === stage.venv);
    equal(serversOf(stage.home).map((each) => each.pid).join(), String(pid));
    // What the person has set comes before what they have chosen there.
    stage.settings({ "hotplate.interpreter": stage.other });
    await until("the Python that is set", 15_000, async () => (await stage.get("/python")).text === stage.other);
    stage.settings({});
    await until("the one that is chosen", 15_000, async () => (await stage.get("/python")).text === stage.venv);
  },
  "the window is reloaded: one app, and it runs": async (stage) => {
    const before = processesOf(stage.home).map(({ pid }) => pid);
    await stage.vs.command("Developer: Reload Window");
    await until("none of the old processes", 30_000, () =>
      processesOf(stage.home).every(({ pid }) => !before.includes(pid)),
    );
    await stage.vs.statusItem(`:${stage.port}`).waitFor({ timeout: 60_000 });
    await stage.answersAgain();
    equal(serversOf(stage.home).length, 1);
  },
  "a second window on the folder: it says who has the port, and disturbs nobody": async (stage) => {
    const second = await Workbench.create(stage.browser);
    await second.open(stage.server.url, stage.folder);
    await second.statusItem("failed").waitFor({ timeout: 60_000 });
    await second.toast(`Port ${stage.port} is taken`).waitFor();
    equal((await stage.get()).text, "Hello, world!");
    await second.close();
    await until("one server", 15_000, () => serversOf(stage.home).length === 1);
    equal((await stage.get()).text, "Hello, world!");
    await stage.vs.statusItem(`:${stage.port}`).waitFor();
  },
  "the server is killed: it comes back, and the app with it, five times": async (stage) => {
    for (let number = 0; number < CRASHES; number += 1) {
      await crash(stage);
      await until("another server", 10_000, () => serversOf(stage.home).length === 1);
      await stage.vs.statusItem(`:${stage.port}`).waitFor();
      await stage.answersAgain();
    }
  },
  "the sixth time it stays ended, and says so; a click starts it again": async (stage) => {
    const { vs } = stage;
    await crash(stage);
    const toast = vs.toast("has crashed six times");
    await toast.waitFor();
    await vs.statusItem("Hotplate is not running").waitFor();
    equal(processesOf(stage.home).length, 0);
    equal(await isFree(stage.port), true);
    await toast.getByText("Start It Again").click();
    await vs.statusItem(`:${stage.port}`).waitFor();
    await stage.answersAgain();
  },
  "a Python that is none is told by its setting, and a better one starts it all": async (stage) => {
    const { vs } = stage;
    stage.settings({ "hotplate.serverInterpreter": "/nonexistent/python" });
    await vs.toast("hotplate.serverInterpreter").waitFor();
    equal(await isFree(stage.port), true);
    await vs.command("Hotplate: Start");
    await vs.toast("server is not running").waitFor();
    stage.settings({});
    await vs.statusItem(`:${stage.port}`).waitFor();
    await stage.closeWindow();
  },
  "a workspace of two folders: an app for each, and the status bar shows the worst": async (stage) => {
    const port = await freePort();
    const second = join(stage.home, "second");
    makeSecond(second, port);
    const workspace = join(stage.home, "two.code-workspace");
    const folders = [{ path: "story" }, { path: "second" }];
    writeFileSync(workspace, JSON.stringify({ folders }));
    const vs = await stage.openWindow(workspace);
    await vs.statusItem(/:\d+ \+1/).waitFor({ timeout: 30_000 });
    await until("both apps", 10_000, async () => {
      const texts = [(await stage.get()).text, (await stage.get("/", `http://127.0.0.1:${port}`)).text];
      return texts.join() === "Hello, world!,second";
    });
    equal(serversOf(stage.home).length, 1);
    writeFileSync(join(second, "app.py"), "from flask import Flask\n\napp = Flask(__name__)\n1 / 0\n");
    await vs.statusItem("second failed +1").waitFor();
    equal((await stage.get()).text, "Hello, world!");
    await vs.statusItem("second failed").click();
    await vs.quickPicks.filter({ hasText: "ZeroDivisionError" }).click();
    await vs.quickPicks.filter({ hasText: "Go to the error" }).click();
    await vs.statusItem("Ln 4, Col").waitFor();
    await stage.closeWindow();
    equal(await isFree(port), true);
  },
  "in a folder that is not trusted nothing runs, and it says why": async (stage) => {
    const { server } = stage;
    await server.stop();
    await server.start({ trust: true });
    const vs = await stage.openWindow();
    await vs.openFile("app.py");
    await vs.statusItem("Restricted Mode").waitFor();
    await vs.statusItem("Hotplate: not trusted").waitFor();
    await vs.command("Hotplate: Start");
    await vs.toast("You have not trusted this workspace").waitFor();
    await vs.command("Hotplate: Focus on Exceptions View");
    await vs.page.locator(".part.sidebar", { hasText: "so nothing runs" }).waitFor();
    equal(processesOf(stage.home).length, 0);
    await vs.statusItem("Hotplate: not trusted").click();
  },
  "trust starts the app": async (stage) => {
    const { vs } = stage;
    const trust = vs.page.locator(".workspace-trust-editor .monaco-button", { hasText: /^Trust$/ }).first();
    await trust.click();
    await vs.statusItem(`:${stage.port}`).waitFor();
    await gone(vs.statusItem("Hotplate: not trusted"));
    equal((await stage.get()).text, "Hello, world!");
    await stage.closeWindow();
  },
};
