// Puts the server and its libraries into bundled/libs: pure Python only, for any Python >= 3.10 on
// any machine. The server is the wheel of this repository, or the one that HOTPLATE_WHEEL names.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const OLDEST = "3.10";
// What the libraries need on the oldest Python only: pip leaves out what the Python that it runs
// with does not need. `checkComplete` tells when one is missing.
const BACKPORTS = ["exceptiongroup", "tomli"];
const client = resolve(import.meta.dirname, "..");
const libs = join(client, "bundled", "libs");
const temporary = mkdtempSync(join(tmpdir(), "hotplate-bundle-"));

function run(command, args, env = {}) {
  execFileSync(command, args, { stdio: ["ignore", "inherit", "inherit"], env: { ...process.env, ...env } });
}

try {
  run(process.env.PYTHON ?? "python3", ["-m", "venv", join(temporary, "venv")]);
  const python = join(temporary, "venv", process.platform === "win32" ? "Scripts/python.exe" : "bin/python");
  const pip = (args, env) => run(python, ["-m", "pip", "--quiet", "--disable-pip-version-check", ...args], env);
  const wheels = join(temporary, "wheels");

  // MarkupSafe's wheels hold machine code; with no compiler at hand its source builds without.
  pip(["wheel", "--no-deps", "--no-binary", "markupsafe", "--wheel-dir", wheels, "markupsafe"], { CC: "false" });
  const server = process.env.HOTPLATE_WHEEL;
  if (server === undefined) {
    pip(["wheel", "--no-deps", "--wheel-dir", wheels, resolve(client, "..")]);
  }
  const own = server ?? join(wheels, readdirSync(wheels).find((name) => name.startsWith("hotplate-")));
  const markupsafe = readdirSync(wheels).find((name) => /^markupsafe-.*-none-any\.whl$/i.test(name));
  if (markupsafe === undefined) {
    throw new Error("MarkupSafe has been built with machine code.");
  }

  rmSync(libs, { recursive: true, force: true });
  pip([
    "install", "--target", libs, "--no-compile", "--only-binary", ":all:", "--implementation", "py",
    "--abi", "none", "--platform", "any", "--python-version", OLDEST,
    own, join(wheels, markupsafe), ...BACKPORTS,
  ]);
  tidy();
  checkComplete();
} catch (error) {
  console.error(`The server was not bundled. ${error.message}`);
  process.exitCode = 1;
} finally {
  rmSync(temporary, { recursive: true, force: true });
}

/** Leave out what is not run; hold to pure Python. */
function tidy() {
  rmSync(join(libs, "bin"), { recursive: true, force: true });
  const files = readdirSync(libs, { recursive: true });
  const foreign = files.filter((name) => /\.(so|pyd|dylib|dll)$/.test(name));
  if (foreign.length > 0) {
    throw new Error(`These are not pure Python: ${foreign.join(", ")}`);
  }
  for (const name of files.filter((each) => /\.(c|pyi)$/.test(each) && existsSync(join(libs, each)))) {
    rmSync(join(libs, name));
  }
}

/** Every library that another one needs on some Python is there. */
function checkComplete() {
  const normal = (name) => name.toLowerCase().replace(/[-_.]+/g, "-");
  const infos = readdirSync(libs).filter((name) => name.endsWith(".dist-info"));
  const present = new Set(infos.map((name) => normal(name.split("-")[0])));
  for (const info of infos) {
    const metadata = readFileSync(join(libs, info, "METADATA"), "utf8");
    for (const [, name, marker] of metadata.matchAll(/^Requires-Dist: ([\w.-]+)[^;\n]*;?(.*)$/gm)) {
      if (!/extra\s*==|sys_platform|platform_system/.test(marker) && !present.has(normal(name))) {
        throw new Error(`${info} needs ${name}, which is not there.`);
      }
    }
  }
}
