// Bundles the extension, or with --tests the unit tests, into dist/.
import { context } from "esbuild";
import { readdirSync, rmSync } from "node:fs";

const flags = new Set(process.argv.slice(2));
const shared = { bundle: true, platform: "node", target: "node20", logLevel: "info" };
// The language client is a bundle of its own, which is loaded when the server is to start.
const loadedLate = {
  name: "loaded-late",
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/client$/ }, ({ kind }) =>
      kind === "dynamic-import" ? { path: "./client.cjs", external: true } : undefined,
    );
  },
};
const extension = {
  ...shared,
  entryPoints: ["src/extension.ts", "src/client.ts"],
  outdir: "dist",
  outExtension: { ".js": ".cjs" },
  format: "cjs",
  external: ["vscode"],
  plugins: [loadedLate],
  supported: { "dynamic-import": false }, // VS Code gives "vscode" to what is required
  mainFields: ["module", "main"],
  minify: flags.has("--production"),
  sourcemap: !flags.has("--production"),
};
const tests = {
  ...shared,
  entryPoints: readdirSync("test/unit").map((name) => `test/unit/${name}`),
  outdir: "dist/test",
  format: "esm",
  alias: { vscode: "./test/vscode.ts" },
  external: ["typescript"],
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
