// A stand-in for the Python extension: the API that Hotplate asks, and a way to choose.
const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const vscode = require("vscode");

const changed = new vscode.EventEmitter();
let active;

function choices() {
  const [folder] = vscode.workspace.workspaceFolders ?? [];
  const text = readFileSync(join(folder.uri.fsPath, "..", "interpreters.txt"), "utf8");
  return text.trim().split("\n");
}

function choose(path) {
  active = path;
  changed.fire({ path });
}

exports.activate = (context) => {
  context.subscriptions.push(
    changed,
    vscode.commands.registerCommand("python.setInterpreter", async () => {
      const path = await vscode.window.showQuickPick(choices(), { title: "Select Interpreter" });
      if (path !== undefined) {
        choose(path);
      }
    }),
  );
  return {
    environments: {
      getActiveEnvironmentPath: () => {
        active ??= choices()[0];
        return { id: active, path: active };
      },
      resolveEnvironment: async ({ path }) => ({ executable: { uri: vscode.Uri.file(path) } }),
      onDidChangeActiveEnvironmentPath: changed.event,
    },
    choose, // for the tests in the extension host
  };
};
