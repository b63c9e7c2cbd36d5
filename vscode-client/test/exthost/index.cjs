// What VS Code runs in its extension host: mocha, with the results as JSON lines in a file.
const { appendFileSync } = require("node:fs");
const { join } = require("node:path");
const Mocha = require("mocha");

exports.run = () =>
  new Promise((resolve, reject) => {
    const mocha = new Mocha({ ui: "bdd", timeout: 30_000, reporter: "min" });
    mocha.addFile(join(__dirname, "suite.cjs"));
    const tell = (result) => {
      appendFileSync(process.env.HOTPLATE_TEST_RESULTS, `${JSON.stringify(result)}\n`);
    };
    mocha
      .run((failures) => (failures === 0 ? resolve() : reject(new Error(`${failures} tests failed`))))
      .on("pass", (test) => tell({ title: test.title, ms: test.duration }))
      .on("fail", (test, error) => tell({ title: test.title, error: String(error.stack ?? error) }));
  });
