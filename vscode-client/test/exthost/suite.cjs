// The extension as other extensions and the editor see it: commands, diagnostics, settings, terminals.
const assert = require("node:assert/strict");
const { join } = require("node:path");
const vscode = require("vscode");
const { after, describe, it } = require("mocha");

const folder = () => vscode.workspace.workspaceFolders[0].uri;
const file = (name) => vscode.Uri.joinPath(folder(), name);
const command = (name, ...given) => vscode.commands.executeCommand(`hotplate.${name}`, ...given);

async function until(what, check) {
  for (const end = Date.now() + 20_000; ; ) {
    const found = await check();
    if (found) {
      return found;
    }
    assert.ok(Date.now() < end, `waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The app's state, once it is the one that is waited for. */
function state(wanted, matches = () => true) {
  return until(`the state ${wanted}`, async () => {
    const [app] = (await command("state"))?.apps ?? [];
    return app?.state === wanted && matches(app) && app;
  });
}

async function get(path) {
  const { url } = await state("running");
  const response = await fetch(url + path);
  return { status: response.status, text: await response.text() };
}

/** Replaces a file's text in the editor, and saves. */
async function save(name, text) {
  const document = await vscode.workspace.openTextDocument(file(name));
  const edit = new vscode.WorkspaceEdit();
  const whole = new vscode.Range(0, 0, document.lineCount, 0);
  edit.replace(document.uri, whole, text);
  assert.ok(await vscode.workspace.applyEdit(edit));
  assert.ok(await document.save());
}

function set(name, value) {
  const section = vscode.workspace.getConfiguration("hotplate", folder());
  return section.update(name, value, vscode.ConfigurationTarget.Workspace);
}

const ours = (name) =>
  vscode.languages.getDiagnostics(file(name)).filter(({ source }) => source === "hotplate");

describe("Hotplate in the extension host", () => {
  after(() => command("stop"));

  it("is activated by what is in the folder, and the app runs", async () => {
    const extension = vscode.extensions.getExtension("hotplate.hotplate");
    await until("its activation", () => extension.isActive);
    const app = await state("running");
    assert.equal(app.name, "story");
    assert.equal(app.folder, folder().toString());
    assert.equal((await get("/")).text, "Hello, world!");
  });

  it("has every command that its manifest names", async () => {
    const { contributes } = vscode.extensions.getExtension("hotplate.hotplate").packageJSON;
    const known = new Set(await vscode.commands.getCommands(true));
    const missing = contributes.commands.filter((each) => !known.has(each.command));
    assert.deepEqual(missing, []);
  });

  it("restarts on a save, once", async () => {
    const before = await state("running");
    await save("words.py", 'def greet(name):\n    return f"Good day, {name}!"\n');
    const now = await state("running", ({ generation }) => generation > before.generation);
    assert.equal(now.generation, before.generation + 1);
    assert.equal(now.reason, "save");
    assert.equal((await get("/")).text, "Good day, world!");
  });

  it("has an error of the start as a diagnostic with related places and quick fixes", async () => {
    await save("words.py", "def greet(name):\n    return name\n\n\ngreet(nobody)\n");
    await state("failed");
    const [problem] = await until("a diagnostic", () => ours("words.py").length > 0 && ours("words.py"));
    assert.match(problem.message, /NameError: name 'nobody' is not defined/);
    assert.equal(problem.range.start.line, 4);
    assert.ok(problem.relatedInformation.some(({ location }) => location.uri.path.endsWith("/app.py")));
    const actions = await vscode.commands.executeCommand(
      "vscode.executeCodeActionProvider",
      file("words.py"),
      problem.range,
    );
    assert.deepEqual(
      actions.map(({ title }) => title),
      ["Open the debugger in the browser", "Copy the debugger's PIN", "Restart story"],
    );
    await vscode.env.clipboard.writeText("");
    const copy = actions[1].command;
    await vscode.commands.executeCommand(copy.command, ...copy.arguments);
    assert.match(await vscode.env.clipboard.readText(), /^\d{3}-\d{3}-\d{3}$/);
    await save("words.py", 'def greet(name):\n    return f"Hello, {name}!"\n');
    await state("running");
    await until("no diagnostic", () => ours("words.py").length === 0);
  });

  it("takes a setting of the editor, and gives the word back to the project's file", async () => {
    const before = await state("running");
    await set("port", 0);
    const now = await state("running", ({ url }) => url !== before.url);
    assert.notEqual(new URL(now.url).port, new URL(before.url).port);
    await set("port", undefined);
    await state("running", ({ url }) => url === before.url);
  });

  it("runs the app with what is chosen in Python Environments, the Python extension aside", async () => {
    const python = vscode.extensions.getExtension("ms-python.vscode-python-envs").exports;
    const root = join(folder().fsPath, "..");
    const other = join(root, "other");
    const before = await state("running");
    python.choose(join(other, "bin", "python"));
    await state("running", ({ generation }) => generation > before.generation);
    assert.equal((await get("/python")).text, other);
    python.choose(join(folder().fsPath, ".venv", "bin", "python"));
    await state("running", ({ generation }) => generation > before.generation + 1);
    assert.equal((await get("/python")).text, join(folder().fsPath, ".venv"));
    python.choose(join(folder().fsPath, ".venv", "bin", "python")); // told again: nothing happens
    assert.equal((await state("running")).generation, before.generation + 2);
  });

  it("shows the output in a terminal, and again after that has been closed", async () => {
    const named = () => vscode.window.terminals.filter(({ name }) => name === "Flask: story");
    assert.deepEqual(named(), []); // nobody has asked for it
    await command("showOutput");
    const [terminal] = await until("the terminal", () => named().length === 1 && named());
    await command("showOutput");
    assert.equal(named().length, 1);
    terminal.dispose();
    await until("no terminal", () => named().length === 0);
    await command("showOutput");
    await until("another terminal", () => named().length === 1);
  });

  it("takes the next free port for good, until the settings change", async () => {
    const before = await state("running");
    const { port } = await command("useFreePort");
    const now = await state("running", ({ generation }) => generation > before.generation);
    assert.equal(now.url, `http://127.0.0.1:${port}`);
    await set("port", Number(new URL(before.url).port));
    await state("running", ({ url }) => url === before.url);
    await set("port", undefined);
  });

  it("tells what is wrong with a command, and does not throw", async () => {
    assert.equal(await command("openDebugger", { id: "nonsense" }), undefined);
    assert.equal(await command("restart", { app: "nonsense" }), undefined);
  });

  it("stops, and starts again", async () => {
    const { url } = await state("running");
    await command("stop");
    await state("stopped");
    await assert.rejects(fetch(url));
    await command("start");
    await state("running");
    assert.equal((await get("/")).status, 200);
  });

  it("starts the server anew when asked to, with the app", async () => {
    const before = await state("running");
    await command("restartServer");
    const now = await state("running");
    assert.notEqual(now.pid, before.pid);
    assert.equal(now.generation, 1);
  });
});
