// Mocha in the real extension host: node run.mjs VSIX WORKBENCH RESULT
// The last line in RESULT is "PASSED FAILED".
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { CodeServer } from "../story/code-server.mjs";
import { makeOther, makeProject, packStandIn } from "../story/project.mjs";
import { freePort } from "../story/waiting.mjs";
import { launch } from "../story/workbench.mjs";

const [vsix, where, result] = process.argv.slice(2);
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const WHOLE_MS = 180_000;
const here = resolve(import.meta.dirname);

const home = realpathSync(mkdtempSync(join(tmpdir(), "hotplate-exthost-")));
const results = join(home, "results.jsonl");
const folder = join(home, "story");
const server = new CodeServer(where, join(home, "vscode"));
let browser;

async function play() {
  makeProject(folder, await freePort());
  makeOther(join(home, "other"), join(folder, ".venv"));
  writeFileSync(join(home, "interpreters.txt"), "/usr/bin/nobody-asks-this-one\n");
  for (const name of ["python-extension", "python-environments"]) {
    server.install(packStandIn(name, join(home, `${name}.vsix`)));
  }
  server.install(vsix);
  server.env.HOTPLATE_TEST_RESULTS = results;
  await server.start({ driver: true });
  browser = await launch(where, CHROMIUM);
  const context = await browser.newContext({ permissions: ["clipboard-read", "clipboard-write"] });
  const page = await context.newPage();
  const host = new URL(server.url).host;
  const remote = (path) => `vscode-remote://${host}${path}`;
  const payload = [
    ["extensionDevelopmentPath", remote(here)],
    ["extensionTestsPath", remote(join(here, "index.cjs"))],
  ];
  const query = new URLSearchParams({ folder, payload: JSON.stringify(payload) });
  let timer;
  const ended = new Promise((done, late) => {
    void page.exposeFunction("codeAutomationLog", () => undefined);
    void page.exposeFunction("codeAutomationExit", (code) => done(code));
    timer = setTimeout(() => late(new Error(`not done after ${WHOLE_MS / 1000} s`)), WHOLE_MS);
  });
  await page.goto(`${server.url}/?${query}`);
  const code = await ended.finally(() => clearTimeout(timer));
  if (code !== 0 && !existsSync(results)) {
    throw new Error(`the extension host ended with ${code}`);
  }
}

let passed = 0;
let failed = 0;
try {
  await play();
} catch (error) {
  failed += 1;
  console.log(`✗ ${error.message}`);
}
const lines = existsSync(results) ? readFileSync(results, "utf8").trim().split("\n") : [];
for (const { title, ms, error } of lines.map((line) => JSON.parse(line))) {
  if (error === undefined) {
    passed += 1;
    console.log(`✓ ${title} (${(ms / 1000).toFixed(1)} s)`);
  } else {
    failed += 1;
    console.log(`✗ ${title}\n  ${error.replaceAll("\n", "\n  ")}`);
  }
}
await browser?.close().catch(() => undefined);
await server.stop();
rmSync(home, { recursive: true, force: true, maxRetries: 5 });
writeFileSync(result, `${passed} ${failed || (passed === 0 ? 1 : 0)}\n`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
