// A stand-in for the Python Environments extension: the API that Hotplate asks.
const { join } = require("node:path");
const vscode = require("vscode");

const changed = new vscode.EventEmitter();
let chosen;

exports.activate = () => ({
  getEnvironment: async (folder) => ({
    execInfo: { run: { executable: chosen ?? join(folder.fsPath, ".venv", "bin", "python") } },
  }),
  onDidChangeEnvironment: changed.event,
  choose(path) {
    chosen = path;
    changed.fire({});
    changed.fire({}); // as the real one does
  },
});
