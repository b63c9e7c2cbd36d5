// What a person does with Hotplate, in a real VS Code: node story.mjs VSIX WORKBENCH SCREENSHOTS RESULT
// The last line in RESULT is "PASSED FAILED".
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { daily } from "./acts/daily.mjs";
import { exceptions } from "./acts/exceptions.mjs";
import { surroundings } from "./acts/surroundings.mjs";
import { Stage } from "./stage.mjs";

const [vsix, where, screenshots, result] = process.argv.slice(2);
const WHOLE_MS = 480_000;
const STORY = { ...daily, ...exceptions, ...surroundings };

rmSync(screenshots, { recursive: true, force: true });
mkdirSync(screenshots, { recursive: true });
const stage = await Stage.set({ vsix, where, screenshots });

let shots = 0;
async function screenshot(name) {
  if (stage.vs !== undefined) {
    shots += 1;
    const file = `${String(shots).padStart(2, "0")}-${name}.png`;
    await stage.vs.page
      .screenshot({ path: join(screenshots, file), animations: "disabled" })
      .catch(() => undefined);
  }
}

async function finish(passed) {
  const { browser, server, home } = stage;
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
    await act(stage);
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
