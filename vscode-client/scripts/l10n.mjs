// Writes l10n/bundle.l10n.json: every text that the code gives to l10n.t(), for translators.
// With --check: fails where it is not up to date.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

import ts from "typescript";

const client = resolve(import.meta.dirname, "..");
const file = join(client, "l10n", "bundle.l10n.json");
const texts = new Set();

for (const name of readdirSync(join(client, "src")).sort()) {
  const source = readFileSync(join(client, "src", name), "utf8");
  collect(ts.createSourceFile(name, source, ts.ScriptTarget.Latest, true));
}
const bundle = `${JSON.stringify(Object.fromEntries([...texts].sort().map((text) => [text, text])), null, 2)}\n`;
if (!process.argv.includes("--check")) {
  mkdirSync(join(client, "l10n"), { recursive: true });
  writeFileSync(file, bundle);
} else if (readFileSync(file, "utf8") !== bundle) {
  console.error("l10n/bundle.l10n.json is not up to date: npm run l10n");
  process.exitCode = 1;
}

/** `l10n.t("…")`, `vscode.l10n.t("…")`, and `t("…")` where that is its short name. */
function collect(node) {
  if (ts.isCallExpression(node)) {
    const called = node.expression.getText();
    const [first] = node.arguments;
    if (/^(?:(?:vscode\.)?l10n\.)?t$/.test(called)) {
      if (first === undefined || !ts.isStringLiteralLike(first)) {
        throw new Error(`${node.getSourceFile().fileName}: ${called}() takes a plain text first.`);
      }
      texts.add(first.text);
    }
  }
  ts.forEachChild(node, collect);
}
