// StyLua as npm has it, a library without a command.
// node stylua.mjs NODE_MODULES OPTIONS_AS_JSON [--write] FILE…: prints the files that it would change
// (or has changed); exit code 1 where there are any.

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [modules, options, ...rest] = process.argv.slice(2);
const stylua = createRequire(resolve(modules, "index.js"))("@johnnymorganz/stylua");
const ENUMS = {
  call_parentheses: stylua.CallParenType,
  collapse_simple_statement: stylua.CollapseSimpleStatement,
  indent_type: stylua.IndentType,
  line_endings: stylua.LineEndings,
  quote_style: stylua.QuoteStyle,
  syntax: stylua.LuaVersion,
};

function formatted(code) {
  const config = stylua.Config.new(); // used up by each call
  for (const [key, value] of Object.entries(JSON.parse(options))) {
    const chosen = key in ENUMS ? ENUMS[key][value] : value;
    if (!(key in config) || chosen === undefined) throw new Error(`stylua.toml: ${key} = ${value}`);
    config[key] = chosen;
  }
  return stylua.formatCode(code, config, undefined, stylua.OutputVerification.Full);
}

const write = rest[0] === "--write";
const changed = rest.slice(write ? 1 : 0).filter((file) => {
  const code = readFileSync(file, "utf8");
  const better = formatted(code);
  if (write && better !== code) writeFileSync(file, better);
  return better !== code;
});
console.log(changed.join("\n"));
process.exitCode = changed.length && !write ? 1 : 0;
