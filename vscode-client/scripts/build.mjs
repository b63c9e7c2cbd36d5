// Bundles the extension, or with --tests the unit tests, into dist/.
import { context } from "esbuild";
import { readdirSync, rmSync } from "node:fs";

const flags = new Set(process.argv.slice(2));
const shared = { bundle: true, platform: "node", target: "node20", logLevel: "info" };
const extension = {
  ...shared,
  entryPoints: ["src/extension.ts"],
  outfile: "dist/extension.cjs",
  format: "cjs",
  external: ["vscode"],
  mainFields: ["module", "main"],
  minify: flags.has("--production"),
  sourcemap: !flags.has("--production"),
};
const tests = {
  ...shared,
  entryPoints: readdirSync("test/unit").map((name) => `test/unit/${name}`),
  outdir: "dist/test",
  format: "esm",
};

if (flags.has("--production")) {
  rmSync("dist", { recursive: true, force: true });
}
const building = await context(flags.has("--tests") ? tests : extension);
if (flags.has("--watch")) {
  await building.watch();
} else {
  await building.rebuild();
  await building.dispose();
}
